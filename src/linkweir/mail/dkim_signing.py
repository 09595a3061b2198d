"""DKIM signatures (RFC 6376, 8463) on outgoing mail, with one key per sender's domain (dkimpy).

Signing comes last, over the bytes that leave. A key that cannot sign never keeps a mail: it goes out unsigned, and its
events say so.
"""

import re
import uuid

from sqlalchemy import Connection, RowMapping
from structlog.typing import FilteringBoundLogger

from linkweir.clock import now
from linkweir.db import domains_table
from linkweir.db.database import Database, WriteMode
from linkweir.errors import VaultError
from linkweir.mime import headers
from linkweir.vault import Vault
from linkweir.webhooks import message_events

# what a receiver must see unchanged; signed where the mail has it (RFC 6376 section 5.4.1)
SIGNED_HEADERS = (
    *(b"from", b"to", b"cc", b"subject", b"date", b"message-id", b"reply-to", b"mime-version", b"content-type"),
    *(b"content-transfer-encoding", b"list-unsubscribe", b"list-unsubscribe-post", b"in-reply-to", b"references"),
)


# The attack: dkimpy takes the square of a header's lines and of a run of white space in the body (RFC 6376 section
# 3.4.4), so that one mail would keep the whole process busy for hours.
MAX_HEADER_BYTES = 128 * 1024  # bytes; a mail with more of them goes out unsigned
WHITESPACE_RUNS = re.compile(rb"[\t ]{8,}")
MAX_WHITESPACE_COST = 20_000_000  # sum of squares of the runs; a body with more is signed as it is ("simple")


class DkimSigner:
    """Signs with the keys that the domains have."""

    def __init__(self, database: Database, vault: Vault, log: FilteringBoundLogger) -> None:
        self._database = database
        self._vault = vault
        self._log = log

    def find_domain(self, connection: Connection, account: uuid.UUID, name: str) -> RowMapping | None:
        """The row of an account's domain, if the domain has a key."""
        row = domains_table.find(connection, account, name)
        return None if row is None or row["dkim_key"] is None or not row["dkim_selector"] else row

    def add_signature(self, domain: RowMapping, message: uuid.UUID, raw: bytes) -> bytes:
        """The mail with its domain's signature before it, or as it is when that fails."""
        import dkim  # here: most services sign nothing, and its package for DNS is large

        try:
            key = self._vault.open(domain["dkim_key"])
            return make_signature(raw, domain["domain"], domain["dkim_selector"], key) + raw
        except (VaultError, dkim.DKIMException, ValueError, LookupError) as error:
            # the library's texts quote the mail, which is not for logs
            self._log.error("dkim.failed", domain=domain["domain"], message=str(message), kind=type(error).__name__)
            text, account = str(error)[:500], domain["account_id"]
            with self._database.write(WriteMode.CONCURRENT) as connection:
                message_events.add_note(connection, account, message, "dkim-failed", now(), text=text)
            return raw


def make_signature(raw: bytes, domain: str, selector: str, key: bytes) -> bytes:
    """The DKIM-Signature header with its line end. `key`: PEM (RSA), or 32 raw bytes in base64 (Ed25519).

    Raises dkim.DKIMException, ValueError, LookupError.
    """
    import dkim

    body = headers.HeaderBlock(raw, 0, len(raw)).body
    if body > MAX_HEADER_BYTES:
        raise ValueError(f"the header is larger than {MAX_HEADER_BYTES >> 10} KB")
    blanks = sum((match.end() - match.start()) ** 2 for match in WHITESPACE_RUNS.finditer(raw, body))
    rsa = key.lstrip().startswith(b"-----BEGIN")
    present = {name.lower() for name, _ in dkim.rfc822_parse(raw)[0]}
    header: bytes = dkim.sign(
        raw,
        selector.encode("ascii"),
        domain.encode("ascii"),
        key,
        canonicalize=(b"relaxed", b"relaxed" if blanks <= MAX_WHITESPACE_COST else b"simple"),
        signature_algorithm=b"rsa-sha256" if rsa else b"ed25519-sha256",
        include_headers=[name for name in SIGNED_HEADERS if name in present],
        linesep=b"\r\n" if b"\r\n" in raw else b"\n",
    )
    return header

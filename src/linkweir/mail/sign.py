"""DKIM signatures (RFC 6376, 8463) on outgoing mail, with one key per sender's domain (dkimpy).

Signing comes last, over the bytes that leave. A key that cannot sign never keeps a mail: it goes out unsigned, and its
events say so.
"""

import time
import uuid

import dkim
from structlog.typing import FilteringBoundLogger

from linkweir.errors import VaultError
from linkweir.store import domains
from linkweir.store.engine import Store
from linkweir.vault import Vault
from linkweir.webhook import outbox

# what a receiver must see unchanged; signed where the mail has it (RFC 6376 section 5.4.1)
HEADERS = (
    *(b"from", b"to", b"cc", b"subject", b"date", b"message-id", b"reply-to", b"mime-version", b"content-type"),
    *(b"content-transfer-encoding", b"list-unsubscribe", b"list-unsubscribe-post", b"in-reply-to", b"references"),
)


class Signer:
    """Signs with the keys that the domains have."""

    def __init__(self, store: Store, vault: Vault, log: FilteringBoundLogger) -> None:
        self._store = store
        self._vault = vault
        self._log = log

    def signed(self, account: uuid.UUID, message: uuid.UUID, domain: str, raw: bytes) -> bytes:
        """The mail with its signature before it, or as it is when its domain has no key."""
        with self._store.read() as connection:
            row = domains.find(connection, account, domain)
        if row is None or row["dkim_key"] is None or not row["dkim_selector"]:
            return raw
        try:
            return sign(raw, domain, row["dkim_selector"], self._vault.open(row["dkim_key"])) + raw
        except (VaultError, dkim.DKIMException, ValueError) as error:
            self._log.error("dkim.failed", domain=domain, error=str(error))
            with self._store.write() as connection:
                outbox.note(connection, account, message, "dkim-failed", time.time_ns() // 1000, text=str(error))
            return raw


def sign(raw: bytes, domain: str, selector: str, key: bytes) -> bytes:
    """The DKIM-Signature header with its line end. `key`: PEM (RSA), or 32 raw bytes in base64 (Ed25519).

    Raises dkim.DKIMException, ValueError.
    """
    rsa = key.lstrip().startswith(b"-----BEGIN")
    present = {name.lower() for name, _ in dkim.rfc822_parse(raw)[0]}
    header: bytes = dkim.sign(
        raw,
        selector.encode("ascii"),
        domain.encode("ascii"),
        key,
        canonicalize=(b"relaxed", b"relaxed"),
        signature_algorithm=b"rsa-sha256" if rsa else b"ed25519-sha256",
        include_headers=[name for name in HEADERS if name in present],
        linesep=b"\r\n" if b"\r\n" in raw else b"\n",
    )
    return header

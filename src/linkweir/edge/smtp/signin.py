"""AUTH PLAIN and LOGIN with SMTP credentials. A password is random: its SHA-256 is all that is stored and compared."""

import hashlib
import hmac
import secrets
import string
import time
import uuid
from collections import OrderedDict
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from linkweir.edge.parts import Parts
from linkweir.edge.smtp.intake import Sender
from linkweir.edge.smtp.protocol import network
from linkweir.errors import StoreUnavailable
from linkweir.store import smtp_credentials

ALPHABET = string.ascii_letters + string.digits
TRIES = 10  # failures from one network within, whatever the mechanism
WINDOW = 60.0  # seconds; more are not even looked at
NETWORKS = 10_000  # that are remembered
REFUSED = "535 5.7.8 the username or password is wrong"


def digest(password: str) -> bytes:
    """What is stored of a password."""
    return hashlib.sha256(password.encode()).digest()


def new_username() -> str:
    """A fresh username."""
    return "linkweir-" + secrets.token_hex(8)


def new_password() -> str:
    """A fresh password: 40 random characters, 238 bits."""
    return "".join(secrets.choice(ALPHABET) for _ in range(40))


def credential(account: uuid.UUID, name: str, username: str, password: str, now: int) -> dict[str, Any]:
    """The row of a credential that may send from any domain."""
    return {
        "id": uuid.uuid4(),
        "account_id": account,
        "name": name,
        "username": username,
        "digest": digest(password),
        "sandbox": False,
        "scope": "global",
        "domains": [],
        "created_at": now,
        "updated_at": now,
    }


class SignIn:
    """The authenticator of all servers that want one; callable as the library wants it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._failures: OrderedDict[str, list[float]] = OrderedDict()

    def __call__(
        self, _server: SMTP, session: Session, _envelope: Envelope, _mechanism: str, given: object
    ) -> AuthResult:
        """Who this is, or why not."""
        peer = network(session.peer)
        if not isinstance(given, LoginPassword):
            return AuthResult(success=False, handled=False)
        if self._too_many(peer):
            return AuthResult(success=False, handled=False, message="454 4.7.0 too many failures, try again later")
        try:
            with self._parts.store.read() as connection:
                row = smtp_credentials.by_username(connection, given.login.decode("utf-8", "replace"))
        except StoreUnavailable:
            return AuthResult(success=False, handled=False, message="454 4.7.0 cannot check that now")
        presented = digest(given.password.decode("utf-8", "replace"))
        known = row["digest"] if row is not None else bytes(32)
        if hmac.compare_digest(presented, known) and row is not None:
            return AuthResult(success=True, auth_data=Sender(row))
        self._failures.setdefault(peer, []).append(time.monotonic())
        while len(self._failures) > NETWORKS:
            self._failures.popitem(last=False)
        self._parts.log.warning("smtp.refused", peer=peer)
        return AuthResult(success=False, handled=False, message=REFUSED)

    def _too_many(self, peer: str) -> bool:
        since = time.monotonic() - WINDOW
        recent = [at for at in self._failures.get(peer, []) if at > since]
        if recent:
            self._failures[peer] = recent
        else:
            self._failures.pop(peer, None)
        return len(recent) >= TRIES

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

from linkweir.db import smtp_credentials_table
from linkweir.errors import DatabaseUnavailable
from linkweir.smtp.mail_handler import AuthenticatedCredential
from linkweir.smtp.smtp_connection import peer_network
from linkweir.web.services import AppServices

PASSWORD_ALPHABET = string.ascii_letters + string.digits
MAX_FAILURES = 10  # failures from one network within, whatever the mechanism
FAILURE_WINDOW_SECONDS = 60.0  # seconds; more are not even looked at
MAX_NETWORKS = 10_000  # that are remembered
AUTH_FAILED_REPLY = "535 5.7.8 the username or password is wrong"


def password_digest(password: str) -> bytes:
    """What is stored of a password."""
    return hashlib.sha256(password.encode()).digest()


def generate_username() -> str:
    """A fresh username."""
    return "linkweir-" + secrets.token_hex(8)


def generate_password() -> str:
    """A fresh password: 40 random characters, 238 bits."""
    return "".join(secrets.choice(PASSWORD_ALPHABET) for _ in range(40))


def make_credential(account: uuid.UUID, name: str, username: str, password: str, now: int) -> dict[str, Any]:
    """The row of a credential that may send from any domain."""
    return {
        "id": uuid.uuid4(),
        "account_id": account,
        "name": name,
        "username": username,
        "digest": password_digest(password),
        "sandbox": False,
        "scope": "global",
        "domains": [],
        "created_at": now,
        "updated_at": now,
    }


class Authenticator:
    """The authenticator of all servers that want one; callable as the library wants it."""

    def __init__(self, services: AppServices) -> None:
        self._services = services
        self._failures: OrderedDict[str, list[float]] = OrderedDict()

    def __call__(
        self, _server: SMTP, session: Session, _envelope: Envelope, _mechanism: str, given: object
    ) -> AuthResult:
        """Who this is, or why not."""
        peer = peer_network(session.peer)
        if not isinstance(given, LoginPassword):
            return AuthResult(success=False, handled=False)
        if self._is_rate_limited(peer):
            return AuthResult(success=False, handled=False, message="454 4.7.0 too many failures, try again later")
        try:
            with self._services.store.read() as connection:
                row = smtp_credentials_table.get_by_username(connection, given.login.decode("utf-8", "replace"))
        except DatabaseUnavailable:
            return AuthResult(success=False, handled=False, message="454 4.7.0 cannot check that now")
        presented = password_digest(given.password.decode("utf-8", "replace"))
        known = row["digest"] if row is not None else bytes(32)
        if hmac.compare_digest(presented, known) and row is not None:
            return AuthResult(success=True, auth_data=AuthenticatedCredential(row))
        self._failures.setdefault(peer, []).append(time.monotonic())
        while len(self._failures) > MAX_NETWORKS:
            self._failures.popitem(last=False)
        self._services.log.warning("smtp.refused", peer=peer)
        return AuthResult(success=False, handled=False, message=AUTH_FAILED_REPLY)

    def _is_rate_limited(self, peer: str) -> bool:
        since = time.monotonic() - FAILURE_WINDOW_SECONDS
        recent = [at for at in self._failures.get(peer, []) if at > since]
        if recent:
            self._failures[peer] = recent
        else:
            self._failures.pop(peer, None)
        return len(recent) >= MAX_FAILURES

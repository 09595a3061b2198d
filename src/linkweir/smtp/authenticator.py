"""SMTP AUTH (PLAIN and LOGIN) with SMTP credentials, and the limit of failed attempts."""

import time
from collections import OrderedDict

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from linkweir.accounts.smtp_credentials import authenticate_smtp_credential
from linkweir.errors import DatabaseUnavailable
from linkweir.smtp.mail_handler import AuthenticatedCredential
from linkweir.smtp.smtp_connection import peer_network
from linkweir.web.services import AppServices

MAX_FAILURES = 10  # failures from one network within, whatever the mechanism
FAILURE_WINDOW_SECONDS = 60.0  # seconds; more are not even looked at
MAX_NETWORKS = 10_000  # that are remembered
AUTH_FAILED_REPLY = "535 5.7.8 the username or password is wrong"


class Authenticator:
    """The authenticator of all servers that want one; callable as the library wants it."""

    def __init__(self, services: AppServices) -> None:
        self._services = services
        self._failures: OrderedDict[str, list[float]] = OrderedDict()

    def __call__(
        self, _server: SMTP, session: Session, _envelope: Envelope, _mechanism: str, given: object
    ) -> AuthResult:
        """Return who this is, or why sign-in failed."""
        peer = peer_network(session.peer)
        if not isinstance(given, LoginPassword):
            return AuthResult(success=False, handled=False)
        if self._is_rate_limited(peer):
            return AuthResult(success=False, handled=False, message="454 4.7.0 too many failures, try again later")
        try:
            username, password = given.login.decode("utf-8", "replace"), given.password.decode("utf-8", "replace")
            row = authenticate_smtp_credential(self._services.database, username, password)
        except DatabaseUnavailable:
            return AuthResult(success=False, handled=False, message="454 4.7.0 temporary authentication failure")
        if row is not None:
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

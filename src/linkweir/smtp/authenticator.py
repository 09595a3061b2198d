"""SMTP AUTH (PLAIN and LOGIN) with SMTP credentials, and the limit of failed attempts."""

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from linkweir.accounts.smtp_credentials import authenticate_smtp_credential
from linkweir.errors import DatabaseUnavailable, RateLimited
from linkweir.smtp.mail_handler import AuthenticatedCredential
from linkweir.smtp.smtp_connection import peer_network
from linkweir.web.services import AppServices

AUTH_FAILED_REPLY = "535 5.7.8 the username or password is wrong"


class Authenticator:
    """The authenticator of all servers that want one; callable as the library wants it."""

    def __init__(self, services: AppServices) -> None:
        self._services = services

    def __call__(
        self, _server: SMTP, session: Session, _envelope: Envelope, _mechanism: str, given: object
    ) -> AuthResult:
        """Return who this is, or why sign-in failed."""
        peer = peer_network(session.peer)
        if not isinstance(given, LoginPassword):
            return AuthResult(success=False, handled=False)
        limiter = self._services.sign_in_limiter
        try:
            limiter.require_smtp_sign_in(peer)
            username, password = given.login.decode("utf-8", "replace"), given.password.decode("utf-8", "replace")
            row = authenticate_smtp_credential(self._services.database, username, password)
            if row is None:
                limiter.record_smtp_failure(peer)
        except RateLimited:
            return AuthResult(success=False, handled=False, message="454 4.7.0 too many failures, try again later")
        except DatabaseUnavailable:
            return AuthResult(success=False, handled=False, message="454 4.7.0 temporary authentication failure")
        if row is not None:
            return AuthResult(success=True, auth_data=AuthenticatedCredential(row))
        self._services.log.warning("smtp.refused", peer=peer)
        return AuthResult(success=False, handled=False, message=AUTH_FAILED_REPLY)

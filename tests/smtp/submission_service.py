"""A service that takes mail over SMTP, and clients for it."""

import smtplib
import socket
import ssl
from pathlib import Path
from typing import Any

from linkweir.first_start import create_smtp_credential
from tests.web.running_service import WAIT_SECONDS, RunningService

MAIL = (
    b"From: News <news@example.com>\r\nTo: ada@example.org\r\nSubject: Hello\r\nMessage-ID: <one@example.com>\r\n"
    b'Content-Type: text/html\r\n\r\n<a href="https://example.com/a">one</a>\r\n'
)


class SubmissionService(RunningService):
    """A served application with submission on a free port."""

    def __init__(self, data: Path, **settings: Any) -> None:
        super().__init__(data, **{"smtp_port": 0, "smtps_port": 0, **settings})

    @property
    def port(self) -> int:
        """Where SMTP listens."""
        return self.port_of("submission")

    def port_of(self, service: str) -> int:
        """Where this service listens."""
        return next(
            int(smtp_server.address[1])
            for smtp_server in self.components.smtp_servers
            if smtp_server.service == service
        )

    @property
    def make_tls_context(self) -> ssl.SSLContext:
        """Trusts the service's certificate and no other."""
        return ssl.create_default_context(cafile=str(self.settings.data / "smtp-selfsigned.pem"))

    def connect(self, *, sign_in: bool = True, implicit: bool = False) -> smtplib.SMTP:
        """A client that has verified the certificate, and signed in."""
        if implicit:
            port = self.port_of("submissions")
            client: smtplib.SMTP = smtplib.SMTP_SSL(
                "localhost", port, timeout=WAIT_SECONDS, context=self.make_tls_context
            )
        else:
            client = smtplib.SMTP("localhost", self.port, timeout=WAIT_SECONDS)
            client.starttls(context=self.make_tls_context)
        if sign_in:
            client.login(*self.credentials)
        return client

    @property
    def credentials(self) -> tuple[str, str]:
        """Username and password; made with the first look."""
        result = create_smtp_credential(self.components.database)
        if result is not None:
            self._credential = result
        return self._credential

    def connect_raw(self) -> socket.socket:
        """A plain connection that has read the greeting."""
        plain = socket.create_connection(("localhost", self.port), timeout=WAIT_SECONDS)
        assert plain.recv(1000).startswith(b"220 ")
        return plain

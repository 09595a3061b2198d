"""A service that takes mail over SMTP, and clients for it."""

import smtplib
import socket
import ssl
from pathlib import Path
from typing import Any

from tests.edge.serving import Served

MAIL = (
    b"From: News <news@example.com>\r\nTo: ada@example.org\r\nSubject: Hello\r\nMessage-ID: <one@example.com>\r\n"
    b'Content-Type: text/html\r\n\r\n<a href="https://example.com/a">one</a>\r\n'
)


class Submission(Served):
    """A served application with submission on a free port."""

    def __init__(self, data: Path, **settings: Any) -> None:
        super().__init__(data, smtp_port=0, **settings)

    @property
    def port(self) -> int:
        """Where SMTP listens."""
        return self.service.smtp_servers[0].address[1]

    def connect(self, *, sign_in: bool = True) -> smtplib.SMTP:
        """A client that has verified the certificate, and signed in."""
        client = smtplib.SMTP("localhost", self.port, timeout=20)
        context = ssl.create_default_context(cafile=str(self.settings.data / "smtp-selfsigned.pem"))
        client.starttls(context=context)
        if sign_in:
            client.login(*self.credential)
        return client

    @property
    def credential(self) -> tuple[str, str]:
        """Username and password; made with the first look."""
        found = self.service.first_smtp_credential()
        if found is not None:
            self._credential = found
        return self._credential

    def raw(self) -> socket.socket:
        """A plain connection that has read the greeting."""
        plain = socket.create_connection(("localhost", self.port), timeout=20)
        assert plain.recv(1000).startswith(b"220 ")
        return plain

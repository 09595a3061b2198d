"""Whether a text names a person, and the text without them. Pure.

A person is an e-mail address, in any letter case. It may stand percent-encoded, also several times over, as a link
inside a link does; in a mail also as character references, in quoted-printable, in base64 and in encoded words.
"""

import binascii
import html
import re
from collections.abc import Iterator
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from typing import Any, Final
from urllib.parse import unquote

ERASED: Final = "(erased)"
LAYERS: Final = 4  # of percent-encoding that are looked through


class Named:
    """One person. `domain`: what every text that names them holds, in lower case, whatever else is encoded."""

    def __init__(self, email: str) -> None:
        self.email = email.lower()
        self.domain = self.email.rpartition("@")[2]
        # not within a longer address: `ada@example.org` is neither `hada@example.org` nor `ada@example.org.uk`
        self._whole = re.compile(rf"(?<![\w.-]){re.escape(self.email)}(?![\w-]|\.\w)", re.IGNORECASE)

    def is_in(self, text: str) -> bool:
        """Does the text hold the address, as it is or percent-encoded?"""
        for _ in range(LAYERS):
            if self._whole.search(text):
                return True
            plain = unquote(text)
            if plain == text:
                return False
            text = plain
        return False

    def without(self, text: str) -> str:
        """The text with the address blotted out; a text that holds it encoded goes as a whole."""
        plain = self._whole.sub(ERASED, text)
        return ERASED if self.is_in(plain) else plain

    def blotted(self, value: Any) -> Any:
        """JSON without the person. Its form stays, as whoever reads it expects it, and so do the names in it."""
        if isinstance(value, str):
            return self.without(value)
        if isinstance(value, list):
            return [self.blotted(one) for one in value]
        if isinstance(value, dict):
            whole = self.is_in(str(value.get("email", "")))  # a recipient, with a name and substitutions
            return {name: self._field(name, one, whole) for name, one in value.items()}
        return value

    def _field(self, name: str, value: Any, whole: bool) -> Any:
        if whole and name in ("email", "name"):
            return ERASED
        return {} if whole and name == "substitutions" else self.blotted(value)

    def is_in_mail(self, raw: bytes) -> bool:
        """Does a mail name them, in its header, its texts or an attached text?"""
        return any(self.is_in(text) or self.is_in(html.unescape(text)) for text in self._texts(raw))

    def _texts(self, raw: bytes) -> Iterator[str]:
        """The mail in the ways it can be read, as far as the domain is in them."""
        for data in _readings(raw):
            if self.domain.encode() in data.lower():
                yield data.decode("latin-1")


def _readings(raw: bytes) -> Iterator[bytes]:
    yield raw
    lower = raw.lower()
    if b"quoted-printable" in lower:
        yield binascii.a2b_qp(raw)
    if b"base64" in lower or b"=?" in raw:
        yield from _decoded(raw)


def _decoded(raw: bytes) -> Iterator[bytes]:
    """What is encoded in base64, and the header's encoded words, as far as they are right."""
    try:
        parts = list(message_from_bytes(raw).walk())
    except (MessageError, ValueError, LookupError):
        return
    for part in parts:
        yield from _words(part)
        if str(part.get("content-transfer-encoding", "")).strip().lower() == "base64":
            payload = part.get_payload(decode=True)
            if isinstance(payload, bytes):
                yield payload


def _words(part: Message) -> Iterator[bytes]:
    for value in part.values():
        if "=?" not in str(value):
            continue
        try:
            found = decode_header(str(value))
        except (MessageError, ValueError):
            continue
        yield b"".join(text if isinstance(text, bytes) else text.encode("latin-1", "replace") for text, _ in found)

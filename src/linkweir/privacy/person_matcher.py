"""Matching of texts that name a person, and their redaction. Pure.

A person is an e-mail address, in any letter case. It may be percent-encoded, also several times over, as a link inside
a link is; in a mail also in character references, quoted-printable, base64 and encoded words.
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

ERASED_TEXT: Final = "(erased)"
MAX_PERCENT_LAYERS: Final = 4  # of percent-encoding that are looked through


class PersonMatcher:
    """One person. `domain`: what every text that names them holds, in lower case, whatever else is encoded."""

    def __init__(self, email: str) -> None:
        self.email = email.lower()
        self.domain = self.email.rpartition("@")[2]
        # not within a longer address: `ada@example.org` is neither `hada@example.org` nor `ada@example.org.uk`
        self._pattern = re.compile(rf"(?<![\w.-]){re.escape(self.email)}(?![\w-]|\.\w)", re.IGNORECASE)

    def matches(self, text: str) -> bool:
        """Whether the text holds the address, as it is or percent-encoded."""
        for _ in range(MAX_PERCENT_LAYERS):
            if self._pattern.search(text):
                return True
            plain = unquote(text)
            if plain == text:
                return False
            text = plain
        return False

    def redact(self, text: str) -> str:
        """Return the text with the address redacted; a text that holds it encoded is redacted as a whole."""
        plain = self._pattern.sub(ERASED_TEXT, text)
        return ERASED_TEXT if self.matches(plain) else plain

    def redact_json(self, value: Any) -> Any:
        """JSON without the person. Its form stays, as whoever reads it expects it, and so do the names in it."""
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, list):
            return [self.redact_json(item) for item in value]
        if isinstance(value, dict):
            whole = self.matches(str(value.get("email", "")))  # a recipient, with a name and substitutions
            return {name: self._redact_field(name, item, whole) for name, item in value.items()}
        return value

    def _redact_field(self, name: str, value: Any, is_person: bool) -> Any:
        if is_person and name in ("email", "name"):
            return ERASED_TEXT
        return {} if is_person and name == "substitutions" else self.redact_json(value)

    def matches_mail(self, raw: bytes) -> bool:
        """Whether a mail names the person, in its header, its texts or an attached text."""
        return any(self.matches(text) or self.matches(html.unescape(text)) for text in self._searchable_texts(raw))

    def _searchable_texts(self, raw: bytes) -> Iterator[str]:
        """The mail in the ways it can be read, as far as the domain is in them."""
        for data in _decode_variants(raw):
            if self.domain.encode() in data.lower():
                yield data.decode("latin-1")


def _decode_variants(raw: bytes) -> Iterator[bytes]:
    yield raw
    lower = raw.lower()
    if b"quoted-printable" in lower:
        yield binascii.a2b_qp(raw)
    if b"base64" in lower or b"=?" in raw:
        yield from _decode_parts(raw)


def _decode_parts(raw: bytes) -> Iterator[bytes]:
    """Decode what is in base64, and the header's encoded words, as far as they are valid."""
    try:
        parts = list(message_from_bytes(raw).walk())
    except (MessageError, ValueError, LookupError):
        return
    for part in parts:
        yield from _decode_headers(part)
        if str(part.get("content-transfer-encoding", "")).strip().lower() == "base64":
            payload = part.get_payload(decode=True)
            if isinstance(payload, bytes):
                yield payload


def _decode_headers(part: Message) -> Iterator[bytes]:
    for value in part.values():
        if "=?" not in str(value):
            continue
        try:
            chunks = decode_header(str(value))
        except (MessageError, ValueError):
            continue
        yield b"".join(text if isinstance(text, bytes) else text.encode("latin-1", "replace") for text, _ in chunks)

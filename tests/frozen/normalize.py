"""Replaces what differs from run to run: identifiers by their number in order of appearance, times by their form."""

import email
import email.policy
import re
from email.message import EmailMessage
from typing import Any
from urllib.parse import unquote

TIME_SECONDS = (1_700_000_000, 4_000_000_000)
RANDOM_FROM = 1 << 40  # a whole number from here on was drawn by lot
PATTERNS = {  # kind of value -> its pattern; those that may hold others come first
    "secret": r"aha-whsec-[A-Za-z0-9]{64}",
    "key": r"linkweir-sk-[A-Za-z0-9]{64}",
    "hint": r"linkweir-sk-[A-Za-z0-9]{6}(?![A-Za-z0-9])",
    "user": r"linkweir-[0-9a-f]{16}(?![0-9a-f])",
    "token": r"(?<=https://t\.example\.com/c/)[A-Za-z0-9_-]{6,}|(?<=https://go\.example\.net/c/)[A-Za-z0-9_-]{6,}",
    "id": r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|(?<![0-9A-Fa-f])[0-9a-f]{32}(?![0-9A-Fa-f])",
    "hash": r"\$argon2id\$[^\s\"]+",
    "digest": r"(?<![0-9A-Fa-f])[0-9a-f]{64}(?![0-9A-Fa-f])",
}
WAIT_KEYS = ("seconds",)
HOUR_KEYS = ("hour",)
RANDOM_KEYS = ("number",)  # drawn by lot, and now and then from among the times
SECRET_KEYS = ("password", "next_cursor", "previous_cursor")
MASKS = (  # what needs no number
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"), "<time>"),
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?(\.\d+)?"), "<time>"),
    (re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d? \w{3} \d{4} \d\d:\d\d:\d\d (GMT|[+-]\d{4})"), "<date>"),
    (re.compile(r"\d{4}-\d\d-\d\d"), "<day>"),
    (re.compile(r"(?<=hours=)\d+-\d+"), "<hours>"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:<port>"),
    (re.compile(r"\b1[6-9]\d{8}(?=\.)"), "<seconds>"),
    (re.compile(r"={15}\d{19}=="), "<boundary>"),
    (re.compile(r"(?<=/static/)[^/]+(?=/)"), "<mark>"),
)
_PATTERN = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in PATTERNS.items()))


class Normalizer:
    """Numbers identifiers in order of their first appearance; the same one keeps its number wherever it comes again."""

    def __init__(self, masks: dict[str, str] | None = None) -> None:
        self._numbers: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self.masks = masks or {}

    def text(self, text: str, *, known_only: bool = False) -> str:
        """The text with numbered identifiers and masked times; `known_only` gives new identifiers no number."""
        for value, name in self.masks.items():
            text = text.replace(value, name)

        def number(match: re.Match[str]) -> str:
            kind = match.lastgroup or ""
            value = match[0].replace("-", "") if kind == "id" else match[0]
            if value not in self._numbers:
                if known_only:
                    return f"<{kind}>"
                self._counts[kind] = self._counts.get(kind, 0) + 1
                self._numbers[value] = f"<{kind} {self._counts[kind]}>"
            return self._numbers[value]

        text = _PATTERN.sub(number, text)
        for pattern, mask in MASKS:
            text = pattern.sub(mask, text)
        return text

    def value(self, value: Any, key: str = "", *, known_only: bool = False) -> Any:
        """The same for a JSON value; cursors and passwords are known by their key, moments by their size."""
        if isinstance(value, dict):
            return {
                self.text(name, known_only=known_only): self.value(item, name, known_only=known_only)
                for name, item in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.value(item, key, known_only=known_only) for item in value]
        if isinstance(value, str):
            return self._string(value, key, known_only)
        if key in WAIT_KEYS and isinstance(value, float):
            return "<wait>"
        if isinstance(value, int) and not isinstance(value, bool):
            return _whole_number(value, key)
        return value

    def _string(self, value: str, key: str, known_only: bool) -> Any:
        if value and key in SECRET_KEYS:
            return f"<{key}>"
        if "\nMIME-Version:" in value:
            return self.value(mail_of(value.encode()), known_only=known_only)
        return self.text(value, known_only=known_only)


def _whole_number(value: int, key: str) -> int | str:
    """A number of hours, seconds or microseconds since 1970 that lies in this century is a time."""
    first, last = TIME_SECONDS
    if key in RANDOM_KEYS:
        return "<number>" if abs(value) >= RANDOM_FROM else value
    if key in HOUR_KEYS and value * 3600 >= first:
        return "<hour>"
    if first <= value < last:
        return "<seconds>"
    if first * 1_000_000 <= value < last * 1_000_000:
        return "<microseconds>"
    return "<number>" if abs(value) >= RANDOM_FROM else value


def mail_of(raw: bytes) -> dict[str, Any]:
    """A mail's header fields, and its parts by type, transfer encoding and text."""
    mail = email.message_from_bytes(raw, _class=EmailMessage, policy=email.policy.default)
    parts = []
    for part in mail.walk():
        data = part.get_payload(decode=True)
        if isinstance(data, bytes):
            parts.append([part.get_content_type(), part.get("content-transfer-encoding", ""), data.decode()])
    return {
        "headers": [[name, str(value).partition("; boundary=")[0]] for name, value in mail.raw_items()],
        "parts": parts,
    }


def without_texts(value: Any, keys: frozenset[str] | None = None, key: str = "") -> Any:
    """The same JSON with every sentence masked; under these keys alone, if any are given."""
    if isinstance(value, dict):
        return {name: without_texts(item, keys, name) for name, item in value.items()}
    if isinstance(value, list):
        return [without_texts(item, keys, key) for item in value]
    if isinstance(value, str) and " " in unquote(value) and (keys is None or key in keys):
        return "<text>"
    return value

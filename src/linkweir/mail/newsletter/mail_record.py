"""Mails as lines of NDJSON: of a page whose text stays the same, that text is escaped once and then only copied."""

import json
import re
from typing import Any, NamedTuple

import orjson

from linkweir import _html

_ESCAPED = re.compile(rb'["\\\x00-\x1f]|\xed[\xa0-\xbf]')  # or half a character, which no line can hold so


class RenderedMail(NamedTuple):
    """The mail of one recipient. `raw`: all of it, where mails are built; `line`: what the output holds of it, where
    that is made already, and the page and `raw` are empty then. `size`: bytes of the page, or of the mail in a line.
    """

    number: int
    message_id: str
    address: str | None
    variant: str | None
    subject: str | None
    text: str | None
    html: bytes
    raw: bytes
    line: bytes
    size: int


class FilledSlots(NamedTuple):
    """What stands in the slots of a page: bytes, or anything else for what the page itself has there; `tracked`: how
    many links were replaced.
    """

    values: list[Any]
    tracked: int


def to_record(mail: RenderedMail) -> dict[str, Any]:
    """The fields of a mail in NDJSON and Parquet."""
    return make_head(mail) | {"html": mail.html.decode("utf-8", "surrogatepass")}


def make_head(mail: RenderedMail) -> dict[str, Any]:
    """The same without the page, which is the last."""
    more = {"address": mail.address, "variant": mail.variant, "subject": mail.subject, "text": mail.text}
    return {"id": mail.message_id} | {name: value for name, value in more.items() if value is not None}


def encode_record(mail: RenderedMail) -> bytes:
    """A line of NDJSON."""
    if mail.line:
        return mail.line
    record = to_record(mail)
    try:
        return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # half a character of a recipient's value, which only escapes can hold
        return json.dumps(record, separators=(",", ":")).encode() + b"\n"


class JsonPage:
    """A page with slots. Raises UnicodeDecodeError where it is no valid UTF-8.

    `ranges`: offsets of the slots, ascending. `is_link`: which of them are always links, which need no escapes.
    """

    def __init__(self, page: bytes, ranges: list[tuple[int, int]], is_link: list[bool]) -> None:
        parts, at = [b',"html":"'], 0
        size, escaped = len(parts[0]), [(0, 0)]  # the first slot is for the other members
        for start, end in ranges:
            before, inside = _escape(page[at:start]), _escape(page[start:end])
            parts += (before, inside)
            escaped.append((size + len(before), size + len(before) + len(inside)))
            size, at = escaped[-1][1], end
        self._template = _html.LinkTemplate(b"".join((*parts, _escape(page[at:]), b'"}\n')), escaped)
        self._valued = [i for i, link in enumerate(is_link) if not link]
        self._lengths = [end - start for start, end in ranges]
        self._size = len(page)

    def count_bytes(self, values: list[Any]) -> int:
        """The size of the page, not escaped."""
        filled = zip(values, self._lengths, strict=True)
        return self._size + sum(len(value) - length for value, length in filled if type(value) is bytes)

    def make_line(self, mail: RenderedMail, values: list[Any]) -> bytes | None:
        """The line of a mail with these values in its page; None if one cannot stand in it."""
        own = list(values)
        try:
            head = orjson.dumps(make_head(mail))
            for i in self._valued:
                if type(own[i]) is bytes and _ESCAPED.search(own[i]):
                    own[i] = _escape(own[i])
        except (TypeError, UnicodeDecodeError):
            return None
        return self._template.fill([head[:-1], *own])


def _escape(text: bytes) -> bytes:
    """The text as it stands between the quotes of JSON."""
    return orjson.dumps(text.decode())[1:-1]

"""Rewrites a member of the objects of NDJSON, and no other byte of their lines.

A line is decoded as a whole; where its text stays, its bytes stay. Characters of the document that a program has
escaped in its own way (`\\u003c`, `\\/`) stay escaped in that way.
"""

import json
import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import Any, NamedTuple

from linkweir.bulk.document_io import UnreadableInput
from linkweir.bulk.tables.table_rows import MAX_ROW_BYTES, TOO_LARGE_ROW, TableRows, describe_type
from linkweir.html import Link, rewrite

_DECODER = json.JSONDecoder()
_GAP = re.compile(r"[ \t\r\n]*")
_ESCAPE = re.compile(r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)")
_ENCODERS = (encode_basestring, encode_basestring_ascii)


class Member(NamedTuple):
    """A value of an object, and where it stands in the text."""

    value: Any
    start: int
    end: int


def rewrite_ndjson(chunks: Iterable[bytes], rows: TableRows) -> Iterator[bytes]:
    """Yield the rewritten lines, some at a time. A row's number is that of its line.

    Raises UnreadableInput, at the end, if no line has the column.
    """
    column = _NdjsonColumn(rows)
    number, held, size = 1, list[bytes](), 0
    passes = False  # the rest of a line that is too large
    for chunk in chunks:
        data = chunk
        if passes:
            end = data.find(b"\n") + 1
            yield data[: end or len(data)]
            if not end:
                continue
            data, number, passes = data[end:], number + 1, False
        head, separator, rest = data.rpartition(b"\n")
        if separator:
            lines = b"".join((*held, head)).split(b"\n")
            yield b"".join([column.rewrite_line(number + i, line) + b"\n" for i, line in enumerate(lines)])
            number += len(lines)
            held, size = [], 0
        held.append(rest)
        size += len(rest)
        if size > MAX_ROW_BYTES:
            column.reject(number)
            yield b"".join(held)
            held, size, passes = [], 0, True
    if size:
        yield column.rewrite_line(number, b"".join(held))
    column.check()


class _NdjsonColumn:
    def __init__(self, rows: TableRows) -> None:
        self._rows = rows
        self._html, self._id = rows.options.html_column, rows.options.id_column
        self._is_found = False

    def reject(self, number: int) -> None:
        """Note a row that is too large."""
        self._rows.totals.row_count += 1
        self._rows.reject(number, TOO_LARGE_ROW)

    def check(self) -> None:
        if self._rows.totals.row_count and not self._is_found:
            raise UnreadableInput(f"no row has {self._html!r}")

    def rewrite_line(self, number: int, line: bytes) -> bytes:
        if not line.strip():
            return line
        self._rows.totals.row_count += 1
        start = len(BOM_UTF8) if number == 1 and line.startswith(BOM_UTF8) else 0
        try:
            text = line[start:].decode()
            members = parse_members(text)
        except (ValueError, RecursionError) as error:
            self._rows.reject(number, f"no JSON object: {error}")
            return line
        done = self._rewrite_text(number, text, members)
        return line if done is None else line[:start] + done.encode()

    def _rewrite_text(self, number: int, text: str, members: dict[str, Member]) -> str | None:
        html = members.get(self._html)
        self._is_found |= html is not None
        if html is None or html.value is None:
            return None
        if not isinstance(html.value, str):
            self._rows.reject(number, f"{self._html!r} is {describe_type(html.value)}, not text")
            return None
        identity = members[self._id].value if self._id in members else None
        done = self._rows.rewrite(number, html.value.encode("utf-8", "surrogatepass"), identity)
        if done is None:
            return None
        value = done.decode("utf-8", "surrogatepass")
        raw = text[html.start : html.end]
        for encode in _ENCODERS:
            if encode(html.value) == raw:
                return text[: html.start] + encode(value) + text[html.end :]
        return text[: html.start] + self._splice(number, raw, html.value, identity) + text[html.end :]

    def _splice(self, number: int, raw: str, html: str, identity: object) -> str:
        """The raw text with its links replaced, found where the characters of the document stand in it."""
        links: list[Link] = []
        rewrite(
            html,
            self._rows.find_tracker(number, identity),
            switches=self._rows.options.switches,
            on_link=links.append,
        )
        edits = [(link.value_start, link.value_end, link.replacement) for link in links if link.replacement is not None]
        offsets = locate_characters(raw, [offset for start, end, _ in edits for offset in (start, end)])
        parts, at = list[str](), 0
        for i, (_, _, replacement) in enumerate(edits):
            parts += (raw[at : offsets[2 * i]], encode_basestring_ascii(replacement)[1:-1])
            at = offsets[2 * i + 1]
        return "".join((*parts, raw[at:]))


def parse_members(text: str) -> dict[str, Member]:
    """The members of the JSON object that is the whole text. Raises ValueError and RecursionError."""
    at = _skip_gap(text, 0)
    if text[at : at + 1] != "{":
        raise ValueError("it begins with something else")
    members: dict[str, Member] = {}
    at = _skip_gap(text, at + 1)
    while text[at : at + 1] != "}":
        if members:
            at = _skip_gap(text, _expect(text, at, ","))
        name, at = _DECODER.raw_decode(text, at)
        if not isinstance(name, str) or name in members:
            raise ValueError(f"the name {name!r} occurs twice" if isinstance(name, str) else "a name is not text")
        start = _skip_gap(text, _expect(text, _skip_gap(text, at), ":"))
        value, end = _DECODER.raw_decode(text, start)
        members[name] = Member(value, start, end)
        at = _skip_gap(text, end)
    if _skip_gap(text, at + 1) != len(text):
        raise ValueError("something follows it")
    return members


def _skip_gap(text: str, at: int) -> int:
    gap = _GAP.match(text, at)
    return at if gap is None else gap.end()


def _expect(text: str, at: int, mark: str) -> int:
    if text[at : at + 1] != mark:
        raise ValueError(f"{mark!r} is missing at character {at}")
    return at + 1


def locate_characters(raw: str, offsets: list[int]) -> list[int]:
    """Where characters of a decoded text stand in its JSON string `raw`, which has quotes; ascending offsets."""
    found: list[int] = []
    decoded, at = 0, 1  # behind the quote
    escapes = _ESCAPE.finditer(raw)
    escape = next(escapes, None)
    for offset in offsets:
        while escape is not None and decoded + escape.start() - at < offset:
            decoded += escape.start() - at + 1
            at = escape.end()
            escape = next(escapes, None)
        found.append(at + offset - decoded)
    return found

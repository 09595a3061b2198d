"""The header block of a mail or part, as bytes with offsets (RFC 5322 section 2.2, RFC 2045 section 5).

A line that is no header line ends the block, as if the empty line had been forgotten: so do other readers.
"""

import re
from email.message import Message
from typing import NamedTuple

# a header line, its continuations, or the "From " line that a mailbox file leaves at the top
_LINE = re.compile(rb"(?:From |[!-9;-~]*:|[ \t])[^\n]*(?:\n|\Z)")
_BARE = re.compile(rb"\r(?!\n)")
_EMPTY = re.compile(rb"\r?\n")
_NAME = re.compile(rb"([!-9;-~]+)[ \t]*:")
_INTERESTING = (
    *(b"content-type", b"content-transfer-encoding", b"content-disposition"),
    *(b"dkim-signature", b"arc-seal", b"domainkey-signature"),
)
_FOLD = re.compile(rb"\r?\n[ \t]*")


class Field(NamedTuple):
    """One header field with its continuation lines: `name` in lower case, its bytes are `start` to `end`."""

    name: bytes
    start: int
    value: int
    end: int


def fields(raw: bytes, start: int, end: int) -> tuple[list[Field], int]:
    """The fields of the header block that begins at `start`, in order, and where the body begins."""
    found: list[Field] = []
    at = start
    while at < end:
        line = _LINE.match(raw, at, end)
        if line is None:
            empty = _EMPTY.match(raw, at, end)
            return found, empty.end() if empty else at
        if raw[at : at + 1] in (b" ", b"\t"):
            if found:
                found[-1] = found[-1]._replace(end=line.end())
        elif name := _NAME.match(line[0]):
            found.append(Field(name[1].lower(), at, at + name.end(), line.end()))
        at = line.end()
    return found, at


def unfolded(raw: bytes, field: Field) -> bytes:
    """A field's value on one line."""
    return _FOLD.sub(b" ", raw[field.value : field.end]).strip(b" \t\r\n")


class Headers:
    """The headers that decide what a part is. `body` is the offset behind the block; `bare`: it holds a lone CR, at
    which some readers end a line and others do not.

    `values` has, for each header name in lower case, all its values, unfolded.
    """

    def __init__(self, raw: bytes, start: int, end: int) -> None:
        found, self.body = fields(raw, start, end)
        self.bare = _BARE.search(raw, start, self.body) is not None
        self.values: dict[bytes, list[bytes]] = {}
        for field in found:
            if field.name in _INTERESTING:
                self.values.setdefault(field.name, []).append(unfolded(raw, field))

    def content_type(self, default: str) -> "ContentType":
        """What the part says it is; `default` where it says nothing."""
        values = self.values.get(b"content-type", [])
        return ContentType(values[0].decode("latin-1") if values else default, len(set(values)) > 1)

    @property
    def transfer_encoding(self) -> str:
        """The encoding in lower case, "7bit" when none is named, "" when several contradict each other."""
        values = {value.lower() for value in self.values.get(b"content-transfer-encoding", [])}
        if len(values) > 1:
            return ""
        return values.pop().partition(b";")[0].strip().decode("latin-1") if values else "7bit"

    @property
    def is_body(self) -> bool:
        """Not meant to be saved as a file. What is no known disposition is an attachment (RFC 2183, section 2.8)."""
        values = self.values.get(b"content-disposition", [])
        return all(value.partition(b";")[0].strip().lower() in (b"", b"inline") for value in values)


class ContentType:
    """A Content-Type value, read with the standard library (RFC 2045, 2231). `ambiguous`: another contradicts it."""

    def __init__(self, value: str, ambiguous: bool) -> None:
        self.ambiguous = ambiguous
        self._message = Message()
        self._message["content-type"] = value
        self.kind = self._message.get_content_type()

    @property
    def main(self) -> str:
        """`text` of `text/html`."""
        return self.kind.partition("/")[0]

    @property
    def boundary(self) -> bytes | None:
        """What separates the parts; None where a multipart names none that can be used."""
        try:
            text = self._message.get_boundary()
            return text.encode("latin-1") or None if text else None
        except (UnicodeError, ValueError, TypeError, LookupError):
            return None

    @property
    def charset(self) -> str | None:
        """The label of the part's charset in lower case."""
        try:
            return self._message.get_content_charset()
        except (UnicodeError, ValueError, TypeError, LookupError):
            return None

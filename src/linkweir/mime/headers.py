"""The header block of a mail or part, as bytes with offsets (RFC 5322 section 2.2, RFC 2045 section 5).

A line that is no header line ends the block, as if the empty line had been forgotten: so do other readers.
"""

import re
from email.message import Message
from functools import cached_property, lru_cache
from typing import NamedTuple

# A header field with its continuations; the name is missing where a line begins with ":", where the block begins with a
# continuation, and in the "From " line that a mailbox file leaves at the top. Possessive: nothing is tried twice.
_FIELD = re.compile(rb"(?:([!-9;-~]++):|:|From |[ \t])[^\n]*+(?:\n[ \t][^\n]*+)*+(?:\n|\Z)")
_BARE = re.compile(rb"\r(?!\n)")
_EMPTY = re.compile(rb"\r?\n")
_SPACED = re.compile(rb"From [ \t]*:")
_INTERESTING = frozenset(
    (
        *(b"content-type", b"content-transfer-encoding", b"content-disposition"),
        *(b"dkim-signature", b"arc-seal", b"domainkey-signature"),
    )
)
REPEATED = 200  # characters of a Content-Type that may be remembered
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
    while line := _FIELD.match(raw, at, end):
        at = line.end()
        if name := line[1]:
            found.append(Field(name.lower(), line.start(), line.end(1) + 1, at))
        elif spaced := _SPACED.match(raw, line.start(), at):
            found.append(Field(b"from", line.start(), spaced.end(), at))
        elif found and raw.find(b"\n", line.start(), at - 1) >= 0:  # what continues a line without a name
            found[-1] = found[-1]._replace(end=at)
    empty = _EMPTY.match(raw, at, end)
    return found, empty.end() if empty else at


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
        value = values[0].decode("latin-1") if values else default
        repeats = value[:5].lower() == "text/" and len(value) <= REPEATED
        return (_text_type if repeats else ContentType)(value, len(set(values)) > 1)

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

    @cached_property
    def charset(self) -> str | None:
        """The label of the part's charset in lower case."""
        try:
            return self._message.get_content_charset()
        except (UnicodeError, ValueError, TypeError, LookupError):
            return None


@lru_cache(maxsize=256)
def _text_type(value: str, ambiguous: bool) -> ContentType:
    """A text's type is the same in mail after mail, and reading it costs more than decoding a small part."""
    return ContentType(value, ambiguous)

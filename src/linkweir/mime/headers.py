"""The header block of a mail or part, as bytes with offsets (RFC 5322 sections 2.2 and 4.5, RFC 2045 section 5).

Parsed as leniently as the most lenient common reader: the block extends to the first empty line, white space may
precede a colon, and a byte order mark or an mbox "From " line may come first. For strict readers the first line that is
no header begins the body. Removing a header removes it for both; the body is the likelier one.
"""

import re
from email.message import Message
from functools import cached_property, lru_cache
from typing import NamedTuple

from linkweir import _mime

BOM = b"\xef\xbb\xbf"
# The rest of a line, with its continuations; the second one where a lone CR ends a line too. Possessive: nothing is
# tried twice.
_REST = rb"[^\n]*+(?:\n[ \t][^\n]*+)*+(?:\n|\Z)"
_REST_CR = rb"[^\r\n]*+(?:(?:\r\n?|\n)[ \t][^\r\n]*+)*+(?:\r\n?|\n|\Z)"
# A "From " line has no continuations: some readers take an indented line behind it for a header.
_LINE = rb"[^\n]*+(?:\n|\Z)"
_LINE_CR = rb"[^\r\n]*+(?:\r\n?|\n|\Z)"
_ENVELOPE = rb">*+From "
_NAME = rb"(?:([!-9;-~]++)[ \t]*+:|:)()"  # of a field; missing where a line begins with ":". Then its value begins
_LINE_PATTERNS = {
    bare: (re.compile(_NAME + rest), re.compile(rest), re.compile(_ENVELOPE + line))
    for bare, rest, line in ((False, _REST, _LINE), (True, _REST_CR, _LINE_CR))
}
_BARE_CR = re.compile(rb"\r(?!\n)")
_EMPTY = re.compile(rb"(\r?\n)")
_EMPTY_NEXT = re.compile(rb"\n(\r?\n)")
# What some readers pass over at the top of a mail besides empty lines, and a header behind it.
_PASSED_OVER = rb"(?:\s++|" + BOM + rb"|" + _ENVELOPE + rb"(?![ \t]*+:)" + _LINE + rb")*+"
_START_AFTER_BLANK = re.compile(_PASSED_OVER)
_HEADER_AFTER_BLANK = re.compile(_PASSED_OVER + rb"[!-9;-~]++[ \t]*+:")
_NO_NAME = re.compile(rb"[^!-9;-~]+")
# What stands in header blocks and hardly begins a line of a text: where one follows, a line that is no header has not
# ended the block.
_COMMON_NAMES = frozenset(
    b"from to cc bcc sender reply-to date subject message-id in-reply-to references mime-version return-path received "
    b"delivered-to errors-to precedence importance organization user-agent auto-submitted authentication-results "
    b"dkim-signature domainkey-signature thread-topic thread-index feedback-id received-spf".split()
)
_COMMON_PREFIXES = (b"content-", b"x-", b"list-", b"resent-", b"arc-", b"ahasend-")
MAX_LINES = 20_000  # of a block that are read: a mail may be all header, and each line costs memory
_MAX_PLAIN_BYTES = 3 * MAX_LINES  # bytes of a block that cannot have more lines
_CONTENT_NAMES = frozenset((b"content-type", b"content-transfer-encoding", b"content-disposition"))
MAX_CACHED_CHARACTERS = 400  # characters of a part's content headers that may be remembered
MAX_CONTENT_TYPE_CHARACTERS = 4000  # of one that is read: the standard library takes the square of the length
_OUTSIDE = re.compile(r'"(?:[^"\\]|\\.)*+"|\\.|\(')  # of comments: what may hold a "(" that begins none
_INSIDE = re.compile(r"\\.|[()]")
_SEPARATORS = ' \t\r\n;="<>,()'
_MISSING_SEMICOLON = re.compile(r"\s*([\w.+-]+/[\w.+-]+)\s+(?=[\w-]+\s*=)")  # behind a type, before a parameter
_MARKUP = re.compile("html|multipart", re.IGNORECASE)
_FOLD = re.compile(rb"(?:\r\n?|\n)[ \t]*")


class HeaderField(NamedTuple):
    """One line of a header block with its continuations: bytes `start` to `end`; its value begins at `value`.

    `name`: in lower case, without invalid characters; b"" for a line without a name. `regular`: every reader
    recognizes it as a header field.
    """

    name: bytes
    start: int
    value: int
    end: int
    is_regular: bool


class HeaderBlock:
    """The header block that begins at `start`.

    Attributes:
        lines: all of them up to the first empty one, those that are no header too, in order.
        first_line_start: where the first of them begins, behind a byte order mark and "From " lines.
        end: behind the empty line. `body`: where the body begins, which is before `end` where the empty line was
            forgotten. `has_separator`: an empty line stands before the body.
        malformed_at: where the first line begins at which some readers end the block, or None; of a whole mail also an
            empty line above its headers. `hides_headers`: that is so, and no line above it has a name.
        has_bare_cr: the block holds a lone CR, at which some readers end a line and others do not.
        truncated_at: where reading ended, for the block has more lines than any; or None.
    """

    def __init__(self, raw: bytes, start: int, end: int) -> None:
        at = start + len(BOM) if raw.startswith(BOM, start, end) else start
        empty = _EMPTY.match(raw, at, end) or _EMPTY_NEXT.search(raw, at, end)
        stop, self.end = empty.span(1) if empty else (end, end)
        self.has_bare_cr = _BARE_CR.search(raw, at, stop) is not None
        field, line, envelope = _LINE_PATTERNS[self.has_bare_cr]
        while not field.match(raw, at, stop) and (match := envelope.match(raw, at, stop)):
            at = match.end()
        self.first_line_start = at
        self.lines: list[HeaderField] = []
        odd: list[HeaderField] = []
        while at < stop and len(self.lines) < MAX_LINES:
            match = field.match(raw, at, stop)
            header_line = _parse_field(match) if match else _parse_malformed_field(raw, at, line.match(raw, at, stop))
            self.lines.append(header_line)
            # a continuation of nothing is passed over by all
            if not match and (raw[at] not in b" \t" or len(self.lines) > 1):
                odd.append(header_line)
            at = header_line.end
        self.malformed_at = odd[0].start if odd else None
        # what stands above the empty line may look like nothing, such as a blank
        self.hides_headers = (
            start == 0
            and not any(header_line.name for header_line in self.lines)
            and _HEADER_AFTER_BLANK.match(raw, self.end, end) is not None
        )
        if self.hides_headers:
            self.malformed_at = 0
        self.truncated_at = at if at < stop else None
        forgotten = self._find_missing_separator(raw, odd) if self.truncated_at is None else at
        self.body = self.end if forgotten is None else forgotten
        self.has_separator = empty is not None and forgotten is None

    def _find_missing_separator(self, raw: bytes, odd: list[HeaderField]) -> int | None:
        """Where the body seems to begin before the empty line: at a boundary, or with a line behind which no usual
        header comes any more.
        """
        if not odd:
            return None
        boundary = next((line.start for line in odd if raw.startswith(b"--", line.start)), self.end)
        usual = [
            line.start
            for line in self.lines
            if line.is_regular and line.start < boundary and _is_common_name(line.name)
        ]
        last = usual[-1] if usual else -1
        return next((line.start for line in odd if line.start > last), None)


def _is_common_name(name: bytes) -> bool:
    return name in _COMMON_NAMES or name.startswith(_COMMON_PREFIXES)


def _parse_field(match: re.Match[bytes]) -> HeaderField:
    name = match[1] or b""
    start, end = match.span()
    return HeaderField(name.lower(), start, match.start(2), end, bool(name))


def _parse_malformed_field(raw: bytes, start: int, match: re.Match[bytes] | None) -> HeaderField:
    """Parse a malformed header line; the text before its ":" may still be a name."""
    end = match.end() if match else start
    colon = raw.find(b":", start, end)
    name = _NO_NAME.sub(b"", raw[start:colon]).lower() if colon >= 0 else b""
    return HeaderField(name, start, colon + 1 if name else start, end, is_regular=False)


def parse_after_blank(raw: bytes, start: int) -> HeaderBlock:
    """Parse what would be the header block for a reader that passes over empty lines at `start`."""
    match = _START_AFTER_BLANK.match(raw, start)
    return HeaderBlock(raw, match.end() if match else start, len(raw))


def unfold(raw: bytes, field: HeaderField) -> bytes:
    """Return the value of a field on one line."""
    value = raw[field.value : field.end].strip(b" \t\r\n")
    return _FOLD.sub(b" ", value) if b"\n" in value or b"\r" in value else value


class PartHeaders:
    """The headers that decide what a part is: what `HeaderBlock` says of the block at `start`, as far as it is before
    `body`.

    `ambiguity`: why they are not to be relied on, or None: a lone CR or a NUL, at which some readers end a line or a
    value and others do not; or more lines than are read. `fields`: these headers in order, and those that state
    lengths or sign the body.
    """

    def __init__(self, raw: bytes, start: int, end: int) -> None:
        self.start = start
        self.has_separator = True
        self.malformed_at: int | None = None
        self.ambiguity: str | None = None
        plain = _mime.read_plain_headers(raw, start, min(end, start + _MAX_PLAIN_BYTES))
        if plain is not None:
            self.body = plain[0]
            self.fields = [HeaderField(*field, is_regular=True) for field in plain[1]]
        else:
            self._read_block(raw, HeaderBlock(raw, start, end))
        content = tuple((field.name, unfold(raw, field)) for field in self.fields if field.name in _CONTENT_NAMES)
        repeats = sum(len(value) for _, value in content) <= MAX_CACHED_CHARACTERS
        self.content = (_cached_content if repeats else ContentHeaders)(content)

    def _read_block(self, raw: bytes, block: HeaderBlock) -> None:
        self.body, self.has_separator, self.malformed_at = block.body, block.has_separator, block.malformed_at
        self.ambiguity = f"are more than {MAX_LINES} lines" if block.truncated_at is not None else None
        if block.has_bare_cr or raw.find(b"\0", self.start, self.body) >= 0:
            self.ambiguity = "hold a lone CR or NUL, which readers take differently"
        self.fields = [line for line in block.lines if line.name in _mime.HEADER_NAMES and line.start < self.body]


class ContentHeaders:
    """What the headers of a part say of its content. `fields`: their names in lower case and values, unfolded."""

    def __init__(self, fields: tuple[tuple[bytes, bytes], ...]) -> None:
        self._fields = fields
        self._types: dict[str, ContentType] = {}  # by what is assumed where there is none

    def _list_values(self, name: bytes) -> list[bytes]:
        return [value for each, value in self._fields if each == name]

    def type_or(self, default: str) -> "ContentType":
        """The Content-Type; `default` if there is none."""
        known = self._types.get(default)
        if known is None:
            known = self._types[default] = self._parse_type(default)
        return known

    def _parse_type(self, default: str) -> "ContentType":
        values = self._list_values(b"content-type")
        value = values[0].decode("latin-1") if values else default
        if len(value) > MAX_CONTENT_TYPE_CHARACTERS:
            return ContentType(
                value[:MAX_CONTENT_TYPE_CHARACTERS].partition(";")[0],
                f"is longer than {MAX_CONTENT_TYPE_CHARACTERS} characters",
            )
        return ContentType(value, "is there more than once, and not the same" if len(set(values)) > 1 else None)

    @cached_property
    def transfer_encoding(self) -> str:
        """The encoding in lower case; "7bit" if there is none, "" if several contradict each other."""
        values = {_first_token(value) for value in self._list_values(b"content-transfer-encoding")}
        return "7bit" if not values else values.pop() if len(values) == 1 else ""

    @cached_property
    def is_inline(self) -> bool:
        """Whether the part is displayed. An unknown disposition means attachment (RFC 2183, section 2.8)."""
        return all(_first_token(value) in ("", "inline") for value in self._list_values(b"content-disposition"))


@lru_cache(maxsize=256)
def _cached_content(fields: tuple[tuple[bytes, bytes], ...]) -> ContentHeaders:
    """Remember short ones: the same ones recur, and parsing costs more than decoding a small part."""
    return ContentHeaders(fields)


def _first_token(value: bytes) -> str:
    """Return the value before the parameters in lower case."""
    return strip_comments(value.decode("latin-1")).partition(";")[0].strip().lower()


def strip_comments(value: str) -> str:
    """Replace the comments of a structured value (RFC 822, 3.4.3) by white space.

    In a parameter, "(" within a word is part of it: senders leave the quotes of a boundary out. In a value with a
    comment that is not closed nothing is one.
    """
    done: list[str] = []
    at = copied = 0
    in_parameters = False
    while (match := _OUTSIDE.search(value, at)) is not None:
        in_parameters = in_parameters or value.find(";", at, match.start()) >= 0
        begin, at = match.span()
        if match[0] != "(" or (in_parameters and value[begin - 1 : begin] not in _SEPARATORS):
            continue
        closed = _find_comment_end(value, at)
        if closed is None:
            return value
        done.append(value[copied:begin])
        at = copied = closed
    return " ".join([*done, value[copied:]])


def _find_comment_end(value: str, at: int) -> int | None:
    """Return the offset after the ")" of a comment whose "(" is before `at`; None if it is not closed."""
    depth = 1
    for match in _INSIDE.finditer(value, at):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if depth == 0:
            return match.end()
    return None


class ContentType:
    """A Content-Type value, read with the standard library (RFC 2045, 2231). `ambiguity`: why it is not to be relied
    on, or None.
    """

    def __init__(self, value: str, ambiguity: str | None) -> None:
        self.ambiguity = ambiguity
        self._message = Message()
        commented = "(" in value
        if commented:
            value = strip_comments(value)
        if forgotten := _MISSING_SEMICOLON.match(value):
            value = f"{forgotten[1]};{value[forgotten.end() :]}"
        stated, semicolon, rest = value.partition(";")
        if commented:
            value = "".join(stated.split()) + semicolon + rest
        self._message["content-type"] = value
        self.media_type = self._message.get_content_type()
        # text/plain by RFC 2045, 5.2; other readers look for what may have been meant
        if stated.count("/") != 1 and _MARKUP.search(stated):
            self.media_type, self.ambiguity = stated.strip().lower(), ambiguity or "is none"

    @property
    def may_contain_html(self) -> bool:
        """Whether it is an HTML part, a multipart, or a malformed type that may mean one."""
        return self.media_type == "text/html" or self.main_type == "multipart" or self.media_type.count("/") != 1

    @property
    def main_type(self) -> str:
        """`text` of `text/html`."""
        return self.media_type.partition("/")[0]

    @property
    def boundary(self) -> bytes | None:
        """The boundary of the parts; None without a valid one."""
        try:
            text = self._message.get_boundary()
            return text.encode("latin-1") or None if text else None
        except (UnicodeError, ValueError, TypeError, LookupError):
            return None

    @cached_property
    def charset(self) -> str | None:
        """The charset label in lower case, or None."""
        try:
            charset = self._message.get_content_charset()
            return charset.partition("(")[0] if charset else charset
        except (UnicodeError, ValueError, TypeError, LookupError):
            return None

"""The header block of a mail or part, as bytes with offsets (RFC 5322 sections 2.2 and 4.5, RFC 2045 section 5).

Read as the most lenient of the usual readers does: the block goes on to the first empty line whatever stands before it,
white space may stand before a colon, and a byte order mark or an mbox "From " line may come first. Strict readers take
the first line that is no header for the beginning of the body. Who removes a header removes it for both; who looks for
the body gets the likelier one.
"""

import re
from email.message import Message
from functools import cached_property, lru_cache
from typing import NamedTuple

BOM = b"\xef\xbb\xbf"
# The rest of a line, with its continuations; the second one where a lone CR ends a line too. Possessive: nothing is
# tried twice.
_REST = rb"[^\n]*+(?:\n[ \t][^\n]*+)*+(?:\n|\Z)"
_REST_CR = rb"[^\r\n]*+(?:(?:\r\n?|\n)[ \t][^\r\n]*+)*+(?:\r\n?|\n|\Z)"
_NAME = rb"(?:([!-9;-~]++)[ \t]*+:|:)"  # of a field; missing where a line begins with ":"
_LINES = {
    bare: (re.compile(_NAME + rest), re.compile(rest), re.compile(rb">*+From " + rest))
    for bare, rest in ((False, _REST), (True, _REST_CR))
}
_BARE = re.compile(rb"\r(?!\n)")
_EMPTY = re.compile(rb"(\r?\n)")
_EMPTY_NEXT = re.compile(rb"\n(\r?\n)")
_BELOW = re.compile(rb"\s*[!-9;-~]+[ \t]*:")  # a header behind empty lines, which some readers pass over
_NO_NAME = re.compile(rb"[^!-9;-~]+")
_INTERESTING = frozenset(
    (
        *(b"content-type", b"content-transfer-encoding", b"content-disposition"),
        *(b"dkim-signature", b"arc-seal", b"domainkey-signature"),
    )
)
# What stands in header blocks and hardly begins a line of a text: where one follows, a line that is no header has not
# ended the block.
_USUAL = frozenset(
    b"from to cc bcc sender reply-to date subject message-id in-reply-to references mime-version return-path received "
    b"delivered-to errors-to precedence importance organization user-agent auto-submitted authentication-results "
    b"dkim-signature domainkey-signature thread-topic thread-index feedback-id received-spf".split()
)
_USUAL_BEGIN = (b"content-", b"x-", b"list-", b"resent-", b"arc-", b"ahasend-")
LINES = 20_000  # of a block that are read: a mail may be all header, and each line costs memory
REPEATED = 200  # characters of a Content-Type that may be remembered
LONGEST = 4000  # of one that is read: the standard library takes the square of the length
_OUTSIDE = re.compile(r'"(?:[^"\\]|\\.)*+"|\\.|\(')  # of comments: what may hold a "(" that begins none
_INSIDE = re.compile(r"\\.|[()]")
_NO_WORD = ' \t\r\n;="<>,()'
_NO_SEMICOLON = re.compile(r"\s*([\w.+-]+/[\w.+-]+)\s+(?=[\w-]+\s*=)")  # behind a type, before a parameter
_MARKUP = re.compile("html|multipart", re.IGNORECASE)
_FOLD = re.compile(rb"(?:\r\n?|\n)[ \t]*")


class Field(NamedTuple):
    """One line of a header block with its continuations: its bytes are `start` to `end`, its value begins at `value`.

    `name` is in lower case and without what cannot be part of one; b"" for a line that has none. `regular`: every
    reader takes it for a header field.
    """

    name: bytes
    start: int
    value: int
    end: int
    regular: bool


class Block:
    """The header block that begins at `start`.

    Attributes:
        lines: all of them up to the first empty one, those that are no header too, in order.
        top: where the first of them begins, behind a byte order mark and "From " lines.
        end: behind the empty line. `body`: where the body begins, which is before `end` where the empty line was
            forgotten. `ended`: an empty line stands before the body.
        odd: where the first line begins at which some readers end the block, or None; of a whole mail also an empty
            line above its headers.
        bare: the block holds a lone CR, at which some readers end a line and others do not.
        cut: where reading ended, for the block has more lines than any; or None.
    """

    def __init__(self, raw: bytes, start: int, end: int) -> None:
        at = start + len(BOM) if raw.startswith(BOM, start, end) else start
        empty = _EMPTY.match(raw, at, end) or _EMPTY_NEXT.search(raw, at, end)
        stop, self.end = empty.span(1) if empty else (end, end)
        self.bare = _BARE.search(raw, at, stop) is not None
        field, line, envelope = _LINES[self.bare]
        while not field.match(raw, at, stop) and (found := envelope.match(raw, at, stop)):
            at = found.end()
        self.top = at
        self.lines: list[Field] = []
        odd: list[Field] = []
        while at < stop and len(self.lines) < LINES:
            found = field.match(raw, at, stop)
            one = _field(found) if found else _odd(raw, at, line.match(raw, at, stop))
            self.lines.append(one)
            # a continuation of nothing is passed over by all
            if not found and (raw[at] not in b" \t" or len(self.lines) > 1):
                odd.append(one)
            at = one.end
        self.odd = odd[0].start if odd else None
        if start == 0 and not self.lines and _BELOW.match(raw, self.end, end):
            self.odd = 0
        self.cut = at if at < stop else None
        forgotten = self._forgotten(raw, odd) if self.cut is None else at
        self.body = self.end if forgotten is None else forgotten
        self.ended = empty is not None and forgotten is None

    def _forgotten(self, raw: bytes, odd: list[Field]) -> int | None:
        """Where the body seems to begin before the empty line: at a boundary, or with a line behind which no usual
        header comes any more.
        """
        if not odd:
            return None
        boundary = next((one.start for one in odd if raw.startswith(b"--", one.start)), self.end)
        usual = [one.start for one in self.lines if one.regular and one.start < boundary and _is_usual(one.name)]
        last = usual[-1] if usual else -1
        return next((one.start for one in odd if one.start > last), None)


def _is_usual(name: bytes) -> bool:
    return name in _USUAL or name.startswith(_USUAL_BEGIN)


def _field(found: re.Match[bytes]) -> Field:
    name = found[1] or b""
    return Field(name.lower(), found.start(), found.group(0).index(b":") + found.start() + 1, found.end(), bool(name))


def _odd(raw: bytes, start: int, found: re.Match[bytes] | None) -> Field:
    """A line that is no header by the letter; what stands before its ":" may be the name of one all the same."""
    end = found.end() if found else start
    colon = raw.find(b":", start, end)
    name = _NO_NAME.sub(b"", raw[start:colon]).lower() if colon >= 0 else b""
    return Field(name, start, colon + 1 if name else start, end, regular=False)


def unfolded(raw: bytes, field: Field) -> bytes:
    """A field's value on one line."""
    return _FOLD.sub(b" ", raw[field.value : field.end]).strip(b" \t\r\n")


class Headers:
    """The headers that decide what a part is: what `Block` says of the block at `start`, as far as it is before `body`.

    `unclear`: why they are not to be relied on, or None: a lone CR or a NUL, at which some readers end a line or a
    value and others do not; or more lines than are read. `values` has, for each header name in lower case, all its
    values, unfolded.
    """

    def __init__(self, raw: bytes, start: int, end: int) -> None:
        block = Block(raw, start, end)
        self.start, self.body, self.ended, self.odd = start, block.body, block.ended, block.odd
        self.unclear = f"are more than {LINES} lines" if block.cut is not None else None
        if block.bare or raw.find(b"\0", start, self.body) >= 0:
            self.unclear = "hold a lone CR or NUL, which readers take differently"
        self.values: dict[bytes, list[bytes]] = {}
        for field in block.lines:
            if field.name in _INTERESTING and field.start < self.body:
                self.values.setdefault(field.name, []).append(unfolded(raw, field))

    def content_type(self, default: str) -> "ContentType":
        """What the part says it is; `default` where it says nothing."""
        values = self.values.get(b"content-type", [])
        value = values[0].decode("latin-1") if values else default
        if len(value) > LONGEST:
            return ContentType(value[:LONGEST].partition(";")[0], f"is longer than {LONGEST} characters")
        repeats = value[:5].lower() == "text/" and len(value) <= REPEATED
        unclear = "is there more than once, and not the same" if len(set(values)) > 1 else None
        return (_text_type if repeats else ContentType)(value, unclear)

    @property
    def transfer_encoding(self) -> str:
        """The encoding in lower case, "7bit" when none is named, "" when several contradict each other."""
        values = {_first_word(value) for value in self.values.get(b"content-transfer-encoding", [])}
        return "7bit" if not values else values.pop() if len(values) == 1 else ""

    @property
    def is_body(self) -> bool:
        """Not meant to be saved as a file. What is no known disposition is an attachment (RFC 2183, section 2.8)."""
        values = self.values.get(b"content-disposition", [])
        return all(_first_word(value) in ("", "inline") for value in values)


def _first_word(value: bytes) -> str:
    """What stands before the parameters, in lower case."""
    return uncommented(value.decode("latin-1")).partition(";")[0].strip().lower()


def uncommented(value: str) -> str:
    """A structured value without its comments (RFC 822, 3.4.3), each of which is white space to its readers.

    In a parameter, "(" within a word is part of it: senders leave the quotes of a boundary out. In a value with a
    comment that is not closed nothing is one.
    """
    done: list[str] = []
    at = copied = 0
    in_parameters = False
    while (found := _OUTSIDE.search(value, at)) is not None:
        in_parameters = in_parameters or value.find(";", at, found.start()) >= 0
        begin, at = found.span()
        if found[0] != "(" or (in_parameters and value[begin - 1 : begin] not in _NO_WORD):
            continue
        closed = _comment_end(value, at)
        if closed is None:
            return value
        done.append(value[copied:begin])
        at = copied = closed
    return " ".join([*done, value[copied:]])


def _comment_end(value: str, at: int) -> int | None:
    """Behind the ")" of a comment whose "(" stands before `at`."""
    depth = 1
    for found in _INSIDE.finditer(value, at):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if depth == 0:
            return found.end()
    return None


class ContentType:
    """A Content-Type value, read with the standard library (RFC 2045, 2231). `unclear`: why it is not to be relied on,
    or None.
    """

    def __init__(self, value: str, unclear: str | None) -> None:
        self.unclear = unclear
        self._message = Message()
        commented = "(" in value
        if commented:
            value = uncommented(value)
        if forgotten := _NO_SEMICOLON.match(value):
            value = f"{forgotten[1]};{value[forgotten.end() :]}"
        stated, semicolon, rest = value.partition(";")
        if commented:
            value = "".join(stated.split()) + semicolon + rest
        self._message["content-type"] = value
        self.kind = self._message.get_content_type()
        # text/plain by RFC 2045, 5.2; other readers look for what may have been meant
        if stated.count("/") != 1 and _MARKUP.search(stated):
            self.kind, self.unclear = stated.strip().lower(), unclear or "is none"

    @property
    def may_hold_html(self) -> bool:
        """An HTML part, a multipart, or something that was meant to be one."""
        return self.kind == "text/html" or self.main == "multipart" or self.kind.count("/") != 1

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
            found = self._message.get_content_charset()
            return found.partition("(")[0] if found else found
        except (UnicodeError, ValueError, TypeError, LookupError):
            return None


@lru_cache(maxsize=256)
def _text_type(value: str, unclear: str | None) -> ContentType:
    """A text's type is the same in mail after mail, and reading it costs more than decoding a small part."""
    return ContentType(value, unclear)

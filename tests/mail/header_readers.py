"""How other programs find the headers of a mail, written once more after their sources and sharing no code with ours.

Each reader gives (name, value) pairs as it would show or obey them; names in lower case.
"""

import email
import re
from collections.abc import Callable, Iterator

Headers = list[tuple[str, str]]


def read_python(raw: bytes) -> Headers:
    """The standard library (email.feedparser): a line that is no header ends the block; CR, LF and CRLF end lines."""
    return [(name.lower().strip(), str(value)) for name, value in email.message_from_bytes(raw).items()]


def read_dovecot(raw: bytes) -> Headers:
    """message-header-parser.c: to the first empty line; a line without ":" is a name alone."""
    return _parse_pairs(_join_continuations(_take_header_lines(re.split(r"\r?\n", _decode_latin1(raw)))), trim=" \t\r")


def read_java_mail(raw: bytes) -> Headers:
    """InternetHeaders.load: CR ends a line too; the first line is one even when indented; trim() drops controls."""
    lines = _take_header_lines(re.split(r"\r\n|\r|\n", _decode_latin1(raw)))
    if lines and lines[0][:1] in (" ", "\t"):
        lines[0] = lines[0].strip()
    return _parse_pairs(_join_continuations(lines), trim="".join(map(chr, range(33))))


def read_thunderbird(raw: bytes) -> Headers:
    """jsmime: a "From " line may come first; names are cut at the first colon of the unfolded line and trimmed."""
    lines = _take_header_lines(re.split(r"\r\n|\r|\n", _decode_latin1(raw)))
    if lines and re.match(r">*From ", lines[0]):
        del lines[0]
    return _parse_pairs(_join_continuations(lines), trim=" \t\r\n\x0b\x0c\xa0\ufeff")


def read_email_simple(raw: bytes) -> Headers:
    """Perl's Email::Simple: what is no header continues the one before it."""
    result: Headers = []
    for line in _take_header_lines(re.split(r"\r\n|\n\r|\n|\r", _decode_latin1(raw))):
        match = re.match(r"([!-9;-~]+)\s*:\s*(.*)", line, re.DOTALL)
        if match and line[0] not in " \t":
            result.append((match[1].lower(), match[2]))
        elif result:
            result[-1] = (result[-1][0], result[-1][1] + " " + line.strip())
    return result


def read_mime_kit(raw: bytes) -> Headers:
    """MimeKit: a byte order mark is skipped, and mbox markers at the top."""
    lines = _take_header_lines(re.split(r"\r?\n", _decode_latin1(raw.removeprefix(b"\xef\xbb\xbf"))))
    while lines and re.match(r">*From ", lines[0]):
        del lines[0]
    return _parse_pairs(_join_continuations(lines), trim=" \t\r\n")


def read_ruby(raw: bytes) -> Headers:
    """Ruby's mail (Mail::Message#parse_message): white space before the first header is passed over."""
    return read_dovecot(raw.lstrip(b"\0\t\n\v\f\r "))


def read_c_strings(raw: bytes) -> Headers:
    """A program in C whose lines end at a NUL."""
    return read_dovecot(re.sub(rb"\0[^\n]*", b"", raw))


READERS: tuple[Callable[[bytes], Headers], ...] = (
    *(
        read_python,
        read_dovecot,
        read_java_mail,
        read_thunderbird,
        read_email_simple,
        read_mime_kit,
        read_ruby,
        read_c_strings,
    ),
)


def _decode_latin1(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _take_header_lines(lines: list[str]) -> list[str]:
    return lines[: lines.index("")] if "" in lines else lines


def _join_continuations(lines: list[str]) -> Iterator[str]:
    """Lines with their continuations."""
    held: list[str] = []
    for line in lines:
        if held and line[:1] not in (" ", "\t"):
            yield "\n".join(held)
            held = []
        held.append(line)
    if held:
        yield "\n".join(held)


def _parse_pairs(lines: Iterator[str], *, trim: str) -> Headers:
    result = []
    for line in lines:
        name, _, value = line.partition(":")
        result.append((name.strip(trim).lower(), value))
    return result

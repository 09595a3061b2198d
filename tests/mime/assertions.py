"""An independent judge of rewritten mails: the standard library decodes both, and everything but hrefs must agree.

It shares no code with the package: parts are found, decoded and compared by the `email` package, and the raw bytes
outside what differs by a plain comparison.
"""

import email
import email.policy
import re
from email.message import Message

LINK_PATTERN = re.compile(rb"https://t\.example\.com/[A-Za-z0-9_-]+")


def list_parts(raw: bytes) -> list[Message]:
    """Every part of a mail, containers included, in order."""
    return list(email.message_from_bytes(raw, policy=email.policy.compat32).walk())


def assert_only_links_differ(before: bytes, after: bytes) -> int:
    """Same parts, headers, line ends and content, but for hrefs that became links; how many did."""
    replaced = 0
    old, new = list_parts(before), list_parts(after)
    assert len(old) == len(new)
    for one, other in zip(old, new, strict=True):
        assert one.items() == other.items()
        assert (one.preamble, one.epilogue) == (other.preamble, other.epilogue)
        if one.is_multipart():
            continue
        was, now = decode_part(one), decode_part(other)
        if was != now:
            assert one.get_content_type() == "text/html"
            replaced += assert_same_except_links(was, now)
        assert part_line_ends(other) == part_line_ends(one) or (
            not part_line_ends(one) and part_line_ends(other) == header_ends(before)
        )
    return replaced


def decode_part(part: Message) -> bytes:
    """The decoded bytes of a part."""
    data = part.get_payload(decode=True)
    assert isinstance(data, bytes)
    return data


def part_line_ends(part: Message) -> set[str]:
    """Which kinds of line ends a part's encoded text has."""
    text = part.get_payload()
    assert isinstance(text, str)
    return line_end_kinds(text)


def header_ends(raw: bytes) -> set[str]:
    """Those of a mail's first header block: a part of one line that has to be broken has none of its own to go by."""
    return line_end_kinds(re.split(r"(?<=\n)\r?\n", raw.decode("latin-1"), maxsplit=1)[0])


def line_end_kinds(text: str) -> set[str]:
    """CRLF, LF, both or none."""
    return {end for end in ("\r\n", "\n") if (end in text if end == "\r\n" else re.search(r"(?<!\r)\n", text))}


def assert_same_except_links(before: bytes, after: bytes) -> int:
    """The pieces between our links stand in the old text, in order, with one quoted value between any two."""
    pieces = LINK_PATTERN.split(after)
    at = 0
    for number, piece in enumerate(pieces):
        if number == 0:
            assert before.startswith(piece)
            at = len(piece)
            continue
        quote = pieces[number - 1][-1:]
        assert quote in (b'"', b"'")
        end = before.index(quote, at)
        assert before.startswith(piece, end), (before[end - 60 : end + 60], piece[:60])
        at = end + len(piece)
    assert at == len(before)
    return len(pieces) - 1

"""Numbers that state the length of a mail beside it: where they were right, rewriting makes them right again.

`Content-Length` (bytes of the body) and `Lines` in a mailbox file, `,S=` (bytes) and `,W=` (bytes with CRLF line ends)
in a Maildir name. A reader that trusts a wrong one cuts the next mail in two, or refuses to show this one.
"""

import os
import re
from collections.abc import Callable, Iterator

from linkweir.mime.headers import HeaderBlock

_NUMBER = re.compile(rb"[ \t]*([0-9]{1,18})[ \t]*\r?\n")
_LINE_END = re.compile(rb"\r?\n\Z")
_MEASURES: dict[bytes, Callable[[bytes], int]] = {b"content-length": len, b"lines": lambda body: body.count(b"\n")}
_MAILDIR_FIELDS = re.compile(r",([SW])=([0-9]{1,18})(?=[,:;!]|\Z)")


def update_length_headers(before: bytes, after: bytes) -> bytes:
    """The mail of a mailbox file as it is `after` rewriting, whose header block is that of `before`."""
    if before == after:
        return after
    block = HeaderBlock(before, 0, len(before))
    done, at = [], 0
    for begin, end, number in _find_updates(block, before, after):
        done += [after[at:begin], b"%d" % number]
        at = end
    return b"".join([*done, after[at:]])


def _find_updates(block: HeaderBlock, before: bytes, after: bytes) -> Iterator[tuple[int, int, int]]:
    """Where a number stands, and what it has to be. The empty line before the next "From " may count or not."""
    separator = _LINE_END.search(before, max(block.body, len(before) - 2))
    for line in block.lines:
        match = _NUMBER.fullmatch(before, line.value, line.end)
        measure = _MEASURES.get(line.name)
        if match is None or measure is None or line.start >= block.body:
            continue
        old, new = measure(before[block.body :]), measure(after[block.body :])
        apart = measure(separator[0]) if separator else 0
        if int(match[1]) in (old, old - apart):
            yield *match.span(1), int(match[1]) - old + new


def update_maildir_name(path: str, before: bytes, after: bytes) -> str:
    """The path of a mail in a Maildir, whose name may state its lengths; the path as it was if it does not, or not
    rightly.
    """
    folder, name = os.path.split(path)
    old, new = _measure_mail(before), _measure_mail(after)

    def restate(match: re.Match[str]) -> str:
        right = int(match[2]) == old[match[1]]
        return f",{match[1]}={new[match[1]]}" if right else match[0]

    return os.path.join(folder, _MAILDIR_FIELDS.sub(restate, name))


def _measure_mail(mail: bytes) -> dict[str, int]:
    return {"S": len(mail), "W": len(mail) + mail.count(b"\n") - mail.count(b"\r\n")}

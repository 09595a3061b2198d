"""Numbers that state the length of a mail beside it: where they were right, rewriting makes them right again.

`Content-Length` (bytes of the body) and `Lines` in a mailbox file, `,S=` (bytes) and `,W=` (bytes with CRLF line ends)
in a Maildir name. A reader that trusts a wrong one cuts the next mail in two, or refuses to show this one.
"""

import os
import re
from collections.abc import Callable, Iterator

from linkweir.mime.headers import Block

_NUMBER = re.compile(rb"[ \t]*([0-9]{1,18})[ \t]*\r?\n")
_END = re.compile(rb"\r?\n\Z")
_MEASURES: dict[bytes, Callable[[bytes], int]] = {b"content-length": len, b"lines": lambda body: body.count(b"\n")}
_STATED = re.compile(r",([SW])=([0-9]{1,18})(?=[,:;!]|\Z)")


def restate_headers(before: bytes, after: bytes) -> bytes:
    """The mail of a mailbox file as it is `after` rewriting, whose header block is that of `before`."""
    if before == after:
        return after
    block = Block(before, 0, len(before))
    done, at = [], 0
    for begin, end, number in _restated(block, before, after):
        done += [after[at:begin], b"%d" % number]
        at = end
    return b"".join([*done, after[at:]])


def _restated(block: Block, before: bytes, after: bytes) -> Iterator[tuple[int, int, int]]:
    """Where a number stands, and what it has to be. The empty line before the next "From " may count or not."""
    separator = _END.search(before, max(block.body, len(before) - 2))
    for line in block.lines:
        found = _NUMBER.fullmatch(before, line.value, line.end)
        measure = _MEASURES.get(line.name)
        if found is None or measure is None or line.start >= block.body:
            continue
        old, new = measure(before[block.body :]), measure(after[block.body :])
        apart = measure(separator[0]) if separator else 0
        if int(found[1]) in (old, old - apart):
            yield *found.span(1), int(found[1]) - old + new


def restated_path(path: str, before: bytes, after: bytes) -> str:
    """The path of a mail in a Maildir, whose name may state its lengths; the path as it was if it does not, or not
    rightly.
    """
    folder, name = os.path.split(path)
    old, new = _stated(before), _stated(after)

    def restate(found: re.Match[str]) -> str:
        right = int(found[2]) == old[found[1]]
        return f",{found[1]}={new[found[1]]}" if right else found[0]

    return os.path.join(folder, _STATED.sub(restate, name))


def _stated(mail: bytes) -> dict[str, int]:
    return {"S": len(mail), "W": len(mail) + mail.count(b"\n") - mail.count(b"\r\n")}

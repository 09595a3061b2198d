"""Length fields of mails: those that were correct are updated after rewriting.

`Content-Length` (bytes of the body) and `Lines` in a mailbox file, `,S=` (bytes) and `,W=` (bytes with CRLF line ends)
in a Maildir name. A reader that trusts a wrong one splits the next mail, or does not show this one.
"""

import os
import re
from collections.abc import Callable, Iterator

from linkweir.mime.headers import PartHeaders

_NUMBER = re.compile(rb"[ \t]*([0-9]{1,18})[ \t]*\r?\n")
_LINE_END = re.compile(rb"\r?\n\Z")
_MEASURES: dict[bytes, Callable[[bytes], int]] = {b"content-length": len, b"lines": lambda body: body.count(b"\n")}
_MAILDIR_FIELDS = re.compile(r",([SW])=([0-9]{1,18})(?=[,:;!]|\Z)")


def update_length_headers(before: bytes, after: bytes, headers: PartHeaders | None = None) -> bytes:
    """Return `after`, the rewritten mail of a mailbox, with updated lengths; its header block, `headers` where it has
    been parsed, is that of `before`.
    """
    if before == after:
        return after
    done, at = [], 0
    for begin, end, number in _find_updates(headers or PartHeaders(before, 0, len(before)), before, after):
        done += [after[at:begin], b"%d" % number]
        at = end
    return b"".join([*done, after[at:]]) if done else after


def _find_updates(headers: PartHeaders, before: bytes, after: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield start, end and new value of each number. The empty line before the next "From " may be included or not."""
    body = headers.body
    for line in headers.fields:
        measure = _MEASURES.get(line.name)
        match = _NUMBER.fullmatch(before, line.value, line.end) if measure else None
        if match is None or measure is None:
            continue
        separator = _LINE_END.search(before, max(body, len(before) - 2))
        old, new = measure(before[body:]), measure(after[body:])
        apart = measure(separator[0]) if separator else 0
        if int(match[1]) in (old, old - apart):
            yield *match.span(1), int(match[1]) - old + new


def update_maildir_name(path: str, before: bytes, after: bytes) -> str:
    """Return the path of a mail in a Maildir with updated lengths in its name; unchanged if there are none or they were
    wrong.
    """
    folder, name = os.path.split(path)
    if not _MAILDIR_FIELDS.search(name):
        return path
    old, new = _measure_mail(before), _measure_mail(after)

    def restate(match: re.Match[str]) -> str:
        right = int(match[2]) == old[match[1]]
        return f",{match[1]}={new[match[1]]}" if right else match[0]

    return os.path.join(folder, _MAILDIR_FIELDS.sub(restate, name))


def _measure_mail(mail: bytes) -> dict[str, int]:
    return {"S": len(mail), "W": len(mail) + mail.count(b"\n") - mail.count(b"\r\n")}

"""What a file holds, told by its name and place: HTML, a mail, or a mailbox of many mails."""

import os
from functools import lru_cache
from typing import Literal

FileKind = Literal["html", "eml", "mbox"]
FILE_KINDS: tuple[FileKind, ...] = ("html", "eml", "mbox")
SUFFIXES: dict[str, FileKind] = {
    **dict.fromkeys((".html", ".htm", ".xhtml"), "html"),
    ".eml": "eml",
    ".mbox": "mbox",
}


def detect_kind(path: str) -> FileKind | None:
    """The kind of the file; None for one that is nothing of ours. The mails of a Maildir have no suffix."""
    name = os.path.basename(path)
    found = SUFFIXES.get(os.path.splitext(name)[1].lower())
    folder = os.path.dirname(path)
    if found is None and os.path.basename(folder) in ("cur", "new") and not name.startswith("."):
        return "eml" if _is_maildir(os.path.dirname(folder)) else None
    return found


@lru_cache(maxsize=64)
def _is_maildir(folder: str) -> bool:
    return all(os.path.isdir(os.path.join(folder, name)) for name in ("cur", "new", "tmp"))

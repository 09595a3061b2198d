"""Link rewriting in raw mails by splicing: every other byte stays. No I/O, no framework."""

from linkweir.mime.message import (
    CheckedPart,
    PartLink,
    Rewritten,
    RewrittenMessage,
    check_message,
    check_parts,
    iter_html_bodies,
    rewrite_message,
)
from linkweir.mime.notes import Note

__all__ = [
    "CheckedPart",
    "Note",
    "PartLink",
    "Rewritten",
    "RewrittenMessage",
    "check_message",
    "check_parts",
    "iter_html_bodies",
    "rewrite_message",
]

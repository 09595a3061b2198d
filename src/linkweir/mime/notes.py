"""Notes on mails that were not, or not completely, rewritten."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Note:
    """`code` is stable, `text` a sentence, `part` the section as in IMAP ("1.2"; "" is the whole mail).

    Codes of parts that were not searched: `untouched-part`, `signed`, `encrypted`, `too-deep`, `too-many-parts`. Codes
    of links that were not replaced: `line-too-long`, `encoding`. Warnings: `dkim-broken`, `odd-header`.
    """

    code: str
    text: str
    part: str = ""


class UnrewritablePart(Exception):
    """This part cannot be rewritten reliably; the text says why."""

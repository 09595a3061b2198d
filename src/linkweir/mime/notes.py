"""What is worth telling about a mail that was not, or not wholly, rewritten."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Note:
    """`code` is stable, `text` a sentence, `part` the section as IMAP numbers them ("1.2"; "" is the whole mail).

    Codes of what was not judged: `untouched-part`, `signed`, `encrypted`, `too-deep`, `too-many-parts`. What
    was left out of a part: `line-too-long`, `encoding`. Warnings: `dkim-broken`, `odd-header`.
    """

    code: str
    text: str
    part: str = ""


class UnrewritablePart(Exception):
    """This part cannot be rewritten without guessing; the text says why."""

"""Look at one document as a linter would: each link with its place, its outcome, and what to say about it."""

import codecs
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from linkweir.batch.kinds import Kind
from linkweir.batch.mailbox import MAIL_LIMIT, pieces, whole
from linkweir.batch.names import STDIN, shown
from linkweir.batch.source import HEAD, Source, Unreadable, refuse_junk
from linkweir.html import Finding, Outcome, Switches, check
from linkweir.html.charset import Charset
from linkweir.html.prescan import sniff
from linkweir.mime import html_bodies
from linkweir.token import Tracker

TEXT_IS_ADDRESS = "the link's text is an address; once tracked it leads elsewhere, which looks like phishing"
_TAG_SHOWN = 80  # bytes of a tag: enough to find it by, where there is no destination
_ADDRESS = re.compile(r"(?:https?:/?/?|www\.)[^\s/]\S*", re.IGNORECASE)
# A bare name counts only with an ending that people know from addresses: `Node.js` is no host.
_BARE = re.compile(
    r"(?:[\w-]+\.)+(?:com|org|net|edu|gov|info|biz|io|co|app|dev|shop"
    r"|eu|uk|de|fr|es|it|nl|pl|ch|at|be|us|ca|au|jp|in|br)(?:[/:?#]\S*)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Remark:
    """One link of one file; `line`, `column` (characters) from 1; `problem`: looks trackable, is not."""

    file: str
    line: int
    column: int
    index: int
    outcome: Outcome
    reason: str
    destination: str | None
    text: str
    tag: str
    problem: bool
    warning: str | None


def check_file(
    path: str, *, switches: Switches, charset: str | None, links: Tracker | None, kind: Kind = "html"
) -> list[Remark]:
    """Return a remark for every link of the file `path` (`-`: standard input). Raises Unreadable.

    In mails, lines and columns are those of the decoded part, which is named behind the file: `mail.eml[1.2]`.
    """
    if kind != "html":
        return _check_mails(path, kind, switches, links)
    with Source(path) as source:
        parts = [source.head(HEAD)]
        label = sniff(parts[0], charset)
        if path != STDIN and not label.startswith(("utf-16", "utf-32")):
            refuse_junk(parts[0])
        while data := source.read():
            parts.append(data)
    document = b"".join(parts)
    findings = check(document, switches=switches, charset=label, links=links)
    columns = _Columns(document, label)
    return [_remark(shown(path), finding, document, columns) for finding in findings]


def _check_mails(path: str, kind: Kind, switches: Switches, links: Tracker | None) -> list[Remark]:
    found: list[Remark] = []
    with Source(path) as source:
        chunks = iter(source.read, b"")
        for piece in pieces(chunks) if kind == "mbox" else whole(chunks):
            if not piece.number:
                raise Unreadable(f"a mail is larger than {MAIL_LIMIT >> 20} MiB")
            for section, body, label in html_bodies(piece.data):
                place = f"{piece.number}/{section}" if kind == "mbox" else section
                findings = check(body, switches=switches, charset=label, links=links)
                columns = _Columns(body, label)
                found += [_remark(f"{shown(path)}[{place}]", finding, body, columns) for finding in findings]
    return found


def _remark(name: str, finding: Finding, document: bytes, columns: "_Columns") -> Remark:
    link = finding.link
    return Remark(
        file=name,
        line=link.line,
        column=columns.of(link.start, link.column),
        index=link.index,
        outcome=link.outcome,
        reason=finding.reason,
        destination=link.destination,
        text=link.text,
        tag=document[link.start : min(link.end, link.start + _TAG_SHOWN)].decode("utf-8", "replace"),
        problem=finding.looks_trackable,
        warning=link.warning or _text_warning(link.outcome, link.destination, link.text),
    )


class _Columns:
    """Turns columns in bytes into columns in characters, as editors count them; asked in document order.

    Goes on from the link before on the same line: a document may be one line, and have links by the thousand.
    """

    def __init__(self, document: bytes, charset: str) -> None:
        found = Charset(charset)
        self._codec = codecs.getincrementaldecoder(found.codec if found.by_bytes and found.codec else "utf-8")
        self._document = document
        self._line = -1
        self._at = self._characters = 0
        self._decoder = self._codec("replace")

    def of(self, start: int, column: int) -> int:
        """Return the column in characters of the tag at byte `start`, whose column in bytes is `column`."""
        line = start - (column - 1)
        if line != self._line or start < self._at:
            self._line = self._at = line
            self._characters = 0
            self._decoder = self._codec("replace")
        self._characters += len(self._decoder.decode(self._document[self._at : start]))
        self._at = start
        state = self._decoder.getstate()
        cut = len(self._decoder.decode(b"", final=True))  # a character that the tag cuts off shows as one too
        self._decoder.setstate(state)
        return self._characters + cut + 1


def _text_warning(outcome: Outcome, destination: str | None, text: str) -> str | None:
    return TEXT_IS_ADDRESS if outcome is Outcome.TRACKED and looks_like_address(text, destination) else None


def looks_like_address(text: str, destination: str | None = None) -> bool:
    """True when a reader takes `text` for an address: by how it begins or ends, or as the link's own host."""
    text = text.strip(" .,;:!()<>[]\"'")
    if not text or any(char.isspace() for char in text):
        return False
    if _ADDRESS.fullmatch(text) or _BARE.fullmatch(text):
        return True
    try:
        host = urlsplit(destination or "").hostname or ""
    except ValueError:
        return False
    return "." in text and text.lower().removeprefix("www.") == host.removeprefix("www.")

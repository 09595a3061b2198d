"""Look at one document as a linter would: each link with its place, its outcome, and what to say about it."""

import codecs
from dataclasses import dataclass

from linkweir.batch.kinds import Kind
from linkweir.batch.mailbox import MAIL_LIMIT, pieces, whole
from linkweir.batch.names import STDIN, shown
from linkweir.batch.source import HEAD, Source, Unreadable, refuse_junk
from linkweir.batch.trackers import Trackers
from linkweir.html import Finding, Outcome, Switches, check
from linkweir.html.charset import Charset
from linkweir.html.check import TAG_WINDOW, finding_of
from linkweir.html.prescan import sniff
from linkweir.mime import CheckedPart, Note, check_parts

_TAG_SHOWN = 80  # bytes of a tag: enough to find it by, where there is no destination


@dataclass(frozen=True, slots=True)
class Remark:
    """One link of one file; `line`, `column` (characters) from 1; `problem`: looks trackable, is not.

    Or one part of a mail that could not be judged: then `index` is None and `outcome` the code of the note on it.
    """

    file: str
    line: int
    column: int
    index: int | None
    outcome: str
    reason: str
    destination: str | None
    text: str
    tag: str
    problem: bool
    warning: str | None


def check_file(
    path: str, *, switches: Switches, charset: str | None, trackers: Trackers, kind: Kind = "html"
) -> list[Remark]:
    """Return a remark for every link of the file `path` (`-`: standard input). Raises Unreadable.

    In mails, lines and columns are those of the decoded part, which is named behind the file: `mail.eml[1.2]`; links
    are counted over the whole mail.
    """
    if kind != "html":
        return _check_mails(path, kind, switches, trackers)
    links = trackers.of(path)
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
    return [
        _remark(
            shown(path),
            finding,
            document[finding.link.start : finding.link.end],
            columns.of(finding.link.start, finding.link.column),
        )
        for finding in findings
    ]


def _check_mails(path: str, kind: Kind, switches: Switches, trackers: Trackers) -> list[Remark]:
    found: list[Remark] = []
    with Source(path) as source:
        chunks = iter(source.read, b"")
        for piece in pieces(chunks) if kind == "mbox" else whole(chunks):
            if not piece.number:
                raise Unreadable(f"a mail is larger than {MAIL_LIMIT >> 20} MiB")
            links = trackers.of(path, piece.number)
            parts, notes = check_parts(piece.data, switches=switches, links=links)
            place = f"{shown(path)}[{piece.number}/" if kind == "mbox" else f"{shown(path)}["
            for part in parts:
                found += _part_remarks(f"{place}{part.section}]", part)
            # what became of single links stands with them
            unjudged = (note for note in notes if note.code not in set(Outcome))
            found += [_not_judged(f"{place}{note.part or 1}]", note) for note in unjudged]
    return found


def _part_remarks(name: str, part: CheckedPart) -> list[Remark]:
    """Offsets and columns of a str are characters already."""
    html, columns = part.html, None if isinstance(part.html, str) else _Columns(part.html, part.charset)
    found = []
    for link in part.links:
        cut = html[link.start : min(link.end, link.start + TAG_WINDOW)]
        tag = cut.encode("utf-8", "surrogatepass") if isinstance(cut, str) else cut
        column = columns.of(link.start, link.column) if columns else link.column
        found.append(_remark(name, finding_of(link, tag), tag, column))
    return found


def _not_judged(name: str, note: Note) -> Remark:
    return Remark(name, 1, 1, None, note.code, f"not judged: {note.text}", None, "", "", True, None)


def _remark(name: str, finding: Finding, tag: bytes, column: int) -> Remark:
    link = finding.link
    return Remark(
        file=name,
        line=link.line,
        column=column,
        index=link.index,
        outcome=link.outcome,
        reason=finding.reason,
        destination=link.destination,
        text=link.text,
        tag=tag[:_TAG_SHOWN].decode("utf-8", "replace"),
        problem=finding.looks_trackable,
        warning=finding.warning,
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

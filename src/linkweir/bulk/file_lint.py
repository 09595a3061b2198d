"""Checks one document like a linter: each link with its position, outcome and remark."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass

from linkweir.bulk.document_io import PREFIX_BYTES, InputFile, UnreadableInput, reject_binary
from linkweir.bulk.file_list import FileKind
from linkweir.bulk.mbox import MAX_MAIL_BYTES, MailPiece, read_single_mail, split_mbox
from linkweir.bulk.tracker_factory import TrackerFactory
from linkweir.html import Finding, Outcome, Switches, check
from linkweir.html.charset import Charset, sniff_charset
from linkweir.html.lint import TAG_WINDOW_BYTES, make_finding
from linkweir.mime import CheckedPart, Note, check_parts
from linkweir.terminal.text import STDIN, display_path

_MAX_TAG_BYTES = 80  # bytes of a tag, shown where there is no destination


@dataclass(frozen=True, slots=True)
class LintResult:
    """One link of one file; `line`, `column` (characters) from 1; `problem`: looks trackable, but is not.

    Or a part of a mail that could not be checked: then `index` is None and `outcome` the code of the note.
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


def lint_file(
    path: str, *, switches: Switches, charset: str | None, trackers: TrackerFactory, kind: FileKind = "html"
) -> list[LintResult]:
    """Return a result for every link of the file `path` (`-`: standard input). Raises UnreadableInput.

    In mails, lines and columns are those of the decoded part, which follows the file name: `mail.eml[1.2]`; the index
    counts over the whole mail.
    """
    if kind != "html":
        return _lint_mails(path, kind, switches, trackers)
    links = trackers.make_tracker(path)
    document, label = read_html(path, charset)
    findings = check(document, switches=switches, charset=label, links=links)
    columns = _CharacterColumns(document, label)
    return [
        _to_result(
            display_path(path),
            finding,
            document[finding.link.start : finding.link.end],
            columns.column_at(finding.link.start, finding.link.column),
        )
        for finding in findings
    ]


def read_html(path: str, charset: str | None) -> tuple[bytes, str]:
    """Return the document and the label of its charset; `charset`: what the user says. Raises UnreadableInput."""
    with InputFile(path) as source:
        parts = [source.read_prefix(PREFIX_BYTES)]
        label = sniff_charset(parts[0], charset)
        if path != STDIN and not label.startswith(("utf-16", "utf-32")):
            reject_binary(parts[0])
        while data := source.read():
            parts.append(data)
    return b"".join(parts), label


def iter_mails(path: str, kind: FileKind) -> Iterator[MailPiece]:
    """Yield the mails of a mail or mailbox file. Raises UnreadableInput."""
    with InputFile(path) as source:
        chunks = iter(source.read, b"")
        for piece in split_mbox(chunks) if kind == "mbox" else read_single_mail(chunks):
            if not piece.number:
                raise UnreadableInput(f"a mail is larger than {MAX_MAIL_BYTES >> 20} MiB")
            yield piece


def _lint_mails(path: str, kind: FileKind, switches: Switches, trackers: TrackerFactory) -> list[LintResult]:
    results: list[LintResult] = []
    for piece in iter_mails(path, kind):
        links = trackers.make_tracker(path, piece.number)
        parts, notes = check_parts(piece.data, switches=switches, links=links)
        location = f"{display_path(path)}[{piece.number}/" if kind == "mbox" else f"{display_path(path)}["
        for part in parts:
            results += _lint_part(f"{location}{part.section}]", part)
        # notes on links are part of their results
        unjudged = (note for note in notes if note.code not in set(Outcome))
        results += [_to_unjudged_result(f"{location}{note.part or 1}]", note) for note in unjudged]
    return results


def _lint_part(name: str, part: CheckedPart) -> list[LintResult]:
    """Offsets and columns of a str are characters already."""
    html, columns = part.html, None if isinstance(part.html, str) else _CharacterColumns(part.html, part.charset)
    results = []
    for link in part.links:
        cut = html[link.start : min(link.end, link.start + TAG_WINDOW_BYTES)]
        tag = cut.encode("utf-8", "surrogatepass") if isinstance(cut, str) else cut
        column = columns.column_at(link.start, link.column) if columns else link.column
        results.append(_to_result(name, make_finding(link, tag), tag, column))
    return results


def _to_unjudged_result(name: str, note: Note) -> LintResult:
    return LintResult(name, 1, 1, None, note.code, f"not judged: {note.text}", None, "", "", True, None)


def _to_result(name: str, finding: Finding, tag: bytes, column: int) -> LintResult:
    link = finding.link
    return LintResult(
        file=name,
        line=link.line,
        column=column,
        index=link.index,
        outcome=link.outcome,
        reason=finding.reason,
        destination=link.destination,
        text=link.text,
        tag=tag[:_MAX_TAG_BYTES].decode("utf-8", "replace"),
        problem=finding.looks_trackable,
        warning=finding.warning,
    )


class _CharacterColumns:
    """Converts columns in bytes to columns in characters, as editors count them; call it in document order.

    Continues from the previous link on the same line: a document may be one line with thousands of links.
    """

    def __init__(self, document: bytes, charset: str) -> None:
        known_charset = Charset(charset)
        self._codec = codecs.getincrementaldecoder(
            known_charset.codec if known_charset.is_ascii_transparent and known_charset.codec else "utf-8"
        )
        self._document = document
        self._line = -1
        self._at = self._characters = 0
        self._decoder = self._codec("replace")

    def column_at(self, start: int, column: int) -> int:
        """Return the column in characters of the tag at byte `start`, whose column in bytes is `column`."""
        line = start - (column - 1)
        if line != self._line or start < self._at:
            self._line = self._at = line
            self._characters = 0
            self._decoder = self._codec("replace")
        self._characters += len(self._decoder.decode(self._document[self._at : start]))
        self._at = start
        state = self._decoder.getstate()
        cut = len(self._decoder.decode(b"", final=True))  # a truncated character counts as one
        self._decoder.setstate(state)
        return self._characters + cut + 1

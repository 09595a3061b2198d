"""The link report: a JSON line per link for programs, counts by outcome for the summary."""

import json
from collections.abc import Iterator, Mapping

from linkweir.html import REASONS, Link, Outcome
from linkweir.terminal.text import display_path


def format_row(
    path: str,
    link: Link,
    *,
    replaced: bool,
    part: str | None = None,
    message: int | None = None,
    row: int | None = None,
) -> bytes:
    """Return one line of the report, with its line end, in UTF-8.

    `line` and `column` count from 1; `column` and `offset` count bytes; `index` is the link's position among
    all links of the file, from 0; in mails they are those of the decoded `part`, and the index counts in the
    mail, which is number `message` of a mailbox; in tables they are those of the document of `row`. `replacement` is
    null for links that are not replaced, and without `replaced`.
    """
    fields: dict[str, object] = {
        "file": display_path(path),
        "line": link.line,
        "column": link.column,
        "offset": link.start,
        "index": link.index,
        "outcome": str(link.outcome),
        "reason": REASONS[link.outcome],
        "destination": link.destination,
        "replacement": link.replacement if replaced else None,
        "warning": link.warning,
    }
    fields |= {name: value for name, value in (("part", part), ("message", message), ("row", row)) if value is not None}
    return _to_line(fields)


def format_unchanged_row(path: str, row: int, reason: str) -> bytes:
    """Return the line of a table's row that could not be rewritten and stays as it is."""
    return _to_line({"file": display_path(path), "row": row, "outcome": "unchanged-row", "reason": reason})


def _to_line(fields: Mapping[str, object]) -> bytes:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


def format_summary(counts: Mapping[Outcome, int]) -> Iterator[str]:
    """Yield the counts, in the order of the link rules, as aligned lines for a summary."""
    width = max((len(str(number)) for number in counts.values()), default=0)
    for outcome in Outcome:
        if number := counts.get(outcome, 0):
            yield f"  {number:>{width}}  {outcome:<20}  {REASONS[outcome]}"


def pluralize(number: int, noun: str) -> str:
    """Return `1 file`, `2 files`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"

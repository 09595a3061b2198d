"""Rewrites single rows in Python, and notes what became of the rows of one table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from linkweir.bulk.link_report import format_row, format_unchanged_row
from linkweir.bulk.tracker_factory import RowTrackers
from linkweir.errors import LinkweirError
from linkweir.html import Link, Outcome, Rewriter, Switches
from linkweir.tokens import Tracker

MAX_ROW_BYTES = 64 << 20  # bytes; a larger row passes unchanged, so that memory stays bounded
MAX_NAMED_ROWS = 20  # of one table: a million rows of another form are one mistake
TOO_LARGE_ROW = f"larger than {MAX_ROW_BYTES >> 20} MiB"


@dataclass(frozen=True, slots=True)
class TableOptions:
    """What to rewrite. `charset` of bytes; `replaced`: whether the result is written and the report has new links."""

    html_column: str
    id_column: str | None
    switches: Switches
    charset: str
    report: bool
    replaced: bool
    threads: int = 1


@dataclass(slots=True)
class TableTotals:
    """What became of the rows: `unchanged` names the first of those that could not be rewritten, and why."""

    row_count: int = 0
    unchanged_count: int = 0
    unchanged: list[str] = field(default_factory=list)
    counts: dict[Outcome, int] = field(default_factory=dict)

    def add_counts(self, counts: Mapping[Outcome, int]) -> None:
        """Add the links of a row or of many."""
        for outcome, count in counts.items():
            self.counts[outcome] = self.counts.get(outcome, 0) + count


class TableRows:
    """The rows of one table. `write_report` takes lines of the report."""

    def __init__(
        self, source: str, options: TableOptions, trackers: RowTrackers, write_report: Callable[[bytes], None]
    ) -> None:
        self.source = source
        self.options = options
        self.trackers = trackers
        self.totals = TableTotals()
        self._write_report = write_report

    def rewrite(self, number: int, html: bytes, identity: object, charset: str = "utf-8") -> bytes | None:
        """The rewritten document of a row, None if the row has to stay as it is; `identity`: of the id column."""
        links: list[Link] = []
        try:
            tracker = self.trackers.for_row(number, identity)
            rewriter = Rewriter(
                tracker,
                switches=self.options.switches,
                charset=charset,
                on_link=links.append if self.options.report else None,
            )
            done = rewriter.feed(html) + rewriter.close()
        except LinkweirError as error:
            self.reject(number, str(error))
            return None
        counts = rewriter.counts
        self.totals.add_counts(counts)
        for link in links:
            self.report_link(number, link)
        if Outcome.ENCODING in counts:
            self.reject(number, "its encoding can't be judged by bytes")
            return None
        return done if counts.get(Outcome.TRACKED) else None

    def find_tracker(self, number: int, identity: object) -> Tracker:
        """The tracker of a row, once more."""
        return self.trackers.for_row(number, identity)

    def report_link(self, number: int, link: Link) -> None:
        """Write the line of a link, if there is a report."""
        if self.options.report:
            self._write_report(format_row(self.source, link, replaced=self.options.replaced, row=number))

    def reject(self, number: int, reason: str) -> None:
        """Note a row that could not be rewritten."""
        self.totals.unchanged_count += 1
        if len(self.totals.unchanged) < MAX_NAMED_ROWS:
            self.totals.unchanged.append(f"row {number}: {reason}")
        if self.options.report:
            self._write_report(format_unchanged_row(self.source, number, reason))


def describe_type(value: object) -> str:
    """What a value of JSON is, in words."""
    names = {
        bool: "true or false",
        int: "a number",
        float: "a number",
        list: "an array",
        dict: "an object",
    }
    return names.get(type(value), type(value).__name__)

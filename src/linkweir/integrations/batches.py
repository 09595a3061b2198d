"""Batches of a table in other processes: what Spark, Ray and Dask pickle and call there. Needs pyarrow.

An engine writes what it pickles to logs and spill files: a tracker with its keys inside is refused, unless asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from linkweir.arrow import rewrite_column
from linkweir.errors import BadSwitch, check_type
from linkweir.html.rewriter import DEFAULT_SWITCHES
from linkweir.html.switches import Switches
from linkweir.tokens import Tracker


def check_secrets(tracker: Tracker, allow_secrets: bool) -> None:
    """Raises BadSwitch for a tracker whose pickle would contain its keys."""
    check_type("tracker", tracker, Tracker, "a Tracker")
    if tracker.carries_secrets and not allow_secrets:
        raise BadSwitch(
            "tracker carries its keys, which the engine would write to logs and spill files: make it with "
            "KeyFile(path) or KeyVariable(name) instead of a KeyRing, or pass allow_secrets=True"
        )


@dataclass(frozen=True)
class BatchRewriter:
    """Rewrites one column of each batch; the other columns stay. Pickles.

    `column`: the name of the column of documents. `message_ids`: the name of the column of message ids, or None.
    `outcome_column`: name of a column to add, with the `RowOutcome` of each row. `allow_secrets`: take a tracker that
    is pickled with its keys.
    """

    tracker: Tracker
    column: str = "html"
    message_ids: str | None = None
    switches: Switches = DEFAULT_SWITCHES
    charset: str = "utf-8"
    outcome_column: str | None = None
    allow_secrets: bool = False

    def __post_init__(self) -> None:
        check_secrets(self.tracker, self.allow_secrets)

    def __call__(self, table: pa.Table) -> pa.Table:
        """Rewrite a table, as Ray Data hands it over with `batch_format="pyarrow"`."""
        number = table.schema.get_field_index(self.column)
        if number < 0:
            raise KeyError(f"the table has no column {self.column!r}, only {', '.join(table.schema.names)}")
        ids: Any = None if self.message_ids is None else table[self.message_ids]
        htmls, outcomes = rewrite_column(
            table[self.column],
            self.tracker,
            message_ids=ids,
            switches=self.switches,
            charset=self.charset,
            outcomes=True,
        )
        done = table.set_column(number, self.column, pa.chunked_array(htmls))
        if self.outcome_column is None:
            return done
        return done.append_column(self.outcome_column, pa.chunked_array(outcomes))

    def map_in_arrow(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Rewrite record batches one by one, as Spark hands them over."""
        for batch in batches:
            yield from self(pa.Table.from_batches([batch])).to_batches()

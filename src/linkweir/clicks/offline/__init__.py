"""Classification of clicks that were recorded elsewhere: iterables, tables and files of any size, in bounded memory.

for click in classify_clicks([{"at": "2026-01-31T10:00:00Z", "message": "m1", "link": 0, "ip": "192.0.2.1"}]):
    print(click.verdict.verdict, click.verdict.p_machine)
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from linkweir.clicks.enrichment import Enricher
from linkweir.clicks.known_networks import KnownNetworks
from linkweir.clicks.offline.click_spill import SpillError
from linkweir.clicks.offline.internal_traffic import make_internal_traffic
from linkweir.clicks.offline.offline_classifier import ClassifiedClick, OfflineClassifier, OfflineVerdict
from linkweir.clicks.offline.parquet_records import ROWS_PER_BATCH, drop_nulls, verdict_columns
from linkweir.clicks.offline.provider_events import PROVIDERS
from linkweir.clicks.offline.recorded_click import InvalidClick, RecordedClick, parse_click

if TYPE_CHECKING:
    import pyarrow

__all__ = [
    "ClassifiedClick",
    "InvalidClick",
    "OfflineVerdict",
    "SpillError",
    "classify_clicks",
    "classify_table",
]


def classify_clicks(
    clicks: Iterable[Mapping[str, Any]],
    *,
    provider: str | None = None,
    as_they_came: bool = False,
    networks: Path | None = None,
    internal_networks: Sequence[str] = (),
    internal_addresses: Sequence[str] = (),
) -> Iterator[ClassifiedClick | None]:
    """Classify recorded clicks, in any order; for each its final verdict, in the order in which they were given.

    A click is a mapping with the fields of `linkweir classify`; `at` and `delivered_at` may be a datetime with a time
    zone, too. `provider`: one of `PROVIDERS`, for single events in its form; None comes out for those that are no
    clicks. `as_they_came`: also the verdict when each arrived. `networks`: a list instead of the included one.
    `internal_networks` and `internal_addresses`: the sender's own people, whose clicks are internal, as in the settings
    of an account; recipients are known by the field `recipient`.

    All clicks are read before the first verdict comes out. They wait in a temporary file; memory is bounded. Raises
    InvalidClick that names the number of the click (from 0), SpillError when the disk is full, and ValidationError for
    a network or an address that cannot be used.
    """
    parse = PROVIDERS[provider] if provider else parse_click
    skipped: list[int] = []
    enricher, internal = (
        Enricher(None, KnownNetworks.load(networks)),
        make_internal_traffic(internal_networks, internal_addresses),
    )
    with OfflineClassifier(enricher, as_they_came=as_they_came, internal=internal) as classifier:
        for number, fields in enumerate(clicks):
            try:
                record = parse(fields)
            except InvalidClick as error:
                raise InvalidClick(f"click {number}: {error}") from None
            if record is not None:
                classifier.add(record)
            if not isinstance(record, RecordedClick):
                skipped.append(number)
        classifier.classify()
        yield from _insert_gaps(classifier.iter_classified(), skipped)


def _insert_gaps(clicks: Iterator[ClassifiedClick], gaps: Iterable[int]) -> Iterator[ClassifiedClick | None]:
    number = 0
    for gap in gaps:
        while number < gap:
            yield next(clicks)
            number += 1
        yield None
        number += 1
    yield from clicks


def classify_table(
    table: "pyarrow.Table",
    *,
    as_they_came: bool = False,
    networks: Path | None = None,
    internal_networks: Sequence[str] = (),
    internal_addresses: Sequence[str] = (),
) -> "pyarrow.Table":
    """Classify the clicks of an Arrow table: the same table with columns `verdict`, `confidence`, `p_machine` and
    `reasons`, and the same with `first_` in front with `as_they_came`.

    Columns have the names of the fields of `linkweir classify`; times are timestamps with a time zone, RFC 3339, or
    microseconds since 1970; `headers` is a map or a struct. Nulls are fields that are left out. Raises InvalidClick
    and SpillError.
    """
    import pyarrow

    rows = (drop_nulls(row) for batch in table.to_batches(ROWS_PER_BATCH) for row in batch.to_pylist())
    columns = verdict_columns(as_they_came=as_they_came)
    chunks: dict[str, list[Any]] = {name: [] for name, _ in columns}
    waiting: list[dict[str, Any]] = []

    def flush() -> None:
        for name, kind in columns:
            chunks[name].append(pyarrow.array([fields[name] for fields in waiting], kind))
        waiting.clear()

    for click in classify_clicks(
        rows,
        as_they_came=as_they_came,
        networks=networks,
        internal_networks=internal_networks,
        internal_addresses=internal_addresses,
    ):
        assert click is not None
        waiting.append(click.to_fields())
        if len(waiting) >= ROWS_PER_BATCH:
            flush()
    flush()
    for name, kind in columns:
        table = table.append_column(pyarrow.field(name, kind), pyarrow.chunked_array(chunks[name], kind))
    return table

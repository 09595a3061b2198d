"""Single clicks and lists of who clicked, read piece by piece: nobody waits for a long look at the database."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, RowMapping

from linkweir.db import click_lists, dashboard_queries
from linkweir.db.database import Database
from linkweir.db.dimensions import CLICK_DIMENSION_NAMES
from linkweir.pagination import PageRequest, RowPage, SortedPage, SortRequest
from linkweir.stats.estimates import click_probability, expected_clicks_fields, machine_probability
from linkweir.stats.export import ColumnTypes, ExportRow

CLICKER_SORT_COLUMNS: Final = tuple(click_lists.CLICKER_SORT_COLUMNS)
MAX_SORTED: Final = click_lists.MAX_SORTED  # messages that a sorted page of clickers looks at
BATCH_ROWS: Final = 1000  # rows in one look at the database
_NAMED_COLUMNS: Final[ColumnTypes] = {
    "id": "text",
    "at": "time",
    "message_id": "text",
    "recipient": "text",
    "campaign": "text",  # of anonymous clicks; the others have their message's tags
    "tags": "texts",
    "position": "whole",
    "destination": "text",
    "method": "text",
    "privacy": "text",
    "verdict": "text",
    "confidence": "number",
    "machine_probability": "number",
    "reasons": "text",
    "first": "bool",
    "ip": "text",
    "user_agent": "text",
    "client": "text",
    "system": "text",
    "device": "text",
    "country": "text",
    "region": "text",
    "network": "text",
}
CLICK_COLUMNS: Final[ColumnTypes] = {**_NAMED_COLUMNS, **dict.fromkeys(CLICK_DIMENSION_NAMES, "text")}
# what enrichment knows of a click
DERIVED_COLUMNS: Final = tuple(
    dict.fromkeys(("client", "system", "device", "country", "region", "network", *CLICK_DIMENSION_NAMES))
)
CLICKER_COLUMNS: Final[ColumnTypes] = {
    "message_id": "text",
    "recipient": "text",
    "variant": "text",
    "sent_at": "time",
    "first_at": "time",
    "click_count": "whole",
    "expected_clicks": "number",
    "expected_clicks_low": "number",
    "expected_clicks_high": "number",
    "click_probability": "number",
    "links": "whole",
    "machine": "whole",
}


def iter_clicks(
    database: Database,
    account: uuid.UUID,
    from_at: int,
    to_at: int,
    *,
    tag: str | None = None,
    domains: Sequence[str] | None = None,
) -> Iterator[ExportRow]:
    """Every click between two times, oldest first: see CLICKS. Raises DatabaseUnavailable."""
    cursor = (from_at, uuid.UUID(int=0))
    while True:
        with database.read() as connection:
            rows = click_lists.load_export_batch(
                connection, account, cursor, to_at, BATCH_ROWS, tag=tag, domains=domains
            )
        yield from map(_to_export_row, rows)
        if len(rows) < BATCH_ROWS:
            return
        cursor = (rows[-1]["at"], rows[-1]["id"])


def iter_message_clicks(database: Database, message: ExportRow) -> Iterator[ExportRow]:
    """Every click on the links of one message, newest first: see CLICKS; `message` with id, recipient and tags.

    Raises DatabaseUnavailable.
    """
    request = PageRequest(BATCH_ROWS)
    while True:
        with database.read() as connection:
            page = click_lists.list_clicks_of_message(connection, message["id"], request)
        for row in page.rows:
            yield {**_to_export_row(row), "recipient": message["recipient"], "tags": message["tags"]}
        if not page.more_after:
            return
        request = PageRequest(BATCH_ROWS, "after", (page.rows[-1]["at"], page.rows[-1]["id"]))


def iter_clickers(
    database: Database,
    account: uuid.UUID,
    tag: str,
    *,
    position: int | None = None,
    destination: str | None = None,
    address: str = "",
    between: tuple[int, int] | None = None,
    only_likely: bool = False,
) -> Iterator[ExportRow]:
    """Everybody who clicked in a campaign, or on one of its links: see CLICKERS, and `database.clicked.who` for what
    narrows the list. Raises DatabaseUnavailable.
    """
    narrowed: dict[str, Any] = {"position": position, "destination": destination}
    narrowed |= {"address": address, "between": between, "only_likely": only_likely}
    request = PageRequest(BATCH_ROWS)
    while True:
        with database.read() as connection:
            page = click_lists.list_clickers(connection, account, tag, request, **narrowed)
        for row in page.rows:
            yield {**row, **expected_clicker_fields(row), "message_id": row["id"], "sent_at": row["at"]}
        if not page.more_after:
            return
        request = PageRequest(BATCH_ROWS, "after", (page.rows[-1]["at"], page.rows[-1]["id"]))


def _to_export_row(row: ExportRow) -> ExportRow:
    return {**row, "machine_probability": machine_probability(row)}


def expected_clicker_fields(row: Mapping[Any, Any]) -> dict[str, float]:
    """Return expected clicks by people and the probability that one clicked, of a row of `list_clickers`."""
    expected = expected_clicks_fields(row, row["click_count"] + row["machine"])
    return {**expected, "click_probability": click_probability(row)}


def list_clicks_of_message(connection: Connection, message: uuid.UUID, page: PageRequest) -> RowPage:
    """A page of the clicks on the links of a message, newest first, whatever their verdicts."""
    return click_lists.list_clicks_of_message(connection, message, page)


def list_clickers(
    connection: Connection,
    account: uuid.UUID,
    tag: str,
    page: PageRequest,
    *,
    position: int | None = None,
    destination: str | None = None,
    address: str = "",
    between: tuple[int, int] | None = None,
    only_likely: bool = False,
) -> RowPage:
    """A page of `iter_clickers`, the message last sent first."""
    narrowed: dict[str, Any] = {"position": position, "destination": destination, "only_likely": only_likely}
    return click_lists.list_clickers(connection, account, tag, page, **narrowed, address=address, between=between)


def list_clickers_sorted(
    connection: Connection,
    account: uuid.UUID,
    tag: str,
    request: SortRequest,
    *,
    position: int | None = None,
    address: str = "",
    between: tuple[int, int] | None = None,
    only_likely: bool = False,
) -> SortedPage:
    """A page of clickers among the newest messages of a campaign, in the order of one of CLICKER_SORT_COLUMNS."""
    narrowed: dict[str, Any] = {"address": address, "between": between, "only_likely": only_likely}
    return click_lists.list_clickers_sorted(connection, account, tag, request, position=position, **narrowed)


def find_last_clicks(
    connection: Connection, messages: Sequence[uuid.UUID], position: int | None
) -> dict[uuid.UUID, int]:
    """When a person may have clicked last in each message (on one link), in microseconds since 1970."""
    return click_lists.find_last_clicks(connection, messages, position)


def list_links_of_message(connection: Connection, message: uuid.UUID) -> list[RowMapping]:
    """The links of a message that were followed, in order, with their clicks by verdict."""
    return click_lists.list_links_of_message(connection, message)


def count_messages_by_privacy(connection: Connection, account: uuid.UUID, tag: str) -> dict[str, int]:
    """How many of the newest messages of a campaign have each privacy mode."""
    return dashboard_queries.count_by_privacy(connection, account, tag)

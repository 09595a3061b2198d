"""Statements that list single clicks, the links of a message that were followed, and who clicked."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    RowMapping,
    ScalarSelect,
    Select,
    Subquery,
    Text,
    cast,
    exists,
    func,
    select,
    tuple_,
)

from linkweir.db.aggregate_columns import COUNTED_VERDICTS, EXPECTED_LINK_COUNTS
from linkweir.db.dimensions import CLICK_DIMENSION_NAMES
from linkweir.db.keyset_pagination import load_page_of
from linkweir.db.message_search import LIKE_ESCAPES
from linkweir.db.schema import click_rows, clicks, message_links, message_tags, messages
from linkweir.db.sorted_pages import load_sorted_page
from linkweir.pagination import PageRequest, RowPage, SortedPage, SortRequest

IS_CLICK: Final = clicks.c.kind == "click"
MAX_SORTED: Final = 10_000  # messages of a campaign that are looked at for clickers in another order than by time
CLICKER_SORT_COLUMNS: Final = {  # and what they are called in a row
    **{"recipient": "recipient", "variant": "variant", "sent": "at", "first": "first_at", "last": "last_at"},
    **{"clicks": "expected_clicks", "links": "links", "machine": "machine"},
}


def list_clicks_of_message(connection: Connection, message: uuid.UUID, page_request: PageRequest) -> RowPage:
    """Clicks on the links of a message, newest first, whatever their verdicts."""
    statement = select(clicks).where(clicks.c.message_id == message, IS_CLICK)
    return load_page_of(connection, statement, (clicks.c.at, clicks.c.id), page_request)


def list_links_of_message(connection: Connection, message: uuid.UUID) -> list[RowMapping]:
    """The links of a message that were followed, by position: the columns of `message_links`."""
    statement = select(message_links).where(message_links.c.message_id == message)
    return list(connection.execute(statement.order_by(message_links.c.position)).mappings())


def list_clickers(
    connection: Connection,
    account: uuid.UUID,
    tag: str,
    page_request: PageRequest,
    *,
    position: int | None,
    destination: str | None,
    address: str = "",
    between: tuple[int, int] | None = None,
    only_likely: bool = False,
) -> RowPage:
    """Messages of a campaign with a counted click (on one link), the last sent first: `id`, `at` (accepted),
    `recipient`, `first_at`, `click_count`, `machine`, `links`, `expected_clicks` and their variance,
    `clicked_basis_points`. The cost follows from the messages looked at.

    `address`: part of the recipient's; `between`: from and before which time the first of these clicks was;
    `only_likely`: with a hit that is rather a person's than a machine's.
    """
    statement = _select_clickers(
        message_tags,
        position=position,
        destination=destination,
        address=address,
        between=between,
        only_likely=only_likely,
    ).where(message_tags.c.account_id == account, message_tags.c.tag == tag)
    return load_page_of(connection, statement, (message_tags.c.created_at, message_tags.c.message_id), page_request)


def list_clickers_sorted(
    connection: Connection,
    account: uuid.UUID,
    tag: str,
    request: SortRequest,
    *,
    position: int | None,
    address: str = "",
    between: tuple[int, int] | None = None,
    only_likely: bool = False,
    searched: int = MAX_SORTED,
) -> SortedPage:
    """Rows of `list_clickers` among the `searched` newest messages of the campaign, in the order of one of
    CLICKER_SORT_COLUMNS.
    """
    here = (message_tags.c.account_id == account, message_tags.c.tag == tag)
    window = select(message_tags.c.created_at, message_tags.c.message_id).where(*here)
    window = window.order_by(message_tags.c.created_at.desc(), message_tags.c.message_id.desc())
    newest = window.limit(searched).subquery()  # joined by its ids only: PostgreSQL may know nothing of a new campaign
    statement = _select_clickers(
        newest, position=position, destination=None, address=address, between=between, only_likely=only_likely
    )
    if request.column == "last":
        statement = statement.add_columns(_select_last_click(newest.c.message_id, position).label("last_at"))
    found = statement.subquery()
    is_cut = connection.execute(window.offset(searched).limit(1)).first() is not None
    order = (_clicker_sort_key(found, request.column), found.c.id)
    return load_sorted_page(connection, select(found), order, request, is_cut=is_cut)


def _clicker_sort_key(found: Subquery, column: str) -> ColumnElement[Any]:
    """What clickers are sorted by: never null."""
    if column == "recipient":
        return func.lower(found.c.recipient, type_=Text)
    if column == "variant":
        return func.coalesce(found.c.variant, "", type_=Text)
    return func.coalesce(cast(found.c[CLICKER_SORT_COLUMNS[column]], BigInteger), 0, type_=BigInteger)


def _select_last_click(message: ColumnElement[Any], position: int | None) -> ScalarSelect[Any]:
    rows = click_rows.c
    here = [rows.message_id == message, rows.kind == "click", rows.verdict.in_(COUNTED_VERDICTS)]
    here += [] if position is None else [rows.position == position]
    return select(func.max(rows.at)).where(*here).scalar_subquery()


def find_last_clicks(
    connection: Connection, message_ids: Sequence[uuid.UUID], position: int | None
) -> dict[uuid.UUID, int]:
    """When a person may have clicked last in each of these messages (on one link); none where no click is stored."""
    column = messages.c.id
    statement = select(column, _select_last_click(column, position)).where(column.in_(message_ids))
    return {row[0]: row[1] for row in connection.execute(statement) if row[1] is not None}


def _select_clickers(
    tagged: FromClause,
    *,
    position: int | None,
    destination: str | None,
    address: str,
    between: tuple[int, int] | None,
    only_likely: bool,
) -> Select[Any]:
    counts = message_links.c.human + message_links.c.unsure
    conditions: list[ColumnElement[bool]] = [] if position is None else [message_links.c.position == position]
    conditions += [] if destination is None else [message_links.c.destination == destination]
    conditions += [messages.c.recipient.ilike(f"%{address.translate(LIKE_ESCAPES)}%", escape="\\")] if address else []
    conditions += [messages.c.likely_count > 0] if only_likely else []
    statement = (
        select(
            tagged.c.message_id.label("id"),
            tagged.c.created_at.label("at"),
            func.min(messages.c.recipient).label("recipient"),  # there is one: PostgreSQL has to be told
            func.min(messages.c.variant).label("variant"),
            func.min(message_links.c.first_at).label("first_at"),
            func.sum(counts).label("click_count"),
            func.sum(message_links.c.machine + message_links.c.prefetch).label("machine"),
            func.count().filter(counts > 0).label("links"),
            *(func.sum(message_links.c[name]).label(name) for name in EXPECTED_LINK_COUNTS),
            func.min(messages.c.clicked_basis_points).label("clicked_basis_points"),
        )
        .join(messages, messages.c.id == tagged.c.message_id)
        .join(message_links, message_links.c.message_id == tagged.c.message_id)
        .where(*conditions)
        .group_by(tagged.c.created_at, tagged.c.message_id)
        .having(func.sum(counts) > 0)
    )
    if between is not None:
        first = func.min(message_links.c.first_at)
        statement = statement.having(first >= between[0], first < between[1])
    return statement


EXPORT_COLUMNS: Final = (  # of one click, as it is exported
    *("id", "at", "message_id", "campaign", "position", "destination", "method", "privacy", "verdict", "confidence"),
    "machine_basis_points",
    *("reasons", "first", "ip", "user_agent", "system", "region", "network", *CLICK_DIMENSION_NAMES),
)


def load_export_batch(
    connection: Connection,
    account: uuid.UUID,
    after: tuple[int, uuid.UUID],
    to_at: int,
    limit: int,
    *,
    tag: str | None,
    domains: Sequence[str] | None,
) -> list[RowMapping]:
    """List clicks of an account after a cursor (`at` and `id`) and before a time, oldest first: SINGLE, `recipient` and
    `tags`.

    `tag`: only of that campaign; `domains`: only of messages from these senders' domains.
    """
    statement: Select[Any] = (
        select(*(clicks.c[name] for name in EXPORT_COLUMNS), messages.c.recipient, messages.c.tags)
        .outerjoin(messages, messages.c.id == clicks.c.message_id)
        .where(clicks.c.account_id == account, IS_CLICK, clicks.c.at >= after[0], clicks.c.at < to_at)
        .where(tuple_(clicks.c.at, clicks.c.id) > tuple_(*after, types=[clicks.c.at.type, clicks.c.id.type]))
        .order_by(clicks.c.at, clicks.c.id)
        .limit(limit)
    )
    if domains is not None:
        statement = statement.where(messages.c.sender_domain.in_(domains))
    if tag is not None:
        here = (message_tags.c.message_id == clicks.c.message_id, message_tags.c.tag == tag)
        statement = statement.where(exists().where(*here) | (clicks.c.campaign == tag))
    return list(connection.execute(statement).mappings())

"""Statements that store clicks and attribute them to messages and accounts. An event's id was made at the redirect."""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import (
    Connection,
    Integer,
    RowMapping,
    Select,
    Update,
    bindparam,
    case,
    func,
    insert,
    literal_column,
    or_,
    select,
    union_all,
    update,
)

from linkweir.db import accounts_table, aggregate_dimensions_table, message_locks
from linkweir.db.aggregate_columns import COUNTED_VERDICTS, EXPECTED_MESSAGE_COUNTS
from linkweir.db.bulk_statement import BulkStatement
from linkweir.db.click_texts_table import get_or_create_code_ids, get_or_create_text_ids, is_shared
from linkweir.db.column_lists import list_parameter
from linkweir.db.dimensions import CLICK_DIMENSION_NAMES, MESSAGE_COLUMN_NAMES
from linkweir.db.schema import click_aggregates, click_rows, clicks, erased_clicks, messages
from linkweir.db.time_buckets import ALL_TIME

T = TypeVar("T")
BATCH_ROWS = 500  # SQLite takes at most 999 parameters in old builds
MESSAGE_COLUMNS = (  # what is asked of a message that was followed
    *(messages.c.id, messages.c.account_id, messages.c.number, messages.c.tags, messages.c.attributes),
    *(messages.c.delivered_at, messages.c.sandbox_result, messages.c.tracked_links, messages.c.hit_count),
    messages.c.internal,
    *(messages.c[name] for name in MESSAGE_COLUMN_NAMES),
)


def count(connection: Connection) -> int:
    """Count the stored clicks and opens."""
    return connection.scalar(select(func.count()).select_from(clicks)) or 0


def find_stored_ids(connection: Connection, ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Return the ids of those events that are stored already, or were until they were erased."""
    if message_locks.needs_locks(connection):
        return set(connection.scalars(_FIND_STORED, {"ids": ids}))
    stored: set[uuid.UUID] = set()
    for some in _batches(ids):
        for table in (click_rows, erased_clicks):
            stored.update(connection.scalars(select(table.c.id).where(table.c.id.in_(some))))
    return stored


def get_messages_by_number(
    connection: Connection, numbers: Iterable[int], *, lock: bool = False
) -> dict[int, RowMapping]:
    """Return the known messages of these token numbers: the columns of MESSAGE. `lock`: nobody else may judge their
    clicks, or settle them, until the transaction ends.
    """
    if message_locks.needs_locks(connection):
        statement = _HOLD_MESSAGES if lock else _FIND_MESSAGES
        rows = connection.execute(statement, {"numbers": sorted(numbers)}).mappings()
        return {row["number"]: row for row in rows}
    by_number: dict[int, RowMapping] = {}
    for some in _batches(sorted(numbers)):
        statement = select(*MESSAGE_COLUMNS).where(messages.c.number.in_(some))
        by_number |= {row["number"]: row for row in connection.execute(statement).mappings()}
    return by_number


# for PostgreSQL, which takes a list as one parameter
_IDS = func.any(list_parameter("ids", click_rows.c.id.type))
_FIND_STORED = union_all(*(select(table.c.id).where(table.c.id == _IDS) for table in (click_rows, erased_clicks)))
_FIND_MESSAGES: Select[Any] = select(*MESSAGE_COLUMNS).where(
    messages.c.number == func.any(list_parameter("numbers", messages.c.number.type))
)
_HOLD_MESSAGES = message_locks.hold_rows(_FIND_MESSAGES)


def get_key_owners(connection: Connection, key_ids: set[int]) -> dict[int, uuid.UUID]:
    """Return the accounts that own these link keys. A key made since the start (by a rotation) is claimed for the first
    account.
    """
    owners = accounts_table.link_key_owners(connection)
    first = accounts_table.get_default_account(connection) if key_ids - owners.keys() else None
    if first is not None:
        accounts_table.claim_link_keys(connection, dict.fromkeys(sorted(key_ids)), first)
        owners = accounts_table.link_key_owners(connection)
    return owners


INSERT_COLUMNS = (  # the dimensions of clicks are the last ones
    *(column.name for column in clicks.c if column.name not in ("settled", "told", *CLICK_DIMENSION_NAMES)),
    *CLICK_DIMENSION_NAMES,
)
_STORED_COLUMNS = (
    *(name for name in INSERT_COLUMNS if name not in ("user_agent", "signals", "reasons")),
    *("destination_id", "user_agent_id", "signals_id", "reasons_id"),
)
_ADD = BulkStatement(insert(click_rows), _STORED_COLUMNS, ("id", "account_id", "message_id"))


def add(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Store clicks that were not stored before: COLUMNS."""
    if not rows:
        return
    columns: dict[str, Iterable[Any]] = dict(zip(INSERT_COLUMNS, zip(*rows, strict=True), strict=True))
    destinations, agents, signals, reasons = (
        columns[name] for name in ("destination", "user_agent", "signals", "reasons")
    )
    shared = {destination for destination in set(destinations) if is_shared(destination)}
    texts = get_or_create_text_ids(connection, shared.union(agents))
    codes = get_or_create_code_ids(connection, {*signals, *reasons})
    columns["destination"] = [None if destination in shared else destination for destination in destinations]
    columns["destination_id"] = [texts[each] if each in shared else None for each in destinations]
    columns["user_agent_id"] = map(texts.get, agents)
    columns["signals_id"], columns["reasons_id"] = map(codes.get, signals), map(codes.get, reasons)
    _ADD.run(connection, list(zip(*[columns[name] for name in _STORED_COLUMNS], strict=True)))


def _build_update_counts() -> Update:
    clicked = messages.c.click_count + bindparam("clicks")
    opened = messages.c.open_count + bindparam("opens")
    moving = or_(*(messages.c.status == status for status in ("Delivered", "Opened", "Clicked")))
    shown = bindparam("shown", type_=Integer) == literal_column("1")
    status = case((clicked > 0, "Clicked"), (opened > 0, "Opened"), else_="Delivered")
    return (
        update(messages)
        .where(messages.c.id == bindparam("message"))
        .values(
            click_count=clicked,
            open_count=opened,
            **{name: messages.c[name] + bindparam(f"more_{name}") for name in EXPECTED_MESSAGE_COUNTS},
            status=case((moving, status), else_=messages.c.status),
            updated_at=case((shown, bindparam("now", type_=messages.c.updated_at.type)), else_=messages.c.updated_at),
        )
    )


_UPDATE_COUNTS = BulkStatement(
    _build_update_counts(),
    ("clicks", "opens", *(f"more_{name}" for name in EXPECTED_MESSAGE_COUNTS), "shown", "now", "message"),
    ("message",),
)


def update_message_counts(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Add to the counts of messages: clicks, opens and EXPECTED_MESSAGE_COUNTS (which may be negative), whether this is
    a change of the message (1 or 0), now, the message.

    The status follows: from Delivered to Opened to Clicked, and back from Clicked when the last counted click turned
    out to be a machine's. Any other status, such as those of a sandbox, stays.
    """
    _UPDATE_COUNTS.run(connection, rows)


def list_for_account(connection: Connection, account: uuid.UUID) -> list[RowMapping]:
    """Every click that counts for an account, oldest first."""
    statement = select(clicks).where(clicks.c.account_id == account).order_by(clicks.c.at)
    return list(connection.execute(statement).mappings())


def count_counted_clicks(connection: Connection, account: uuid.UUID) -> int:
    """Count the clicks of an account that count, on its own messages and on links minted in bulk."""
    counted = sum((click_aggregates.c[name] for name in COUNTED_VERDICTS[1:]), click_aggregates.c[COUNTED_VERDICTS[0]])
    here = (
        click_aggregates.c.axis == aggregate_dimensions_table.id_subquery(account, "", ""),
        click_aggregates.c.hours == ALL_TIME,
    )
    return connection.scalar(select(func.sum(counted)).where(*here)) or 0


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[start : start + BATCH_ROWS] for start in range(0, len(items), BATCH_ROWS))

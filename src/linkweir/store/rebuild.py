"""Statements that make the sums of clicks anew from the clicks, in parts that each are one short transaction.

A part recomputes what it covers from what is committed, so that counting may go on in between. What the clicks no
longer know (their messages are gone) is in `settled` and is added. A mark stands until all parts are done: whoever
finds it begins again.
"""

import uuid
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    case,
    delete,
    func,
    insert,
    literal,
    literal_column,
    select,
    true,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert

from linkweir.store import spans, words
from linkweir.store.contributions import contributions
from linkweir.store.rollups import add, add_selected, coarsen
from linkweir.store.sums import BITS, COUNTED, HOUR, VERDICTS
from linkweir.store.tables import CLICK_COUNTS, accounts, axes, clicks, marks, message_links, messages, rollups, settled

MARK = words.REBUILD
SUMS = 50_000  # sums over longer times in one transaction
PART = 20_000  # clicks in one transaction: about a second, so that nobody waits long for the writers' turn

_counted = and_(clicks.c.kind == "click", clicks.c.verdict.in_(COUNTED))


def begin(connection: Connection, now: int) -> None:
    """Mark that the sums must be made anew."""
    connection.execute(upsert(marks).values(name=MARK, at=now).on_conflict_do_nothing())


def wanted(connection: Connection) -> bool:
    """Whether somebody has begun and not ended, or a migration wants it."""
    return connection.scalar(select(marks.c.at).where(marks.c.name == MARK)) is not None


def end(connection: Connection) -> None:
    """Everything is done; words that sums were kept by only while they were wrong are gone."""
    connection.execute(delete(marks).where(marks.c.name == MARK))
    words.sweep(connection)


def message_part(connection: Connection, after: uuid.UUID | None) -> uuid.UUID | None:
    """Set right who came first, the links and the counts of some messages, in the order of their ids, from `after` on.
    The last one's id; None: these were the last.
    """
    column = clicks.c.message_id
    until: uuid.UUID | None = _limit(connection, column, after)
    here = and_(column.is_not(None), _between(column, after, until))
    _mark_first(connection, here, column)
    _links(connection, here, _between(message_links.c.message_id, after, until))
    _counts(connection, _between(messages.c.id, after, until))
    return until


def other_part(connection: Connection, after: str | None) -> str | None:
    """Set right who came first among clicks on messages that are not known here, by what their tokens call them."""
    column = clicks.c.message_ref
    until: str | None = _limit(connection, column, after)
    here = and_(clicks.c.message_id.is_(None), column.is_not(None), _between(column, after, until))
    _mark_first(connection, here, column, clicks.c.account_id)
    return until


def _limit(connection: Connection, column: ColumnElement[Any], after: Any) -> Any:
    here = column.is_not(None) if after is None else column > after
    return connection.scalar(select(column).where(here).order_by(column).limit(1).offset(PART - 1))


def _between(column: ColumnElement[Any], after: Any, until: Any) -> ColumnElement[bool]:
    return and_(true() if after is None else column > after, true() if until is None else column <= until)


def _mark_first(connection: Connection, here: ColumnElement[bool], *message: ColumnElement[Any]) -> None:
    counted = case((_counted, 1), else_=0)

    def is_first(*along: ColumnElement[Any]) -> ColumnElement[Any]:
        order = (clicks.c.at, clicks.c.id)
        return func.row_number().over(partition_by=(*message, counted, *along), order_by=order) == 1

    firsts: ColumnElement[int] = literal(0)
    for name, bit in BITS.items():
        value = clicks.c.destination if name == "link" else clicks.c[name]
        along = (clicks.c.position, value) if name == "link" else (value,)
        firsts = firsts + case((and_(is_first(*along), value.is_not(None)), bit), else_=0)
    found = (
        select(
            clicks.c.id,
            case((_counted, case((is_first(), 1), else_=0)), else_=0).label("is_first"),
            case((_counted, firsts), else_=0).label("are_firsts"),
        )
        .where(here)
        .subquery()
    )
    wrong = (clicks.c.first != found.c.is_first) | (clicks.c.firsts != found.c.are_firsts)
    connection.execute(
        update(clicks).where(clicks.c.id == found.c.id, wrong).values(first=found.c.is_first, firsts=found.c.are_firsts)
    )


def _links(connection: Connection, here: ColumnElement[bool], there: ColumnElement[bool]) -> None:
    connection.execute(delete(message_links).where(there))
    sums = select(
        clicks.c.message_id,
        clicks.c.position,
        func.min(clicks.c.destination),
        *(func.sum(case((clicks.c.verdict == verdict, 1), else_=0)) for verdict in VERDICTS),
        func.min(case((_counted, clicks.c.at))),
    ).where(here, clicks.c.kind == "click")
    names = ["message_id", "position", "destination", *VERDICTS, "first_at"]
    grouped = sums.group_by(clicks.c.message_id, clicks.c.position)
    connection.execute(insert(message_links).from_select(names, grouped))


def _counts(connection: Connection, here: ColumnElement[bool]) -> None:
    of_message = message_links.c.message_id == messages.c.id
    counted = sum((message_links.c[name] for name in COUNTED[1:]), message_links.c[COUNTED[0]])
    clicked = select(func.coalesce(func.sum(counted), 0)).where(of_message).scalar_subquery()
    status = case((clicked > 0, "Clicked"), (messages.c.open_count > 0, "Opened"), else_="Delivered")
    moving = messages.c.status.in_(("Delivered", "Opened", "Clicked"))
    connection.execute(
        update(messages)
        .where(here, messages.c.click_count != clicked)
        .values(click_count=clicked, status=case((moving, status), else_=messages.c.status))
    )


def accounts_of(connection: Connection) -> list[uuid.UUID]:
    """Every account."""
    return list(connection.scalars(select(accounts.c.id)))


def hours_part(connection: Connection, account: uuid.UUID, start: int) -> int | None:
    """Make an account's sums by the hour anew for some hours (since 1970) from `start` on. The first hour that was not
    done; None: these were the last.
    """
    first = clicks.c.at >= start * HOUR if start else true()
    after = select(clicks.c.at).where(clicks.c.account_id == account, first).order_by(clicks.c.at)
    at = connection.scalar(after.limit(1).offset(PART - 1))
    until = None if at is None else max(at // HOUR, start + 1)
    mine = axes.c.account_id == account
    here = (rollups.c.hours == spans.HOUR, *_hours(rollups.c.hour, start, until))
    connection.execute(delete(rollups).where(rollups.c.axis.in_(select(axes.c.id).where(mine)), *here))
    times = [first] if until is None else [first, clicks.c.at < until * HOUR]
    add(connection, [tuple(row) for row in connection.execute(contributions(account, *times))], hours_only=True)
    sums = [settled.c[name] for name in ("axis", "hours", "hour", "word", *CLICK_COUNTS)]
    kept = select(*sums).join(axes, axes.c.id == settled.c.axis).where(mine)
    add_selected(connection, kept.where(*_hours(settled.c.hour, start, until)))
    return until


def _hours(column: ColumnElement[int], start: int, until: int | None) -> list[ColumnElement[bool]]:
    return [column >= literal_column(str(start)) if start else true(), true() if until is None else column < until]


def axis_part(connection: Connection, after: int) -> int | None:
    """Make the sums over longer times anew from those by the hour, along some axes with numbers above `after`. The last
    one's number; None: these were the last.
    """
    done = 0
    while done < SUMS:
        axis = connection.scalar(select(func.min(axes.c.id)).where(axes.c.id > after))
        if axis is None:
            return None
        done += coarsen(connection, axis)
        after = axis
    return after

"""Statements that read sums of clicks and messages: the cost follows from the hours and values asked for."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, and_, func, select

from linkweir.store.sums import ATTRIBUTE
from linkweir.store.tables import rollups, sends

COUNTS: Final = ("human", "machine", "prefetch", "unsure", "clickers")
MANY: Final = 500
AFTER_ATTRIBUTES: Final = ATTRIBUTE[:-1] + ";"  # the first text behind all that begin with ATTRIBUTE


@dataclass(frozen=True, slots=True)
class Span:
    """Whose sums, in which scope ("" the account, `tag:…`, `sender:…`), from hour `first` to before hour `last`."""

    account: uuid.UUID
    scope: str
    first: int
    last: int

    def of(self, table: Any, dimension: str) -> ColumnElement[bool]:
        """The rows of `rollups` or `sends` along one dimension."""
        here = and_(table.c.account_id == self.account, table.c.scope == self.scope, table.c.dimension == dimension)
        return and_(here, table.c.hour >= self.first, table.c.hour < self.last)


def by_hour(connection: Connection, span: Span, dimension: str = "", value: str = "") -> list[Row[Any]]:
    """Clicks of each hour that had any, in order: `hour` and COUNTS; of all, or of one value of a dimension."""
    columns = (rollups.c[name] for name in COUNTS)
    statement = select(rollups.c.hour, *columns).where(span.of(rollups, dimension), rollups.c.value == value)
    return list(connection.execute(statement.order_by(rollups.c.hour)))


def by_value(connection: Connection, span: Span, dimension: str, limit: int) -> list[Row[Any]]:
    """Clicks of each value, most counted clicks first: `value` and COUNTS, up to `limit` rows."""
    columns = [func.sum(rollups.c[name]).label(name) for name in COUNTS]
    counted = func.sum(rollups.c.human + rollups.c.unsure).desc()
    total = func.sum(rollups.c.machine + rollups.c.prefetch).desc()
    statement = select(rollups.c.value, *columns).where(span.of(rollups, dimension)).group_by(rollups.c.value)
    return list(connection.execute(statement.order_by(counted, total, rollups.c.value).limit(limit)))


def sum_of(connection: Connection, span: Span) -> Row[Any]:
    """All clicks of a span in one row: COUNTS."""
    columns = [func.coalesce(func.sum(rollups.c[name]), 0).label(name) for name in COUNTS]
    return connection.execute(select(*columns).where(span.of(rollups, ""))).one()


def sent(connection: Connection, span: Span) -> tuple[int, int]:
    """How many messages were accepted in a span, and how many of these were delivered."""
    columns = [func.coalesce(func.sum(sends.c[name]), 0) for name in ("sent", "delivered")]
    one = connection.execute(select(*columns).where(span.of(sends, ""))).one()
    return int(one[0]), int(one[1])


def sent_by_value(
    connection: Connection, span: Span, dimension: str, values: Sequence[str] | None = None
) -> dict[str, tuple[int, int]]:
    """The same for each value of a dimension, or only for some of its values."""
    columns = [func.sum(sends.c[name]) for name in ("sent", "delivered")]
    statement = select(sends.c.value, *columns).where(span.of(sends, dimension)).group_by(sends.c.value)
    if values is None:
        return {row[0]: (int(row[1]), int(row[2])) for row in connection.execute(statement)}
    found: dict[str, tuple[int, int]] = {}
    for start in range(0, len(values), MANY):
        some = statement.where(sends.c.value.in_(values[start : start + MANY]))
        found |= {row[0]: (int(row[1]), int(row[2])) for row in connection.execute(some)}
    return found


def attributes(connection: Connection, span: Span, limit: int) -> list[str]:
    """Names of the recipients' attributes that messages of a scope came with, at whatever time, up to `limit`; the
    cost follows from the names.
    """
    found: list[str] = []
    last = ATTRIBUTE
    while len(found) < limit:
        here = (sends.c.account_id == span.account, sends.c.scope == span.scope)
        after = (sends.c.dimension > last, sends.c.dimension < AFTER_ATTRIBUTES)
        name = connection.scalar(select(func.min(sends.c.dimension)).where(*here, *after))
        if name is None:
            return found
        last = name
        found.append(last.removeprefix(ATTRIBUTE))
    return found

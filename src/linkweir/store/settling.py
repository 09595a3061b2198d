"""Statements that keep the sums of messages whose clicks lose what tied them together.

Sums by hour outlive messages. To be made anew they must not need them: what the clicks of a message contribute is
written to `settled` before the message goes, and the clicks are marked as counted there. Sums along dimensions that
may single out a person do not outlive the person's message and are taken back.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, or_, select, update

from linkweir.store import rollups
from linkweir.store.contributions import COLUMNS, contributions
from linkweir.store.many import Many
from linkweir.store.sums import ATTRIBUTE, VERDICTS
from linkweir.store.tables import clicks, messages, settled
from linkweir.store.tables import rollups as table

EXPIRED: Final = (ATTRIBUTE,)  # taken back when a message's time is over: what was said of its recipient
ERASED: Final = (ATTRIBUTE, "link", "destination", "recipient_domain")  # and when its recipient must be forgotten
MANY = 500


def settle(connection: Connection, ids: Sequence[uuid.UUID], taken_back: Sequence[str] = EXPIRED) -> None:
    """Write down what the clicks of these messages contribute, before they lose their message. `taken_back`: the
    dimensions whose sums lose it (one that ends with a colon: all that begin so).
    """
    for start in range(0, len(ids), MANY):
        some = ids[start : start + MANY]
        here = clicks.c.message_id.in_(some)
        whose = select(messages.c.account_id).where(messages.c.id.in_(some)).distinct()
        for account in connection.scalars(whose).all():
            found = contributions(account, here).subquery()
            columns = [found.c[name] for name in COLUMNS]
            personal = _along(found.c.dimension, taken_back)
            rollups.add_selected(connection, settled, select(*columns).where(~personal))
            _take_back(connection, connection.execute(select(found).where(personal)).mappings().all())
        connection.execute(update(clicks).where(here).values(settled=True))


def settle_clicks(connection: Connection, account: uuid.UUID, ids: Sequence[uuid.UUID]) -> None:
    """The same for single clicks of an account that are tied to no message here; nothing is taken back."""
    for start in range(0, len(ids), MANY):
        here = clicks.c.id.in_(ids[start : start + MANY])
        rollups.add_selected(connection, settled, contributions(account, here))
        connection.execute(update(clicks).where(here).values(settled=True))


def _along(dimension: ColumnElement[str], names: Sequence[str]) -> ColumnElement[bool]:
    return or_(*(dimension.startswith(name) if name.endswith(":") else dimension == name for name in names))


_SUMS = (*VERDICTS, "clickers")
_here = [table.c[name] == bindparam(f"of_{name}") for name in rollups.KEY]
_EMPTY = Many(
    delete(table).where(and_(*_here, *(table.c[name] == 0 for name in _SUMS))),
    [f"of_{name}" for name in rollups.KEY],
    ("of_account_id",),
)


def _take_back(connection: Connection, rows: Sequence[Mapping[Any, Any]]) -> None:
    rollups.add(connection, [tuple(-row[name] if name in _SUMS else row[name] for name in COLUMNS) for row in rows])
    _EMPTY.run(connection, [tuple(row[name] for name in rollups.KEY) for row in rows])

"""Statements that keep the sums of messages whose clicks lose what tied them together.

Sums by hour outlive messages. To be made anew they must not need them: what the clicks of a message contribute is
written to `settled` before the message goes, and the clicks are marked as counted there. Sums along dimensions that
may single out a person do not outlive the person's message and are taken back, and neither do those of a destination
that holds an e-mail address.
"""

import re
import uuid
from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, select, update

from linkweir.store import rollups
from linkweir.store.contributions import contributions
from linkweir.store.sums import ATTRIBUTE
from linkweir.store.tables import clicks, messages, settled

EXPIRED: Final = (ATTRIBUTE,)  # taken back when a message's time is over: what was said of its recipient
ERASED: Final = (ATTRIBUTE, "link", "destination", "recipient_domain")  # and when its recipient must be forgotten
# an address in a destination, also percent-encoded; not a handle, as in https://social.example/@name/1
ADDRESS: Final = re.compile(r"[\w.+-](?:@|%40|%2540)[a-z0-9][^/?#&]*\.[a-z]", re.IGNORECASE)
MANY = 500
FIRST_COUNT = 5  # after account, scope, dimension, value and hour
Row = tuple[Any, ...]


def settle(connection: Connection, ids: Sequence[uuid.UUID], taken_back: Sequence[str] = EXPIRED) -> None:
    """Write down what the clicks of these messages contribute, before they lose their message. `taken_back`: the
    dimensions whose sums lose it (one that ends with a colon: all that begin so).
    """
    for start in range(0, len(ids), MANY):
        some = ids[start : start + MANY]
        here = clicks.c.message_id.in_(some)
        whose = select(messages.c.account_id).where(messages.c.id.in_(some)).distinct()
        for account in connection.scalars(whose).all():
            found = [tuple(row) for row in connection.execute(contributions(account, here))]
            _write_down(connection, found, lambda row: along(row[2], taken_back) or _names_somebody(row))
        connection.execute(update(clicks).where(here).values(settled=True))


def settle_clicks(connection: Connection, account: uuid.UUID, ids: Sequence[uuid.UUID]) -> None:
    """The same for single clicks of an account that are tied to no message here."""
    for start in range(0, len(ids), MANY):
        here = clicks.c.id.in_(ids[start : start + MANY])
        found = [tuple(row) for row in connection.execute(contributions(account, here))]
        _write_down(connection, found, _names_somebody)
        connection.execute(update(clicks).where(here).values(settled=True))


def _write_down(connection: Connection, found: Sequence[Row], personal: Callable[[Row], bool]) -> None:
    """What is personal is taken back from the sums instead."""
    rollups.add(connection, [row for row in found if not personal(row)], settled)
    gone = [row for row in found if personal(row)]
    rollups.add(connection, [(*row[:FIRST_COUNT], *(-count for count in row[FIRST_COUNT:])) for row in gone])
    rollups.drop_empty(connection, gone)


def _names_somebody(row: Row) -> bool:
    return row[2] in ("link", "destination") and ADDRESS.search(row[3]) is not None


def along(dimension: str, names: Sequence[str]) -> bool:
    """Whether a dimension is one of these; a name that ends with a colon stands for all that begin so."""
    return any(dimension.startswith(name) if name.endswith(":") else dimension == name for name in names)

"""Statements that keep the sums of messages whose clicks lose what tied them together.

Sums by hour outlive messages. To be made anew they must not need them: what the clicks of a message contribute is
written to `settled` before the message goes, and the clicks are marked as counted there. Sums along dimensions that
may single out a person do not outlive the person's message and are taken back.
"""

import uuid
from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, select, update

from linkweir.store import rollups
from linkweir.store.contributions import contributions
from linkweir.store.sums import ATTRIBUTE
from linkweir.store.tables import clicks, messages, settled

EXPIRED: Final = (ATTRIBUTE,)  # taken back when a message's time is over: what was said of its recipient
ERASED: Final = (ATTRIBUTE, "link", "destination", "recipient_domain")  # and when its recipient must be forgotten
MANY = 500
FIRST_COUNT = 5  # after account, scope, dimension, value and hour


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
            rollups.add(connection, [row for row in found if not along(row[2], taken_back)], settled)
            personal = [row for row in found if along(row[2], taken_back)]
            less = [(*row[:FIRST_COUNT], *(-count for count in row[FIRST_COUNT:])) for row in personal]
            rollups.add(connection, less)
            rollups.drop_empty(connection, personal)
        connection.execute(update(clicks).where(here).values(settled=True))


def settle_clicks(connection: Connection, account: uuid.UUID, ids: Sequence[uuid.UUID]) -> None:
    """The same for single clicks of an account that are tied to no message here; nothing is taken back."""
    for start in range(0, len(ids), MANY):
        here = clicks.c.id.in_(ids[start : start + MANY])
        rollups.add(connection, [tuple(row) for row in connection.execute(contributions(account, here))], settled)
        connection.execute(update(clicks).where(here).values(settled=True))


def along(dimension: str, names: Sequence[str]) -> bool:
    """Whether a dimension is one of these; a name that ends with a colon stands for all that begin so."""
    return any(dimension.startswith(name) if name.endswith(":") else dimension == name for name in names)

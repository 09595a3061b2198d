"""Statements that keep the aggregates of messages whose clicks are about to lose their message.

Hourly aggregates outlive messages, so a rebuild must not need those: before a message is deleted, the contributions of
its clicks are added to `frozen_aggregates` and the clicks are marked as frozen. Aggregates along dimensions that may
single out a person do not outlive the message and are subtracted, and so are those of a destination that holds an
e-mail address.
"""

import re
import uuid
from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, select, update

from linkweir.db import click_aggregates_table
from linkweir.db.aggregate_contributions import select_contributions
from linkweir.db.dimensions import ATTRIBUTE_PREFIX, PERSONAL_DIMENSIONS
from linkweir.db.expected_clickers import contributions_of, load_hits
from linkweir.db.schema import click_rows, clicks, frozen_aggregates, messages

EXPIRED_DIMENSIONS: Final = (
    ATTRIBUTE_PREFIX,
)  # taken back when a message's time is over: what was said of its recipient
ERASED_DIMENSIONS: Final = PERSONAL_DIMENSIONS  # and when its recipient must be forgotten
# an address in a destination, also percent-encoded; not a handle, as in https://social.example/@name/1
EMAIL_IN_URL: Final = re.compile(r"[\w.+-](?:@|%40|%2540)[a-z0-9][^/?#&]*\.[a-z]", re.IGNORECASE)
BATCH_ROWS = 500
FIRST_COUNT_INDEX = 5  # after account, scope, dimension, value and hour
ContributionRow = tuple[Any, ...]


def freeze(connection: Connection, ids: Sequence[uuid.UUID], subtracted: Sequence[str] = EXPIRED_DIMENSIONS) -> None:
    """Freeze the contributions of the clicks of these messages, before they lose their message. `subtracted`: the
    dimensions whose aggregates lose them (one that ends with a colon stands for all that begin so).
    """
    for start in range(0, len(ids), BATCH_ROWS):
        some = ids[start : start + BATCH_ROWS]
        here = clicks.c.message_id.in_(some)
        accounts_of_messages = select(messages.c.account_id).where(messages.c.id.in_(some)).distinct()
        for account in connection.scalars(accounts_of_messages).all():
            contributions = [tuple(row) for row in connection.execute(select_contributions(account, here))]
            keys = [(account, message) for message in some]
            contributions += contributions_of(connection, account, keys, load_hits(connection, keys))
            _store_contributions(
                connection, contributions, lambda row: matches_dimension(row[2], subtracted) or _contains_email(row)
            )
        connection.execute(update(click_rows).where(click_rows.c.message_id.in_(some)).values(settled=True))


def freeze_clicks(connection: Connection, account: uuid.UUID, ids: Sequence[uuid.UUID]) -> None:
    """The same for single clicks of an account that are tied to no message here."""
    for start in range(0, len(ids), BATCH_ROWS):
        some = ids[start : start + BATCH_ROWS]
        here = clicks.c.id.in_(some)
        contributions = [tuple(row) for row in connection.execute(select_contributions(account, here))]
        contributions += _list_lost_clickers(connection, account, some)
        _store_contributions(connection, contributions, _contains_email)
        connection.execute(update(click_rows).where(click_rows.c.id.in_(some)).values(settled=True))


def _list_lost_clickers(connection: Connection, account: uuid.UUID, ids: Sequence[uuid.UUID]) -> list[ContributionRow]:
    """List the differences between stored expected clickers and those of the remaining clicks of the same messages."""
    here = (clicks.c.id.in_(ids), clicks.c.message_ref.is_not(None), clicks.c.kind == "click")
    references = connection.scalars(select(clicks.c.message_ref).where(*here).distinct()).all()
    keys = [(account, reference) for reference in references]
    before = load_hits(connection, keys)
    connection.execute(update(click_rows).where(click_rows.c.id.in_(ids)).values(message_ref=None))
    after = load_hits(connection, keys)
    lost = contributions_of(connection, account, keys, before)
    remaining = contributions_of(connection, account, keys, after)
    return lost + [(*row[:FIRST_COUNT_INDEX], *(-count for count in row[FIRST_COUNT_INDEX:])) for row in remaining]


def _store_contributions(
    connection: Connection, rows: Sequence[ContributionRow], is_personal: Callable[[ContributionRow], bool]
) -> None:
    """Store contributions in the frozen aggregates; subtract personal ones from the aggregates instead."""
    click_aggregates_table.add_deltas(connection, [row for row in rows if not is_personal(row)], frozen_aggregates)
    gone = [row for row in rows if is_personal(row)]
    click_aggregates_table.add_deltas(
        connection, [(*row[:FIRST_COUNT_INDEX], *(-count for count in row[FIRST_COUNT_INDEX:])) for row in gone]
    )
    click_aggregates_table.delete_zero_rows(connection, gone)


def _contains_email(row: ContributionRow) -> bool:
    return row[2] in ("link", "destination") and EMAIL_IN_URL.search(row[3]) is not None


def matches_dimension(dimension: str, names: Sequence[str]) -> bool:
    """Whether a dimension is one of these; a name that ends with a colon stands for all that begin so."""
    return any(dimension.startswith(name) if name.endswith(":") else dimension == name for name in names)

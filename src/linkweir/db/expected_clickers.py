"""Statements on how likely each message was clicked by a person: its hits, and their contribution to the aggregates.

Only the aggregates are stored: the contribution is computed from the hits again whenever they change.
"""

import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from operator import add
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, Connection, FromClause, RowMapping, Select, Text, and_, select
from sqlalchemy.sql.selectable import TableValuedAlias

from linkweir.db.aggregate_columns import VERDICTS
from linkweir.db.click_probabilities import (
    ALL_CLICKS,
    MAX_HITS_PER_MESSAGE,
    ExpectedClicker,
    ProbableHit,
    clicker_counts,
    expected_clickers,
    probable_hit,
)
from linkweir.db.dimensions import (
    CLICK_DIMENSION_NAMES,
    MESSAGE_COLUMN_NAMES,
    DimensionValue,
    iter_message_values,
    message_scopes,
)
from linkweir.db.portable_sql import each_item, item_value
from linkweir.db.reclassification_queries import MessageRef
from linkweir.db.schema import BinaryUuid, clicks, messages

MessageKey = tuple[uuid.UUID | None, MessageRef]  # the account, and the message
HitsByMessage = dict[MessageKey, dict[int, ProbableHit]]  # by the number of a click's id
ContributionRow = tuple[Any, ...]  # see aggregate_contributions.CONTRIBUTION_COLUMNS
BATCH_ROWS: Final = 500
NO_OTHER_COUNTS: Final = (0,) * (len(VERDICTS) + 3)  # by verdict, clickers, expected clicks and their variance
_COLUMNS = tuple(
    clicks.c[name]
    for name in (
        *("id", "at", "account_id", "message_id", "message_ref", "privacy", "position", "destination"),
        *("machine_basis_points", *CLICK_DIMENSION_NAMES),
    )
)


def load_hits(connection: Connection, keys: Collection[MessageKey], *, few: bool = False) -> HitsByMessage:
    """Return the first MAX_HITS_PER_MESSAGE clicks of each of these messages.

    `few`: none of them has more hits than that, which is quicker.
    """
    message_ids = [key.hex for _, key in keys if isinstance(key, uuid.UUID)]
    others = [(account.hex, key) for account, key in keys if account is not None and isinstance(key, str)]
    hits: HitsByMessage = defaultdict(dict)
    for names, statement in ((message_ids, _OF_MESSAGE[few]), (others, _OF_REFERENCE)):
        if names:
            for row in connection.execute(statement, {"names": orjson.dumps(names).decode()}).mappings():
                key = row["account_id"], row["message_id"] or row["message_ref"]
                hits[key][row["id"].int] = probable_hit(row)
    return hits


def _select_of_message(*, few: bool) -> Select[Any]:
    each = each_item("names")
    if few:
        hits = each.join(clicks, clicks.c.message_id == item_value(each, BinaryUuid()))
        return select(*_COLUMNS).select_from(hits).where(clicks.c.kind == "click")
    return _select_first(each, lambda some: some.c.message_id == item_value(each, BinaryUuid()))


def _select_of_reference() -> Select[Any]:
    each = each_item("names")
    account, reference = item_value(each, BinaryUuid(), 0), item_value(each, Text(), 1)
    return _select_first(
        each,
        lambda some: and_(some.c.message_ref == reference, some.c.account_id == account, some.c.message_id.is_(None)),
    )


def _select_first(each: TableValuedAlias, is_of_message: Callable[[FromClause], ColumnElement[bool]]) -> Select[Any]:
    some = clicks.alias()
    first = select(some.c.id).where(is_of_message(some), some.c.kind == "click").order_by(some.c.at, some.c.id)
    ids = first.limit(MAX_HITS_PER_MESSAGE).correlate(each)
    return select(*_COLUMNS).select_from(each.join(clicks, clicks.c.id.in_(ids)))


_OF_MESSAGE = {few: _select_of_message(few=few) for few in (False, True)}
_OF_REFERENCE = _select_of_reference()


def contributions_of(
    connection: Connection, account: uuid.UUID, keys: Sequence[MessageKey], hits: HitsByMessage
) -> list[ContributionRow]:
    """Return what these messages of an account, with these hits, add to the sums; nothing for those of the sandbox.

    The columns are those of `aggregate_contributions`, of which only those that count clickers are not 0.
    """
    known = _load_messages(connection, [key for _, key in keys if isinstance(key, uuid.UUID)])
    sums: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0, 0, 0])
    for owner, key in keys:
        row = known.get(key)
        if owner != account or (isinstance(key, uuid.UUID) and (row is None or row["sandbox_result"] is not None)):
            continue
        scopes = message_scopes(row) if row is not None else ("",)
        shared = tuple(iter_message_values(row)) if row is not None else ()
        for values, (hour, probability) in _iter_values(expected_clickers(hits[owner, key].values()), shared):
            for scope in scopes:
                totals = sums[account, scope, *values, hour]
                totals[:] = map(add, totals, clicker_counts(probability))
    return [(*totals, *NO_OTHER_COUNTS, *counts) for totals, counts in sums.items()]


def _iter_values(
    clickers: Mapping[DimensionValue, ExpectedClicker], shared: Sequence[DimensionValue]
) -> Iterator[tuple[DimensionValue, ExpectedClicker]]:
    yield from clickers.items()
    if ALL_CLICKS in clickers:
        yield from ((value, clickers[ALL_CLICKS]) for value in shared)


def _load_messages(connection: Connection, ids: Sequence[uuid.UUID]) -> dict[MessageRef, RowMapping]:
    messages_by_key: dict[MessageRef, RowMapping] = {}
    columns = [messages.c[name] for name in ("id", "sandbox_result", "tags", "attributes", *MESSAGE_COLUMN_NAMES)]
    for start in range(0, len(ids), BATCH_ROWS):
        some = select(*columns).where(messages.c.id.in_(ids[start : start + BATCH_ROWS]))
        messages_by_key |= {row["id"]: row for row in connection.execute(some).mappings()}
    return messages_by_key

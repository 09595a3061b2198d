"""Statements on what the rules remember of earlier clicks, which all workers share: rows of keyed hashes, without
anything that names a person.

Two workers never write the same row at the same time: whoever judges the clicks of a message has locked it. So they do
not wait for each other, and none loses what another has seen.
"""

from collections.abc import Iterable, Sequence

import orjson
from sqlalchemy import ARRAY, BigInteger, Connection, and_, bindparam, delete, func, select, tuple_

from linkweir.db.bulk_statement import BulkStatement
from linkweir.db.portable_sql import each_item, get_greatest, insert, item_value
from linkweir.db.schema import verdict_memory

COLUMNS = ("source", "message", "verdicts", "seen_at", "expires_at")
_KEY_COLUMNS = ("source", "message")
_KEY = tuple_(verdict_memory.c.source, verdict_memory.c.message)

_sources = each_item("sources")
_LOAD = (
    select(*(verdict_memory.c[name] for name in COLUMNS[:4]))
    .select_from(_sources.join(verdict_memory, verdict_memory.c.source == item_value(_sources, BigInteger())))
    .order_by(verdict_memory.c.seen_at)
)

_INSERT = insert(verdict_memory)
_UPSERT = BulkStatement(
    _INSERT.on_conflict_do_update(
        index_elements=_KEY_COLUMNS,
        set_={
            "verdicts": verdict_memory.c.verdicts.bitwise_or(_INSERT.excluded.verdicts),
            "seen_at": get_greatest(verdict_memory.c.seen_at, _INSERT.excluded.seen_at),
            "expires_at": get_greatest(verdict_memory.c.expires_at, _INSERT.excluded.expires_at),
        },
    ),
    COLUMNS,
    (),
)

_DELETE = BulkStatement(
    delete(verdict_memory).where(
        verdict_memory.c.source == bindparam("of_source"), verdict_memory.c.message == bindparam("of_message")
    ),
    ("of_source", "of_message"),
    (),
)
_old = verdict_memory.alias("old")
_pairs = (
    func.unnest(*(bindparam(f"{name}s", type_=ARRAY(BigInteger)) for name in _KEY_COLUMNS))
    .table_valued(*_KEY_COLUMNS)
    .render_derived()
)
_DELETE_LISTS = delete(verdict_memory).where(
    _KEY.in_(
        select(_old.c.source, _old.c.message)
        .join(_pairs, and_(_old.c.source == _pairs.c.source, _old.c.message == _pairs.c.message))
        .with_for_update(of=_old, skip_locked=True)
    )
)

_MARK = -1  # in place of a source, which is a hash and not negative: the message is to be forgotten
_ANY_MARK = select(verdict_memory.c.message).where(verdict_memory.c.source == _MARK).limit(1)
_marked = verdict_memory.alias("marked")
_DELETE_MARKED = delete(verdict_memory).where(
    verdict_memory.c.message.in_(select(_marked.c.message).where(_marked.c.source == _MARK))
)


def load(connection: Connection, sources: Iterable[int]) -> list[tuple[int, int, int, int]]:
    """What is remembered of these sources, the longest unseen first: source, message, verdicts, when it was seen."""
    rows = connection.execute(_LOAD, {"sources": orjson.dumps(list(sources)).decode()})
    return [(source, message, verdicts, at) for source, message, verdicts, at in rows]


def store(connection: Connection, rows: Sequence[tuple[int, int, int, int, int]]) -> None:
    """Add rows of COLUMNS, each source and message once, to what is remembered of them."""
    _UPSERT.run(connection, rows)


def delete_pairs(connection: Connection, pairs: Sequence[tuple[int, int]]) -> None:
    """Forget messages of sources, but those that another worker is writing: it has seen them anew."""
    if pairs and connection.dialect.name == "postgresql":
        sources, messages = zip(*pairs, strict=True)
        connection.execute(_DELETE_LISTS, {"sources": list(sources), "messages": list(messages)})
    else:
        _DELETE.run(connection, pairs)


def mark_messages(connection: Connection, messages: Sequence[int], now: int, expires_at: int) -> None:
    """Note that messages are to be forgotten: see `delete_marked`. Nobody may judge clicks of them any more."""
    store(connection, [(_MARK, message, 0, now, expires_at) for message in messages])


def delete_marked(connection: Connection) -> None:
    """Forget the marked messages whatever their sources. This reads all rows, where there is a mark: an index would
    cost each click more than erasures gain by it, and nobody has to wait for this.
    """
    if connection.scalar(_ANY_MARK) is not None:
        connection.execute(_DELETE_MARKED)


def delete_expired(connection: Connection, now: int, limit: int) -> int:
    """Forget up to `limit` rows that are due at `now` (microseconds since 1970); return how many those were."""
    due = select(verdict_memory.c.source, verdict_memory.c.message).where(verdict_memory.c.expires_at <= now)
    return connection.execute(delete(verdict_memory).where(_KEY.in_(due.limit(limit)))).rowcount

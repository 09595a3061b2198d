"""Statements on the requests that accounts have made lately, where several machines count them: on PostgreSQL.

A limit is one moment: when all that was taken is forgotten. Each request puts it one interval further, and it may lie
no further ahead than the burst (a leaky bucket, written as GCRA). The server's clock decides, since those of machines
may differ. What is here is worth a second, so nobody waits for it to be flushed.
"""

from typing import Final

from sqlalchemy import Connection, delete, text, update

from linkweir.clock import SECOND_US
from linkweir.db.portable_sql import insert, read_clock
from linkweir.db.schema import rate_limits

UNUSED_US: Final = 3600 * SECOND_US  # microseconds after which a limit that was forgotten is deleted


def take(connection: Connection, key: bytes, *, interval: int, burst: int, count: int) -> tuple[int, int]:
    """Take up to `count` requests of the limit of this key, of which there is one each `interval` microseconds and a
    `burst` at once. Returns how many, and if there is none, the microseconds until there is.
    """
    connection.execute(text("SELECT set_config('synchronous_commit', 'off', true)"))
    same = {"free_at": rate_limits.c.free_at}  # which locks the row
    found = insert(rate_limits).values(key=key, free_at=0).on_conflict_do_update(index_elements=["key"], set_=same)
    free_at = int(connection.scalar(found.returning(rate_limits.c.free_at)) or 0)
    now = read_clock(connection)  # once the row is ours
    begin = max(free_at, now)
    taken = min(count, (now + burst * interval - begin) // interval)
    if taken < 1:
        return 0, begin + interval - burst * interval - now
    mine = update(rate_limits).where(rate_limits.c.key == key)
    connection.execute(mine.values(free_at=begin + taken * interval))
    return taken, 0


def delete_unused(connection: Connection) -> None:
    """Remove limits of which all has been forgotten for long."""
    connection.execute(delete(rate_limits).where(rate_limits.c.free_at < read_clock(connection) - UNUSED_US))

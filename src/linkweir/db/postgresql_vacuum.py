"""Rewrites PostgreSQL's tables after deletions, and tells where copies of what was deleted may be left.

A deleted row stays in its page until VACUUM, and its bytes stay there after it, until another row takes the place: only
a table that is rewritten (VACUUM FULL) is rid of them. The planner's statistics hold samples of columns, and the
write-ahead log each row as it was written; the role that the service signs in as may not be allowed to remove them.
"""

import time
from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import Connection, Row, exc, text

from linkweir.db.database import CopyLocation
from linkweir.db.schema import metadata

MAX_TRIES: Final = 3  # to lock a table
POLL_SECONDS: Final = 0.05  # between two looks at transactions that still see deleted rows
IN_USE: Final = ("55P03", "40P01")  # the server's codes for a lock that it did not give, and for a deadlock

_SITUATION: Final = """
SELECT pg_database_size(current_database()) AS size,
    pg_has_role((SELECT datdba FROM pg_database WHERE datname = current_database()), 'USAGE') AS owns_database,
    pg_has_role('pg_checkpoint', 'USAGE') AND has_function_privilege('pg_switch_wal()', 'EXECUTE') AS may_checkpoint,
    current_setting('wal_recycle') = 'off' AND current_setting('wal_keep_size') = '0' AS removes_log,
    current_setting('archive_mode') <> 'off' AS has_archive,
    EXISTS (SELECT FROM pg_replication_slots) OR EXISTS (SELECT FROM pg_stat_replication) AS has_replicas
"""
_OLD_READERS: Final = """
SELECT EXISTS (
    SELECT FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND age(backend_xmin) > age(CAST(:deleted_before AS xid))
    AND (datid IS NULL OR datid = (SELECT oid FROM pg_database WHERE datname = current_database()))
) OR EXISTS (SELECT FROM pg_prepared_xacts WHERE database = current_database())
"""


def lasting_copies(connection: Connection, limit: int | None) -> frozenset[CopyLocation]:
    """Where `vacuum` leaves copies however often it is tried."""
    return _lasting_copies(connection.execute(text(_SITUATION)).one(), limit)


def _lasting_copies(situation: Row[Any], limit: int | None) -> frozenset[CopyLocation]:
    log_stays = not situation.may_checkpoint or not situation.removes_log
    locations = {
        CopyLocation.TABLES: not situation.owns_database or not _is_small(situation, limit),
        CopyLocation.WRITE_AHEAD_LOG: log_stays or situation.has_archive or situation.has_replicas,
        CopyLocation.LOG_ARCHIVE: situation.has_archive,
        CopyLocation.REPLICAS: situation.has_replicas,
    }
    return frozenset(location for location, left in locations.items() if left)


def _is_small(situation: Row[Any], limit: int | None) -> bool:
    return limit is None or situation.size <= limit


def vacuum(connection: Connection, limit: int | None, timeout: float) -> frozenset[CopyLocation]:
    """Rewrite all tables of a database of at most `limit` bytes, or else make the space of deleted rows free again, and
    bring the log to its end where the role may. Return where copies may be left. `connection` is outside a transaction;
    `timeout`: seconds to wait for transactions that still see deleted rows.
    """
    situation = connection.execute(text(_SITUATION)).one()
    left = set(_lasting_copies(situation, limit))
    tables = [table.name for table in metadata.sorted_tables]
    if not _is_small(situation, limit):
        _rewrite(connection, tables, "VACUUM (ANALYZE)")
    else:
        if situation.owns_database:
            tables.append("pg_catalog.pg_statistic")  # the last one: rewriting the others writes it
        old_readers = _wait_for_old_readers(connection, timeout)
        if not _rewrite(connection, tables, "VACUUM (FULL, ANALYZE)") or old_readers:
            left.add(CopyLocation.TABLES)
    if situation.may_checkpoint:
        connection.exec_driver_sql("SELECT pg_switch_wal()")
        connection.exec_driver_sql("CHECKPOINT")
    return frozenset(left)


def _wait_for_old_readers(connection: Connection, timeout: float) -> bool:
    """Wait for transactions that began before now: a table that is rewritten keeps what they see. True when some are
    left.
    """
    until = time.monotonic() + timeout
    deleted_before = connection.scalar(text("SELECT CAST(CAST(pg_current_xact_id() AS xid) AS text)"))
    while connection.scalar(text(_OLD_READERS), {"deleted_before": deleted_before}):
        if time.monotonic() > until:
            return True
        time.sleep(POLL_SECONDS)
    return False


def _rewrite(connection: Connection, tables: Iterable[str], statement: str) -> bool:
    """Carry it out for each table; False when one was in use all the time."""
    done = [_try_rewrite(connection, f"{statement} {table}") for table in tables]
    return all(done)


def _try_rewrite(connection: Connection, statement: str) -> bool:
    for _ in range(MAX_TRIES):
        try:
            connection.exec_driver_sql(statement)
            return True
        except exc.OperationalError as error:
            if getattr(error.orig, "sqlstate", None) not in IN_USE:
                raise
    return False

"""PostgreSQL as the service's database: hands out transactions, and tells its errors apart.

Transactions of all machines write beside each other, as far as their modes allow (see WriteMode): each takes advisory
locks of the database first, shared or alone, and keeps them until it ends. A read is one view of the database
(REPEATABLE READ); who writes sees what others have committed before each statement (READ COMMITTED), and locks the rows
that it decides by. What an error says never holds the password, nor what a statement was about.

A machine that hangs, or has gone without a word, must not hold its locks for hours: the server ends a transaction whose
client says nothing for long, and both sides ask after each other where nothing is said.
"""

import math
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import orjson
import psycopg
from psycopg.adapt import Buffer, Loader
from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, make_url, text
from sqlalchemy.pool import QueuePool

from linkweir.db import postgresql_vacuum
from linkweir.db.database import PROBE_SECONDS, CopyLocation, Database, WriteMode
from linkweir.errors import DatabaseUnavailable, DataFolderError, TransactionConflict, UnstorableData

MIN_VERSION: Final = 15
WRITERS_LOCK: Final = 0x6C696E6B  # the advisory lock that all writers share, and an exclusive one has alone
SERIAL_LOCK: Final = WRITERS_LOCK + 1  # and the one of the serial writers
JOB_LOCKS: Final = 0x6C6B6A  # the class of the locks of jobs, whose second number is a digest of the name
IDLE_FACTOR: Final = 6  # times what a request waits for a lock: how long a transaction may do nothing and hold some
LINK_CHECK_SECONDS: Final = 10  # of silence until one side asks whether the other is there, and between two questions
LINK_CHECKS: Final = 3  # questions without an answer until it is not
LINK_OPTIONS: Final = {
    "keepalives_idle": LINK_CHECK_SECONDS,
    "keepalives_interval": LINK_CHECK_SECONDS,
    "keepalives_count": LINK_CHECKS,
    "tcp_user_timeout": LINK_CHECK_SECONDS * (LINK_CHECKS + 1) * 1000,  # milliseconds
}
_CLOCK: Final = "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)"
_LOCKS: Final = {
    WriteMode.CONCURRENT: f"pg_advisory_xact_lock_shared({WRITERS_LOCK})",
    WriteMode.SERIAL: f"pg_advisory_xact_lock_shared({WRITERS_LOCK}), pg_advisory_xact_lock({SERIAL_LOCK})",
    WriteMode.EXCLUSIVE: f"pg_advisory_xact_lock({WRITERS_LOCK})",
}
CONFLICTS: Final = ("40001", "40P01")  # codes of transactions that the server ended for others' sake
UNAVAILABLE: Final = ("08", "25006", "40", "53", "55P03", "57", "58")  # beginnings of codes: trying again may help
UNSTORABLE: Final = ("22", "54")  # of errors that the data are to blame for


class PostgresqlDatabase(Database):
    """One database of a server. `folder` is the data folder of this machine, which has no part in it."""

    def __init__(self, url: str, folder: Path, *, timeout: float, connections: int = 8) -> None:
        parsed = make_url(url)
        super().__init__(folder, f"postgresql://{parsed.host or ''}/{parsed.database or ''}", timeout)
        self._next_probe_at = 0.0
        idle = f"set_config('idle_in_transaction_session_timeout', '{round(IDLE_FACTOR * timeout * 1000)}ms', true)"
        # the time comes last: it is what it is when the locks are held
        self._begin = {mode: f"SELECT {idle}, {locks}, {_CLOCK}" for mode, locks in _LOCKS.items()}
        self._clock_offset: int | None = None  # microseconds that the server's clock is ahead of the steady one here
        self._engine = _make_engine(parsed, timeout, connections)

    def now(self) -> int:
        """The server's time: what it was in the last transaction that wrote, and what has passed since by a clock that
        nobody sets. Raises DatabaseUnavailable while the server has never been there: another time would take from
        others what they hold.
        """
        if self._clock_offset is None:
            with self.read() as connection:
                self._compare_clocks(connection.exec_driver_sql(f"SELECT {_CLOCK}").scalar_one())
        return _read_steady_clock() + (self._clock_offset or 0)

    def create(self) -> None:
        """Refuse a server that is too old, or a database of another encoding."""
        with self.read() as connection:
            version = int(connection.scalar(text("SHOW server_version_num")) or 0) // 10000
            encoding = connection.scalar(text("SHOW server_encoding"))
        if version < MIN_VERSION:
            raise DataFolderError(f"{self.name}: PostgreSQL {version} is too old; {MIN_VERSION} or newer is needed")
        if encoding != "UTF8":
            raise DataFolderError(f"{self.name}: its encoding is {encoding}; create it with ENCODING 'UTF8'")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view."""
        with self._transaction(isolation_level="REPEATABLE READ") as connection:
            yield connection

    @contextmanager
    def write(self, mode: WriteMode = WriteMode.SERIAL, *, timeout: float | None = None) -> Iterator[Connection]:
        """A transaction beside those that its mode allows."""
        with self._transaction() as connection:
            if timeout is not None:
                wait = text("SELECT set_config('lock_timeout', :wait, true)")
                connection.execute(wait, {"wait": f"{max(1, round(timeout * 1000))}ms"})
            self._compare_clocks(connection.exec_driver_sql(self._begin[mode]).one()[-1])
            yield connection

    def _compare_clocks(self, at: int) -> None:
        self._clock_offset = at - _read_steady_clock()

    @contextmanager
    def try_job(self, name: str) -> Iterator[bool]:
        """An advisory lock of a connection: it ends with the process, at the latest."""
        numbers = {"kind": JOB_LOCKS, "job": zlib.crc32(name.encode()) - (1 << 31)}
        with self._autocommit() as connection:
            if not connection.scalar(text("SELECT pg_try_advisory_lock(:kind, :job)"), numbers):
                yield False
                return
            try:
                yield True
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(:kind, :job)"), numbers)

    @contextmanager
    def _transaction(self, **options: Any) -> Iterator[Connection]:
        try:
            with self._engine.connect().execution_options(**options) as connection, connection.begin():
                yield connection
        except (exc.DBAPIError, exc.TimeoutError) as error:
            raise self._translate(error) from error

    def _translate(self, error: exc.DBAPIError | exc.TimeoutError) -> Exception:
        """Return what to raise for an error of the driver: itself, when it is a bug."""
        original = getattr(error, "orig", None)
        code = getattr(original, "sqlstate", None)
        if code is None:
            if isinstance(error, exc.DataError):  # a text with U+0000, which the driver refuses
                return UnstorableData(f"{self.name}: {original}")
            is_outage = isinstance(error, (exc.OperationalError, exc.InterfaceError, exc.TimeoutError))
            return DatabaseUnavailable(f"{self.name}: {original or error}") if is_outage else error
        if code.startswith(UNSTORABLE):
            return UnstorableData(f"{self.name}: {_first_line(original)}")
        if code in CONFLICTS:
            return TransactionConflict(f"{self.name}: {_first_line(original)}")
        if code.startswith(UNAVAILABLE) or getattr(error, "connection_invalidated", False):
            return DatabaseUnavailable(f"{self.name}: {_first_line(original)}")
        return error

    def probe(self) -> None:
        """Ask, now and then, whether the server takes writes."""
        if time.monotonic() >= self._next_probe_at:
            with self.read() as connection:
                if connection.scalar(text("SELECT pg_is_in_recovery()")):
                    raise DatabaseUnavailable(f"{self.name}: the server is a replica and takes no writes")
            self._next_probe_at = time.monotonic() + PROBE_SECONDS

    def vacuum(self, limit: int | None = None) -> frozenset[CopyLocation]:
        """Rewrite the tables without deleted rows, and let the server drop its log, as far as the role's rights go."""
        with self._autocommit() as connection:
            return postgresql_vacuum.vacuum(connection, limit, self._timeout)

    def lasting_copies(self, limit: int | None = None) -> frozenset[CopyLocation]:
        """Where the role's rights, or the server's settings, let copies stay."""
        with self._autocommit() as connection:
            return postgresql_vacuum.lasting_copies(connection, limit)

    @contextmanager
    def _autocommit(self) -> Iterator[Connection]:
        try:
            with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                yield connection
        except (exc.DBAPIError, exc.TimeoutError) as error:
            raise self._translate(error) from error

    def truncate_wal(self) -> bool:
        """The log is the server's: nothing is to be done here."""
        return True

    def close(self) -> None:
        """Close all pooled connections."""
        self._engine.dispose()


def _read_steady_clock() -> int:
    """Microseconds since some moment by a clock that nobody sets, and that goes on while a machine sleeps."""
    return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)) // 1000


def _make_engine(url: URL, timeout: float, connections: int) -> Engine:
    wait = max(1, round(timeout * 1000))
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=timeout,
        json_deserializer=orjson.loads,
        hide_parameters=True,  # addresses and digests do not belong into error texts
        connect_args={
            "connect_timeout": max(2, math.ceil(timeout)),
            "application_name": "linkweir",
            "client_encoding": "utf8",
            "options": " ".join(
                f"-c {option}"
                for option in (
                    *(f"lock_timeout={wait}ms", "jit=off", "timezone=UTC"),
                    f"tcp_keepalives_idle={LINK_CHECK_SECONDS}",
                    f"tcp_keepalives_interval={LINK_CHECK_SECONDS}",
                    f"tcp_keepalives_count={LINK_CHECKS}",
                )
            ),
            **{name: value for name, value in LINK_OPTIONS.items() if name not in url.query},
        },
    )
    event.listen(engine, "connect", _prepare_connection)
    return engine


class _NumberLoader(Loader):
    """Reads sums of whole numbers as whole numbers: to PostgreSQL they are of arbitrary precision."""

    def load(self, data: Buffer) -> int | Decimal:
        digits = bytes(data).decode()
        return int(digits) if digits.lstrip("-").isdigit() else Decimal(digits)


def _prepare_connection(connection: psycopg.Connection[Any], _record: object) -> None:
    """Read numbers as this expects them; and where the server would answer before a transaction is on its disk, have
    it wait, since what was committed is promised to somebody.
    """
    connection.adapters.register_loader("numeric", _NumberLoader)
    connection.execute(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    )
    connection.commit()


def _first_line(error: object) -> str:
    """What a server says of an error; the lines that follow may quote what a statement was about."""
    return str(error).partition("\n")[0]

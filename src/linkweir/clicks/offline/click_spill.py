"""Recorded clicks on disk while they are classified, in any number: a temporary SQLite database without a name.

SQLite removes the name of such a file as soon as it has opened it, so that nothing stays behind, however the process
ends. What is held in memory is bounded by its page cache.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

from linkweir.clicks.offline.recorded_click import Delivery, RecordedClick
from linkweir.errors import LinkweirError

CACHE_KIB = 64 * 1024
ROWS_PER_INSERT = 5000
_COLUMNS = (
    "at, message, kind, method, link, is_url, ip, user_agent, prefetch, signals, delivered_at, link_count, label, "
    "internal"
)
_FIELDS = tuple(_COLUMNS.split(", "))
_SCHEMA = """
CREATE TABLE clicks (number INTEGER PRIMARY KEY, at INTEGER, message INTEGER, kind TEXT, method TEXT, link INTEGER,
    is_url INTEGER, ip TEXT, user_agent TEXT, prefetch INTEGER, signals TEXT, delivered_at INTEGER, link_count INTEGER,
    label TEXT, internal TEXT);
CREATE TABLE spreads (number INTEGER PRIMARY KEY, recipients INTEGER);
CREATE TABLE deliveries (message INTEGER, at INTEGER);
CREATE TABLE sessions (first_at INTEGER, message INTEGER, first INTEGER, last_at INTEGER, last INTEGER,
    is_part INTEGER);
CREATE TABLE messages (message INTEGER PRIMARY KEY, delivered_at INTEGER, link_count INTEGER, links BLOB);
CREATE TABLE verdicts (number INTEGER PRIMARY KEY, verdict TEXT, confidence REAL, p_machine REAL, reasons TEXT);
CREATE TABLE first_verdicts (number INTEGER PRIMARY KEY, verdict TEXT, confidence REAL, p_machine REAL, reasons TEXT);
"""
_SELECT = (
    f"SELECT number, ifnull((SELECT recipients FROM spreads WHERE spreads.number = clicks.number), 1), {_COLUMNS} "  # noqa: S608
    "FROM clicks"
)
_SETTINGS = f"""
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; PRAGMA temp_store = FILE;
PRAGMA cache_size = -{CACHE_KIB};
"""

VerdictRow = tuple[int, str, float, float, str]  # number, verdict, confidence, p_machine, reasons
LabelledVerdictRow = tuple[int, str, float, float, str, str | None]
StoredClick = tuple[int, int, RecordedClick]  # number, recipients of its address at about its time, click


class SpillError(LinkweirError):
    """The temporary files cannot be written or read, most often for want of space."""


@dataclass(frozen=True, slots=True)
class Session:
    """Clicks of one message that can influence each other, or where there are very many (`is_part`) a part of them:
    from the click (`first_at`, `first`) to the click (`last_at`, `last`), each a time and a number.
    """

    first_at: int
    message: int
    first: int
    last_at: int
    last: int
    is_part: bool


class ClickSpill:
    """The database, for `with`. Raises SpillError."""

    def __init__(self) -> None:
        # the file is one thread's at a time, but a generator may be closed by another one
        self._connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._clicks: list[tuple[Any, ...]] = []
        self._rows: dict[str, list[tuple[Any, ...]]] = {}
        self.count = 0
        self.execute_script(_SETTINGS + _SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def execute_script(self, script: str) -> None:
        """Run statements; what follows is one transaction again, for each of its own would cost a write."""
        with _SqliteErrors():
            self._connection.executescript(script)
            self._connection.execute("BEGIN")

    def query(self, statement: str, values: Sequence[Any] = ()) -> Iterator[Any]:
        """Rows of a statement, read as they are needed."""
        with _SqliteErrors():
            yield from self._connection.execute(statement, values)

    def fetch(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        """All rows of a statement, which are few."""
        with _SqliteErrors():
            return self._connection.execute(statement, values).fetchall()

    def add_click(self, click: RecordedClick) -> int:
        """Store a click and return its number: they count from 0."""
        number = self.count
        self.count += 1
        self._clicks.append((number, *[getattr(click, name) for name in _FIELDS]))
        if len(self._clicks) >= ROWS_PER_INSERT:
            self._flush_clicks()
        return number

    def add_delivery(self, delivery: Delivery) -> None:
        """Store when a message was delivered."""
        self.insert("deliveries", (delivery.message, delivery.delivered_at))

    def insert(self, table: str, row: tuple[Any, ...]) -> None:
        """Put a row into a table, replacing one of its key; visible after `flush`."""
        rows = self._rows.setdefault(table, [])
        rows.append(row)
        if len(rows) >= ROWS_PER_INSERT:
            self._flush_rows(table)

    def flush(self) -> None:
        """Make everything visible that was added."""
        self._flush_clicks()
        for table in self._rows:
            self._flush_rows(table)

    def _flush_clicks(self) -> None:
        marks = ", ".join("?" * (1 + len(_FIELDS)))
        self._execute_many(f"INSERT INTO clicks (number, {_COLUMNS}) VALUES ({marks})", self._clicks)  # noqa: S608
        self._clicks.clear()

    def _flush_rows(self, table: str) -> None:
        rows = self._rows[table]
        if rows:
            self._execute_many(f"INSERT OR REPLACE INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)  # noqa: S608
            rows.clear()

    def _execute_many(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        with _SqliteErrors():
            self._connection.executemany(statement, rows)

    def create_indexes(self) -> None:
        """Sort the clicks by message and by time."""
        self.flush()
        self.execute_script(
            "CREATE INDEX by_message ON clicks (message, at, number); CREATE INDEX by_time ON clicks (at, number);"
            "CREATE INDEX by_delivery ON deliveries (message);"
        )

    def iter_by_time(self) -> Iterator[StoredClick]:
        """All clicks, the oldest first."""
        yield from map(_to_click, self.query(f"{_SELECT} ORDER BY at, number"))

    def load_session(self, session: Session) -> list[StoredClick]:
        """The clicks of a session, the oldest first."""
        values = (session.message, session.first_at, session.first, session.last_at, session.last)
        return self._load_clicks("message = ? AND (at, number) >= (?, ?) AND (at, number) <= (?, ?)", values, "ASC")

    def load_before(self, message: int, at: int, number: int, since: int, limit: int) -> list[StoredClick]:
        """The newest clicks of a message before a click (its time and number) and since a moment, the oldest first."""
        values = (message, since, at, number)
        return self._load_clicks("message = ? AND at >= ? AND (at, number) < (?, ?)", values, "DESC", limit)[::-1]

    def load_after(self, message: int, at: int, number: int, until: int, limit: int) -> list[StoredClick]:
        """The oldest clicks of a message after a click (its time and number) and up to a moment, the oldest first."""
        values = (message, until, at, number)
        return self._load_clicks("message = ? AND at <= ? AND (at, number) > (?, ?)", values, "ASC", limit)

    def _load_clicks(self, condition: str, values: Sequence[int], order: str, limit: int = -1) -> list[StoredClick]:
        statement = f"{_SELECT} INDEXED BY by_message WHERE {condition} ORDER BY at {order}, number {order} LIMIT ?"
        return [_to_click(row) for row in self.fetch(statement, (*values, limit))]

    def iter_verdicts(self, table: str) -> Iterator[LabelledVerdictRow]:
        """The rows of `verdicts` or `first_verdicts`, in the order in which the clicks were added."""
        yield from self.query(
            f"SELECT {table}.*, label FROM {table} JOIN clicks USING (number) ORDER BY {table}.number"  # noqa: S608
        )


def _to_click(row: Sequence[Any]) -> StoredClick:
    number, spread, at, message, kind, method, link, is_url, ip, agent, prefetch, signals, *facts = row
    delivered_at, link_count, label, internal = facts
    click = RecordedClick(
        at=at,
        message=message,
        kind=kind,
        method=method,
        link=link,
        is_url=bool(is_url),
        ip=ip,
        user_agent=agent,
        prefetch=bool(prefetch),
        signals=signals,
        delivered_at=delivered_at,
        link_count=link_count,
        label=label,
        internal=internal,
    )
    return number, spread, click


class _SqliteErrors:
    """Around SQLite: its errors as SpillError."""

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, sqlite3.Error):
            raise SpillError(
                f"can't write temporary files in {os.environ.get('SQLITE_TMPDIR', 'their folder')}: {error}"
            ) from error

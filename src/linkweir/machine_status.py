"""What the machines of a service do: each writes a row of the database every few seconds, and anyone may read them.

A service on SQLite is one machine, whose own heartbeat file says the same.
"""

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import RowMapping

from linkweir import __version__
from linkweir.background import NO_HEARTBEAT, STALE_SECONDS, Heartbeat
from linkweir.clock import SECOND_US, now
from linkweir.db import delivery_queue_table, machines_table, outbox_table
from linkweir.db.database import Database, WriteMode
from linkweir.db.portable_sql import read_clock
from linkweir.errors import Conflict, DatabaseUnavailable, NotFound
from linkweir.key_rollout import own_machine
from linkweir.settings import Settings

WRITE_INTERVAL_SECONDS: Final = 5.0
POLL_SECONDS: Final = 0.25  # between two looks at what the others have written


@dataclass(frozen=True, slots=True)
class MachineStatus:
    """How a machine does. `silent_seconds`: since it last said so; `problems` by check, none when all is well;
    `clicks_waiting` and `clicks_lost`: of its journal, None where that is not known.
    """

    host: str
    folder: str
    roles: tuple[str, ...]
    version: str
    silent_seconds: float
    problems: dict[str, str]
    clicks_waiting: int | None = None
    clicks_lost: int | None = None


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """All machines, and what waits for them in the database."""

    machines: list[MachineStatus]
    mails_waiting: int
    webhook_requests_waiting: int

    @property
    def is_well(self) -> bool:
        """Whether there is a machine, and none is silent or has a problem."""
        return bool(self.machines) and not any(machine.problems for machine in self.machines)


class MachineHeartbeat:
    """Writes the row of this machine, where several may share the database."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._key = dict(zip(("host", "folder"), own_machine(settings), strict=True))
        self._started_at = now()
        self._write_at = 0.0
        self._is_written = False

    @property
    def is_due(self) -> bool:
        """Whether it is time to write it; only then is what it says worth finding out."""
        return bool(self._settings.database) and time.monotonic() >= self._write_at

    def write(
        self, checks: Mapping[str, str], *, key_id: int, clicks_waiting: int, clicks_lost: int, drained_until_at: int
    ) -> None:
        """Write it; `key_id`: the newest signing key that all its processes have; `drained_until_at`: clicks that came
        before have left its journal. Raises DatabaseUnavailable.
        """
        self._write_at = time.monotonic() + WRITE_INTERVAL_SECONDS
        self._is_written = True
        row = {
            **self._key,
            "roles": list(self._settings.roles),
            "version": __version__,
            "problems": {name: state for name, state in checks.items() if state != "ok"},
            "key_id": key_id,
            "clicks_waiting": clicks_waiting,
            "clicks_lost": clicks_lost,
        }
        with self._database.write(WriteMode.CONCURRENT) as connection:
            seen_at, own_time = read_clock(connection), now()
            times = {"drained_until_at": drained_until_at, "started_at": self._started_at}  # by this machine's clock
            shared = {name: at and at + seen_at - own_time for name, at in times.items()}
            machines_table.store(connection, {**row, **shared, "seen_at": seen_at})

    def close(self, clicks_waiting: int) -> None:
        """Remove it: the machine was stopped, and is not silent. With clicks in its journal it stays, for they are
        still to come.
        """
        if self._is_written and not clicks_waiting:
            with contextlib.suppress(DatabaseUnavailable), self._database.write(WriteMode.CONCURRENT) as connection:
                machines_table.remove(connection, **self._key)


def wait_until_drained(settings: Settings, database: Database, seconds: float) -> list[str]:
    """Wait until all other machines have brought out of their journals what came before this call; return the names of
    those that have not within so many seconds. Raises DatabaseUnavailable.
    """
    until, own = time.monotonic() + seconds, own_machine(settings)
    with database.read() as connection:
        since = read_clock(connection)
    while True:
        with database.read() as connection:
            rows = machines_table.list_all(connection)
        pending = [
            _machine_name(row)
            for row in rows
            if ("redirect" in row["roles"] or row["clicks_waiting"])
            and row["drained_until_at"] < since
            and (row["host"], row["folder"]) != own
        ]
        if not pending or time.monotonic() > until:
            return pending
        time.sleep(POLL_SECONDS)


def collect_status(settings: Settings, database: Database) -> ServiceStatus:
    """How the service does. Raises DatabaseUnavailable."""
    with database.read() as connection:
        rows, at = machines_table.list_all(connection), read_clock(connection)
        mails, requests = delivery_queue_table.count_waiting(connection), outbox_table.count_waiting(connection)
    if not settings.database:
        return ServiceStatus([_read_own_heartbeat(settings)], mails, requests)
    return ServiceStatus([_to_status(row, at) for row in rows], mails, requests)


def _to_status(row: RowMapping, at: int) -> MachineStatus:
    silence = max(0.0, (at - row["seen_at"]) / SECOND_US)
    problems = {"heartbeat": _describe_silence(silence)} if silence > STALE_SECONDS else dict(row["problems"])
    names = ("host", "folder", "version", "clicks_waiting", "clicks_lost")
    own = {name: row[name] for name in names}
    return MachineStatus(roles=tuple(row["roles"]), silent_seconds=silence, problems=problems, **own)


def forget_machine(database: Database, name: str) -> MachineStatus:
    """Remove a machine that is gone for good, named as `host:folder`: erasures do not wait for it any more. Return how
    it was. Raises NotFound, Conflict while it is heard of, DatabaseUnavailable.
    """
    with database.write(WriteMode.CONCURRENT) as connection:
        rows, at = machines_table.list_all(connection), read_clock(connection)
        row = next((row for row in rows if _machine_name(row) == name), None)
        if row is None:
            raise NotFound(f"there is no machine {name}")
        status = _to_status(row, at)
        if status.silent_seconds <= STALE_SECONDS:
            raise Conflict(f"{name} was heard of {status.silent_seconds:.0f} seconds ago: stop it first")
        machines_table.remove(connection, row["host"], row["folder"])
    return status


def _machine_name(row: RowMapping) -> str:
    return f"{row['host']}:{row['folder']}"


def _read_own_heartbeat(settings: Settings) -> MachineStatus:
    silence, checks = Heartbeat(settings.data).read_last()
    problems = {name: state for name, state in checks.items() if state != "ok"}
    if silence > STALE_SECONDS:
        problems = {"heartbeat": _describe_silence(silence)}
    return MachineStatus(*own_machine(settings), settings.roles, __version__, silence, problems)


def _describe_silence(seconds: float) -> str:
    return NO_HEARTBEAT if seconds == float("inf") else f"{NO_HEARTBEAT} for {seconds:.0f} seconds"

"""A PostgreSQL server of the tests' own: in a temporary folder, on a Unix socket, gone with the process that asked."""

import atexit
import contextlib
import ctypes
import functools
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import make_url

if TYPE_CHECKING:
    import psycopg

TEMPLATE = "linkweir_template"
SETTINGS = ("fsync=off", "listen_addresses=", "max_connections=200", "shared_buffers=32MB", "max_wal_size=2GB")
START_SECONDS = 120.0
_numbers = itertools.count()


def _find_programs() -> Path | None:
    """The folder of the newest server, which Debian leaves out of the path."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    found = shutil.which("initdb")
    return next((folder for folder in folders if (folder / "initdb").exists()), Path(found).parent if found else None)


@functools.cache
def _user() -> str | None:
    """Who the server runs as: it refuses to run as root."""
    return "postgres" if os.geteuid() == 0 else None


class PostgresqlServer:
    """One server with a template database that has all tables, and with these settings."""

    def __init__(self, programs: Path, more_settings: Sequence[str] = ()) -> None:
        self.programs = programs
        self._settings = (*SETTINGS, *more_settings)
        ports = [setting.removeprefix("port=") for setting in more_settings if setting.startswith("port=")]
        self._port = ports[-1] if ports else ""
        self._lock = threading.Lock()
        self._connection: psycopg.Connection | None = None
        self.folder = Path(tempfile.mkdtemp(prefix="linkweir-pg-"))
        if user := _user():
            shutil.chown(self.folder, user)
        data = self.folder / "data"
        options = ("-U", "linkweir", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        self._run("initdb", "-D", str(data), *options)
        atexit.register(self.stop)
        self.start()
        self.execute(f"CREATE DATABASE {TEMPLATE}")
        self._migrate()

    def start(self) -> None:
        """Start the server, also after it was killed: then as soon as what it left has ended, and let it recover."""
        until = time.monotonic() + START_SECONDS
        while True:
            self.process = self._start_process()
            if self._answers(until):
                return
            assert time.monotonic() < until, (self.folder / "log").read_text()[-2000:]
            time.sleep(0.1)

    def _start_process(self) -> "subprocess.Popen[bytes]":
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603
                [
                    *(self.programs / "postgres", "-D", self.folder / "data", "-k", self.folder),
                    *(f"-c{setting}" for setting in self._settings),
                ],
                user=_user(),
                cwd=self.folder,
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - it only asks the system for a signal
            )

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End the server's first process at once, without a word, and the others end when they notice; with SIGQUIT it
        ends them, in the same state ("immediate").
        """
        if self._connection is not None:
            self._connection.close()
        self.process.send_signal(number)
        self.process.wait()

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(  # noqa: S603
            [self.programs / program, *arguments], check=True, capture_output=True, user=_user(), cwd=self.folder
        )

    def _answers(self, until: float) -> bool:
        """Wait for the first answer; False when the process has ended, or it is too late."""
        import psycopg

        while time.monotonic() < until and self.process.poll() is None:
            with contextlib.suppress(psycopg.OperationalError):
                self.execute("SELECT 1")
                return True
            time.sleep(0.05)
        return False

    def _migrate(self) -> None:
        from linkweir.db.postgresql_database import PostgresqlDatabase
        from linkweir.db.schema_upgrade import migrate

        database = PostgresqlDatabase(self.url(TEMPLATE), self.folder, timeout=30)
        migrate(database)
        database.close()

    def execute(self, statement: str) -> None:
        """Run a statement of the server's administrator, on a connection that stays: opening one takes long."""
        import psycopg

        with self._lock:
            if self._connection is not None:
                try:
                    self._connection.execute(statement.encode())
                    return
                except psycopg.OperationalError:  # the server was started again since
                    self._connection.close()
            self._connection = psycopg.connect(self.url("postgres"), autocommit=True)
            self._connection.execute(statement.encode())

    def url(self, name: str) -> str:
        """The address of a database of this name."""
        port = self._port and f"&port={self._port}"
        return f"postgresql://linkweir@/{name}?host={self.folder}{port}"

    def create(self, *, empty: bool = False, template: str = "") -> str:
        """The address of a new database, with all tables unless `empty`; or what the one at `template` holds, to which
        nobody may be connected.
        """
        name = f"t{next(_numbers)}"
        source = "template0" if empty else _name_of(template) if template else TEMPLATE
        self.execute(f"CREATE DATABASE {name} TEMPLATE {source}")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Remove a database, whoever is connected to it."""
        self.execute(f"DROP DATABASE {_name_of(url)} WITH (FORCE)")

    def stop(self) -> None:
        """End it at once, and remove its files."""
        if self._connection is not None:
            self._connection.close()
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)


def _name_of(url: str) -> str:
    return make_url(url).database or ""


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGQUIT)  # PR_SET_PDEATHSIG


@functools.cache
def start_server(_name: str, *settings: str) -> "PostgresqlServer | str":
    """Return the server of this name, started the first time, with these settings; or why there can be none."""
    try:
        import psycopg  # noqa: F401
    except ModuleNotFoundError:
        return "psycopg is not installed"
    programs = _find_programs()
    return PostgresqlServer(programs, settings) if programs else "PostgreSQL is not installed"


def require_postgresql(name: str = "shared", *settings: str) -> PostgresqlServer:
    """The server of this name, started the first time: a test that kills it has one of its own. `settings` are more of
    the server's. Skips the test where there is none.
    """
    server = start_server(name, *settings)
    if isinstance(server, str):
        from tests.conftest import skip_or_fail

        skip_or_fail(server)
    return server

"""A PostgreSQL server of the tests' own: in a temporary folder, on a Unix socket, gone with the process that asked."""

import atexit
import ctypes
import functools
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

TEMPLATE = "linkweir_template"
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
        self.folder = Path(tempfile.mkdtemp(prefix="linkweir-pg-"))
        if user := _user():
            shutil.chown(self.folder, user)
        data = self.folder / "data"
        options = ("-U", "linkweir", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        self._run("initdb", "-D", str(data), *options)
        settings = ["fsync=off", "listen_addresses=", "max_connections=200", "shared_buffers=32MB", "max_wal_size=2GB"]
        settings += more_settings
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(  # noqa: S603
                [programs / "postgres", "-D", data, "-k", self.folder, *(f"-c{setting}" for setting in settings)],
                user=user,
                cwd=self.folder,
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - no thread runs yet that holds a lock
            )
        atexit.register(self.stop)
        self._wait()
        self.execute(f"CREATE DATABASE {TEMPLATE}")
        self._migrate()

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(  # noqa: S603
            [self.programs / program, *arguments], check=True, capture_output=True, user=_user(), cwd=self.folder
        )

    def _wait(self) -> None:
        until = time.monotonic() + 60
        while True:
            try:
                self.execute("SELECT 1")
                return
            except Exception:
                if time.monotonic() > until or self.process.poll() is not None:
                    raise
                time.sleep(0.05)

    def _migrate(self) -> None:
        from linkweir.db.postgresql_database import PostgresqlDatabase
        from linkweir.db.schema_upgrade import migrate

        database = PostgresqlDatabase(self.url(TEMPLATE), self.folder, timeout=30)
        migrate(database)
        database.close()

    def execute(self, statement: str) -> None:
        """Run a statement of the server's administrator."""
        import psycopg

        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def url(self, name: str) -> str:
        """The address of a database of this name."""
        return f"postgresql://linkweir@/{name}?host={self.folder}"

    def create(self, *, empty: bool = False) -> str:
        """The address of a new database, with all tables unless `empty`."""
        name = f"t{next(_numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {'template0' if empty else TEMPLATE}")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Remove a database, whoever is connected to it."""
        self.execute(f"DROP DATABASE {url.partition('@/')[2].partition('?')[0]} WITH (FORCE)")

    def stop(self) -> None:
        """End it at once, and remove its files."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGQUIT)  # PR_SET_PDEATHSIG


@functools.cache
def _start() -> "PostgresqlServer | str":
    try:
        import psycopg  # noqa: F401
    except ModuleNotFoundError:
        return "psycopg is not installed"
    programs = _find_programs()
    return PostgresqlServer(programs) if programs else "PostgreSQL is not installed"


def require_postgresql() -> PostgresqlServer:
    """The server, started the first time; skips the test where there is none."""
    server = _start()
    if isinstance(server, str):
        from tests.conftest import skip_or_fail

        skip_or_fail(server)
    return server

"""Carries out `linkweir block`: what a service's store says nobody is to be sent to any more."""

import time
from pathlib import Path

from linkweir.click.gate import destination_of, host_of
from linkweir.errors import BadInput, LinkweirError
from linkweir.settings import Settings
from linkweir.store import blocked
from linkweir.store.blocked import Kind
from linkweir.store.engine import Store
from linkweir.store.migrate import migrate


def kind_and_value(text: str) -> tuple[Kind, str]:
    """What is meant: an address with a path or query is a destination, everything else a host. Raises BadInput."""
    if "://" in text:
        value = destination_of(text)
        if value is None:
            raise BadInput("", f"{text!r} is no http(s) address")
        return "destination", value
    host = host_of(f"http://{text}/")
    stray = ":" in text and not text.startswith("[")  # a port, or another scheme
    if not host or stray or any(character in text for character in "/?# @"):
        raise BadInput("", f"{text!r} is neither a host nor an address that begins with http:// or https://")
    return "host", host


class Blocking:
    """The list of one data folder. Raises LinkweirError where there is no service's database."""

    def __init__(self, settings: Settings) -> None:
        if not settings.database.exists():
            raise LinkweirError(f"there is no service in {_shown(settings.data)}: give --data its folder")
        self._store = Store(settings.database, wait=settings.store_wait, connections=1)
        migrate(self._store)

    def add(self, text: str, reason: str) -> str:
        """Block it; what was blocked."""
        kind, value = kind_and_value(text)
        with self._store.write() as connection:
            blocked.add(connection, kind, value, reason, time.time_ns() // 1000)
        return f"{kind} {value}"

    def remove(self, text: str) -> str | None:
        """Open it again; what was opened, or None when it was not blocked."""
        kind, value = kind_and_value(text)
        with self._store.write() as connection:
            return f"{kind} {value}" if blocked.remove(connection, kind, value) else None

    def entries(self) -> list[tuple[str, str, str]]:
        """Kind, value and reason of everything that is blocked."""
        with self._store.read() as connection:
            return [(row["kind"], row["value"], row["reason"]) for row in blocked.every(connection)]

    def close(self) -> None:
        """Let go of the database."""
        self._store.close()


def _shown(path: Path) -> str:
    return str(path.absolute())

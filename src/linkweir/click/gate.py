"""What stands between a verified link and its destination: operators block some, accounts want others confirmed.

Held in memory and read again every few seconds by a thread, so that no reader waits for it; while the store is away,
what it said last goes on to hold.
"""

import re
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from structlog.typing import FilteringBoundLogger

from linkweir.click.location import ascii_host, header_value
from linkweir.errors import BadSwitch, StoreUnavailable
from linkweir.html import Switches
from linkweir.html.switches import Searches
from linkweir.store import accounts, blocked
from linkweir.store.engine import Store

LOOK = 2.0  # seconds between looks at the store
PARTS = re.compile(r"(https?)://(?:[^/?#]*@)?(\[[^\]]*\]|[^/?#:]*)(?::([0-9]*))?([^#]*)", re.IGNORECASE | re.DOTALL)
PORTS = {"http": "80", "https": "443"}
Confirm = Mapping[uuid.UUID, tuple[Searches, ...]]


def host_of(location: str) -> str | None:
    """The host that a browser would go to, in its one spelling; None for what is no http(s) address."""
    found = PARTS.match(location)
    return _host(found[2]) if found else None


def destination_of(destination: str) -> str | None:
    """A destination in its one spelling: scheme and host in lower case, no default port, user or fragment."""
    location = header_value(destination)
    found = PARTS.match(location) if location else None
    if found is None or not found[2]:
        return None
    scheme, _, port, rest = found[1].lower(), found[2], found[3], found[4]
    port = f":{port}" if port and port != PORTS[scheme] else ""
    return f"{scheme}://{_host(found[2])}{port}{rest or '/'}"


def _host(text: str) -> str:
    return ascii_host(unquote(text)).lower().rstrip(".")  # browsers decode %65 in a host


@dataclass(frozen=True, slots=True)
class Gate:
    """One state of it. A host that is blocked takes those below it along."""

    hosts: frozenset[str] = frozenset()
    destinations: frozenset[str] = frozenset()
    confirm: Confirm = field(default_factory=dict)

    def blocks(self, location: str) -> bool:
        """Is nobody to be sent there any more?"""
        if not self.hosts and not self.destinations:
            return False
        host = host_of(location)
        if host is None:
            return False
        labels = host.split(".")
        return any(".".join(labels[place:]) in self.hosts for place in range(len(labels))) or (
            destination_of(location) in self.destinations
        )

    def asking(self, destination: str) -> frozenset[uuid.UUID]:
        """The accounts that would want this one confirmed, were it theirs."""
        return frozenset(
            account
            for account, patterns in self.confirm.items()
            if any(pattern.search(destination) for pattern in patterns)
        )


class GateKeeper:
    """Keeps `gate` as the store has it. `compiled` makes a customer's pattern into one that cannot hold readers up."""

    def __init__(self, store: Store, log: FilteringBoundLogger, compiled: Callable[[str], str | Searches]) -> None:
        self.gate = Gate()
        self._compiled = compiled
        self._store = store
        self._log = log
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Look once, then go on looking."""
        self._ended.clear()
        self.look()
        self._thread = threading.Thread(target=self._run, name="linkweir-gate", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._ended.set()
        if self._thread:
            self._thread.join()

    def look(self) -> None:
        """See what the store says; nothing changes while it says nothing."""
        try:
            with self._store.read() as connection:
                rows = blocked.every(connection)
                wishes = accounts.policies(connection)
        except StoreUnavailable as error:
            self._log.warning("gate.store_unavailable", error=str(error))
            return
        kinds = {kind: frozenset(row["value"] for row in rows if row["kind"] == kind) for kind in blocked.KINDS}
        confirm = {account: self._patterns(account, policy.get("confirm")) for account, policy in wishes.items()}
        self.gate = Gate(kinds["host"], kinds["destination"], {key: each for key, each in confirm.items() if each})

    def _patterns(self, account: uuid.UUID, texts: Iterable[str] | None) -> tuple[Searches, ...]:
        try:
            return Switches(skip=tuple(map(self._compiled, texts or ()))).skip_patterns
        except BadSwitch as error:
            self._log.error("gate.bad_pattern", account=str(account), error=str(error))
            return ()

    def _run(self) -> None:
        while not self._ended.wait(LOOK):
            try:
                self.look()
            except Exception:
                self._log.exception("gate.bug")

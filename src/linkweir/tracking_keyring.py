"""The key ring of a running service: loaded at the start, reloaded when it was changed, extended by new hosts."""

import contextlib
from datetime import UTC, datetime

from structlog.typing import FilteringBoundLogger

from linkweir.background import ReloadingValue
from linkweir.db import domains_table, machines_table
from linkweir.db.database import Database
from linkweir.errors import Conflict, DatabaseUnavailable, KeyRingError
from linkweir.key_rollout import KeyRollout, choose_for_command
from linkweir.mail.draft import OperatorDefaults
from linkweir.service_secrets import KeyRingSource
from linkweir.tokens import KeyRing

MAX_HOSTS = 4000  # hosts of one ring: more would not fit into its file


class TrackingKeyRing:
    """One key ring. Threads may share it; a failed reload leaves the ring that was loaded before in force. `rollout`
    says which of its keys mints.
    """

    def __init__(
        self,
        source: KeyRingSource,
        database: Database,
        defaults: OperatorDefaults,
        log: FilteringBoundLogger,
        rollout: KeyRollout,
    ) -> None:
        self.source = source
        self._database = database
        self._defaults = defaults
        self._log = log
        self._rollout = rollout
        self._loaded: ReloadingValue[KeyRing] | None = None
        self._chosen: KeyRing | None = None

    @property
    def current(self) -> KeyRing:
        """The ring as it was at the last refresh; its current key is the one that mints, which may not be the newest.
        Raises KeyRingError before `load`.
        """
        if self._chosen is None:
            raise KeyRingError("the key ring is not loaded")
        return self._chosen

    @property
    def settled_key_id(self) -> int:
        """The newest key that all processes of this machine have."""
        return self._rollout.settled_key_id

    @property
    def may_be_behind(self) -> bool:
        """Whether links may be signed with a key that this process does not know yet."""
        return self._rollout.may_be_behind

    def _require_loaded(self) -> ReloadingValue[KeyRing]:
        if self._loaded is None:
            raise KeyRingError("the key ring is not loaded")
        return self._loaded

    def load(self) -> KeyRing:
        """Load the ring, or create it, with the base URL and the tracking hosts of all domains as its hosts."""
        ring = self.source.load_or_create(datetime.now(UTC), [self._defaults.base_url])
        with self._database.read() as connection:
            hosts = [self._defaults.base_url_for(host) for host in domains_table.list_tracking_hosts(connection)]

        def add_hosts(ring: KeyRing) -> KeyRing:
            return ring.with_host(self._defaults.base_url, *hosts)

        if add_hosts(ring).hosts != ring.hosts:  # locked: a new key of `linkweir keys rotate` must not be lost
            self.source.update(add_hosts)
        self._observe_machines()
        self.load_without_database()
        return self.current

    def load_without_database(self) -> None:
        """Load the ring, with the hosts that it has, while the database is away. Raises KeyRingError,
        DatabaseUnavailable where only the database has it.
        """
        self._loaded = ReloadingValue(self.source.name, self.source.load, self.source.get_version, self._log)
        self._choose_key()

    def add_host(self, host: str) -> None:
        """Recognise tracking links on this host too. Raises BadSwitch, and Conflict when there are too many hosts.

        The attack: one customer changes hosts until nobody's ring can be loaded any more. No host is removed for
        another: links on it are in mails, and its certificate has to be renewed.
        """
        base_url = self._defaults.base_url_for(host)

        def add(ring: KeyRing) -> KeyRing:
            added = ring.with_host(base_url)
            if len(added.hosts) > max(MAX_HOSTS, len(ring.hosts)):
                self._log.error("keys.too_many_hosts", hosts=len(ring.hosts), file=self.source.name)
                raise Conflict(f"the service has as many tracking hosts as it can have ({MAX_HOSTS})")
            return added

        self._require_loaded().value = self.source.update(add)
        self._choose_key()

    def refresh(self) -> None:
        """Notice a rotation by another process, or on another machine, and which key mints by now."""
        with contextlib.suppress(DatabaseUnavailable):  # then this ring stays in force
            self._require_loaded().refresh()
        with contextlib.suppress(DatabaseUnavailable):
            self._observe_machines()
        self._choose_key()

    def _observe_machines(self) -> None:
        if self._rollout.is_shared:
            with self._database.read() as connection:
                self._rollout.observe_machines(machines_table.list_all(connection))

    def _choose_key(self) -> None:
        ring, before = self._require_loaded().value, self._chosen
        self._rollout.observe_ring(ring)
        self._chosen = self._rollout.choose(ring)
        if before is not None and before.current.id != self._chosen.current.id:
            self._log.info("keys.minting", key=self._chosen.current.id)


def load_for_command(source: KeyRingSource, database: Database) -> KeyRing:
    """The ring for a command that makes links: as services have it, as far as a command can know. Raises KeyRingError,
    DatabaseUnavailable.
    """
    with database.read() as connection:
        return choose_for_command(source.load(), machines_table.list_all(connection))

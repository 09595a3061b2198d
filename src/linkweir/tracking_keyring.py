"""The key ring of a running service: loaded at the start, reloaded when the key file changes, extended by new hosts."""

from datetime import UTC, datetime
from pathlib import Path

from structlog.typing import FilteringBoundLogger

from linkweir.background import ReloadingFile
from linkweir.db import domains_table
from linkweir.db.database import Database
from linkweir.errors import Conflict, KeyRingError
from linkweir.mail.draft import OperatorDefaults
from linkweir.tokens import KeyRing, keyring_file

MAX_HOSTS = 4000  # hosts of one ring: more would not fit into its file


class TrackingKeyRing:
    """One key file. Threads may share it; a failed reload leaves the ring that was loaded before in force."""

    def __init__(self, path: Path, database: Database, defaults: OperatorDefaults, log: FilteringBoundLogger) -> None:
        self._path = path
        self._database = database
        self._defaults = defaults
        self._log = log
        self._file: ReloadingFile[KeyRing] | None = None

    @property
    def current(self) -> KeyRing:
        """The ring as the file had it at the last refresh. Raises KeyRingError before `load`."""
        return self._loaded_file().value

    def _loaded_file(self) -> ReloadingFile[KeyRing]:
        if self._file is None:
            raise KeyRingError("the key ring is not loaded")
        return self._file

    def load(self) -> KeyRing:
        """Load the ring, or create it, with the base URL and the tracking hosts of all domains as its hosts."""
        ring = keyring_file.load_or_create(self._path, datetime.now(UTC), [self._defaults.base_url])
        with self._database.read() as connection:
            hosts = [self._defaults.base_url_for(host) for host in domains_table.list_tracking_hosts(connection)]

        def add_hosts(ring: KeyRing) -> KeyRing:
            return ring.with_host(self._defaults.base_url, *hosts)

        if add_hosts(ring).hosts != ring.hosts:  # locked: a new key of `linkweir keys rotate` must not be lost
            keyring_file.update(self._path, add_hosts)
        self._file = ReloadingFile(self._path, keyring_file.load, self._log)
        return self._file.value

    def add_host(self, host: str) -> None:
        """Recognise tracking links on this host too. Raises BadSwitch, and Conflict when there are too many hosts.

        The attack: one customer changes hosts until nobody's ring can be loaded any more. No host is removed for
        another: links on it are in mails, and its certificate has to be renewed.
        """
        base_url = self._defaults.base_url_for(host)

        def add(ring: KeyRing) -> KeyRing:
            added = ring.with_host(base_url)
            if len(added.hosts) > max(MAX_HOSTS, len(ring.hosts)):
                self._log.error("keys.too_many_hosts", hosts=len(ring.hosts), file=str(self._path))
                raise Conflict(f"the service has as many tracking hosts as it can have ({MAX_HOSTS})")
            return added

        self._loaded_file().value = keyring_file.update(self._path, add)

    def refresh(self) -> None:
        """Notice a rotation by another process."""
        self._loaded_file().refresh()

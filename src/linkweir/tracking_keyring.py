"""The key ring of a running service: loaded at the start, reloaded when the key file changes, extended by new hosts."""

import functools
import os
import time
from datetime import UTC, datetime
from pathlib import Path

from structlog.typing import FilteringBoundLogger

from linkweir.db import domains_table
from linkweir.db.database import Database
from linkweir.errors import KeyRingError
from linkweir.mail.draft import OperatorDefaults
from linkweir.tokens import KeyRing, keyring_file

POLL_SECONDS = 2.0  # between two looks at the key file


class TrackingKeyRing:
    """One key file. Threads may share it; a failed reload leaves the ring that was loaded before in force."""

    def __init__(self, path: Path, store: Database, defaults: OperatorDefaults, log: FilteringBoundLogger) -> None:
        self._path = path
        self._store = store
        self._defaults = defaults
        self._log = log
        self._ring: KeyRing | None = None
        self._fingerprint: tuple[int, int] | None = None
        self._next_poll = 0.0

    @property
    def current(self) -> KeyRing:
        """The ring as the file has it: a rotation is noticed within seconds. Raises KeyRingError before `load`."""
        moment = time.monotonic()
        if self._ring is None or moment >= self._next_poll:
            self._next_poll = moment + POLL_SECONDS
            self._reload()
        if self._ring is None:
            raise KeyRingError("the key ring is not loaded")
        return self._ring

    def load(self) -> KeyRing:
        """Load the ring, or create it, with the base URL and the tracking hosts of all domains as its hosts."""
        ring = keyring_file.load_or_create(self._path, datetime.now(UTC), [self._defaults.base_url])
        with self._store.read() as connection:
            hosts = [self._defaults.base_url_for(host) for host in domains_table.list_tracking_hosts(connection)]

        def with_hosts(ring: KeyRing) -> KeyRing:
            return functools.reduce(KeyRing.with_host, (self._defaults.base_url, *hosts), ring)

        if with_hosts(ring).hosts != ring.hosts:  # locked: a new key of `linkweir keys rotate` must not be lost
            ring = keyring_file.update(self._path, with_hosts)
        self._ring, self._fingerprint = ring, self._read_fingerprint()
        return ring

    def add_host(self, host: str) -> None:
        """Recognise tracking links on this host too."""
        base_url = self._defaults.base_url_for(host)
        self._ring = keyring_file.update(self._path, lambda ring: ring.with_host(base_url))

    def _reload(self) -> None:
        try:
            fingerprint = self._read_fingerprint()
            if fingerprint != self._fingerprint:
                self._ring, self._fingerprint = keyring_file.load(self._path), fingerprint
                self._log.info("keys.reloaded")
        except (KeyRingError, OSError) as error:
            self._log.error("keys.cannot_reload", error=str(error))

    def _read_fingerprint(self) -> tuple[int, int]:
        status = os.stat(self._path)
        return status.st_mtime_ns, status.st_ino

"""The API keys of one data folder, for those who run a service: beside it or without it."""

import contextlib
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from linkweir.edge import auth, scopes
from linkweir.edge.parts import now
from linkweir.edge.reply import rfc3339
from linkweir.errors import BadInput, LinkweirError
from linkweir.settings import Settings
from linkweir.store import accounts, api_keys
from linkweir.store.engine import Store
from linkweir.store.migrate import migrate

LABEL = 255  # characters, as over the API


@contextlib.contextmanager
def opened(settings: Settings) -> Iterator["ApiKeys"]:
    """The keys of the first account of this folder. Raises StoreUnavailable, LinkweirError."""
    store = Store(settings.database, wait=settings.store_wait, connections=1)
    try:
        migrate(store)
        with store.read() as connection:
            account = accounts.first(connection)
        if account is None:
            raise LinkweirError("there is no account yet: `linkweir serve` makes one when it starts")
        yield ApiKeys(store, account)
    finally:
        store.close()


class ApiKeys:
    """The keys of one account. Every call raises StoreUnavailable."""

    def __init__(self, store: Store, account: uuid.UUID) -> None:
        self._store = store
        self._account = account

    def all(self) -> list[dict[str, Any]]:
        """Each key's facts, oldest first: `id`, `begins`, `label`, `scopes`, `created` and `last_used` (RFC 3339)."""
        with self._store.read() as connection:
            rows = api_keys.of_account(connection, self._account)
        return [
            {
                "id": str(row["id"]),
                "begins": row["hint"],
                "label": row["label"],
                "scopes": row["scopes"],
                "created": rfc3339(row["created_at"]),
                "last_used": rfc3339(row["last_used_at"]),
            }
            for row in rows
        ]

    def create(self, label: str, wanted: Sequence[str]) -> str:
        """A new key, returned this once; without any scopes it may do everything. Raises BadInput."""
        if not 1 <= len(label) <= LABEL:
            raise BadInput("label", f"must have 1 to {LABEL} characters")
        granted = scopes.check(wanted) or [accounts.EVERYTHING]
        with self._store.write() as connection:
            return auth.add_key(connection, self._account, label, now(), scopes=granted)[1]

    def revoke(self, keys: Sequence[uuid.UUID]) -> None:
        """These keys open nothing from now on."""
        with self._store.write() as connection:
            for key in keys:
                api_keys.remove(connection, self._account, key)

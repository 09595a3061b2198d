"""The API keys of one data folder, for those who run a service: beside it or without it."""

import contextlib
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from linkweir.accounts import scopes
from linkweir.clock import now, rfc3339
from linkweir.db import accounts_table, api_keys_table
from linkweir.db.database import Database
from linkweir.db.schema_upgrade import migrate
from linkweir.errors import LinkweirError, ValidationError
from linkweir.settings import Settings
from linkweir.web import authentication

MAX_LABEL_CHARACTERS = 255  # characters, as over the API


@contextlib.contextmanager
def open_api_keys(settings: Settings) -> Iterator["ApiKeyAdmin"]:
    """The keys of the first account of this folder. Raises StoreUnavailable, LinkweirError."""
    store = Database(settings.database, timeout=settings.store_wait, connections=1)
    try:
        migrate(store)
        with store.read() as connection:
            account = accounts_table.get_default_account(connection)
        if account is None:
            raise LinkweirError("there is no account yet: `linkweir serve` makes one when it starts")
        yield ApiKeyAdmin(store, account)
    finally:
        store.close()


class ApiKeyAdmin:
    """The keys of one account. Every call raises StoreUnavailable."""

    def __init__(self, store: Database, account: uuid.UUID) -> None:
        self._store = store
        self._account = account

    def list_all(self) -> list[dict[str, Any]]:
        """Each key's facts, oldest first: `id`, `begins`, `label`, `scopes`, `created` and `last_used` (RFC 3339)."""
        with self._store.read() as connection:
            rows = api_keys_table.list_for_account(connection, self._account)
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

    def create(self, label: str, requested_scopes: Sequence[str]) -> str:
        """A new key, returned this once; without any scopes it may do everything. Raises BadInput."""
        if not 1 <= len(label) <= MAX_LABEL_CHARACTERS:
            raise ValidationError("label", f"must have 1 to {MAX_LABEL_CHARACTERS} characters")
        granted = scopes.parse_scopes(requested_scopes) or [accounts_table.WILDCARD_SCOPE]
        with self._store.write() as connection:
            return authentication.create_api_key(connection, self._account, label, now(), scopes=granted)[1]

    def revoke(self, keys: Sequence[uuid.UUID]) -> None:
        """These keys open nothing from now on."""
        with self._store.write() as connection:
            for key in keys:
                api_keys_table.remove(connection, self._account, key)

"""A store with an account, and messages with fields as a test wants them."""

import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

from linkweir.mail import identity
from linkweir.store import accounts, messages
from linkweir.store.engine import Store
from linkweir.store.messages import NewMessage
from linkweir.store.migrate import migrate

NOW = 1_000_000_000  # microseconds since 1970
SECOND = 1_000_000
FOREVER = 1 << 60


class Filled:
    """The store, its account, and another account that nothing of the first may show."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder / "linkweir.db", wait=5)
        migrate(self.store)
        self.account, self.other = uuid.uuid4(), uuid.uuid4()
        with self.store.write() as connection:
            accounts.create(connection, self.account, "one", NOW)
            accounts.create(connection, self.other, "other", NOW + 1)

    def add(self, **fields: Any) -> uuid.UUID:
        """Queue a message; its id."""
        key = identity.new_id(NOW)
        new = NewMessage(
            id=key,
            number=identity.number_of(key),
            account_id=self.account,
            message_id=f"{key}@example.com",
            sender="News@Example.com",
            recipient="Ada@Example.org",
            subject="Hello",
            tags=[],
            track_clicks=True,
            privacy="full",
            raw=b"raw",
            short_links={},
            now=NOW,
            due_at=NOW,
            expires_at=FOREVER,
            keep_until_at=NOW,
            retain_until_at=FOREVER,
            envelope_from="bounces@example.com",
        )
        with self.store.write() as connection:
            messages.add(connection, [replace(new, **fields)])
        return key

"""A database with an account, and messages with fields as a test wants them."""

import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from linkweir.db import accounts_table, messages_table
from linkweir.db.messages_table import NewMessage
from linkweir.db.schema import outbox
from linkweir.mail import message_ids
from tests.databases import make_database

NOW_US = 1_000_000_000  # microseconds since 1970
FOREVER_US = 1 << 60


class SampleDatabase:
    """The database, its account, and another account that nothing of the first may show."""

    def __init__(self, folder: Path) -> None:
        self.database = make_database(folder)
        self.account, self.other_account = uuid.uuid4(), uuid.uuid4()
        with self.database.write() as connection:
            accounts_table.create(connection, self.account, "one", NOW_US)
            accounts_table.create(connection, self.other_account, "other", NOW_US + 1)

    def queue_message(self, **fields: Any) -> uuid.UUID:
        """Queue a message; its id."""
        key = message_ids.new_message_id(NOW_US)
        new = NewMessage(
            id=key,
            number=message_ids.link_number(key),
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
            now=NOW_US,
            due_at=NOW_US,
            expires_at=FOREVER_US,
            keep_until_at=NOW_US,
            retain_until_at=FOREVER_US,
            envelope_from="bounces@example.com",
        )
        with self.database.write() as connection:
            messages_table.add(connection, [replace(new, **fields)])
        return key


def list_webhook_requests(connection: Connection, webhook: uuid.UUID) -> list[RowMapping]:
    """All requests to a webhook, oldest first."""
    statement = select(outbox).where(outbox.c.webhook_id == webhook).order_by(outbox.c.created_at, outbox.c.id)
    return list(connection.execute(statement).mappings())

"""Single clicks and lists of who clicked, read piece by piece: nobody waits for a long look at the store."""

import uuid
from collections.abc import Iterator, Sequence
from typing import Any, Final

from linkweir.report.export import Columns, Row
from linkweir.store import clicked
from linkweir.store.engine import Store
from linkweir.store.pages import Wanted

BATCH: Final = 1000  # rows in one look at the store
CLICKS: Final[Columns] = {
    "id": "text",
    "at": "time",
    "message_id": "text",
    "recipient": "text",
    "campaign": "text",  # of anonymous clicks; the others have their message's tags
    "tags": "texts",
    "position": "whole",
    "destination": "text",
    "method": "text",
    "privacy": "text",
    "verdict": "text",
    "confidence": "number",
    "reasons": "text",
    "first": "bool",
    "ip": "text",
    "user_agent": "text",
    "client": "text",
    "system": "text",
    "device": "text",
    "country": "text",
    "region": "text",
    "network": "text",
}
CLICKERS: Final[Columns] = {
    "message_id": "text",
    "recipient": "text",
    "variant": "text",
    "sent_at": "time",
    "first_at": "time",
    "click_count": "whole",
    "links": "whole",
    "machine": "whole",
}


def all_clicks(
    store: Store,
    account: uuid.UUID,
    from_at: int,
    to_at: int,
    *,
    tag: str | None = None,
    domains: Sequence[str] | None = None,
) -> Iterator[Row]:
    """Every click between two times, oldest first: see CLICKS. Raises StoreUnavailable."""
    place = (from_at, uuid.UUID(int=0))
    while True:
        with store.read() as connection:
            rows = clicked.batch(connection, account, place, to_at, BATCH, tag=tag, domains=domains)
        yield from rows
        if len(rows) < BATCH:
            return
        place = (rows[-1]["at"], rows[-1]["id"])


def clicks_of(store: Store, message: Row) -> Iterator[Row]:
    """Every click on the links of one message, newest first: see CLICKS; `message` with id, recipient and tags.

    Raises StoreUnavailable.
    """
    wanted = Wanted(BATCH)
    while True:
        with store.read() as connection:
            page = clicked.of_message(connection, message["id"], wanted)
        for row in page.rows:
            yield {**row, "recipient": message["recipient"], "tags": message["tags"]}
        if not page.more_after:
            return
        wanted = Wanted(BATCH, "after", (page.rows[-1]["at"], page.rows[-1]["id"]))


def all_clickers(
    store: Store,
    account: uuid.UUID,
    tag: str,
    *,
    position: int | None = None,
    destination: str | None = None,
    address: str = "",
    between: tuple[int, int] | None = None,
) -> Iterator[Row]:
    """Everybody who clicked in a campaign, or on one of its links: see CLICKERS, and `store.clicked.who` for what
    narrows the list. Raises StoreUnavailable.
    """
    narrowed: dict[str, Any] = {"position": position, "destination": destination}
    narrowed |= {"address": address, "between": between}
    wanted = Wanted(BATCH)
    while True:
        with store.read() as connection:
            page = clicked.who(connection, account, tag, wanted, **narrowed)
        for row in page.rows:
            yield {**row, "message_id": row["id"], "sent_at": row["at"]}
        if not page.more_after:
            return
        wanted = Wanted(BATCH, "after", (page.rows[-1]["at"], page.rows[-1]["id"]))

"""Records that something happened to a message, and queues the webhooks that want to know, in one transaction."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import Connection

from linkweir.store import events

Kind = Literal["reception", "delivered", "transient_error", "bounced", "failed", "suppressed", "opened", "clicked"]


def record(connection: Connection, rows: Sequence[Mapping[Any, Any]], kind: Kind, at: int, **data: Any) -> None:
    """Note the fact for each message and queue a request for every enabled webhook that asked for its kind.

    Args: `rows` are messages of one account with `id`, `account_id`, `sender`, `sender_domain`, `recipient`,
    `subject` and `message_id`; `at` is microseconds since 1970; `data` goes into the events and into the requests.
    """
    for row in rows:
        events.add(connection, account=row["account_id"], message=row["id"], kind=kind, at=at, data=data)


def note(connection: Connection, account: uuid.UUID, message: uuid.UUID, code: str, at: int, **data: Any) -> None:
    """Note what only the message's own list of events tells (`untouched-part`, `dkim-broken`): no webhook."""
    events.add(connection, account=account, message=message, kind=code, at=at, data=data)

"""Statements on messages and the destinations of their short links."""

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select

from linkweir.db import contents_table, send_aggregates_table
from linkweir.db.contents_table import SharedContent
from linkweir.db.row_insert import RowInsert
from linkweir.db.schema import attempts, links, messages, queue

_INSERT_MESSAGE, _INSERT_QUEUE = RowInsert(messages), RowInsert(queue)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """One accepted message and what is needed to deliver it. Times are microseconds since 1970."""

    id: uuid.UUID
    number: int
    account_id: uuid.UUID
    message_id: str
    sender: str
    recipient: str
    subject: str
    tags: list[str]
    track_clicks: bool
    privacy: str
    raw: bytes | Callable[[], bytes]  # the mail, or with `shared` its difference from that; or what gives it
    short_links: dict[int, str]
    now: int
    due_at: int
    expires_at: int
    keep_until_at: int
    retain_until_at: int
    envelope_from: str
    domain_id: uuid.UUID | None = None
    source: str = "api"
    route: str = "default"
    sandbox_result: str | None = None
    track_opens: bool = False
    attributes: dict[str, str] | None = None
    variant: str | None = None
    smtputf8: bool = False
    switches: Mapping[str, Any] = field(default_factory=dict)  # of the link rules, over the operator's
    person: str = ""  # the recipient, where they are known by another spelling of the address
    internal: bool = False  # to one of the sender's own people
    shared: SharedContent | None = None
    tracked_links: int | None = None  # of all parts, without pixel and hidden link; None: not known


def add(connection: Connection, batch: Iterable[NewMessage]) -> None:
    """Store messages with their content, short links and queue rows; all are accepted when this commits."""
    accepted = list(batch)
    if not accepted:
        return
    rows = [to_row(new) for new in accepted]
    _INSERT_MESSAGE.run(connection, rows)
    send_aggregates_table.count_accepted(connection, rows)
    contents_table.add_shared(connection, {id(new.shared): new.shared for new in accepted if new.shared}.values())
    contents_table.add(connection, [_to_content_row(new, new.raw) for new in accepted if isinstance(new.raw, bytes)])
    for new in accepted:
        if not isinstance(new.raw, bytes):  # one by one, for only one of them need be in memory
            contents_table.add(connection, [_to_content_row(new, new.raw())])
    waiting = [
        {
            "message_id": new.id,
            "due_at": new.due_at,
            "expires_at": new.expires_at,
            "attempts": 0,
            "route": new.route,
            "smtputf8": new.smtputf8,
        }
        for new in accepted
    ]
    _INSERT_QUEUE.run(connection, waiting)
    short = [
        {"number": new.number, "position": position, "destination": destination}
        for new in accepted
        for position, destination in new.short_links.items()
    ]
    if short:
        connection.execute(insert(links), short)


def _to_content_row(new: NewMessage, raw: bytes) -> dict[str, Any]:
    shared = new.shared.id if new.shared else None
    return {"message_id": new.id, "raw": raw, "shared_id": shared, "keep_until_at": new.keep_until_at}


def to_row(new: NewMessage) -> dict[str, Any]:
    """The message as its row."""
    return {
        "id": new.id,
        "number": new.number,
        "account_id": new.account_id,
        "message_id": new.message_id,
        "sender": new.sender,
        "recipient": new.recipient,
        "person": (new.person or new.recipient).lower(),
        "subject": new.subject,
        "tags": new.tags,
        "status": "Sandbox Received" if new.sandbox_result else "Received",
        "num_attempts": 0,
        "track_clicks": new.track_clicks,
        "privacy": new.privacy,
        "created_at": new.now,
        "updated_at": new.now,
        "domain_id": new.domain_id,
        "sender_domain": new.sender.rpartition("@")[2].lower(),
        "recipient_domain": new.recipient.rpartition("@")[2].lower(),
        "envelope_from": new.envelope_from,
        "source": new.source,
        "sandbox_result": new.sandbox_result,
        "track_opens": new.track_opens,
        "attributes": new.attributes,
        "variant": new.variant,
        "internal": new.internal,
        "switches": dict(new.switches),
        "tracked_links": new.tracked_links,
        "scheduled_at": new.due_at if new.due_at > new.now else None,
        "retain_until_at": new.retain_until_at,
    }


def get(connection: Connection, account: uuid.UUID, message: uuid.UUID) -> RowMapping | None:
    """One message of this account."""
    statement = select(messages).where(messages.c.id == message, messages.c.account_id == account)
    return connection.execute(statement).mappings().first()


def list_delivery_attempts(connection: Connection, message: uuid.UUID) -> list[RowMapping]:
    """Every attempt to deliver a message, oldest first."""
    statement = select(attempts).where(attempts.c.message_id == message).order_by(attempts.c.at)
    return list(connection.execute(statement).mappings())


def get_account_by_number(connection: Connection, number: int) -> uuid.UUID | None:
    """Return the account of the message with this number; None if the number is unknown."""
    return connection.scalar(select(messages.c.account_id).where(messages.c.number == number))


def get_short_link_destinations(connection: Connection, message: uuid.UUID) -> dict[int, str]:
    """Return the destinations of a message's short links by position; none for a message with sealed ones."""
    statement = select(links.c.position, links.c.destination).join(messages, messages.c.number == links.c.number)
    return {row[0]: row[1] for row in connection.execute(statement.where(messages.c.id == message))}


def get_short_link_destination(connection: Connection, number: int, position: int) -> str | None:
    """Return the destination of a short link; None for an unknown message or link."""
    statement = select(links.c.destination).where(links.c.number == number, links.c.position == position)
    return connection.scalar(statement)

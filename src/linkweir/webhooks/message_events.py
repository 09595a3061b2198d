"""Records that something happened to a message, and queues the webhooks that want to know, in one transaction."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Connection

from linkweir.clock import rfc3339
from linkweir.db import events_table
from linkweir.db import outbox_table as rows
from linkweir.webhooks.event_kinds import EventName


@dataclass(frozen=True, slots=True)
class MessageEvent:
    """One event of a message: see `record_events`."""

    message: Mapping[Any, Any]
    kind: EventName
    at: int
    data: Mapping[Any, Any] = field(default_factory=dict)


def record_event(connection: Connection, message: Mapping[Any, Any], kind: EventName, at: int, **data: Any) -> None:
    """Note the fact and queue a request for every enabled webhook of the account that asked for its kind.

    Args: `message` needs `id`, `account_id`, `sender`, `sender_domain`, `recipient`, `subject`, `message_id`;
    `at` is microseconds since 1970; `data` goes into the event and into the request's `data`.
    """
    record_events(connection, [MessageEvent(message, kind, at, data)])


def record_events(connection: Connection, message_events: Sequence[MessageEvent]) -> None:
    """Record many events at once: webhooks are looked up once for each account."""
    events_table.add_many(connection, [_to_event_row(event) for event in message_events])
    enqueue_requests(connection, message_events)


def enqueue_requests(connection: Connection, message_events: Sequence[MessageEvent]) -> None:
    """Only queue the requests, for what was noted before."""
    subscribed = list_subscriptions(connection, message_events)
    enqueue_for_webhooks(connection, [(event, hook["id"]) for event, hook in subscribed])


def list_subscriptions(
    connection: Connection, message_events: Sequence[MessageEvent]
) -> list[tuple[MessageEvent, Mapping[Any, Any]]]:
    """Return each of these events with each enabled webhook that asked for it, as `outbox_table` lists them."""
    accounts = {event.message["account_id"] for event in message_events}
    enabled = {account: rows.list_enabled_webhooks(connection, account) for account in accounts}
    return [
        (event, hook)
        for event in message_events
        for hook in enabled[event.message["account_id"]]
        if _subscribes(hook, event)
    ]


def enqueue_for_webhooks(connection: Connection, requests: Sequence[tuple[MessageEvent, uuid.UUID]]) -> None:
    """Queue a request for each event and webhook."""
    rows.add(connection, [_to_request_row(event, webhook) for event, webhook in requests])


def add_note(connection: Connection, account: uuid.UUID, message: uuid.UUID, code: str, at: int, **data: Any) -> None:
    """Record a note, shown only in the message's own list of events (`untouched-part`, `dkim-broken`): no webhook."""
    events_table.add(connection, account=account, message=message, kind=code, at=at, data=data)


def _to_event_row(event: MessageEvent) -> dict[str, Any]:
    message = event.message
    names = {"account_id": message["account_id"], "message_id": message["id"]}
    return {**names, "kind": event.kind, "at": event.at, "data": dict(event.data)}


def _subscribes(hook: Mapping[Any, Any], event: MessageEvent) -> bool:
    scoped = hook["scope"] != "global" and event.message["sender_domain"] not in hook["domains"]
    return event.kind in hook["events"] and not scoped


def make_request_body(event: MessageEvent, webhook: uuid.UUID) -> dict[str, Any]:
    """Return the JSON object that tells a webhook of an event."""
    message = event.message
    data = {
        "account_id": message["account_id"],
        "event": f"on_{event.kind}",
        "from": message["sender"],
        "recipient": message["recipient"],
        "subject": message["subject"],
        "message_id_header": f"<{message['message_id']}>",
        "id": message["id"].hex,
    }
    return {
        "type": f"message.{event.kind}",
        "webhook_id": webhook,
        "timestamp": rfc3339(event.at),
        "data": {**event.data, **data},
    }


def _to_request_row(event: MessageEvent, webhook: uuid.UUID) -> dict[str, Any]:
    message = event.message
    return {
        "webhook_id": webhook,
        "account_id": message["account_id"],
        "message_id": message["id"],
        "kind": event.kind,
        "body": orjson.dumps(make_request_body(event, webhook)),
        "at": event.at,
    }

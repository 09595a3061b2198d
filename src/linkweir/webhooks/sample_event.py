"""Sends one sample event to a webhook at once, for whoever sets it up: no queue, no retry, no counter."""

import asyncio
import shlex
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from linkweir.clock import rfc3339
from linkweir.settings import Network
from linkweir.webhooks import signing
from linkweir.webhooks.event_kinds import EVENT_KINDS
from linkweir.webhooks.http_client import WebhookClient, WebhookResponse
from linkweir.webhooks.message_events import MessageEvent, make_request_body

SAMPLE_MESSAGE = {
    "sender": "news@example.com",
    "recipient": "reader@example.org",
    "subject": "Sample event",
}


@dataclass(frozen=True, slots=True)
class SampleDelivery:
    """What became of a sample event: its kind, the response, its seconds, and the signed request as a curl command."""

    kind: str
    response: WebhookResponse
    seconds: float
    curl: str


def send_sample_event(
    webhook: Mapping[Any, Any], secret: bytes, *, at: int, timeout: float, allowed: tuple[Network, ...]
) -> SampleDelivery:
    """Send the first kind of event that the webhook asked for, else a click; wait for the response.

    `at` is microseconds since 1970, `timeout` seconds, `allowed` the private networks that webhooks may be in. Never
    raises for anything that a receiver or a network can do.
    """
    kind = next((kind for kind in EVENT_KINDS if kind.name in webhook["events"]), EVENT_KINDS[0])
    body = _make_body(webhook, kind.name, kind.example, at)
    headers = signing.signature_headers(secret, str(uuid.uuid4()), at // 1_000_000, body)
    client = WebhookClient(timeout=timeout, connections=1, allowed=allowed)
    started = time.monotonic()
    response = asyncio.run(_post(client, webhook["url"], headers, body))
    return SampleDelivery(kind.name, response, time.monotonic() - started, _format_curl(webhook["url"], headers, body))


def _make_body(webhook: Mapping[Any, Any], kind: Any, example: Mapping[str, Any], at: int) -> bytes:
    message_id = uuid.uuid4()
    message = {
        **SAMPLE_MESSAGE,
        "id": message_id,
        "account_id": webhook["account_id"],
        "message_id": f"{message_id}@example.com",
    }
    times = {name: rfc3339(at) for name in example if name.endswith("_at")}
    return orjson.dumps(make_request_body(MessageEvent(message, kind, at, {**example, **times}), webhook["id"]))


async def _post(client: WebhookClient, url: str, headers: Mapping[str, str], body: bytes) -> WebhookResponse:
    try:
        return await client.post(url, headers, body)
    finally:
        await client.close()


def _format_curl(url: str, headers: Mapping[str, str], body: bytes) -> str:
    """Format the request as a command; receivers take its signature for a few minutes."""
    lines = [f"curl -i {shlex.quote(url)}", "-H 'Content-Type: application/json'"]
    lines += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in headers.items()]
    return " \\\n  ".join([*lines, f"--data-raw {shlex.quote(body.decode())}"])

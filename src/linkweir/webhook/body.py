"""The JSON that a webhook gets (outside contract, section 4)."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson


def body(webhook: uuid.UUID, message: Mapping[Any, Any], kind: str, at: int, data: Mapping[str, Any]) -> bytes:
    """One event as it is sent; `at` is microseconds since 1970."""
    return orjson.dumps(
        {
            "type": f"message.{kind}",
            "webhook_id": str(webhook),
            "timestamp": timestamp(at),
            "data": {
                "account_id": str(message["account_id"]),
                "event": f"on_{kind}",
                "from": message["sender"],
                "recipient": message["recipient"],
                "subject": message["subject"],
                "message_id_header": f"<{message['message_id']}>",
                "id": message["id"].hex,
                **data,
            },
        }
    )


def timestamp(at: int) -> str:
    """RFC 3339 with no fraction of a second or six digits of it."""
    moment = datetime.fromtimestamp(at // 1_000_000, UTC)
    rest = at % 1_000_000
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + (f".{rest:06}Z" if rest else "Z")

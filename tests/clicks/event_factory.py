"""Facts for tests."""

import uuid
from typing import Any

from linkweir.clicks.click_event import ClickEvent


def make_event(position: int, **changes: Any) -> ClickEvent:
    """A fact that can be told by its position."""
    values: dict[str, Any] = {
        "id": uuid.uuid4(),
        "at": 1,
        "method": "GET",
        "privacy": "full",
        "key_id": 1,
        "number": 2**62 - 1,
        "message_ref": "7",
        "campaign": None,
        "position": position,
        "destination": "https://example.com/ü\n",
        "ip": "192.0.2.1",
        "user_agent": 'a"b',
        "kind": "click",
        "prefetch": False,
        "signals": "",
        "objected": False,
        "device": None,
        "country": None,
        "network": None,
    }
    return ClickEvent(**values | changes)

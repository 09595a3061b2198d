"""The kinds of events, in one table: outbox, API, OpenAPI, dashboard, `linkweir webhooks` and the manual follow it.

To add one: a name and a row here, and a call of `message_events.record_event` where it happens.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

EventName = Literal[
    "reception",
    "delivered",
    "transient_error",
    "failed",
    "bounced",
    "suppressed",
    "opened",
    "clicked",
    "click_corrected",
]


@dataclass(frozen=True, slots=True)
class EventKind:
    """One kind of event: `on_<name>` of a webhook subscribes to it, `message.<name>` is the type in a request.

    `label` and `description` are shown to people; `example` is what `data` has beside the fields of each event.
    """

    name: EventName
    label: str
    description: str
    example: Mapping[str, Any]


_DELIVERY_EXAMPLE: Final = {"log": "250 2.0.0 Ok: queued as 4F1C2", "classification": None}
_READER_EXAMPLE: Final = {
    "click_id": "1c7a1f1c-12c7-4b7e-9f46-1b1f0f3c7a55",
    "is_bot": False,
    "verdict": "human",
    "confidence": 0.93,
    "machine_probability": 0.07,
    "settled": False,
    "reasons": [{"code": "much-later", "sentence": "Followed long after delivery."}],
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "ip": "192.0.2.1",
}
_CLICK_EXAMPLE: Final = {**_READER_EXAMPLE, "first": True, "url": "https://example.com/", "link": {"position": 0}}
_CORRECTION_EXAMPLE: Final = {**_CLICK_EXAMPLE, "was": "machine", "clicked_at": "2026-05-06T10:20:14.000000Z"}

EVENT_KINDS: Final = (  # in the order of the dashboard
    EventKind("clicked", "Clicked", "A tracking link was followed.", _CLICK_EXAMPLE),
    EventKind(
        "click_corrected",
        "Click corrected",
        "The verdict on a click changed after it was sent. Off by default; not in AhaSend's API.",
        _CORRECTION_EXAMPLE,
    ),
    EventKind("opened", "Opened", "The tracking pixel was loaded.", _READER_EXAMPLE),
    EventKind("delivered", "Delivered", "The receiving mail server accepted the message.", _DELIVERY_EXAMPLE),
    EventKind("reception", "Accepted", "The message was accepted for sending.", {}),
    EventKind(
        "transient_error",
        "Deferred",
        "Delivery failed temporarily and will be tried again.",
        {"log": "451 4.7.1 Greylisted, please try again later"},
    ),
    EventKind(
        "bounced",
        "Bounced",
        "The receiving mail server rejected the message permanently.",
        {"log": "550 5.1.1 No such user", "classification": "address"},
    ),
    EventKind(
        "failed",
        "Failed",
        "Delivery was given up, after all attempts or because of an error.",
        {"log": "timed out", "classification": None},
    ),
    EventKind(
        "suppressed", "Suppressed", "A sandbox message that asked for this result; nothing was sent.", _DELIVERY_EXAMPLE
    ),
)
EVENT_NAMES: Final[tuple[EventName, ...]] = get_args(EventName)  # in the order of the contract
UNSUPPORTED_EVENT_NAMES: Final = ("suppression_created", "dns_error")  # of the contract; neither happens here

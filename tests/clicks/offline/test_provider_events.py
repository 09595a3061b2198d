"""Events of e-mail providers, in the layouts that they document."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from linkweir.clicks.offline.json_records import iter_values
from linkweir.clicks.offline.provider_events import PROVIDERS, iter_provider_events
from linkweir.clicks.offline.recorded_click import Delivery, InvalidClick, RecordedClick

AT, DELIVERED = 1_769_853_600_000_000, 1_769_853_540_000_000  # 2026-01-31T10:00:00Z, a minute before
IP, AGENT, URL = "192.0.2.7", "Mozilla/5.0", "https://example.com/a"

SENDGRID = [
    {"email": "a@example.com", "timestamp": DELIVERED // 10**6, "event": "delivered", "sg_message_id": "x.filter.0"},
    {
        "email": "a@example.com",
        "timestamp": AT // 10**6,
        "event": "click",
        "sg_message_id": "x.filter.0",
        "useragent": AGENT,
        "ip": IP,
        "url": URL,
        "url_offset": {"index": 3, "type": "html"},
    },
    {"email": "a@example.com", "timestamp": AT // 10**6, "event": "open", "sg_message_id": "x.filter.0"},
]
_MAILGUN_MESSAGE = {"recipient": "a@example.com", "message": {"headers": {"message-id": "1@example.com"}}}
MAILGUN = [
    {"signature": {}, "event-data": {"event": "delivered", "timestamp": DELIVERED / 10**6, **_MAILGUN_MESSAGE}},
    {
        "signature": {},
        "event-data": {
            "event": "clicked",
            "timestamp": AT / 10**6,
            "url": URL,
            "ip": IP,
            "client-info": {"user-agent": AGENT},
            **_MAILGUN_MESSAGE,
        },
    },
    {"items": [{"event": "opened", "timestamp": AT / 10**6, **_MAILGUN_MESSAGE}]},
]
POSTMARK = [
    {"RecordType": "Delivery", "MessageID": "m", "Recipient": "a@example.com", "DeliveredAt": "2026-01-31T09:59:00Z"},
    {
        "RecordType": "Click",
        "MessageID": "m",
        "Recipient": "a@example.com",
        "ReceivedAt": "2026-01-31T10:00:00.0000000Z",
        "OriginalLink": URL,
        "UserAgent": AGENT,
        "Geo": {"IP": IP},
    },
    {"RecordType": "Open", "MessageID": "m", "Recipient": "a@example.com", "ReceivedAt": "2026-01-31T10:00:00Z"},
]
SES = [
    {"eventType": "Delivery", "mail": {"messageId": "m"}, "delivery": {"timestamp": "2026-01-31T09:59:00.000Z"}},
    {
        "eventType": "Click",
        "mail": {"messageId": "m"},
        "click": {"timestamp": "2026-01-31T10:00:00.000Z", "link": URL, "ipAddress": IP, "userAgent": AGENT},
    },
    {"eventType": "Open", "mail": {"messageId": "m"}, "open": {"timestamp": "2026-01-31T10:00:00.000Z"}},
]
_AHASEND_MESSAGE = {"message_id_header": "<1@example.com>", "recipient": "a@example.com"}
AHASEND = [
    {"type": "message.delivered", "timestamp": "2026-01-31T09:59:00Z", "data": _AHASEND_MESSAGE},
    {
        "type": "message.clicked",
        "timestamp": "2026-01-31T10:00:00Z",
        "data": {**_AHASEND_MESSAGE, "url": URL, "ip": IP, "user_agent": AGENT},
    },
    {"type": "message.opened", "timestamp": "2026-01-31T10:00:00Z", "data": _AHASEND_MESSAGE},
]
EVENTS: dict[str, list[Any]] = {
    "sendgrid": SENDGRID,
    "mailgun": MAILGUN,
    "postmark": POSTMARK,
    "ses": SES,
    "ahasend": AHASEND,
}
LAYOUTS: dict[str, Callable[[list[Any]], str]] = {
    "lines": lambda events: "\n".join(map(json.dumps, events)),
    "one array": json.dumps,
    "a folded array": lambda events: json.dumps(events, indent=2),
    "arrays on lines": lambda events: "\r\n".join(json.dumps([event]) for event in events) + "\r\n",
    "nothing between": lambda events: "".join(map(json.dumps, events)),
    "folded one by one": lambda events: "\n".join(json.dumps(event, indent=1) for event in events),
}


def parse_text(provider: str, text: str) -> list[RecordedClick | Delivery | None]:
    """What the events of this text say."""
    found: list[RecordedClick | Delivery | None] = []
    for _, value, _ in iter_values(io.BytesIO(text.encode())):
        assert not isinstance(value, InvalidClick)
        found += [PROVIDERS[provider](event) for event in iter_provider_events(value)]
    return found


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("provider", EVENTS)
def test_events_are_read_in_every_layout(provider: str, layout: str) -> None:
    """A delivery and a click of one message are found, and an open is left out, however the JSON is laid out."""
    delivery, click, other = parse_text(provider, LAYOUTS[layout](EVENTS[provider]))
    assert isinstance(delivery, Delivery)
    assert isinstance(click, RecordedClick)
    assert other is None
    assert click.message == delivery.message
    assert (click.at, delivery.delivered_at) == (AT, DELIVERED)
    assert (click.ip, click.user_agent, click.signals) == (IP, AGENT, "")


def test_every_provider_is_offered() -> None:
    """The command offers the providers that there is a parser for, and this file has events of each."""
    from linkweir.cli.classify_command import PROVIDER_NAMES

    assert set(PROVIDER_NAMES) == set(PROVIDERS) == set(EVENTS)


def test_sendgrid_and_linkweir_know_the_position() -> None:
    """Where an event says which link of the mail it was, that is its position."""
    click = PROVIDERS["sendgrid"](SENDGRID[1])
    assert isinstance(click, RecordedClick)
    assert (click.link, click.is_url) == (3, False)
    event = {**AHASEND[1], "data": {**AHASEND[1]["data"], "link": {"position": 5}}}  # type: ignore[dict-item]
    click = PROVIDERS["ahasend"](event)
    assert isinstance(click, RecordedClick)
    assert (click.link, click.is_url) == (5, False)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda event: {"Type": "Notification", "Message": json.dumps(event)},
        lambda event: {"Records": [{"Sns": {"Message": json.dumps(event)}}]},
        lambda event: {"detail-type": "Email Clicked", "detail": event},
    ],
)
def test_envelopes_of_ses_are_opened(wrap: Any) -> None:
    """An event within the envelope of SNS, of a Lambda batch or of EventBridge is the same event."""
    assert parse_text("ses", json.dumps(wrap(SES[1]))) == parse_text("ses", json.dumps(SES[1]))


@pytest.mark.parametrize("provider", EVENTS)
def test_a_click_without_its_time_is_refused(provider: str) -> None:
    """An event that lacks what a click needs is named as such."""
    text = json.dumps(EVENTS[provider][1]).replace("imestamp", "x").replace("ReceivedAt", "x")
    with pytest.raises(InvalidClick):
        parse_text(provider, text)

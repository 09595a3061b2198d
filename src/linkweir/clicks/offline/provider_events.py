"""Events of e-mail providers as recorded clicks: what their webhooks and exports document, field by field.

Each function takes one event and returns a click, a delivery (which tells when a message arrived), or None for an
event that says nothing of clicks. None of them gives request headers, so nothing is concluded from missing ones.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from linkweir.clicks.offline.recorded_click import (
    MAX_POSITION,
    Delivery,
    InvalidClick,
    RecordedClick,
    clean_user_agent,
    detect_browser_signals,
    message_key,
    parse_ip,
    parse_rfc3339,
    parse_seconds,
    parse_url_link,
)

ProviderEvent = Mapping[str, Any]
EventParser = Callable[[ProviderEvent], RecordedClick | Delivery | None]


def parse_sendgrid_event(event: ProviderEvent) -> RecordedClick | Delivery | None:
    """An event of SendGrid's Event Webhook. Its times are whole seconds; `url_offset.index` is the link's position."""
    kind = event.get("event")
    if kind not in ("click", "delivered"):
        return None
    recipient = str(event.get("email") or "")
    message = message_key(_text(event, "sg_message_id"), recipient)
    at = parse_seconds(event.get("timestamp"), "timestamp")
    if kind == "delivered":
        return Delivery(message, at)
    offset = event.get("url_offset")
    index = offset.get("index") if isinstance(offset, Mapping) else None
    click = _make_click(at, message, event.get("url"), event.get("ip"), event.get("useragent"), recipient=recipient)
    if isinstance(index, int) and not isinstance(index, bool) and 0 <= index < MAX_POSITION:
        click.link, click.is_url = index, False
    return click


def parse_mailgun_event(event: ProviderEvent) -> RecordedClick | Delivery | None:
    """`event-data` of a Mailgun webhook, or an item of its Events and Logs API."""
    kind = event.get("event")
    if kind not in ("clicked", "delivered"):
        return None
    headers = _object(_object(event, "message"), "headers", "message.headers")
    recipient = str(event.get("recipient") or "")
    message = message_key(_text(headers, "message-id").strip("<>"), recipient)
    at = parse_seconds(event.get("timestamp"), "timestamp")
    if kind == "delivered":
        return Delivery(message, at)
    client = event.get("client-info")
    agent = client.get("user-agent") if isinstance(client, Mapping) else None
    return _make_click(at, message, event.get("url"), event.get("ip"), agent, recipient=recipient)


def parse_postmark_event(event: ProviderEvent) -> RecordedClick | Delivery | None:
    """A Click or Delivery webhook of Postmark, or a row of its Clicks API, which has no RecordType."""
    kind = event.get("RecordType", "Click" if "OriginalLink" in event else None)
    if kind not in ("Click", "Delivery"):
        return None
    recipient = str(event.get("Recipient") or "")
    message = message_key(_text(event, "MessageID"), recipient)
    if kind == "Delivery":
        return Delivery(message, parse_rfc3339(_text(event, "DeliveredAt"), "DeliveredAt"))
    at = parse_rfc3339(_text(event, "ReceivedAt"), "ReceivedAt")
    location = event.get("Geo")
    ip = location.get("IP") if isinstance(location, Mapping) else None
    return _make_click(at, message, event.get("OriginalLink"), ip, event.get("UserAgent"), recipient=recipient)


def parse_ses_event(event: ProviderEvent) -> RecordedClick | Delivery | None:
    """An event that Amazon SES publishes to Firehose, to SNS (within its envelope) or to EventBridge."""
    event = _open_aws_envelope(event)
    kind = event.get("eventType", event.get("notificationType"))
    if kind not in ("Click", "Delivery"):
        return None
    mail = _object(event, "mail")
    message, recipients = message_key(_text(mail, "messageId")), mail.get("destination")
    if kind == "Delivery":
        return Delivery(message, parse_rfc3339(_text(_object(event, "delivery"), "timestamp"), "delivery.timestamp"))
    click = _object(event, "click")
    at = parse_rfc3339(_text(click, "timestamp"), "click.timestamp")
    recipient = str(recipients[0]) if isinstance(recipients, list) and len(recipients) == 1 else None
    return _make_click(
        at, message, click.get("link"), click.get("ipAddress"), click.get("userAgent"), recipient=recipient
    )


def parse_ahasend_event(event: ProviderEvent) -> RecordedClick | Delivery | None:
    """A webhook of AhaSend, or of Linkweir, which adds the link's position."""
    kind = event.get("type")
    if kind not in ("message.clicked", "message.delivered"):
        return None
    data = _object(event, "data")
    recipient = str(data.get("recipient") or "")
    message = message_key(_text(data, "message_id_header").strip("<>"), recipient)
    at = parse_rfc3339(_text(event, "timestamp"), "timestamp")
    if kind == "message.delivered":
        return Delivery(message, at)
    click = _make_click(at, message, data.get("url"), data.get("ip"), data.get("user_agent"), recipient=recipient)
    link = data.get("link")
    position = link.get("position") if isinstance(link, Mapping) else None
    if isinstance(position, int) and not isinstance(position, bool) and 0 <= position < MAX_POSITION:
        click.link, click.is_url = position, False
    return click


PROVIDERS: Mapping[str, EventParser] = {
    "sendgrid": parse_sendgrid_event,
    "mailgun": parse_mailgun_event,
    "postmark": parse_postmark_event,
    "ses": parse_ses_event,
    "ahasend": parse_ahasend_event,
}
_LISTS = ("items", "Clicks", "Records")  # what holds the events in a page of an API, or in a batch of SNS to Lambda


def iter_provider_events(document: Any) -> Iterator[ProviderEvent]:
    """The single events of what a provider sends or exports at once. Raises InvalidClick for what is no object."""
    if isinstance(document, list):
        for part in document:
            yield from iter_provider_events(part)
        return
    if not isinstance(document, Mapping):
        raise InvalidClick("an event must be a JSON object")
    for name in _LISTS:
        if isinstance(document.get(name), list):
            yield from iter_provider_events(document[name])
            return
    event = document.get("event-data")
    yield event if isinstance(event, Mapping) else document


def _make_click(at: int, message: int, url: Any, ip: Any, user_agent: Any, *, recipient: str | None) -> RecordedClick:
    if user_agent is not None and not isinstance(user_agent, str):
        raise InvalidClick("the user agent is not text")
    link, is_url = parse_url_link(url)
    return RecordedClick(
        at=at,
        message=message,
        link=link,
        is_url=is_url,
        ip=parse_ip(ip),
        user_agent=clean_user_agent(user_agent),
        signals=" ".join(detect_browser_signals(user_agent, at)),
        recipient=recipient,
    )


def _open_aws_envelope(event: ProviderEvent) -> ProviderEvent:
    inner: Any = event.get("Sns", event)  # SNS to Lambda wraps once more
    inner = inner.get("Message", inner) if isinstance(inner, Mapping) else inner
    inner = event["detail"] if "detail-type" in event and "detail" in event else inner
    if isinstance(inner, str):
        try:
            inner = json.loads(inner)
        except ValueError:
            raise InvalidClick("Message: is no JSON") from None
    if not isinstance(inner, Mapping):
        raise InvalidClick("an event must be a JSON object")
    return inner


def _object(event: ProviderEvent, name: str, path: str | None = None) -> ProviderEvent:
    value = event.get(name)
    if not isinstance(value, Mapping):
        raise InvalidClick(f"{path or name}: missing or no object")
    return value


def _text(event: ProviderEvent, name: str) -> str:
    value = event.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidClick(f"{name}: missing or no text")
    return value

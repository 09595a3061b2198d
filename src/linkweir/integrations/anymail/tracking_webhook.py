"""The view for the service's webhooks: verifies the signature, and sends anymail's signal `tracking`.

path("anymail/linkweir/tracking/", TrackingWebhookView.as_view())
"""

from __future__ import annotations

import json
import time
from typing import Any

from anymail.exceptions import AnymailWebhookValidationFailure
from anymail.signals import AnymailTrackingEvent, EventType, RejectReason, tracking
from anymail.utils import get_anymail_setting
from anymail.webhooks.base import AnymailBaseWebhookView
from django.http import HttpRequest
from django.utils.dateparse import parse_datetime

from linkweir.errors import InvalidSignature
from linkweir.webhooks import signing

EVENT_TYPES = {
    "message.reception": EventType.QUEUED,
    "message.delivered": EventType.DELIVERED,
    "message.transient_error": EventType.DEFERRED,
    "message.bounced": EventType.BOUNCED,
    "message.failed": EventType.FAILED,
    "message.suppressed": EventType.REJECTED,
    "message.opened": EventType.OPENED,
    "message.clicked": EventType.CLICKED,
}  # message.click_corrected has no word in anymail, and is UNKNOWN
REJECT_REASONS = {
    "message.bounced": RejectReason.BOUNCED,
    "message.failed": RejectReason.OTHER,
    "message.suppressed": RejectReason.BLOCKED,
}


class TrackingWebhookView(AnymailBaseWebhookView):  # type: ignore[misc]
    """Receives all events of messages.

    Setting of ANYMAIL: LINKWEIR_SIGNING_SECRET, the webhook's secret as it was shown. `event.message_id` is what
    `message.anymail_status` has; `event.event_id` is the same in each attempt; `event.description` says for a click
    or open what the service takes it for ("machine: …"), and `event.esp_event["data"]` has all of it.
    """

    esp_name = "Linkweir"
    signal = tracking
    warn_if_no_basic_auth = False  # requests are signed
    signing_secret = None  # may be an argument of as_view()

    def __init__(self, **kwargs: Any) -> None:
        secret = get_anymail_setting("signing_secret", esp_name=self.esp_name, kwargs=kwargs)
        self._key = secret.encode("utf-8")
        super().__init__(**kwargs)

    def validate_request(self, request: HttpRequest) -> None:
        """Verify the signature and its time. Raises AnymailWebhookValidationFailure, which is answered with 400."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            signing.verify(self._key, headers, request.body, time.time())
        except InvalidSignature as error:
            raise AnymailWebhookValidationFailure(
                f"Linkweir's webhook: {error} (see the setting LINKWEIR_SIGNING_SECRET)"
            ) from None

    def parse_events(self, request: HttpRequest) -> list[AnymailTrackingEvent]:
        """Return the one event of a request."""
        body = json.loads(request.body)
        return [make_event(body, request.headers["webhook-id"])]


def make_event(body: dict[str, Any], event_id: str) -> AnymailTrackingEvent:
    """The event of a request's body in anymail's terms."""
    data = body["data"]
    return AnymailTrackingEvent(
        event_type=EVENT_TYPES.get(body["type"], EventType.UNKNOWN),
        event_id=event_id,
        esp_event=body,
        timestamp=parse_datetime(body["timestamp"]),
        message_id=data.get("message_id_header"),
        recipient=data.get("recipient"),
        reject_reason=REJECT_REASONS.get(body["type"]),
        description=_describe_verdict(data) if "verdict" in data else data.get("classification"),
        mta_response=data.get("log"),
        click_url=data.get("url"),
        user_agent=data.get("user_agent"),
    )


def _describe_verdict(data: dict[str, Any]) -> str:
    sentences = " ".join(reason["sentence"] for reason in data.get("reasons") or ())
    return f"{data['verdict']}: {sentences}" if sentences else str(data["verdict"])

"""Tests of linkweir.integrations.anymail: real django-anymail against a running service, and its webhooks back."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from linkweir.clock import now
from linkweir.db.schema import messages
from linkweir.webhooks.signing import signature_headers
from tests.integrations.django_project import configure_django, make_urls, read_examples
from tests.integrations.wsgi_server import serve_wsgi
from tests.web.running_service import HTML, RunningService, wait_until

pytest.importorskip("anymail")
configure_django()
from anymail.exceptions import (  # noqa: E402
    AnymailConfigurationError,
    AnymailRecipientsRefused,
    AnymailRequestsAPIError,
    AnymailUnsupportedFeature,
)
from anymail.message import AnymailMessage, attach_inline_image  # noqa: E402
from anymail.signals import tracking  # noqa: E402
from django.core import mail  # noqa: E402
from django.core.handlers.wsgi import WSGIHandler  # noqa: E402
from django.test import override_settings  # noqa: E402
from django.urls import path  # noqa: E402

from linkweir.integrations.anymail.tracking_webhook import TrackingWebhookView  # noqa: E402

SENDER = "News <news@example.com>"
LOOPBACK = (ip_network("127.0.0.0/8"),)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service that may call webhooks on this machine."""
    with RunningService(tmp_path_factory.mktemp("service") / "data", webhook_networks=LOOPBACK) as running:
        yield running


@pytest.fixture(scope="module")
def events(service: RunningService) -> Iterator[list[Any]]:
    """The events that a Django project receives, to which a webhook of the service leads."""
    seen: list[Any] = []

    def record(event: Any, esp_name: str, **_: object) -> None:
        assert esp_name == "Linkweir"
        seen.append(event)

    urls = make_urls([path("anymail/linkweir/tracking/", TrackingWebhookView.as_view())])
    with ExitStack() as stack:
        stack.enter_context(override_settings(ROOT_URLCONF=urls))
        url = stack.enter_context(serve_wsgi(WSGIHandler()))
        hook = {"name": "anymail", "url": f"{url}/anymail/linkweir/tracking/", "scope": "global"}
        kinds = ("reception", "delivered", "transient_error", "failed", "bounced", "suppressed", "opened", "clicked")
        body = {**hook, **{f"on_{kind}": True for kind in kinds}}
        answer = service.client.post(f"{service.account_path}/webhooks", json=body)
        assert answer.status_code == 201, answer.text
        setting = {
            "LINKWEIR_API_URL": service.url,
            "LINKWEIR_ACCOUNT_ID": service.account,
            "LINKWEIR_API_KEY": service.key,
            "LINKWEIR_SIGNING_SECRET": answer.json()["secret"],
        }
        backend = "linkweir.integrations.anymail.EmailBackend"
        stack.enter_context(override_settings(ANYMAIL=setting, EMAIL_BACKEND=backend))
        tracking.connect(record)
        stack.callback(tracking.disconnect, record)
        seen.append(hook["url"])
        yield seen


def wait_for(events: list[Any], kind: str, message_id: str) -> Any:
    """The event of a kind, once it was received."""

    def matching() -> list[Any]:
        return [each for each in events[1:] if (each.event_type, each.message_id) == (kind, message_id)]

    wait_until(matching)
    return matching()[0]


def test_a_message_is_sent_with_everything(service: RunningService, events: list[Any]) -> None:
    """Text, HTML, AMP, reply-to, headers, tags, merge data, attachment, inline image and extras arrive in a mail for
    each recipient, and the status names each.
    """
    message = AnymailMessage("Hi {{ name }}", "Text", SENDER, ["Ada <ada@example.org>", "bob@example.org"])
    cid = attach_inline_image(message, b"GIF89a", "dot.gif")
    message.attach_alternative(f'<p>{{{{ name }}}} <img src="cid:{cid}"></p>{HTML}', "text/html")
    message.attach_alternative("<html amp4email><body></body></html>", "text/x-amp-html")
    message.attach("report.csv", "a;ü\n", "text/csv")
    message.reply_to, message.extra_headers = ["Desk <desk@example.com>"], {"X-Order": "17"}
    message.tags, message.track_clicks, message.track_opens = ["spring"], True, False
    message.merge_data = {"ada@example.org": {"name": "Ada"}, "bob@example.org": {"name": "Bob"}}
    message.metadata, message.merge_metadata = {"plan": "gold"}, {"bob@example.org": {"plan": "free", "age": 7}}
    message.esp_extra = {"privacy": "pseudonymous"}
    assert message.send() == 1
    status = message.anymail_status
    assert status.status == {"queued"}
    assert set(status.recipients) == {"ada@example.org", "bob@example.org"}
    ids = {address: each.message_id for address, each in status.recipients.items()}
    mails = {address: service.wait_for_mail(message_id) for address, message_id in ids.items()}
    ada = mails["ada@example.org"]
    assert (ada["to"], ada["subject"], ada["reply-to"]) == (
        "Ada <ada@example.org>",
        "Hi Ada",
        "Desk <desk@example.com>",
    )
    assert (ada["x-order"], mails["bob@example.org"]["subject"]) == ("17", "Hi Bob")
    parts = {part.get_content_type(): part for part in ada.walk()}
    assert {"text/plain", "text/html", "text/x-amp-html", "text/csv", "image/gif"} <= set(parts)
    assert parts["text/csv"].get_content() == "a;ü\n"
    assert parts["image/gif"]["content-id"] == f"<{cid}>"
    assert service.settings.click_path in service.delivered_links(ids["ada@example.org"])[0]
    with service.components.database.read() as connection:
        row = connection.execute(select(messages).where(messages.c.message_id == ids["bob@example.org"][1:-1])).one()
    assert (row.tags, row.privacy, row.attributes) == (["spring"], "pseudonymous", {"plan": "free", "age": "7"})


def test_events_come_back_in_normalized_terms(service: RunningService, events: list[Any]) -> None:
    """Queued, delivered and clicked events name the message, its recipient, URL, user agent and verdict; sandbox
    bounces, deferrals, failures and suppressions have their words and reasons.
    """
    message = AnymailMessage("Hello", "Text", SENDER, ["ada@example.org"])
    message.attach_alternative(HTML, "text/html")
    message.track_clicks = True
    message.send()
    message_id = message.anymail_status.message_id
    assert wait_for(events, "queued", message_id).recipient == "ada@example.org"
    delivered = wait_for(events, "delivered", message_id)
    assert abs(delivered.timestamp - datetime.now(UTC)) < timedelta(hours=1)
    service.reader.get(service.delivered_links(message_id)[0])
    clicked = wait_for(events, "clicked", message_id)
    assert clicked.click_url == "https://example.com/a?x=1&y=2"
    assert clicked.user_agent == service.reader.headers["user-agent"]
    assert clicked.description.partition(":")[0] == clicked.esp_event["data"]["verdict"]
    for result, kind, reason in (("bounce", "bounced", "bounced"), ("suppress", "rejected", "blocked")):
        other = AnymailMessage("Hello", "Text", SENDER, ["ada@example.org"])
        other.esp_extra = {"sandbox": True, "sandbox_result": result}
        other.send()
        event = wait_for(events, kind, other.anymail_status.message_id)
        assert (event.reject_reason, event.recipient) == (reason, "ada@example.org")
        assert event.mta_response


def test_what_cannot_be_sent_raises(service: RunningService, events: list[Any]) -> None:
    """In anymail's exceptions: features that the service lacks, refused recipients, a wrong key, a missing setting."""
    for change in ({"cc": ["c@example.org"]}, {"bcc": ["c@example.org"]}, {"reply_to": ["a@b.example", "c@d.example"]}):
        with pytest.raises(AnymailUnsupportedFeature):
            mail.EmailMessage("Hello", "Text", SENDER, ["ada@example.org"], **change).send()
    refused = AnymailMessage("Hello", "Text", SENDER, [f"{'a' * 65}@example.org"])
    with pytest.raises(AnymailRecipientsRefused):
        refused.send()
    assert refused.anymail_status.status == {"invalid"}
    with pytest.raises(AnymailRequestsAPIError, match="401") as error:
        mail.get_connection(api_key="wrong").send_messages([refused])
    assert "wrong" not in str(error.value)
    with override_settings(ANYMAIL={}), pytest.raises(AnymailConfigurationError, match="LINKWEIR_API_KEY"):
        mail.get_connection()


@pytest.mark.parametrize("case", ["right", "unsigned", "another secret", "old", "changed"])
def test_only_signed_requests_are_taken(case: str, events: list[Any]) -> None:
    """A request without signature, of another secret, of an hour ago or with another body is 400 and no event."""
    from django.conf import settings

    secret = settings.ANYMAIL["LINKWEIR_SIGNING_SECRET"]
    body = b'{"type":"message.opened","timestamp":"2026-05-06T10:20:16Z","data":{"verdict":"machine","reasons":[]}}'
    signed = secret[:-1] + "!" if case == "another secret" else secret
    at = now() // 1_000_000 - (3600 if case == "old" else 0)
    headers = {} if case == "unsigned" else signature_headers(signed.encode(), f"msg_{case}", at, body)
    sent = body.replace(b"machine", b"human") if case == "changed" else body
    answer = httpx.post(events[0], content=sent, headers={**headers, "Content-Type": "application/json"})
    assert answer.status_code == (200 if case == "right" else 400)
    assert [each.description for each in events[1:] if each.event_id == f"msg_{case}"] == ["machine"] * (
        case == "right"
    )


def test_the_examples_of_the_manual_run(service: RunningService, tmp_path: Path) -> None:
    """The settings name a backend that can be made, the URL leads to the view, and the receiver takes events."""
    settings_text, urls_text, receiver_text = read_examples("django-anymail")
    names: dict[str, Any] = {"INSTALLED_APPS": []}
    exec(settings_text, names)  # noqa: S102 - our own manual
    urls: dict[str, Any] = {"urlpatterns": []}
    exec(urls_text, urls)  # noqa: S102
    with override_settings(ANYMAIL=names["ANYMAIL"], EMAIL_BACKEND=names["EMAIL_BACKEND"]):
        assert mail.get_connection().esp_name == "Linkweir"
        assert [pattern.callback.view_class for pattern in urls["urlpatterns"]] == [TrackingWebhookView]
    receiver: dict[str, Any] = {}
    exec(receiver_text, receiver)  # noqa: S102
    tracking.disconnect(receiver["take_event"])

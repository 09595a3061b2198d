"""Fills a service with sample traffic: real messages, tokens and clicks in the database.

Sends nothing: the messages leave the queue in the transaction that marks them as sample data, and expire before their
first delivery attempt if that never comes. Only a sample webhook, which is off, gets events.
"""

import email
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from linkweir.accounts import account_lookup
from linkweir.accounts.tracking_preferences import TrackingPreferences
from linkweir.clicks.click_event import ClickEvent, make_event
from linkweir.clicks.ingest.click_notifications import enqueue_notifications
from linkweir.clicks.ingest.message_clicks import ClickClassifier
from linkweir.clicks.ingest.pipeline import ingest_events
from linkweir.clock import DAY_US, SECOND_US, now
from linkweir.db import contents_table, sample_data
from linkweir.demo import sample_campaigns, sample_recipients
from linkweir.demo.sample_campaigns import SampleCampaign
from linkweir.demo.sample_recipients import SampleRecipient, SimulatedRequest
from linkweir.errors import LinkweirError
from linkweir.html import scan
from linkweir.mail.message_types import Mailbox, MailRecipient, RecipientResult, Submission
from linkweir.tokens import Opened, Privacy, open_link
from linkweir.web.services import AppServices
from linkweir.webhooks import message_events, signing

RECIPIENTS_PER_SUBMISSION = 100  # recipients of one submission
SEED = 8
PAUSE_SECONDS = (3.0, 9.0)  # seconds between two live clicks
MAX_LIVE_CLICKS = 300  # clicks in one run of the service


@dataclass(frozen=True, slots=True)
class SampleMessage:
    """A sample message: recipient, time, and tracking links in order."""

    recipient: SampleRecipient
    variant: str
    at: int
    links: list[Opened]


def generate(service: AppServices) -> list[SampleMessage] | None:
    """Create the sample traffic; return the newest campaign's messages. None if it exists already, or if a webhook of
    the account would get its events.
    """
    account = _get_account(service)
    if explain_refusal(service):
        return None
    rng = Random(SEED)  # noqa: S311 - made-up people
    understand = ClickClassifier(service.classifier.enricher)
    reached: list[SampleMessage] = []
    for index, campaign in enumerate(sample_campaigns.CAMPAIGNS):
        reached = _send_campaign(service, account, campaign, rng)
        facts = sorted(_simulate_events(campaign, reached, rng), key=lambda event: event.at)
        _store_events(service, account, facts, understand, with_webhook=index == len(sample_campaigns.CAMPAIGNS) - 1)
    return reached


def explain_refusal(service: AppServices) -> str:
    """Return a sentence that says why no sample traffic can be created, or ""."""
    account = _get_account(service)
    with service.database.read() as connection:
        if sample_data.has_messages(connection, account):
            return "the sample traffic of an earlier start is there; none was added, and no clicks come by themselves."
        if sample_data.has_webhooks(connection, account):
            return "a webhook is on and would be told of it, so no sample traffic was made."
    return ""


def generate_live_clicks(service: AppServices, messages: Sequence[SampleMessage], is_over: Callable[[], bool]) -> None:
    """Create a click every few seconds until `is_over`."""
    rng = Random()  # noqa: S311 - made-up people
    understand = ClickClassifier(service.classifier.enricher)
    for _ in range(MAX_LIVE_CLICKS):
        until = time.monotonic() + rng.uniform(*PAUSE_SECONDS)
        while time.monotonic() < until:
            time.sleep(0.2)
            if is_over():
                return
        message = rng.choice(messages)
        steps = list(sample_recipients.simulate_requests(rng, message.recipient, [1] * len(message.links), 0.9))
        start = min((step.delay_seconds for step in steps), default=0.0)
        due_steps = [step for step in steps if step.delay_seconds < start + 5]
        facts = [
            _make_event(step, message, now() + int((step.delay_seconds - start) * SECOND_US)) for step in due_steps
        ]
        with service.database.write() as connection:
            ingest_events(connection, [event for event in facts if event], understand, now())


def _get_account(service: AppServices) -> uuid.UUID:
    if service.account is None:
        raise LinkweirError("the service has not been started")
    return service.account


def _send_campaign(
    service: AppServices, account: uuid.UUID, campaign: SampleCampaign, rng: Random
) -> list[SampleMessage]:
    """Submit the campaign's messages with their time in the past."""
    sent_at = now() - int(campaign.age_seconds * SECOND_US)
    public = sample_recipients.make_recipients(rng, campaign.recipients)
    sent_messages: list[SampleMessage] = []
    for start in range(0, len(public), RECIPIENTS_PER_SUBMISSION):
        some = public[start : start + RECIPIENTS_PER_SUBMISSION]
        variants = [rng.choice(list(campaign.click_rate_by_variant)) for _ in some]
        submission = _build_submission(campaign, list(zip(some, variants, strict=True)), rng)
        keys = _submit(service, account, submission, sent_at)
        with service.database.read() as connection:
            mails = [contents_table.get(connection, key) or b"" for key in keys]
        moments = [sent_at + int(rng.uniform(1, 90) * SECOND_US) for _ in some]
        for person, variant, mail, at in zip(some, variants, mails, moments, strict=True):
            sent_messages.append(SampleMessage(person, variant, at, _open_links(service, mail)))
        with service.database.write() as connection:
            rows = sample_data.mark_delivered(connection, list(zip(keys, moments, strict=True)))
            happened = [
                message_events.MessageEvent(row, "delivered", at) for row, at in zip(rows, moments, strict=True)
            ]
            message_events.record_events(connection, happened)
    return sent_messages


def _submit(service: AppServices, account: uuid.UUID, submission: Submission, sent_at: int) -> list[uuid.UUID]:
    with service.database.read() as connection:
        sender = account_lookup.load_account(connection, account)
    _, accepted = service.submitter.submit(
        service.keyring, sender, submission, sent_at, make_reply=lambda _connection, _results: b""
    )
    return [_parse_message_key(entry) for entry in accepted]


def _build_submission(
    campaign: SampleCampaign, recipients: Sequence[tuple[SampleRecipient, str]], rng: Random
) -> Submission:
    never = now() + 6 * DAY_US  # first attempt and expiry at once: it is never sent
    return Submission(
        sender=Mailbox(sample_campaigns.SENDER, "The Weir"),
        recipients=tuple(_build_recipient(person, variant, campaign, rng) for person, variant in recipients),
        subject=campaign.subject,
        html=sample_campaigns.render_html(campaign),
        tags=(campaign.tag,),
        preferences=TrackingPreferences(track_clicks=True, track_opens=False, link_style="sealed"),
        metadata_retention_days=30,
        content_retention_days=campaign.content_days,
        first_attempt_at=never,
        expires_at=never,
    )


def _parse_message_key(entry: RecipientResult) -> uuid.UUID:
    if entry.message_id is None:
        raise LinkweirError(f"a sample message was not accepted: {entry.error}")
    return uuid.UUID(entry.message_id.strip("<>").partition("@")[0])


def _build_recipient(person: SampleRecipient, variant: str, campaign: SampleCampaign, rng: Random) -> MailRecipient:
    privacy = (
        rng.choice((None, None, None, Privacy.PSEUDONYMOUS, Privacy.ANONYMOUS)) if campaign.mixes_privacy else None
    )
    return MailRecipient(
        Mailbox(person.email, person.name),
        {"first_name": person.name},
        TrackingPreferences(privacy=privacy),
        {"plan": rng.choice(("free", "free", "pro"))},
        variant or None,
    )


def _open_links(service: AppServices, mail: bytes) -> list[Opened]:
    """Return the opened tracking links of a mail."""
    page = email.message_from_bytes(mail)  # a mail of one HTML part
    html = page.get_payload(decode=True)
    assert isinstance(html, bytes)
    return [
        open_link(service.keyring, link.destination or "")
        for link in scan(html)
        if (link.destination or "").startswith(service.settings.base_url)
    ]


def _simulate_events(campaign: SampleCampaign, reached: Sequence[SampleMessage], rng: Random) -> Iterator[ClickEvent]:
    latest = now()
    draws = (1, *(article.click_weight for article in campaign.articles), 4)  # the title, the articles, the button
    for mail in reached:
        for step in sample_recipients.simulate_requests(
            rng, mail.recipient, draws, campaign.click_rate_by_variant[mail.variant]
        ):
            at = mail.at + int(step.delay_seconds * SECOND_US)
            event = _make_event(step, mail, at) if at < latest else None
            if event is not None:
                yield event


def _make_event(step: SimulatedRequest, mail: SampleMessage, at: int) -> ClickEvent | None:
    if step.link_index >= len(mail.links):
        return None  # the account tracks less than the sample needs
    opened = mail.links[step.link_index]
    return make_event(
        opened,
        opened.destination,
        at=at,
        method=step.method,
        ip=step.ip,
        user_agent=step.user_agent,
        prefetch=step.prefetch,
        signals=step.signals,
    )


def _store_events(
    service: AppServices,
    account: uuid.UUID,
    events: Sequence[ClickEvent],
    understand: ClickClassifier,
    *,
    with_webhook: bool,
) -> None:
    """Store the events; `with_webhook`: for a sample webhook, which is created and turned off here."""
    with service.database.write() as connection:
        if not with_webhook:
            ingest_events(connection, events, understand, now())
            sample_data.suppress_webhooks(connection, account)
            return
        secret = service.vault.seal(signing.new_secret().encode())
        hook = sample_data.add_webhook(connection, account, secret, now())
        ingest_events(connection, events, understand, now())
        while enqueue_notifications(connection, now(), service.keyring):
            pass  # it takes a batch at a time
        sample_data.settle_requests(connection, hook, failure_interval=17)

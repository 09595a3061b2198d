"""Fills a service with sample traffic: real messages in the store, real tokens opened, facts kept as every click is.

Sends nothing: the messages leave the queue in the transaction that marks them as sample data, and should that never
come, they expire before anybody may send them. No webhook but a sample one, which is off, is told.
"""

import email
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from linkweir.app import Service
from linkweir.click import fact
from linkweir.click.fact import Fact
from linkweir.click.keep import keep
from linkweir.click.tell import tell
from linkweir.click.understand import Understand
from linkweir.demo import campaigns, crowd
from linkweir.demo.campaigns import Campaign
from linkweir.demo.crowd import Person, Step
from linkweir.edge.parts import now
from linkweir.errors import LinkweirError
from linkweir.html import scan
from linkweir.mail import lookup
from linkweir.mail.model import Accepted, Mailbox, Recipient, Submission, Wishes
from linkweir.store import messages, sample
from linkweir.token import Opened, Privacy, open_link
from linkweir.webhook import outbox, signing

SECOND = 1_000_000  # microseconds
DAY = 86_400 * SECOND
AT_ONCE = 100  # recipients of one submission
SEED = 8
PAUSE = (3.0, 9.0)  # seconds between two clicks that come by themselves
BY_THEMSELVES = 300  # clicks, then it is enough


@dataclass(frozen=True, slots=True)
class Reached:
    """A sample message: who got it, when, and its tracking links in their order."""

    person: Person
    variant: str
    at: int
    links: list[Opened]


def fill(service: Service) -> list[Reached] | None:
    """Make the sample traffic; the newest campaign's messages. None when it was made before, or when a webhook of the
    account would be told of it.
    """
    account = _account(service)
    if obstacle(service):
        return None
    dice = Random(SEED)  # noqa: S311 - made-up people
    understand = Understand(service.understand.enricher)
    reached: list[Reached] = []
    for place, one in enumerate(campaigns.CAMPAIGNS):
        reached = _send(service, account, one, dice)
        facts = sorted(_facts(one, reached, dice), key=lambda found: found.at)
        _keep(service, account, facts, understand, told=place == len(campaigns.CAMPAIGNS) - 1)
    return reached


def obstacle(service: Service) -> str:
    """Why no sample traffic is made, in a sentence; "" when nothing stands against it."""
    account = _account(service)
    with service.store.read() as connection:
        if sample.exists(connection, account):
            return "the sample traffic of an earlier start is there; none was added, and no clicks come by themselves."
        if sample.has_webhooks(connection, account):
            return "a webhook is on and would be told of it, so no sample traffic was made."
    return ""


def go_on(service: Service, reached: Sequence[Reached], over: Callable[[], bool]) -> None:
    """A click now and then, until it is over."""
    dice = Random()  # noqa: S311 - made-up people
    understand = Understand(service.understand.enricher)
    for _ in range(BY_THEMSELVES):
        until = time.monotonic() + dice.uniform(*PAUSE)
        while time.monotonic() < until:
            time.sleep(0.2)
            if over():
                return
        one = dice.choice(reached)
        steps = list(crowd.steps(dice, one.person, [1] * len(one.links), 0.9))
        start = min((step.after for step in steps), default=0.0)
        near = [step for step in steps if step.after < start + 5]
        facts = [_fact(step, one, now() + int((step.after - start) * SECOND)) for step in near]
        with service.store.write() as connection:
            keep(connection, [made for made in facts if made], understand, now())


def _account(service: Service) -> uuid.UUID:
    if service.account is None:
        raise LinkweirError("the service has not been started")
    return service.account


def _send(service: Service, account: uuid.UUID, one: Campaign, dice: Random) -> list[Reached]:
    """Accept the campaign's messages at its time in the past."""
    sent_at = now() - int(one.age * SECOND)
    public = crowd.people(dice, one.recipients)
    found: list[Reached] = []
    for start in range(0, len(public), AT_ONCE):
        some = public[start : start + AT_ONCE]
        variants = [dice.choice(list(one.interest)) for _ in some]
        submission = _submission(one, list(zip(some, variants, strict=True)), dice)
        keys = _submit(service, account, submission, sent_at)
        with service.store.read() as connection:
            mails = [messages.content(connection, key) or b"" for key in keys]
        moments = [sent_at + int(dice.uniform(1, 90) * SECOND) for _ in some]
        for person, variant, mail, at in zip(some, variants, mails, moments, strict=True):
            found.append(Reached(person, variant, at, _links(service, mail)))
        with service.store.write() as connection:
            rows = sample.deliver_nowhere(connection, list(zip(keys, moments, strict=True)))
            happened = [outbox.Happened(row, "delivered", at) for row, at in zip(rows, moments, strict=True)]
            outbox.record_many(connection, happened)
    return found


def _submit(service: Service, account: uuid.UUID, submission: Submission, sent_at: int) -> list[uuid.UUID]:
    with service.store.read() as connection:
        sender = lookup.load_account(connection, account)
    accepted = service.submitter.submit(service.ring, sender, submission, sent_at, write=lambda _: b"").results
    return [_key(entry) for entry in accepted]


def _submission(one: Campaign, some: Sequence[tuple[Person, str]], dice: Random) -> Submission:
    never = now() + 6 * DAY  # first attempt and expiry in one: nobody ever sends it
    return Submission(
        sender=Mailbox(campaigns.SENDER, "The Weir"),
        recipients=tuple(_recipient(person, variant, one, dice) for person, variant in some),
        subject=one.subject,
        html=campaigns.page(one),
        tags=(one.tag,),
        wishes=Wishes(track_clicks=True, track_opens=False, link_style="sealed"),
        keep_metadata_days=30,
        keep_content_days=one.content_days,
        first_attempt_at=never,
        expires_at=never,
    )


def _key(entry: Accepted) -> uuid.UUID:
    if entry.message_id is None:
        raise LinkweirError(f"a sample message was not accepted: {entry.error}")
    return uuid.UUID(entry.message_id.strip("<>").partition("@")[0])


def _recipient(person: Person, variant: str, one: Campaign, dice: Random) -> Recipient:
    privacy = dice.choice((None, None, None, Privacy.PSEUDONYMOUS, Privacy.ANONYMOUS)) if one.private else None
    return Recipient(
        Mailbox(person.email, person.name),
        {"first_name": person.name},
        Wishes(privacy=privacy),
        {"plan": dice.choice(("free", "free", "pro"))},
        variant or None,
    )


def _links(service: Service, mail: bytes) -> list[Opened]:
    """The tracking links of a mail, opened as the redirect opens them."""
    page = email.message_from_bytes(mail)  # our own mail, of one part: HTML
    html = page.get_payload(decode=True)
    assert isinstance(html, bytes)
    return [
        open_link(service.ring, link.destination or "")
        for link in scan(html)
        if (link.destination or "").startswith(service.settings.base_url)
    ]


def _facts(one: Campaign, reached: Sequence[Reached], dice: Random) -> Iterator[Fact]:
    latest = now()
    draws = (1, *(story.draw for story in one.stories), 4)  # the head, the stories, the button
    for mail in reached:
        for step in crowd.steps(dice, mail.person, draws, one.interest[mail.variant]):
            at = mail.at + int(step.after * SECOND)
            made = _fact(step, mail, at) if at < latest else None
            if made is not None:
                yield made


def _fact(step: Step, mail: Reached, at: int) -> Fact | None:
    if step.link >= len(mail.links):
        return None  # the account wants less tracking than the sample does
    visit = fact.Visit(at, step.method, step.ip, step.agent, step.prefetch, signals=step.signals)
    opened = mail.links[step.link]
    return fact.record(opened, opened.destination, visit)


def _keep(
    service: Service,
    account: uuid.UUID,
    facts: Sequence[Fact],
    understand: Understand,
    *,
    told: bool,
) -> None:
    """Store the facts; with `told`, a sample webhook hears of them, which is made and turned off here."""
    with service.store.write() as connection:
        if not told:
            keep(connection, facts, understand, now())
            sample.tell_nobody(connection, account)
            return
        secret = service.vault.seal(signing.new_secret().encode())
        hook = sample.add_webhook(connection, account, secret, now())
        keep(connection, facts, understand, now())
        tell(connection, now())
        sample.settle_requests(connection, hook, fails=17)

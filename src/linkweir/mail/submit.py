"""Takes a submission: one message for each recipient, stored and queued, accepted only after the commit."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from sqlalchemy import Connection
from structlog.typing import FilteringBoundLogger

from linkweir.errors import BadInput
from linkweir.html import Switches
from linkweir.mail import address, compose, lookup, originators, raw, template
from linkweir.mail.accepting import House, Sending
from linkweir.mail.links import PageLinks, judging
from linkweir.mail.model import Accepted, Account, LinkStyle, Recipient, Submission, Wishes
from linkweir.mail.policy import Policy, decide
from linkweir.mail.raw import RawMail
from linkweir.mail.stage import Stage
from linkweir.mail.template import Template
from linkweir.mime import Note
from linkweir.store import messages
from linkweir.store.engine import Store
from linkweir.store.messages import NewMessage
from linkweir.token import KeyRing, Tracker
from linkweir.webhook import outbox
from linkweir.webhook.outbox import Happened

ACCEPTED = 202  # the status of the reply that is remembered
RAW_LIMIT = 1024 * 1024 * 1024  # bytes of all mails of one raw mail: 50 recipients of the largest one
NOTES = 50  # kept of one message
SIZE_LIMIT = 256 * 1024 * 1024  # bytes of all mails of one submission


class Once(Protocol):
    """Remembers the reply to a wish that should be carried out once, in the transaction that does it."""

    def keep(self, connection: Connection, status: int, body: bytes, *, secret: bool = False) -> None: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """The reply, and what became of each recipient, in order."""

    reply: bytes
    results: list[Accepted]


class Submitter:
    """The one flow by which mail enters, whatever door it came through. `deliverable` raises StoreUnavailable where
    nothing is delivered any more.
    """

    def __init__(
        self,
        store: Store,
        base_url: str,
        switches: Switches,
        link_style: LinkStyle,
        log: FilteringBoundLogger,
        *,
        deliverable: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._log = log
        self._deliverable = deliverable
        self.house = House(base_url, switches, link_style)

    def submit(
        self,
        ring: KeyRing,
        account: Account,
        submission: Submission,
        now: int,
        *,
        write: Callable[[list[Accepted]], bytes],
        once: Once | None = None,
    ) -> Answer:
        """Accept a message for each recipient that can have one. `write` makes the reply.

        Raises BadInput for what is wrong for all, StoreUnavailable. Nothing is accepted then.
        """
        self._deliverable()
        submission = _checked(submission)
        with Stage(self._store.path.parent) as stage:
            writer = _Writer(self._sending(ring, account, submission, now), submission, stage)
            results = [writer.write(place, recipient) for place, recipient in enumerate(submission.recipients)]
            reply = write(results)  # before the commit: what cannot be answered must not be sent
            with self._store.write() as connection:
                if once:
                    once.keep(connection, ACCEPTED, reply)
                _store(connection, writer.ready, writer.notes, now)
        return Answer(reply, results)

    def submit_raw(
        self, ring: KeyRing, account: Account, mail: RawMail, now: int, *, allowed: Sequence[str] | None = None
    ) -> list[uuid.UUID]:
        """Accept a raw mail for each of its recipients, all or none; the messages' ids.

        `allowed`: the domains that the senders may be of; None: any. Raises NotAllowed, BadInput, StoreUnavailable.
        Nothing is accepted then.
        """
        self._deliverable()
        opened = raw.opened(mail, self._log)
        if allowed is not None:
            originators.check(allowed, mail.envelope_from, opened.originators)
        asked = opened.wishes
        with self._store.read() as connection:
            domain = lookup.domain_of(connection, account.id, opened.sender)
        sending = Sending(
            house=self.house,
            ring=ring,
            account=account,
            domain=domain,
            wishes=Wishes(track_clicks=asked.track_clicks, track_opens=asked.track_opens),
            now=now,
            sender=opened.sender,
            envelope_from=mail.envelope_from,
            tags=asked.tags,
            source=mail.source,
            sandbox_result=asked.result or ((asked.sandbox_result or "deliver") if mail.sandbox else None),
            keep_metadata_days=asked.keep_metadata_days,
            keep_content_days=asked.keep_content_days,
        )
        ready, notes = [], {}
        with Stage(self._store.path.parent) as stage:
            for recipient in mail.recipients:
                new, notes[new.id] = raw.accept(opened, sending, recipient, stage, self._log)
                ready.append(replace(new, smtputf8=mail.smtputf8, person=_person(recipient)))
                if stage.size > RAW_LIMIT:
                    limit = f"{RAW_LIMIT >> 20} MB"
                    raise BadInput("DATA", f"the mails together are larger than {limit}: send to fewer at a time")
            with self._store.write() as connection:
                _store(connection, ready, notes, now)
        return [new.id for new in ready]

    def judging(
        self, ring: KeyRing, account: Account, sender: str | None, message: Wishes | None = None
    ) -> tuple[Policy, Tracker]:
        """For a dry run: the policy of a message with these wishes, and a tracker with links as long as its own; with
        those of the sender's domain where one is given.
        """
        with self._store.read() as connection:
            domain = lookup.domain_of(connection, account.id, sender) if sender else None
        levels = (message or Wishes(), domain.wishes if domain else Wishes(), account.wishes)
        policy = decide(*levels, switches=self.house.switches, default_style=self.house.link_style)
        return policy, judging(ring, self.house.links_at(domain.tracking_host if domain else None), policy)

    def _sending(self, ring: KeyRing, account: Account, submission: Submission, now: int) -> Sending:
        with self._store.read() as connection:
            domain = lookup.domain_of(connection, account.id, submission.sender.email)
        return Sending(
            house=self.house,
            ring=ring,
            account=account,
            domain=domain,
            wishes=submission.wishes,
            now=now,
            sender=submission.sender.email,
            envelope_from=submission.sender.email,
            tags=submission.tags,
            sandbox_result=submission.sandbox_result,
            keep_metadata_days=submission.keep_metadata_days,
            keep_content_days=submission.keep_content_days,
            first_attempt_at=submission.first_attempt_at,
            expires_at=submission.expires_at,
        )


def _store(connection: Connection, ready: list[NewMessage], notes: dict[uuid.UUID, list[Note]], now: int) -> None:
    """Everything that belongs to accepting, in one transaction."""
    messages.add(connection, ready)
    outbox.record_many(connection, [Happened(messages.row_of(new), "reception", now) for new in ready])
    for new in ready:
        for one in _bounded(notes.get(new.id, [])):
            outbox.note(connection, new.account_id, new.id, one.code, now, text=one.text, part=one.part)


def _person(recipient: str) -> str:
    """Whom an address stands for, however a mail server has spelled its domain."""
    try:
        return address.normal(recipient)
    except BadInput:
        return recipient


def _bounded(notes: list[Note]) -> list[Note]:
    """The first notes, and how many more there were: a mail of many odd parts must not keep the store busy."""
    more = len(notes) - NOTES
    return notes if more <= 0 else [*notes[:NOTES], Note("more-notes", f"{more} more are left out")]


def _checked(submission: Submission) -> Submission:
    """The submission with addresses that can be mailed to. Raises BadInput for what is wrong for all recipients."""
    if len(submission.attachments) > compose.FILES:
        raise BadInput("attachments", f"are more than {compose.FILES}")
    for position, item in enumerate(submission.attachments):
        compose.check_attachment(item, f"attachments[{position}]")
    compose.check_length(submission.subject, "subject")
    compose.check_page(submission.html or "")
    reply_to = submission.reply_to and address.checked(submission.reply_to, "reply_to")
    return replace(submission, sender=address.checked(submission.sender, "from"), reply_to=reply_to)


class _Writer:
    """Turns one submission into messages that are ready to be stored, with their notes."""

    def __init__(self, sending: Sending, submission: Submission, stage: Stage) -> None:
        self.ready: list[NewMessage] = []
        self.notes: dict[uuid.UUID, list[Note]] = {}
        self._sending = sending
        self._submission = submission
        self._pages = PageLinks()
        self._headers = compose.check_headers(submission.headers, has_reply_to=submission.reply_to is not None)
        self._stage = stage
        files = sum(len(item.data) for item in submission.attachments) * 4 // 3
        _refuse_too_much(files * len(submission.recipients))  # known before the first mail is built
        self._texts = _Texts(submission)

    def write(self, position: int, recipient: Recipient) -> Accepted:
        """One recipient's message; what is wrong with one recipient does not touch the others.

        Raises BadInput when the mails of all become too much.
        """
        try:
            mailbox = address.checked(recipient.mailbox, "recipient")
            new = self._message(replace(recipient, mailbox=mailbox), *self._texts.of(position))
        except BadInput as error:
            return Accepted(recipient, None, "error", str(error))
        _refuse_too_much(self._stage.size)
        self.ready.append(new)
        self.notes[new.id] = [Note("header-ignored", warning) for warning in self._submission.warnings]
        scheduled = new.due_at > self._sending.now
        return Accepted(recipient, f"<{new.message_id}>", "scheduled" if scheduled else "queued")

    def _message(self, recipient: Recipient, subject: str, text: str | None, html: str | None) -> NewMessage:
        draft = self._sending.draft(recipient.wishes)
        message_id = f"{draft.key}@{self._submission.sender.email.rpartition('@')[2]}"
        if html is not None:
            html = self._pages.replace(compose.check_page(html), draft.links, draft.policy)
        mail = compose.build(
            self._submission,
            recipient.mailbox,
            message_id=f"<{message_id}>",
            subject=subject,
            text=text,
            html=html,
            headers=self._headers,
            now=self._sending.now,
        )
        kept = self._stage.put(mail)
        new = draft.finished(kept, message_id=message_id, recipient=recipient.mailbox.email, subject=subject)
        return replace(new, attributes=dict(recipient.attributes or {}) or None, variant=recipient.variant)


def _refuse_too_much(size: int) -> None:
    if size > SIZE_LIMIT:
        limit = SIZE_LIMIT // 2**20
        raise BadInput("recipients", f"together make more than {limit} MB of mail: send to fewer at a time")


def _subject(text: str) -> str:
    return compose.check_length(address.one_line(text, "subject"), "subject")


class _Texts:
    """Subject, text and HTML for each recipient; taken literally for one without any substitutions."""

    def __init__(self, submission: Submission) -> None:
        self._submission = submission
        self._filled: dict[int, list[str] | BadInput] = {}
        common = submission.substitutions or {}
        wanted = {
            position: recipient.substitutions or {}
            for position, recipient in enumerate(submission.recipients)
            if common or recipient.substitutions
        }
        if wanted:
            filled = template.fill(list(self._templates()), common, list(wanted.values()))
            self._filled = dict(zip(wanted, filled, strict=True))

    def _templates(self) -> Iterator[Template]:
        yield Template(self._submission.subject, "subject")
        if self._submission.text is not None:
            yield Template(self._submission.text, "text_content")
        if self._submission.html is not None:
            yield Template(self._submission.html, "html_content", html=True)

    def of(self, position: int) -> tuple[str, str | None, str | None]:
        """Subject, text and HTML for one recipient. Raises BadInput."""
        one = self._submission
        filled = self._filled.get(position)
        if filled is None:
            return _subject(one.subject), one.text, one.html
        if isinstance(filled, BadInput):
            raise filled
        rest = iter(filled)
        subject = _subject(next(rest))
        text = next(rest) if one.text is not None else None
        return subject, text, next(rest) if one.html is not None else None

"""Takes a submission: one message for each recipient, stored and queued, accepted only after the commit."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from sqlalchemy import Connection
from structlog.typing import FilteringBoundLogger

from linkweir.accounts import account_lookup
from linkweir.accounts.account_lookup import SendingAccount
from linkweir.accounts.tracking_preferences import LinkStyle, TrackingPreferences
from linkweir.db import messages_table
from linkweir.db.database import Database
from linkweir.db.messages_table import NewMessage
from linkweir.errors import ValidationError
from linkweir.html import Switches
from linkweir.mail import addresses, content_validation, originators, raw_submission, templates
from linkweir.mail.draft import OperatorDefaults, SubmissionContext
from linkweir.mail.mail_buffer import MailBuffer
from linkweir.mail.message_links import HtmlLinkReplacer, make_dry_run_tracker
from linkweir.mail.message_types import Mailbox, MailRecipient, RecipientResult, Submission
from linkweir.mail.mime_builder import MailBuilder
from linkweir.mail.raw_submission import RawMail
from linkweir.mail.shared_mails import SharedMails
from linkweir.mail.templates import Template
from linkweir.mail.tracking_policy import TrackingPolicy, resolve_policy
from linkweir.mime import Note
from linkweir.mime.mail_delta import MailParts
from linkweir.tokens import KeyRing, Tracker
from linkweir.webhooks import message_events
from linkweir.webhooks.message_events import MessageEvent

MAX_RAW_BYTES = 1024 * 1024 * 1024  # bytes of all mails of one raw mail: 50 recipients of the largest one
MAX_NOTES = 50  # kept of one message
MAX_SUBMISSION_BYTES = 256 * 1024 * 1024  # bytes of all mails of one submission


# what a front end answers: made, and stored where it may be asked for again, in the transaction that accepts
MakeReply = Callable[[Connection, list[RecipientResult]], bytes]
FindAccount = Callable[[Connection], SendingAccount]


class Submitter:
    """The one flow by which mail enters, by whatever interface. `require_delivery` raises DatabaseUnavailable
    where nothing is delivered any more.
    """

    def __init__(
        self,
        database: Database,
        base_url: str,
        switches: Switches,
        link_style: LinkStyle,
        log: FilteringBoundLogger,
        *,
        require_delivery: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._log = log
        self._require_delivery = require_delivery
        self.defaults = OperatorDefaults(base_url, switches, link_style)

    def submit(
        self,
        ring: KeyRing,
        account: SendingAccount,
        submission: Submission,
        now: int,
        *,
        make_reply: MakeReply,
    ) -> tuple[bytes, list[RecipientResult]]:
        """Accept a message for each recipient that can have one; the reply, and what became of each, in order.

        Raises ValidationError for what is wrong for all, DatabaseUnavailable, and what `make_reply` raises: what cannot
        be answered must not be sent. Nothing is accepted then.
        """
        self._require_delivery()
        submission = _validate_submission(submission)
        with MailBuffer(self._database.folder) as stage:
            with self._database.read() as connection:
                context = self._make_context(connection, ring, account, submission, now)
            writer = _DraftBuilder(context, stage)
            results = [writer.build(index, recipient) for index, recipient in enumerate(submission.recipients)]

            def accept(connection: Connection) -> bytes:
                reply = make_reply(connection, results)
                _store_accepted(connection, [_AcceptedMessages(writer.messages, writer.notes, now)])
                return reply

            return self._database.write_together(accept), results

    def submit_raw(
        self, ring: KeyRing, find_account: FindAccount, mail: RawMail, now: int, *, allowed: Sequence[str] | None = None
    ) -> list[uuid.UUID]:
        """Accept a raw mail for each of its recipients, all or none; the messages' ids.

        `find_account` says for whom. `allowed`: the domains of permitted senders; None: any. Raises what `find_account`
        raises, Forbidden, ValidationError, DatabaseUnavailable. Nothing is accepted then.
        """
        self._require_delivery()
        opened = raw_submission.parse_mail(mail, self._log)
        submission = raw_submission.to_submission(opened, mail)
        with self._database.read() as connection:
            account = find_account(connection)
            if allowed is not None:
                originators.check_originators(allowed, mail.envelope_from, opened.originators)
            context = self._make_context(connection, ring, account, submission, now)
        context = replace(context, envelope_from=mail.envelope_from, source=mail.source)
        ready, notes = [], {}
        shared_mails = SharedMails(len(mail.recipients), opened.get_common)
        with MailBuffer(self._database.folder) as stage:
            for recipient in mail.recipients:
                raw, new, notes[new.id] = raw_submission.make_message(opened, context, recipient, self._log)
                stored, shared = shared_mails.encode(MailParts(raw))
                new = replace(new, raw=stage.add(stored, len(raw)), shared=shared)
                ready.append(replace(new, smtputf8=mail.smtputf8, person=_person_address(recipient)))
                if stage.total_bytes > MAX_RAW_BYTES:
                    limit = f"{MAX_RAW_BYTES >> 20} MB"
                    raise ValidationError(
                        "DATA", f"the mails together are larger than {limit}: send to fewer recipients at a time"
                    )
            self._database.store_together(_store_accepted, _AcceptedMessages(ready, notes, now))
        return [new.id for new in ready]

    def dry_run(
        self, ring: KeyRing, account: SendingAccount, sender: str | None, preferences: TrackingPreferences | None = None
    ) -> tuple[TrackingPolicy, Tracker]:
        """For a dry run: the policy of a message with these wishes, and a tracker with links as long as its own; with
        those of the sender's domain where one is given.
        """
        with self._database.read() as connection:
            domain = account_lookup.find_domain(connection, account.id, sender) if sender else None
        levels = (
            preferences or TrackingPreferences(),
            domain.preferences if domain else TrackingPreferences(),
            account.preferences,
        )
        policy = resolve_policy(*levels, switches=self.defaults.switches, default_style=self.defaults.link_style)
        return policy, make_dry_run_tracker(
            ring, self.defaults.base_url_for(domain.tracking_host if domain else None), policy
        )

    def _make_context(
        self, connection: Connection, ring: KeyRing, account: SendingAccount, submission: Submission, now: int
    ) -> SubmissionContext:
        domain = account_lookup.find_domain(connection, account.id, submission.sender.email)
        internal_recipients = account_lookup.load_internal_recipients(connection, account)
        return SubmissionContext(
            submission=submission,
            defaults=self.defaults,
            ring=ring,
            account=account,
            domain=domain,
            internal_recipients=internal_recipients,
            now=now,
            envelope_from=submission.sender.email,
        )


class _AcceptedMessages(NamedTuple):
    """The messages of one submission, ready to be stored, with their notes."""

    messages: list[NewMessage]
    notes: dict[uuid.UUID, list[Note]]
    now: int


def _store_accepted(connection: Connection, submissions: list[_AcceptedMessages]) -> None:
    """Everything that belongs to accepting these submissions, in one transaction."""
    accepted = [(new, each) for each in submissions for new in each.messages]
    messages_table.add(connection, [new for new, _ in accepted])
    message_events.record_events(
        connection, [MessageEvent(messages_table.to_row(new), "reception", each.now) for new, each in accepted]
    )
    for new, each in accepted:
        for note in _limit_notes(each.notes.get(new.id, [])):
            message_events.add_note(
                connection, new.account_id, new.id, note.code, each.now, text=note.text, part=note.part
            )


def _person_address(recipient: str) -> str:
    """Whom an address stands for, however a mail server has spelled its domain."""
    try:
        return addresses.normalize_domain(recipient)
    except ValidationError:
        return recipient


def _limit_notes(notes: list[Note]) -> list[Note]:
    """The first notes, and how many more there were: a mail of many odd parts must not keep the database busy."""
    more = len(notes) - MAX_NOTES
    return notes if more <= 0 else [*notes[:MAX_NOTES], Note("more-notes", f"{more} more are left out")]


def _validate_submission(submission: Submission) -> Submission:
    """Return the submission with deliverable addresses. Raises ValidationError for errors of all recipients."""
    if len(submission.attachments) > content_validation.MAX_ATTACHMENTS:
        raise ValidationError("attachments", f"must be at most {content_validation.MAX_ATTACHMENTS}")
    for position, item in enumerate(submission.attachments):
        content_validation.check_attachment(item, f"attachments[{position}]")
    content_validation.check_header_length(submission.subject, "subject")
    content_validation.check_html(submission.html or "")
    reply_to = submission.reply_to and addresses.validate_mailbox(submission.reply_to, "reply_to")
    return replace(submission, sender=addresses.validate_mailbox(submission.sender, "from"), reply_to=reply_to)


class _DraftBuilder:
    """Turns one submission into messages that are ready to be stored, with their notes."""

    def __init__(self, context: SubmissionContext, buffer: MailBuffer) -> None:
        submission = context.submission
        self.messages: list[NewMessage] = []
        self.notes: dict[uuid.UUID, list[Note]] = {}
        self._context = context
        self._submission = submission
        self._link_replacer = HtmlLinkReplacer()
        headers = content_validation.check_headers(submission.headers, has_reply_to=submission.reply_to is not None)
        self._mail_builder = MailBuilder(submission, headers, context.now)
        self._shared_mails = SharedMails(len(submission.recipients), self._mail_builder.get_common)
        self._buffer = buffer
        files = sum(len(item.data) for item in submission.attachments) * 4 // 3
        _check_total_size(files * len(submission.recipients))  # known before the first mail is built
        self._texts = _RenderedTexts(submission)

    def build(self, position: int, recipient: MailRecipient) -> RecipientResult:
        """One recipient's message; what is wrong with one recipient does not touch the others.

        Raises ValidationError when the mails of all become too much.
        """
        try:
            mailbox = addresses.validate_mailbox(recipient.mailbox, "recipient")
            new = self._make_message(recipient, mailbox, *self._texts.for_recipient(position))
        except ValidationError as error:
            return RecipientResult(recipient, None, "error", str(error))
        _check_total_size(self._buffer.total_bytes)
        self.messages.append(new)
        self.notes[new.id] = [Note("header-ignored", warning) for warning in self._submission.warnings]
        scheduled = new.due_at > self._context.now
        return RecipientResult(recipient, f"<{new.message_id}>", "scheduled" if scheduled else "queued")

    def _make_message(
        self, recipient: MailRecipient, to: Mailbox, subject: str, text: str | None, html: str | None
    ) -> NewMessage:
        draft = self._context.make_draft(to.email, recipient.preferences)
        message_id = f"{draft.key}@{self._submission.sender.email.rpartition('@')[2]}"
        page = None if html is None else self._link_replacer.replace(self._check_page(html), draft.links, draft.policy)
        mail = self._mail_builder.build(to, message_id=f"<{message_id}>", subject=subject, text=text, html=page)
        raw, shared = self._shared_mails.encode(mail)
        return draft.to_new_message(
            self._buffer.add(raw, mail.size),
            message_id=message_id,
            recipient=to.email,
            subject=subject,
            shared=shared,
            attributes=dict(recipient.attributes or {}) or None,
            variant=recipient.variant,
        )

    def _check_page(self, html: str) -> str:
        """The page; the submission's own was checked with it, only a filled template is new."""
        return html if html is self._submission.html else content_validation.check_html(html)


def _check_total_size(size: int) -> None:
    if size > MAX_SUBMISSION_BYTES:
        limit = MAX_SUBMISSION_BYTES // 2**20
        raise ValidationError(
            "recipients", f"together make more than {limit} MB of mail: send to fewer recipients at a time"
        )


def _check_subject(text: str) -> str:
    return content_validation.check_header_length(addresses.require_single_line(text, "subject"), "subject")


class _RenderedTexts:
    """Subject, text and HTML for each recipient; taken literally for one without any substitutions."""

    def __init__(self, submission: Submission) -> None:
        self._submission = submission
        self._rendered: dict[int, list[str] | ValidationError] = {}
        common = submission.substitutions or {}
        sources = {
            position: recipient.substitutions or {}
            for position, recipient in enumerate(submission.recipients)
            if common or recipient.substitutions
        }
        if sources:
            filled = templates.render(list(self._templates()), common, list(sources.values()))
            self._rendered = dict(zip(sources, filled, strict=True))

    def _templates(self) -> Iterator[Template]:
        yield Template(self._submission.subject, "subject")
        if self._submission.text is not None:
            yield Template(self._submission.text, "text_content")
        if self._submission.html is not None:
            yield Template(self._submission.html, "html_content", html=True)

    def for_recipient(self, position: int) -> tuple[str, str | None, str | None]:
        """Subject, text and HTML for one recipient. Raises ValidationError."""
        submission = self._submission
        filled = self._rendered.get(position)
        if filled is None:
            return _check_subject(submission.subject), submission.text, submission.html
        if isinstance(filled, ValidationError):
            raise filled
        rest = iter(filled)
        subject = _check_subject(next(rest))
        text = next(rest) if submission.text is not None else None
        return subject, text, next(rest) if submission.html is not None else None

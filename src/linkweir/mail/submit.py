"""Takes a submission: one message for each recipient, stored and queued, accepted only after the commit."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from linkweir.errors import BadInput, IdempotencyConflict
from linkweir.html import Switches
from linkweir.mail import address, identity, mime, template
from linkweir.mail.links import LinkReplacer
from linkweir.mail.model import Accepted, Account, LinkStyle, Recipient, Submission
from linkweir.mail.policy import decide
from linkweir.mail.template import Template
from linkweir.store import messages, replies
from linkweir.store.engine import Store
from linkweir.store.messages import NewMessage
from linkweir.token import KeyRing

DAY = 86_400 * 1_000_000  # microseconds
EXPIRES_AFTER = 3 * DAY
REPLY_KEPT = DAY
SIZE_LIMIT = 256 * 1024 * 1024  # bytes of all mails of one submission; they are in memory until the commit


@dataclass(frozen=True, slots=True)
class Once:
    """A wish to be carried out once only: the client's key, and what it was sent with."""

    key: str
    request: bytes

    @property
    def fingerprint(self) -> bytes:
        """Stands for the request without keeping it."""
        return hashlib.sha256(self.request).digest()


@dataclass(frozen=True, slots=True)
class Answer:
    """The reply, and what became of each recipient, in order; `results` is None when the reply is an earlier
    one.
    """

    reply: bytes
    results: list[Accepted] | None


class Submitter:
    """The one flow by which mail enters, whatever door it came through."""

    def __init__(self, store: Store, base_url: str, switches: Switches, link_style: LinkStyle) -> None:
        self._store = store
        self._base_url = base_url
        self._switches = switches
        self._link_style = link_style

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
        """Accept a message for each recipient that can have one; or the earlier reply when this very wish
        was met before. `write` makes the reply.

        Raises BadInput for what is wrong for all, IdempotencyConflict, StoreUnavailable. Nothing is
        accepted then.
        """
        if once and (earlier := self._earlier(account, once)):
            return Answer(earlier, None)
        writer = _Writer(self, ring, account, submission, now)
        results = [writer.write(place, recipient) for place, recipient in enumerate(submission.recipients)]
        reply = write(results)  # before the commit: what cannot be answered must not be sent
        with self._store.write() as connection:
            if once:
                found = replies.find(connection, account.id, once.key)  # another one may have been faster
                if found:
                    return Answer(_same(found, once), None)
                replies.drop_before(connection, now - REPLY_KEPT)
                replies.keep(connection, account.id, once.key, fingerprint=once.fingerprint, body=reply, now=now)
            messages.add(connection, writer.ready)
        return Answer(reply, results)

    def _earlier(self, account: Account, once: Once) -> bytes | None:
        with self._store.read() as connection:
            found = replies.find(connection, account.id, once.key)
        return _same(found, once) if found else None


def _same(found: Mapping[Any, Any], once: Once) -> bytes:
    if found["fingerprint"] != once.fingerprint:
        raise IdempotencyConflict("this Idempotency-Key was used for another request")
    body: bytes = found["body"]
    return body


class _Writer:
    """Turns one submission into messages that are ready to be stored."""

    def __init__(self, parent: Submitter, ring: KeyRing, account: Account, submission: Submission, now: int) -> None:
        self.ready: list[NewMessage] = []
        self._account = account
        self._now = now
        self._style = parent._link_style
        self._switches = parent._switches
        self._links = LinkReplacer(ring, parent._base_url, parent._switches, submission.tags)
        self._headers = mime.check_headers(submission.headers, has_reply_to=submission.reply_to is not None)
        for position, item in enumerate(submission.attachments):
            mime.check_attachment(item, f"attachments[{position}]")
        self._submission = replace(
            submission,
            sender=address.checked(submission.sender, "from"),
            reply_to=submission.reply_to and address.checked(submission.reply_to, "reply_to"),
        )
        self._size = 0
        files = sum(len(item.data) for item in submission.attachments) * 4 // 3
        self._grow(files * len(submission.recipients))  # known before the first mail is built
        self._size = 0
        self._texts = _Texts(self._submission)

    def _grow(self, size: int) -> None:
        self._size += size
        if self._size > SIZE_LIMIT:
            limit = SIZE_LIMIT // 2**20
            raise BadInput("recipients", f"together make more than {limit} MB of mail: send to fewer at a time")

    def write(self, position: int, recipient: Recipient) -> Accepted:
        """One recipient's message; what is wrong with one recipient does not touch the others.

        Raises BadInput when the mails of all become too much.
        """
        try:
            mailbox = address.checked(recipient.mailbox, "recipient")
            new = self._message(replace(recipient, mailbox=mailbox), *self._texts.of(position))
        except BadInput as error:
            return Accepted(recipient, None, "error", str(error))
        self._grow(len(new.raw))
        self.ready.append(new)
        scheduled = new.due_at > self._now
        return Accepted(recipient, f"<{new.message_id}>", "scheduled" if scheduled else "queued")

    def _message(self, recipient: Recipient, subject: str, text: str | None, html: str | None) -> NewMessage:
        levels = (recipient.wishes, self._submission.wishes, self._account.wishes)
        policy = decide(*levels, switches=self._switches, default_style=self._style)
        key = identity.new_id(self._now)
        number = identity.number_of(key)
        message_id = f"{key}@{self._submission.sender.email.rpartition('@')[2]}"
        short_links: dict[int, str] = {}
        if html is not None and policy.track_clicks:
            html, short_links = self._links.replace(html, number, policy)
        raw = mime.build(
            self._submission,
            recipient.mailbox,
            message_id=f"<{message_id}>",
            subject=subject,
            text=text,
            html=html,
            headers=self._headers,
            now=self._now,
        )
        due_at = max(self._submission.first_attempt_at or 0, self._now)
        return NewMessage(
            id=key,
            number=number,
            account_id=self._account.id,
            message_id=message_id,
            sender=self._submission.sender.email,
            recipient=recipient.mailbox.email,
            subject=subject,
            tags=list(self._submission.tags),
            track_clicks=policy.track_clicks,
            privacy=policy.privacy.value,
            raw=raw,
            short_links=short_links,
            now=self._now,
            due_at=due_at,
            expires_at=self._submission.expires_at or due_at + EXPIRES_AFTER,
            keep_until_at=self._now + self._account.keep_content_days * DAY,
            retain_until_at=self._now + self._account.keep_metadata_days * DAY,
            envelope_from=self._submission.sender.email,
        )


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
            return address.one_line(one.subject, "subject"), one.text, one.html
        if isinstance(filled, BadInput):
            raise filled
        rest = iter(filled)
        subject = address.one_line(next(rest), "subject")
        text = next(rest) if one.text is not None else None
        return subject, text, next(rest) if one.html is not None else None

"""The mails of one newsletter: from a recipient's row to the page with its links, or to a whole mail."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from linkweir.errors import BadSwitch, ValidationError
from linkweir.html import Switches
from linkweir.mail import addresses, content_validation
from linkweir.mail.message_types import Mailbox, Submission
from linkweir.mail.mime_builder import MailBuilder
from linkweir.mail.newsletter.mail_record import FilledSlots, RenderedMail, encode_record
from linkweir.mail.newsletter.page_template import Page, PageTemplate, compile_template, fill_template
from linkweir.mail.templates import Template
from linkweir.tokens import Privacy, Tracker
from linkweir.tokens.identifiers import parse_message_id

CHECKED_PAGES = 8  # the first pages of a plan are compared with what the literal way gives


@dataclass(frozen=True, slots=True)
class NewsletterOptions:
    """The templates and the columns of a newsletter. `sender`: None if no mails are built. `now`: microseconds since
    1970, the date of all mails; `run`: what their Message-IDs begin with. `makes_lines`: mails go to NDJSON.
    """

    html: str
    subject: str | None
    text: str | None
    sender: Mailbox | None
    id_column: str
    address_column: str | None
    variant_column: str | None
    now: int
    run: str
    makes_lines: bool = False


class RowError(Exception):
    """A row without a mail: `outcome` is its code, the text the reason."""

    def __init__(self, outcome: str, reason: str) -> None:
        super().__init__(outcome, reason)  # all arguments, so that it pickles
        self.outcome = outcome
        self._reason = reason

    def __str__(self) -> str:
        return self._reason


class Newsletter:
    """Makes the mails. Raises ValidationError for a template or header that cannot be used."""

    def __init__(self, options: NewsletterOptions, tracker: Tracker, switches: Switches) -> None:
        self._options = options
        self._tracker = tracker
        self._page = PageTemplate(options.html, switches)
        self._plan = self._page.make_plan(tracker)
        self._json = self._plan.make_json_page() if self._plan is not None and options.makes_lines else None
        self._checked = 0
        self._subject = None if options.subject is None else compile_template(Template(options.subject, "subject"))
        self._text = None if options.text is None else compile_template(Template(options.text, "text_content"))
        self._builder = None if options.sender is None else _make_builder(options, options.sender)
        self.tracked_links = 0

    @property
    def is_planned(self) -> bool:
        """Whether pages are filled at copying speed."""
        return self._plan is not None

    def check_columns(self, values: Mapping[str, Any]) -> None:
        """Raise ValidationError if a table, of which this is a row, does not have a column of the options."""
        options = self._options
        needed = [options.address_column, options.variant_column]
        if self._tracker.privacy is not Privacy.ANONYMOUS:
            needed.append(options.id_column)
        for name in filter(None, needed):
            if name not in values:
                there = ", ".join(map(repr, list(values)[:20]))
                raise ValidationError("recipients", f"there is no column {name!r}, only {there}")

    def render(self, number: int, values: Mapping[str, Any]) -> RenderedMail:
        """The mail of the recipient in row `number`. Raises RowError."""
        options = self._options
        message_id, tracker = self._find_tracker(values)
        mailbox = self._find_mailbox(values)
        try:
            page, filled = self._render_page(values, tracker)
            subject = None if self._subject is None else _check_subject(fill_template(self._subject, "subject", values))
            text = None if self._text is None else fill_template(self._text, "text_content", values)
        except ValidationError as error:
            raise RowError("template", str(error)) from None
        raw = b""
        if self._builder is not None and mailbox is not None and options.sender is not None:
            mail_id = f"<{options.run}.{number}@{options.sender.email.rpartition('@')[2]}>"
            try:
                mail = self._builder.build(
                    mailbox, message_id=mail_id, subject=subject or "", text=text, html=page.html
                )
            except UnicodeEncodeError:
                raise RowError("template", "the text has characters that are no Unicode") from None
            raw = mail.join()
        self.tracked_links += page.tracked
        variant = options.variant_column and values.get(options.variant_column)
        address = None if mailbox is None else mailbox.email
        name = None if variant is None else str(variant)
        rendered = RenderedMail(number, message_id, address, name, subject, text, page.html, raw, b"", len(page.html))
        return rendered if filled is None else self._make_line(rendered, filled)

    def _find_tracker(self, values: Mapping[str, Any]) -> tuple[str, Tracker]:
        value = values.get(self._options.id_column)
        if isinstance(value, str):
            value = parse_message_id(value)
        if self._tracker.privacy is Privacy.ANONYMOUS:
            return "" if value is None else str(value), self._tracker
        if not isinstance(value, int | str | uuid.UUID) or isinstance(value, bool) or value == "":
            missing = value is None or value == ""
            raise RowError("message-id", "the message id is missing" if missing else f"{value!r} is not a message id")
        try:
            return str(value), self._tracker.for_message(value)
        except BadSwitch as error:
            raise RowError("message-id", str(error)) from None

    def _find_mailbox(self, values: Mapping[str, Any]) -> Mailbox | None:
        if self._options.address_column is None:
            return None
        value = values.get(self._options.address_column)
        try:
            return addresses.validate_mailbox(Mailbox(str(value or "")), "recipient")
        except ValidationError as error:
            raise RowError("address", f"{str(value or '')[:100]!r} {error.reason}") from None

    def _render_page(self, values: Mapping[str, Any], tracker: Tracker) -> tuple[Page, FilledSlots | None]:
        """The page, and for a line what stands in its slots; the page is empty where the line is all that is needed."""
        filled = None if self._plan is None else self._plan.fill_slots(values, tracker)
        if self._plan is None or filled is None:
            return self._page.render(values, tracker), None
        if self._json is not None and self._checked >= CHECKED_PAGES:
            return Page(b"", filled.tracked), filled
        page = self._plan.make_page(filled)
        if self._checked < CHECKED_PAGES:
            self._checked += 1
            literal = self._page.render(values, tracker)
            if literal != page:
                self._plan = self._json = None
                return literal, None
        return page, None if self._json is None else filled

    def _make_line(self, mail: RenderedMail, filled: FilledSlots) -> RenderedMail:
        """The mail with its line; the first lines are compared with what their pages give."""
        assert self._plan is not None
        line = None if self._json is None else self._json.make_line(mail, filled.values)
        if mail.html and line != encode_record(mail):
            self._json = line = None
        if line is None or self._json is None:
            html = mail.html or self._plan.make_page(filled).html
            return mail._replace(html=html, size=len(html))
        return mail._replace(html=b"", line=line, size=self._json.count_bytes(filled.values))


def _check_subject(text: str) -> str:
    return content_validation.check_header_length(addresses.require_single_line(text, "subject"), "subject")


def _make_builder(options: NewsletterOptions, sender: Mailbox) -> MailBuilder:
    submission = Submission(
        sender=addresses.validate_mailbox(sender, "from"),
        recipients=(),
        subject=options.subject or "",
        text=options.text,
        html=options.html,
    )
    return MailBuilder(submission, {}, options.now)

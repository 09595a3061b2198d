"""Drafts: what every accepted message needs, whether it came by API or SMTP: its name, its times, its row."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from linkweir.accounts.account_lookup import SendingAccount, SendingDomain
from linkweir.accounts.internal_recipients import InternalRecipients
from linkweir.accounts.tracking_preferences import LinkStyle, TrackingPreferences
from linkweir.clock import DAY_US
from linkweir.db.messages_table import NewMessage
from linkweir.html import Switches
from linkweir.mail import message_ids
from linkweir.mail.message_links import MessageLinks, SharedTrackers, campaign_from_tags
from linkweir.mail.message_types import Submission
from linkweir.mail.tracking_policy import TrackingPolicy, resolve_policy
from linkweir.tokens import KeyRing

EXPIRY_US = 3 * DAY_US


@dataclass(frozen=True, slots=True)
class OperatorDefaults:
    """The operator's defaults: base URL, switches, link style."""

    base_url: str
    switches: Switches
    link_style: LinkStyle

    def base_url_for(self, host: str | None) -> str:
        """The base URL on another host, which leads to the same service: scheme, port and path stay."""
        if host is None:
            return self.base_url
        parts = urlsplit(self.base_url)
        return urlunsplit(parts._replace(netloc=host if parts.port is None else f"{host}:{parts.port}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionContext:
    """The submission, its sender's settings, and the operator's; `now` is microseconds since 1970."""

    submission: Submission
    defaults: OperatorDefaults
    ring: KeyRing
    account: SendingAccount
    domain: SendingDomain | None
    now: int
    envelope_from: str
    source: str = "api"
    internal_recipients: InternalRecipients = field(default_factory=InternalRecipients)
    # what recipients share: found once, and by their own preferences
    _policies: dict[TrackingPreferences, TrackingPolicy] = field(default_factory=dict, init=False, repr=False)
    _trackers: SharedTrackers = field(default_factory=dict, init=False, repr=False)

    def make_draft(self, address: str, recipient: TrackingPreferences) -> "Draft":
        """A message for one recipient, named and with its policy, but without a body yet."""
        domain = self.domain.preferences if self.domain else TrackingPreferences()
        levels = (recipient, self.submission.preferences, domain, self.account.preferences)
        policy = self._policies.get(recipient)
        if policy is None:
            policy = self._policies[recipient] = resolve_policy(
                *levels, switches=self.defaults.switches, default_style=self.defaults.link_style
            )
        key = message_ids.new_message_id(self.now)
        base_url = self.defaults.base_url_for(self.domain.tracking_host if self.domain else None)
        internal, sandbox = self.internal_recipients.includes(address), self.submission.sandbox_result is not None
        campaign = campaign_from_tags(self.submission.tags, sandbox=sandbox, internal=internal)
        links = MessageLinks(
            self.ring, base_url, message_ids.link_number(key), campaign, policy, trackers=self._trackers
        )
        return Draft(self, key, policy, links, internal)


@dataclass(frozen=True, slots=True)
class Draft:
    """A message on its way to be accepted; `internal`: to one of the sender's own people."""

    context: SubmissionContext
    key: uuid.UUID
    policy: TrackingPolicy
    links: MessageLinks
    internal: bool = False

    def to_new_message(
        self, raw: bytes | Callable[[], bytes], *, message_id: str, recipient: str, subject: str, **more: Any
    ) -> NewMessage:
        """The message with its mail; `message_id` without angle brackets, `more` what else is known of it."""
        context, submission = self.context, self.context.submission
        due_at = max(submission.first_attempt_at or 0, context.now)
        content_days = submission.content_retention_days
        if content_days is None:
            content_days = context.account.content_retention_days
        metadata_days = submission.metadata_retention_days or context.account.metadata_retention_days
        return NewMessage(
            id=self.key,
            number=message_ids.link_number(self.key),
            account_id=context.account.id,
            domain_id=context.domain.id if context.domain else None,
            message_id=message_id,
            sender=submission.sender.email,
            envelope_from=context.envelope_from,
            recipient=recipient,
            subject=subject,
            tags=list(submission.tags),
            track_clicks=self.policy.track_clicks,
            track_opens=self.policy.track_opens,
            privacy=self.policy.privacy.value,
            sandbox_result=submission.sandbox_result,
            internal=self.internal,
            source=context.source,
            route="filter" if context.source == "filter" else "default",
            raw=raw,
            short_links=self.links.short_destinations,
            tracked_links=self.links.tracked_count,
            switches=self.policy.switch_overrides,
            now=context.now,
            due_at=due_at,
            expires_at=submission.expires_at or due_at + EXPIRY_US,
            keep_until_at=context.now + content_days * DAY_US,
            retain_until_at=context.now + metadata_days * DAY_US,
            **more,
        )

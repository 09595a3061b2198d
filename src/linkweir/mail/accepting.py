"""What every accepted message needs, whichever door it came through: its name, its times, its row."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from linkweir.html import Switches
from linkweir.mail import identity
from linkweir.mail.links import MessageLinks, campaign_of
from linkweir.mail.model import Account, Domain, LinkStyle, SandboxResult, Wishes
from linkweir.mail.policy import Policy, decide
from linkweir.store.messages import NewMessage
from linkweir.token import KeyRing

DAY = 86_400 * 1_000_000  # microseconds
EXPIRES_AFTER = 3 * DAY


@dataclass(frozen=True, slots=True)
class House:
    """What the operator has set: where links live, the switches, the default style."""

    base_url: str
    switches: Switches
    link_style: LinkStyle

    def links_at(self, host: str | None) -> str:
        """The base URL on another host; its scheme and path stay."""
        if host is None:
            return self.base_url
        scheme, _, rest = self.base_url.partition("://")
        return f"{scheme}://{host}/{rest.partition('/')[2]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """For whom and under which settings messages of one submission are accepted. Times are microseconds since 1970."""

    house: House
    ring: KeyRing
    account: Account
    domain: Domain | None
    wishes: Wishes
    now: int
    sender: str
    envelope_from: str
    tags: tuple[str, ...] = ()
    source: str = "api"
    sandbox_result: SandboxResult | None = None
    keep_metadata_days: int | None = None
    keep_content_days: int | None = None
    first_attempt_at: int | None = None
    expires_at: int | None = None

    def draft(self, recipient: Wishes) -> "Draft":
        """A message for one recipient, named and with its policy, but without a body yet."""
        domain = self.domain.wishes if self.domain else Wishes()
        levels = (recipient, self.wishes, domain, self.account.wishes)
        policy = decide(*levels, switches=self.house.switches, default_style=self.house.link_style)
        key = identity.new_id(self.now)
        base_url = self.house.links_at(self.domain.tracking_host if self.domain else None)
        campaign = campaign_of(self.tags, sandbox=self.sandbox_result is not None)
        links = MessageLinks(self.ring, base_url, identity.number_of(key), campaign, policy)
        return Draft(self, key, policy, links)


@dataclass(frozen=True, slots=True)
class Draft:
    """A message on its way to be accepted."""

    sending: Sending
    key: uuid.UUID
    policy: Policy
    links: MessageLinks

    def finished(
        self, raw: bytes | Callable[[], bytes], *, message_id: str, recipient: str, subject: str
    ) -> NewMessage:
        """The message with its mail; `message_id` without angle brackets."""
        one = self.sending
        due_at = max(one.first_attempt_at or 0, one.now)
        content_days = one.account.keep_content_days if one.keep_content_days is None else one.keep_content_days
        return NewMessage(
            id=self.key,
            number=identity.number_of(self.key),
            account_id=one.account.id,
            domain_id=one.domain.id if one.domain else None,
            message_id=message_id,
            sender=one.sender,
            envelope_from=one.envelope_from,
            recipient=recipient,
            subject=subject,
            tags=list(one.tags),
            track_clicks=self.policy.track_clicks,
            track_opens=self.policy.track_opens,
            privacy=self.policy.privacy.value,
            sandbox_result=one.sandbox_result,
            source=one.source,
            route="filter" if one.source == "filter" else "default",
            raw=raw,
            short_links=self.links.stored,
            tracked_links=self.links.tracked,
            switches=self.policy.chosen,
            now=one.now,
            due_at=due_at,
            expires_at=one.expires_at or due_at + EXPIRES_AFTER,
            keep_until_at=one.now + content_days * DAY,
            retain_until_at=one.now + (one.keep_metadata_days or one.account.keep_metadata_days) * DAY,
        )

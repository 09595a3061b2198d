"""The sender's own people among recorded clicks: by the networks they click from, and by the recipients of mails."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from linkweir.accounts.internal_recipients import InternalRecipients, make_internal_recipients, parse_addresses
from linkweir.accounts.ip_allow_list import parse_internal_networks
from linkweir.clicks.classify import InternalOrigin
from linkweir.clicks.internal_networks import InternalNetworks
from linkweir.clicks.offline.recorded_click import RecordedClick

_SENDER = uuid.UUID(int=0)  # all recorded clicks are of one account


@dataclass(frozen=True, slots=True)
class InternalTraffic:
    """Networks and recipients that are the sender's own."""

    networks: InternalNetworks = field(default_factory=InternalNetworks)
    recipients: InternalRecipients = field(default_factory=InternalRecipients)

    def origin(self, click: RecordedClick) -> InternalOrigin | None:
        """By what the sender's own people made this click; None: not as far as is known."""
        if self.networks.find_accounts(click.ip):
            return "network"
        return "recipient" if click.recipient and self.recipients.includes(click.recipient) else None


def make_internal_traffic(networks: Sequence[str] = (), addresses: Sequence[str] = ()) -> InternalTraffic:
    """Networks like `203.0.113.0/24`, addresses like `ada@example.com`, and `@example.com` for a domain.

    Raises ValidationError naming an entry that cannot be used.
    """
    return InternalTraffic(
        InternalNetworks({_SENDER: parse_internal_networks(networks)}),
        make_internal_recipients(parse_addresses(addresses)),
    )

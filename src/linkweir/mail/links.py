"""Replaces the links of one HTML body by tracking links; scans once for all recipients that share the body."""

import re

from linkweir.errors import RefusedValue
from linkweir.html import Plan, Switches
from linkweir.mail.policy import Policy
from linkweir.token import KeyRing, Tracker

CAMPAIGN = re.compile(r"[A-Za-z0-9._~-]{1,64}")


class LinkReplacer:
    """For one submission. Substitution has happened before: a marker inside a destination is part of it."""

    def __init__(self, ring: KeyRing, base_url: str, switches: Switches, tags: tuple[str, ...]) -> None:
        self._ring = ring
        self._base_url = base_url
        self._switches = switches
        self._campaign = next((tag for tag in tags if CAMPAIGN.fullmatch(tag)), None)
        self._planned: tuple[str, Plan[str]] | None = None

    def replace(self, html: str, number: int, policy: Policy) -> tuple[str, dict[int, str]]:
        """The HTML with tracking links for message `number`, and the destinations that short links need
        stored.
        """
        plan = self._plan(html)
        tracker = Tracker(
            self._ring,
            self._base_url,
            message=number,
            campaign=self._campaign,
            privacy=policy.privacy,
            style=policy.link_style,
        )
        if policy.link_style == "sealed":
            return plan.render(tracker), {}
        stored: dict[int, str] = {}

        def remember(destination: str, index: int) -> str | None:
            if tracker.is_tracked(destination.encode()):
                return None
            try:
                link = tracker.mint(destination, index)
            except RefusedValue:
                return None  # too long for any link: it stays as it was
            stored[index] = destination
            return link

        return plan.render(remember), stored

    def _plan(self, html: str) -> Plan[str]:
        if self._planned is None or self._planned[0] != html:
            self._planned = (html, Plan(html, switches=self._switches))
        return self._planned[1]

"""The links, the open pixel, the hidden link and the campaign parameters of one message, from its policy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from linkweir import _html
from linkweir.errors import RefusedValue
from linkweir.html import Outcome, Plan, Switches, utm
from linkweir.html.charset import Charset
from linkweir.html.ending import ending
from linkweir.html.link import NUMBER
from linkweir.html.pixel import insert_ending
from linkweir.html.resolve import LINK_LIMIT, DocumentLinks, Links
from linkweir.html.rewrite import Document
from linkweir.mail.identity import NUMBER_BITS
from linkweir.mail.model import LinkStyle, Utm
from linkweir.mail.policy import Policy
from linkweir.token import PIXEL_INDEX, TRAP_INDEX, KeyRing, Privacy, Tracker, campaign


class MessageLinks:
    """What replaces the links of one message.

    `links` is None when no link is to be touched, `pixel` and `honeypot` the addresses of the open pixel and of the
    hidden link, or None. After rewriting, `stored` has the destinations that short links need kept, by their index, and
    `tracked` is how many links of the mail are ours now, over all its parts.
    """

    def __init__(self, ring: KeyRing, base_url: str, number: int, campaign: str | None, policy: Policy) -> None:
        self.stored: dict[int, str] = {}
        self.tracked = 0
        self._ring, self._base_url, self._number, self._campaign = ring, base_url, number, campaign
        self._privacy = policy.privacy
        self._tracks = policy.track_clicks
        self._short = policy.link_style == "short"
        self._parameters = _parameters(policy.utm)
        self._utm_hosts = policy.utm.hosts if policy.utm else ()
        # also where nothing is tracked: campaign parameters spare links that are tracked already
        self._tracker = self._tracker_of(policy.link_style)
        self.pixel = self._tracker_of("short").mint("", PIXEL_INDEX) if policy.track_opens else None
        self.honeypot = self._hidden() if policy.honeypot else None
        self.links = self._links(policy)

    def replaced(self, count: int) -> None:
        """So many links have got what `links` says; campaign parameters alone make none of them ours."""
        if self._tracks:
            self.tracked += count

    def _tracker_of(self, style: LinkStyle) -> Tracker:
        return Tracker(
            self._ring,
            self._base_url,
            message=self._number,
            campaign=self._campaign,
            privacy=Privacy.FULL if self._privacy is Privacy.NONE else self._privacy,
            style=style,
        )

    def _hidden(self) -> str:
        """A sealed link to the root of its own host, where nobody is harmed by what follows it."""
        parts = urlsplit(self._base_url)
        return self._tracker_of("sealed").mint(f"{parts.scheme}://{parts.netloc}/", TRAP_INDEX)

    def _links(self, policy: Policy) -> Links | DocumentLinks | None:
        if policy.track_clicks and not self._short and not self._parameters:
            return self._tracker  # the whole work stays in C
        return self if policy.track_clicks or self._parameters else None

    def of_document(self, document: Document, switches: Switches, first: int) -> _html.Resolve:
        """What replaces the links of one document: see html.resolve.DocumentLinks."""
        marked = document.indexes_with(utm.OPT_OUT, switches) if self._parameters else frozenset()
        charset, answer = document.charset, self._mint if self._tracks else self._tag

        def ask(destinations: list[bytes], indexes: list[int]) -> list[bytes | int]:
            return [
                NUMBER[Outcome.ALREADY_TRACKED]
                if self._tracker.is_tracked(destination)
                else answer(destination, index, charset, spared=index - first in marked)
                for destination, index in zip(destinations, indexes, strict=True)
            ]

        return ask

    def _mint(self, destination: bytes, index: int, charset: Charset, *, spared: bool) -> bytes | int:
        exact = charset.for_location(destination).decode()
        for wanted in dict.fromkeys((self._tagged(exact, spared), exact)):  # campaign parameters must not cost the link
            try:
                link = self._tracker.mint(wanted, index)
            except RefusedValue:
                continue
            if len(link) <= LINK_LIMIT:
                self.stored.update({index: wanted} if self._short else {})
                return link.encode()
        return NUMBER[Outcome.TOO_LONG_DESTINATION]

    def _tag(self, destination: bytes, _index: int, charset: Charset, *, spared: bool) -> bytes | int:
        before = destination.decode()
        wanted = self._tagged(before, spared)
        try:
            value = wanted.replace("&", "&amp;").encode(charset.codec)
        except UnicodeEncodeError:
            return NUMBER[Outcome.DECLINED]
        return NUMBER[Outcome.DECLINED] if wanted == before or not _fits_attribute(wanted) else value

    def _tagged(self, destination: str, spared: bool) -> str:
        return destination if spared else utm.tagged(destination, self._parameters, self._utm_hosts)


def judging(ring: KeyRing, base_url: str, policy: Policy) -> Tracker:
    """A tracker for a dry run, with links as long as those of a message under this policy."""
    return Tracker(
        ring,
        base_url,
        message=(1 << NUMBER_BITS) - 1,
        privacy=Privacy.FULL if policy.privacy is Privacy.NONE else policy.privacy,
        style=policy.link_style,
    )


def of_accepted(ring: KeyRing, base_url: str, message: Mapping[Any, Any]) -> Tracker:
    """A tracker whose links are as long as those of an accepted message, whose row this is; its style is not kept, and
    sealed links are the longer ones.
    """
    privacy = Privacy(message["privacy"])
    return Tracker(
        ring,
        base_url,
        message=message["number"],
        campaign=campaign_of(tuple(message["tags"]), sandbox=message["sandbox_result"] is not None),
        privacy=Privacy.FULL if privacy is Privacy.NONE else privacy,
    )


def campaign_of(tags: tuple[str, ...], *, sandbox: bool = False) -> str | None:
    """What anonymous links carry in place of their message: the first tag that fits into a token, or that it is one of
    the sandbox, whose clicks count nowhere.
    """
    found = campaign.first(tags)
    if sandbox:
        return campaign.SANDBOX
    return None if found is None else campaign.written(found)


class PageLinks:
    """Replaces the links of HTML pages; scans once for all recipients that share a page."""

    def __init__(self) -> None:
        self._planned: tuple[str, Switches, Plan[str]] | None = None

    def replace(self, html: str, ours: MessageLinks, policy: Policy) -> str:
        """The page with its links replaced, and with its pixel and hidden link put in."""
        if ours.links is not None:
            html, count = self._plan(html, policy.switches).render_counted(ours.links)
            ours.replaced(count)
        unseen = ending(ours.pixel, ours.honeypot)
        return insert_ending(html, unseen, policy.switches) if unseen else html

    def _plan(self, html: str, switches: Switches) -> Plan[str]:
        if self._planned is None or self._planned[0] != html or self._planned[1] is not switches:
            self._planned = (html, switches, Plan(html, switches=switches))
        return self._planned[2]


def _parameters(wanted: Utm | None) -> tuple[tuple[str, str], ...]:
    if wanted is None:
        return ()
    found = {name: getattr(wanted, name) for name in ("source", "medium", "campaign", "term", "content")}
    return tuple((f"utm_{name}", value) for name, value in found.items() if value)


def _fits_attribute(text: str) -> bool:
    return not re.search(r"[\"'\x00-\x1f\x7f]", text)

"""The links, the open pixel, the hidden link and the campaign parameters of one message, from its policy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from linkweir import _html, _mime
from linkweir.accounts.tracking_preferences import LinkStyle, UtmSettings
from linkweir.errors import RefusedValue
from linkweir.html import Outcome, Plan, Switches, utm
from linkweir.html.charset import Charset
from linkweir.html.document import Document
from linkweir.html.link import OUTCOME_NUMBER
from linkweir.html.replacements import LinkReplacements
from linkweir.html.resolver import DocumentLinks, Links
from linkweir.html.tag_insertion import insert_tags, make_hidden_tags
from linkweir.mail.message_ids import NUMBER_BITS
from linkweir.mail.tracking_policy import TrackingPolicy
from linkweir.tokens import HONEYPOT_INDEX, PIXEL_INDEX, KeyRing, Privacy, Tracker, campaign_tags

SharedTrackers = dict[tuple[str | None, Privacy, LinkStyle], Tracker]


class MessageLinks:
    """What replaces the links of one message.

    `trackers` keeps what messages of one ring and base URL share, by campaign, privacy and style.

    `links` is None when no link is to be touched, `pixel` and `honeypot` the addresses of the open pixel and of the
    hidden link, or None. After rewriting, `stored` has the destinations that short links need kept, by their index, and
    `tracked` is how many links of the mail are ours now, over all its parts.
    """

    def __init__(
        self,
        ring: KeyRing,
        base_url: str,
        number: int,
        campaign: str | None,
        policy: TrackingPolicy,
        *,
        trackers: SharedTrackers,
    ) -> None:
        self.short_destinations: dict[int, str] = {}
        self.tracked_count = 0
        self._ring, self._base_url, self._number, self._campaign = ring, base_url, number, campaign
        self._trackers = trackers
        self._privacy = policy.privacy
        self._tracks_clicks = policy.track_clicks
        self._uses_short_links = policy.link_style == "short"
        self._utm_parameters = _utm_parameters(policy.utm)
        self._utm_hosts = policy.utm.hosts if policy.utm else ()
        # also where nothing is tracked: campaign parameters spare links that are tracked already
        self._tracker = self._make_tracker(policy.link_style)
        self.pixel = self._make_tracker("short").mint("", PIXEL_INDEX) if policy.track_opens else None
        self.honeypot = self._mint_honeypot() if policy.honeypot else None
        self.links = self._choose_links(policy)

    def count_replaced(self, count: int) -> None:
        """So many links have got what `links` says; campaign parameters alone make none of them ours."""
        if self._tracks_clicks:
            self.tracked_count += count

    def _make_tracker(self, style: LinkStyle) -> Tracker:
        kind = self._campaign, self._privacy, style
        shared = self._trackers.get(kind)
        if shared is None:
            shared = self._trackers[kind] = Tracker(
                self._ring,
                self._base_url,
                message=self._number,
                campaign=self._campaign,
                privacy=Privacy.FULL if self._privacy is Privacy.NONE else self._privacy,
                style=style,
            )
            return shared
        return shared.for_message(self._number)

    def _mint_honeypot(self) -> str:
        """A sealed link to the root of its own host, where nobody is harmed by what follows it."""
        parts = urlsplit(self._base_url)
        return self._make_tracker("sealed").mint(f"{parts.scheme}://{parts.netloc}/", HONEYPOT_INDEX)

    def _choose_links(self, policy: TrackingPolicy) -> Links | DocumentLinks | None:
        if policy.track_clicks and not self._uses_short_links and not self._utm_parameters:
            return self._tracker  # the whole work stays in C
        return self if policy.track_clicks or self._utm_parameters else None

    def of_document(self, document: Document, switches: Switches, first: int) -> _html.Resolve:
        """What replaces the links of one document: see html.resolve.DocumentLinks."""
        marked = document.find_indexes_with(utm.OPT_OUT_ATTRIBUTE, switches) if self._utm_parameters else frozenset()
        charset, answer = document.charset, self._mint if self._tracks_clicks else self._add_utm

        def resolve(destinations: list[bytes], indexes: list[int]) -> list[bytes | int]:
            return [
                OUTCOME_NUMBER[Outcome.ALREADY_TRACKED]
                if self._tracker.is_tracked(destination)
                else answer(destination, index, charset, opted_out=index - first in marked)
                for destination, index in zip(destinations, indexes, strict=True)
            ]

        return resolve

    def _mint(self, destination: bytes, index: int, charset: Charset, *, opted_out: bool) -> bytes | int:
        exact = charset.percent_encode_query(destination).decode()
        for unique in dict.fromkeys(
            (self._with_utm(exact, opted_out), exact)
        ):  # campaign parameters must not cost the link
            try:
                link = self._tracker.mint(unique, index)
            except RefusedValue:
                continue
            self.short_destinations.update({index: unique} if self._uses_short_links else {})
            return link.encode()
        return OUTCOME_NUMBER[Outcome.TOO_LONG_DESTINATION]

    def _add_utm(self, destination: bytes, _index: int, charset: Charset, *, opted_out: bool) -> bytes | int:
        before = destination.decode()
        tagged = self._with_utm(before, opted_out)
        try:
            value = tagged.replace("&", "&amp;").encode(charset.codec)
        except UnicodeEncodeError:
            return OUTCOME_NUMBER[Outcome.DECLINED]
        return OUTCOME_NUMBER[Outcome.DECLINED] if tagged == before or not _fits_attribute(tagged) else value

    def _with_utm(self, destination: str, opted_out: bool) -> str:
        return destination if opted_out else utm.add_parameters(destination, self._utm_parameters, self._utm_hosts)


def make_dry_run_tracker(ring: KeyRing, base_url: str, policy: TrackingPolicy) -> Tracker:
    """A tracker for a dry run, with links as long as those of a message under this policy."""
    return Tracker(
        ring,
        base_url,
        message=(1 << NUMBER_BITS) - 1,
        privacy=Privacy.FULL if policy.privacy is Privacy.NONE else policy.privacy,
        style=policy.link_style,
    )


def tracker_for_message(ring: KeyRing, base_url: str, message: Mapping[Any, Any]) -> Tracker:
    """A tracker whose links are as long as those of an accepted message, whose row this is; its style is not kept, and
    sealed links are the longer ones.
    """
    privacy = Privacy(message["privacy"])
    return Tracker(
        ring,
        base_url,
        message=message["number"],
        campaign=campaign_from_tags(
            tuple(message["tags"]), sandbox=message["sandbox_result"] is not None, internal=message["internal"]
        ),
        privacy=Privacy.FULL if privacy is Privacy.NONE else privacy,
    )


def campaign_from_tags(tags: tuple[str, ...], *, sandbox: bool = False, internal: bool = False) -> str | None:
    """What anonymous links carry in place of their message: the first tag that fits into a token, or that it is one of
    the sandbox, whose clicks count nowhere, or one to the sender's own people.
    """
    tag = campaign_tags.first_encodable_tag(tags)
    if sandbox:
        return campaign_tags.SANDBOX_TAG
    if internal:
        return campaign_tags.INTERNAL_TAG
    return None if tag is None else campaign_tags.encode_tag(tag)


class HtmlLinkReplacer:
    """Replaces the links of HTML pages; scans a page that comes again once for all further recipients."""

    def __init__(self) -> None:
        self._page: tuple[str, Switches] | None = None  # the last one
        self._plan: Plan[str] | None = None  # of that page: finding its links for one recipient alone costs less

    def replace(self, html: str, message_links: MessageLinks, policy: TrackingPolicy) -> bytes:
        """The page with its links replaced, and with its pixel and hidden link put in, as UTF-8."""
        if message_links.links is None:
            page = html.encode()
        else:
            page, count = self._replace_links(html, message_links.links, policy.switches)
            message_links.count_replaced(count)
        unseen = b"".join(make_hidden_tags(message_links.pixel, message_links.honeypot))
        return insert_tags(page, unseen, policy.switches) if unseen else page

    def _replace_links(self, html: str, links: Links | DocumentLinks, switches: Switches) -> tuple[bytes, int]:
        """The page as UTF-8, and how many links were replaced."""
        if self._page is None or self._page[1] is not switches or self._page[0] != html:
            self._page, self._plan = (html, switches), None
            data = html.encode()
            replacements = LinkReplacements(data, links, switches=switches, collect_links=False).replacements
            return _mime.splice(data, replacements), len(replacements)
        if self._plan is None:
            self._plan = Plan(html, switches=switches)
        return self._plan.render_encoded(links)


def _utm_parameters(utm_settings: UtmSettings | None) -> tuple[tuple[str, str], ...]:
    if utm_settings is None:
        return ()
    parameters = {name: getattr(utm_settings, name) for name in ("source", "medium", "campaign", "term", "content")}
    return tuple((f"utm_{name}", value) for name, value in parameters.items() if value)


def _fits_attribute(text: str) -> bool:
    return not re.search(r"[\"'\x00-\x1f\x7f]", text)

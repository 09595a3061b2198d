"""The rules by which people are told from machines: one table, and nothing else.

Each rule has a stable code, what it looks at, and a sentence. A rule with a `verdict` is decisive: the first that
applies ends the matter. Every other one has a `weight`, the natural logarithm of how many times likelier what it sees
is of a machine than of a person (negative: of a person). Weights add up. A rule that is not `strong` can make a hit
unsure but never a machine's, however many of its kind come together: none of them is beyond a person. A strong one of
less than SUFFICIENT_WEIGHT needs a second hint of another kind.
"""

from collections.abc import Callable
from dataclasses import dataclass

from linkweir.clicks import header_signals
from linkweir.clicks.classify.classification import HONEYPOT, OPEN, Verdict
from linkweir.clicks.classify.features import HitFeatures
from linkweir.clicks.classify.rule_conditions import (
    LATER_SECONDS,
    MINUTES_SECONDS,
    SOON_SECONDS,
    SPREAD_BOUNDS,
    covers_most_links,
    has_even_pace,
    has_long_scanner_history,
    has_other_networks,
    has_reader_history,
    has_readers_around,
    has_reading_pauses,
    has_scanner_fleet,
    has_scanner_history,
    has_signal,
    has_some_reader_history,
    has_user_agent_class,
    is_burst,
    is_burst_pair,
    is_click_check,
    is_data_centre_soon,
    is_delivered_between,
    is_early_in_order,
    is_echo,
    is_half_of_many,
    is_late_single_link,
    is_later_reading,
    is_multi_source_drip,
    is_new_in_scanner_fleet,
    is_plain_echo,
    is_plain_sweep,
    is_quick_pair,
    is_quick_reading,
    is_quick_run,
    is_rapid,
    is_rarely_named_browser,
    is_scattered_sweep,
    is_shared_sweep,
    is_single_minutes_later,
    is_single_source_drip,
    is_slow_sweep,
    is_soon_of_several,
    is_spray,
    is_sweep,
    lacks_browser_headers,
    lacks_compression,
    lacks_language,
    lacks_some_headers,
    never_sends_fetch_headers,
)

PRIOR_WEIGHT = -0.5  # of a click of which nothing strange is known: a machine's would have shown itself in most cases
OPEN_PRIOR_WEIGHT = -0.4  # of an open, which shows little of whoever made it
SUFFICIENT_WEIGHT = 3.0  # below it a rule is one hint: some people do this, or their browser or network does
MIN_HINT_WEIGHT = 0.7
RUN, DELIVERY = "run", "delivery"
HINTS = {
    **dict.fromkeys(("time", "coverage", "time and coverage", "coverage and order", "sources and coverage"), RUN),
    "network and time": "network",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table."""

    code: str
    basis: str
    matches: Callable[[HitFeatures], bool]
    sentence: str
    weight: float = 0.0
    strong: bool = False
    verdict: Verdict | None = None
    confidence: float = 0.0
    uses_reputation: bool = False  # looks at other messages: what it says is not remembered in turn
    corroborates: bool = False  # a hint in spite of its weight, which is small because people do it, too

    @property
    def hint(self) -> str:
        """What it goes by, where that speaks for a machine; rules with the same one are no two hints."""
        is_hint = self.corroborates or self.weight >= MIN_HINT_WEIGHT
        return HINTS.get(self.basis, self.basis) if is_hint else ""

    @property
    def sufficient(self) -> bool:
        """Whether it needs no second hint."""
        return self.strong and self.weight >= SUFFICIENT_WEIGHT


RULES = (
    # whose, before anything else is looked at
    Rule("internal-network", "account settings", lambda features: features.hit.internal == "network",
         "The address belongs to the account's internal networks.", verdict="internal", confidence=1.0),
    Rule("internal-recipient", "account settings", lambda features: features.hit.internal == "recipient",
         "The message went to one of the account's internal recipients.", verdict="internal", confidence=1.0),
    # decisive
    Rule("head", "method", lambda features: features.hit.method == "HEAD",
         "The request used HEAD; browsers follow links with GET.", verdict="machine", confidence=0.99),
    Rule("honeypot", "link", lambda features: features.hit.kind == HONEYPOT,
         "The hidden link, which no reader can see, was followed.", verdict="machine", confidence=0.99),
    Rule("honeypot-source", "link", lambda features: features.client_hit_honeypot,
         "The same program at the same address followed the hidden link.", verdict="machine", confidence=0.99),
    Rule("prefetch", "headers", lambda features: features.hit.prefetch,
         "The request said that it was a prefetch, made before a person opens the page.",
         verdict="prefetch", confidence=0.98),
    # how the links were followed
    Rule("burst", "time", is_burst,
         "Several links of the message were followed within about a second.", 6.1, strong=True),
    Rule("burst-pair", "time", is_burst_pair,
         "Two links of the message were followed within a fraction of a second.", 4.0, strong=True),
    Rule("quick-pair", "time", is_quick_pair,
         "Two links were followed faster than most people can.", 2.7, strong=True),
    Rule("quick-run", "time", is_quick_run,
         "Three links were followed faster than most people can.", 1.8, strong=True),
    Rule("rapid", "time", is_rapid,
         "Many links were followed within a few seconds.", 2.5, strong=True),
    Rule("sweep", "time and coverage", is_sweep,
         "Most links were followed one after the other, without a pause to look at any.", 1.1, strong=True),
    Rule("slow-sweep", "coverage and order", is_slow_sweep,
         "Most links were followed from the top of the message to its end.", 0.5, strong=True),
    Rule("most-links", "coverage", covers_most_links,
         "Nearly all of many links were followed, each of them once.", 0.6, strong=True),
    Rule("plain-sweep", "time and coverage", is_plain_sweep,
         "Most links were followed, but by a usual browser, and at a time when few scanners come.", 0.4),
    Rule("half-of-many", "coverage", is_half_of_many,
         "The same program followed at least half of many links, minutes apart at most.", 1.2),
    Rule("in-order-early", "coverage and order", is_early_in_order,
         "Links were followed from the top of the message on, within five minutes of delivery.", 0.9),
    Rule("several-networks", "sources and coverage", has_other_networks,
         "Links of the message were followed from several networks at about this time.", 0.8),
    Rule("even-pace", "time", has_even_pace,
         "The links were followed at even intervals, as by a timer.", 3.0, strong=True),
    Rule("scattered-sweep", "sources and coverage", is_scattered_sweep,
         "The same program followed most links from several networks, a part from each.", 4.0, strong=True),
    Rule("shared-sweep", "sources and coverage", is_shared_sweep,
         "Several networks together followed nearly all links, each of them once.",
         3.0, strong=True),  # enough by itself within five minutes of delivery only
    Rule("drip", "sources and coverage", is_multi_source_drip,
         "The same program followed most links from several networks, minutes apart.", 5.0, strong=True),
    Rule("slow-drip", "coverage", is_single_source_drip,
         "The same program followed most links within half an hour, each once, with requests that no usual "
         "browser sends.",
         1.0, strong=True),
    Rule("spray", "sources and coverage", is_spray,
         "Many links were followed within half an hour, nearly every one from another network.", 3.0, strong=True),
    Rule("beside-owner", "network and time", lambda features: features.owner_swept,
         "Other addresses of the same network owner followed other links in quick succession at about this time.",
         1.8, strong=True),
    Rule("click-check", "time and sources", is_click_check,
         "Another client, which looks more like a reader, followed this link from elsewhere within the same seconds.",
         3.0, strong=True),
    Rule("echo", "time and sources", is_echo,
         "Another client, which looks more like a reader, had just followed this link from elsewhere.",
         3.0, strong=True),
    Rule("plain-echo", "time and sources", is_plain_echo,
         "Another client followed this link from elsewhere at about the same time; both look like readers.", 3.4),
    Rule("beside-sweep", "source", lambda features: features.client_swept,
         "The same program at the same address followed the message's links in quick succession at about this time.",
         1.2),
    Rule("head-beside", "method and source",
         lambda features: features.preceded_by_head and features.hit.method != "HEAD",
         "The same source requested this link with HEAD at about this time.", 4.0, strong=True),
    Rule("odd-method", "method", lambda features: features.hit.method not in ("GET", "HEAD"),
         "The request used a method that no browser uses to follow a link.", 4.0, strong=True),
    # where from
    Rule("spread-wide", "source", lambda features: features.recipients_on_ip >= SPREAD_BOUNDS[1],
         "This address followed links of very many recipients at about this time.", 1.5),
    Rule("spread", "source", lambda features: SPREAD_BOUNDS[0] <= features.recipients_on_ip < SPREAD_BOUNDS[1],
         "This address followed links of many recipients at about this time.", 0.8),
    Rule("network-certain", "network",
         lambda features: features.hit.network is not None and features.hit.network_certain,
         "The address belongs to a network of scanners.", 5.0, strong=True),
    Rule("network-probable", "network",
         lambda features: features.hit.network is not None and not features.hit.network_certain,
         "The address belongs to a data centre; people come from there only through relays.", 0.8),
    Rule("data-centre-soon", "network and time", is_data_centre_soon,
         "Followed from a data centre within five minutes of delivery; no person has been seen to click from "
         "there that early.",
         1.2, strong=True, uses_reputation=True),
    Rule("known-fleet", "other messages", has_scanner_fleet,
         "Programs with the same headers, in networks of the same owner, scanned the links of other messages.",
         1.9, strong=True, uses_reputation=True),
    Rule("new-in-fleet", "other messages", is_new_in_scanner_fleet,
         "Programs with the same headers, in networks of the same owner, scanned other messages; nothing is known of "
         "this one.", 1.7, strong=True, uses_reputation=True),
    Rule("known-scanner", "other messages",
         lambda features: has_scanner_history(features) and not has_long_scanner_history(features),
         "The same program from the same network recently scanned the links of other messages.",
         2.6, strong=True, uses_reputation=True),
    Rule("long-known-scanner", "other messages", has_long_scanner_history,
         "The same program from the same network scanned the links of many messages, and followed none as a person "
         "does.", 4.8, strong=True, uses_reputation=True),
    # by what
    Rule("agent-bot", "user agent", has_user_agent_class("bot"),
         "The user agent names a robot.", 6.0, strong=True),
    Rule("agent-library", "user agent", has_user_agent_class("library"),
         "The user agent names an HTTP library.", 6.0, strong=True),
    Rule("agent-automation", "user agent", has_user_agent_class("automation"),
         "The user agent names an automated browser.", 6.0, strong=True),
    Rule("agent-preview", "user agent", has_user_agent_class("preview"),
         "The user agent names a service that makes previews of links.", 6.0, strong=True),
    Rule("not-a-browser", "headers", lacks_browser_headers,
         "Several headers that the named browser always sends are missing.", 1.0, strong=True),
    Rule("few-browser-headers", "headers", lacks_some_headers,
         "One or two headers that the named browser always sends are missing.", 0.3),
    Rule("false-client-hints", "headers", has_signal(header_signals.FALSE_CLIENT_HINTS),
         "The request headers name another browser than the user agent does.", 2.6, strong=True),
    Rule("old-browser", "user agent", has_signal(header_signals.OLD_BROWSER),
         "The browser version named was superseded more than a year ago; people's browsers update themselves.",
         1.5, strong=True),
    Rule("aged-browser", "user agent", has_signal(header_signals.AGED_BROWSER),
         "The browser version named was superseded months ago; people's browsers update themselves.", 0.1),
    Rule("no-user-agent", "headers", has_signal(header_signals.NO_USER_AGENT),
         "The request named no user agent.", 1.9, strong=True),
    Rule("no-accept", "headers", has_signal(header_signals.NO_ACCEPT),
         "The Accept header, which browsers send, was missing.", 1.0),
    Rule("no-accept-language", "headers", lacks_language,
         "The Accept-Language header, which browsers send, was missing.", 2.2, strong=True),
    Rule("no-accept-encoding", "headers", has_signal(header_signals.NO_ACCEPT_ENCODING),
         "The Accept-Encoding header, which browsers send, was missing.", 0.8),
    Rule("no-compression", "headers", lacks_compression,
         "The Accept-Language header and the Brotli compression, which the named browser sends, were missing.",
         2.2, strong=True),
    Rule("no-sec-fetch", "headers", has_signal(header_signals.NO_SEC_FETCH),
         "The Sec-Fetch headers, which newer browsers send, were missing.", 0.4),
    Rule("not-navigation", "headers", has_signal(header_signals.NOT_NAVIGATION),
         "The request headers say that a script fetched this, not that a page was opened.", 1.2),
    Rule("old-http", "headers", has_signal(header_signals.HTTP_1_0),
         "The request used HTTP/1.0, which no current browser does.", 0.3),
    # when
    Rule("before-delivery", DELIVERY, is_delivered_between(-20.0, 0.0),
         "The message had not been delivered yet.", 3.5, strong=True),
    Rule("at-once", DELIVERY, is_delivered_between(0.0, 2.0),
         "Followed as soon as the message was delivered.", 1.6),
    Rule("soon", DELIVERY, is_delivered_between(2.0, SOON_SECONDS),
         "Followed within a minute of delivery, when scanners come.", 0.1, corroborates=True),
    Rule("soon-several", DELIVERY, is_soon_of_several,
         "A link of a message with several was followed within a minute of delivery.", 1.8),
    Rule("within-minutes", DELIVERY, is_delivered_between(SOON_SECONDS, MINUTES_SECONDS),
         "Followed within five minutes of delivery.", 0.2),
    Rule("later", DELIVERY, is_delivered_between(MINUTES_SECONDS, LATER_SECONDS),
         "Followed at a time when few scanners still come.", -0.1),
    Rule("much-later", DELIVERY, is_delivered_between(LATER_SECONDS, float("inf")),
         "Followed long after delivery.", -1.3),
    # what people do
    Rule("minutes-later-alone", "time and coverage", is_single_minutes_later,
         "Only this one of several links was followed, minutes after delivery.", -1.7),
    Rule("quick-reading", "time", is_quick_reading,
         "Links were opened one after another when few scanners come.", -1.3),
    Rule("later-reading", "time", is_later_reading,
         "Several links were followed some hours after delivery.", -1.3),
    Rule("late-alone", "time and coverage", is_late_single_link,
         "No other link was followed at about this time, long after delivery.", -0.8),
    Rule("one-link", "coverage", lambda features: features.only_link_clicked and features.link_count >= 3,
         "Only this one of several links was followed.", -0.6),
    Rule("read-between", "time", has_reading_pauses,
         "There was time to look at each link before the next was followed.", -0.5),
    Rule("known-readers", "other messages", has_reader_history,
         "Requests like this from this network, or others of its owner, followed links of other messages as people do.",
         -3.6, uses_reputation=True),
    Rule("known-reader", "other messages", has_some_reader_history,
         "The same program from the same network followed a link of another message as a person does.",
         -2.4, uses_reputation=True),
    Rule("readers-around", "other messages", has_readers_around,
         "Similar browsers from neighbouring networks followed links of other messages as people do.",
         -1.1, uses_reputation=True),
    Rule("same-again", "time", lambda features: features.repeated and features.only_link_clicked,
         "The same link was followed twice, as with a double click.", -1.1),
    Rule("rarely-named", "user agent and headers", is_rarely_named_browser,
         "A current Edge, Firefox or Safari with all its headers; nearly all scanners claim to be Chrome.", -1.6),
    Rule("no-fetch-browser", "user agent and headers", never_sends_fetch_headers,
         "An older browser, or one inside an app, with all the headers that it sends.", -1.8),
    Rule("on-the-move", "user agent", lambda features: features.hit.device in ("phone", "tablet"),
         "Followed on a phone or tablet, which few scanners claim to be.", -2.0),
)  # fmt: skip
# An open is judged by what its own request says: images are fetched for people by proxies, at any time and pace.
OPEN_RULES = {"head", "prefetch", "odd-method", "network-certain", "agent-bot", "agent-library", "agent-automation"}
VERDICT_REASONS = {rule.code: rule.sentence for rule in RULES}


def prior_weight(kind: str) -> float:
    """The weight that a hit of this kind begins with."""
    return OPEN_PRIOR_WEIGHT if kind == OPEN else PRIOR_WEIGHT

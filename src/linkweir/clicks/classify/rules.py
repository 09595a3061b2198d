"""The rules by which people are told from machines: one table, and nothing else.

Each rule has a stable code, what it looks at, and a sentence. A rule with a `verdict` is decisive: the first that
applies ends the matter. Every other one has a `weight`, the natural logarithm of how many times likelier what it sees
is of a machine than of a person (negative: of a person). Weights add up. A rule that is not `strong` can make a hit
unsure but never a machine's, however many of its kind come together: none of them is beyond a person. A strong one of
less than SUFFICIENT_WEIGHT needs a second hint of another kind.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from linkweir.clicks import header_signals
from linkweir.clicks.classify.classification import CLICK, HONEYPOT, OPEN, Evidence, Hit, Reputation, Verdict
from linkweir.clicks.classify.features import CLICK_CHECK_US, HitFeatures
from linkweir.clock import SECOND_US

PRIOR_WEIGHT = -1.0  # of a click of which nothing strange is known: a machine's would have shown itself in most cases
OPEN_PRIOR_WEIGHT = -0.4  # of an open, which shows little of whoever made it
SOON_SECONDS, MINUTES_SECONDS, LATER_SECONDS = (
    60.0,
    300.0,
    1800.0,
)  # seconds since delivery: of 836 measured sweeps 69 %, 28 %, 2 %, 0.1 %


PEOPLE_RATIO = 6  # people click from a data centre if they do so in more than a seventh of its messages
SCANNER_RATIO = 8  # a program is a scanner's if it was a machine at least that many times as often as a person
STRANGE_SIGNALS = (
    header_signals.NO_ACCEPT_LANGUAGE,
    header_signals.LACKS_HTML,
    header_signals.OLD_BROWSER,
    header_signals.AGED_BROWSER,
)
RELAYED_BROWSERS = ("Safari", "Mobile Safari")
LONG_HISTORY_US = 12 * 3600 * SECOND_US  # by then people from the same place and with the same browser would have shown


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

    @property
    def hint(self) -> str:
        """What it goes by, where that speaks for a machine; rules with the same one are no two hints."""
        return HINTS.get(self.basis, self.basis) if self.weight >= MIN_HINT_WEIGHT else ""

    @property
    def sufficient(self) -> bool:
        """Whether it needs no second hint."""
        return self.strong and self.weight >= SUFFICIENT_WEIGHT


def _has_user_agent_class(name: str) -> Callable[[HitFeatures], bool]:
    # from the user agent, or as it was noted at the redirect where the user agent may not be kept
    signal = f"agent-{name}"
    return lambda features: features.hit.user_agent_class == name or features.has_signal(signal)


def _is_delivered_between(least: float, most: float) -> Callable[[HitFeatures], bool]:
    return lambda features: (age := features.age_seconds) is not None and least <= age < most


def _has_signal(code: str) -> Callable[[HitFeatures], bool]:
    return lambda features: features.has_signal(code)


def _is_burst(features: HitFeatures) -> bool:
    return features.links_in_window.get("half", 0) >= 3 or features.links_in_window.get("moment", 0) >= 4


def _is_burst_pair(features: HitFeatures) -> bool:
    return not _is_burst(features) and features.links_in_window.get("blink", 0) >= 2


def _is_quick_pair(features: HitFeatures) -> bool:
    pair = not _is_burst(features) and not _is_burst_pair(features) and features.links_in_window.get("half", 0) >= 2
    return pair and _is_suspect(features)


def _is_quick_run(features: HitFeatures) -> bool:
    run = not _is_burst(features) and features.links_in_window.get("moment", 0) >= 3
    return run and _is_suspect(features)


def _is_suspect(features: HitFeatures) -> bool:
    """Whether scanners come at this time or look like this: a plain browser's tabs are as quick as some of them."""
    age = features.age_seconds
    return age is None or age < MINUTES_SECONDS or _is_strange(features)


def _is_rapid(features: HitFeatures) -> bool:
    return not _is_burst(features) and features.links_in_window.get("breath", 0) >= 6


def _is_sweep(features: HitFeatures) -> bool:
    run = features.run
    sweep = run.links >= 4 and features.coverage(run) >= 0.75 and run.longest_pause <= 3.0 and not run.repeats
    return sweep and _is_suspect(features)


def _is_slow_sweep(features: HitFeatures) -> bool:
    run = features.run
    sweep = run.links >= 5 and features.coverage(run) >= 0.75 and run.ascending and not run.repeats
    return sweep and _is_suspect(features)


def _covers_most_links(features: HitFeatures) -> bool:
    return _opens_most_links(features) and not _is_reading(features) and _is_suspect(features)


def _opens_most_links(features: HitFeatures) -> bool:
    run = features.run
    return run.links >= 8 and features.coverage(run) >= 0.75 and not run.repeats


def _is_plain_sweep(features: HitFeatures) -> bool:
    run = features.run
    many = run.links >= 4 and features.coverage(run) >= 0.75 and not run.repeats
    return many and not _is_reading(features) and not _is_suspect(features)


def _has_even_pace(features: HitFeatures) -> bool:
    run = features.run
    return run.links >= 6 and run.pace_variation < 0.1


def _is_scattered_sweep(features: HitFeatures) -> bool:
    run = features.user_agent_run
    many = (
        run.source_count >= 3
        and run.links >= 3
        and run.source_count >= 0.6 * run.links
        and features.coverage(run) >= 0.6
    )
    return many and not run.repeats and not features.excess_readers and not _may_roam(features)


def _is_shared_sweep(features: HitFeatures) -> bool:
    run, links = features.everyone_run, features.evidence.link_count
    most = links is not None and run.links >= max(4, 0.85 * links)  # of the true number: a few links meet by chance
    shared = most and run.source_count >= 3 and not run.repeats and not features.excess_readers
    return shared and not _may_roam(features)


def _lacks_browser_headers(features: HitFeatures) -> bool:
    if not features.hit.signals:
        return False
    if features.has_signal(header_signals.LACKS_SEC_FETCH) and features.has_signal(header_signals.NO_ACCEPT_LANGUAGE):
        return True
    return _count_lacking(features) >= 3


def _lacks_some_headers(features: HitFeatures) -> bool:
    return not _lacks_browser_headers(features) and _count_lacking(features) >= 1


def _count_lacking(features: HitFeatures) -> int:
    return sum(features.has_signal(code) for code in header_signals.LACKS) if features.hit.signals else 0


def _is_multi_source_drip(features: HitFeatures) -> bool:
    run = features.drip_run
    return _is_drip(features) and run.source_count >= 3 and not _may_roam(features)


def _may_roam(features: HitFeatures) -> bool:
    """A phone, or a browser behind Apple's relay: their addresses change from click to click, and few scanners claim to
    be one.
    """
    hit = features.hit
    apple = hit.client in RELAYED_BROWSERS and not _has_strange_headers(features)
    return hit.network is None and (hit.device in ("phone", "tablet") or apple)


def _is_single_source_drip(features: HitFeatures) -> bool:
    """Somebody who opens all links looks the same, but for what is strange about the request itself."""
    age = features.age_seconds
    early = age is None or age < LATER_SECONDS
    return (
        early
        and not _is_reading(features)
        and _is_drip(features)
        and features.drip_run.source_count < 3
        and _is_strange(features)
    )


def _is_strange(features: HitFeatures) -> bool:
    return features.hit.network is not None or _has_strange_headers(features)


def _has_strange_headers(features: HitFeatures) -> bool:
    return any(features.has_signal(code) for code in STRANGE_SIGNALS)


def _lacks_language(features: HitFeatures) -> bool:
    return features.has_signal(header_signals.NO_ACCEPT_LANGUAGE) and not _lacks_browser_headers(features)


def _has_reader_history(features: HitFeatures) -> bool:
    """A record of people; one of whole networks only for what is odd there, since a plain browser is everywhere."""
    odd = features.hit.signals or features.hit.network is not None
    return _is_of_people(features.reputation) or bool(odd and _is_of_people(features.fleet))


def _has_readers_around(features: HitFeatures) -> bool:
    return _is_of_people(features.fleet) and not _has_reader_history(features)


def _is_of_people(record: Reputation | None) -> bool:
    return record is not None and record.human_messages >= max(2, 2 * record.machine_messages)


def _is_drip(features: HitFeatures) -> bool:
    run, links = features.drip_run, features.evidence.link_count or features.link_count
    return run.links >= max(4, 0.5 * links) and not run.repeats and not features.excess_readers


def _is_spray(features: HitFeatures) -> bool:
    """Many networks for one reader's mail, each of which took hardly more than a link, and hardly any link twice."""
    run, links = features.everyone_drip_run, features.evidence.link_count or features.link_count
    few = run.repeats * 3 <= run.links and not features.excess_readers and not _may_roam(features)
    return few and run.source_count >= 4 and run.links >= max(4, 0.4 * links) and run.source_count >= 0.5 * run.links


def _is_click_check(features: HitFeatures) -> bool:
    gap = features.echo_gap_us
    return gap is not None and gap <= CLICK_CHECK_US and _is_strange(features)


def _is_echo(features: HitFeatures) -> bool:
    gap = features.echo_gap_us
    return gap is not None and gap > CLICK_CHECK_US and _is_strange(features)


def _is_plain_echo(features: HitFeatures) -> bool:
    return features.echo_gap_us is not None and not _is_strange(features)


def _has_scanner_fleet(features: HitFeatures) -> bool:
    """A fleet of scanners; where the client itself is known as one, that is the same past and counts once."""
    fleet = _is_of_scanners(features.fleet, least=4) and not _has_scanner_history(features)
    age = features.age_seconds  # people come from clouds, too, but not when scanners do
    return fleet and (age is None or age < MINUTES_SECONDS or _has_strange_headers(features))


def _is_of_scanners(record: Reputation | None, *, least: int) -> bool:
    """A record of scanning, and hardly any of people: they may be there too, with the same browser."""
    return (
        record is not None
        and record.machine_messages >= least
        and record.human_messages * SCANNER_RATIO <= record.machine_messages
    )


def _is_data_centre_soon(features: HitFeatures) -> bool:
    """From a data centre when scanners come, unless people click from there as this one does."""
    hit, age, record = features.hit, features.age_seconds, features.fleet
    if hit.network is None or hit.network_certain or age is None or not age < MINUTES_SECONDS:
        return False
    if hit.device in ("phone", "tablet"):
        return False
    if record is None:  # an isolating browser is a current one, and complete
        return _has_strange_headers(features)
    return record.human_messages * PEOPLE_RATIO <= record.machine_messages


def _is_late_single_link(features: HitFeatures) -> bool:
    age = features.age_seconds
    return age is not None and age >= LATER_SECONDS and features.only_link_clicked and features.echo_gap_us is None


def _is_reading(features: HitFeatures) -> bool:
    """Somebody who reads each page; scanners in data centres pause, too."""
    return features.hit.network is None and _has_reading_pauses(features)


def _has_reading_pauses(features: HitFeatures) -> bool:
    run = features.run
    return run.links >= 2 and run.shortest_pause >= 4.0 and run.longest_pause >= 12.0 and run.pace_variation > 0.3


def _has_scanner_history(features: HitFeatures) -> bool:
    return _is_of_scanners(features.reputation, least=2)


def _has_long_scanner_history(features: HitFeatures) -> bool:
    record = features.reputation
    return (
        record is not None
        and record.machine_messages >= 8
        and not record.human_messages
        and record.age_us >= LONG_HISTORY_US
    )


def is_machine_run(features: HitFeatures) -> bool:
    """Whether the links were run through as no person does it: what taints the source's other hits."""
    return any(test(features) for test in (_is_burst, _is_rapid, _is_scattered_sweep, _has_even_pace))


RULES = (
    # whose, before anything else is looked at
    Rule("internal-network", "account settings", lambda features: features.hit.internal == "network",
         "The address belongs to the account's internal networks.", verdict="internal", confidence=1.0),
    Rule("internal-recipient", "account settings", lambda features: features.hit.internal == "recipient",
         "The message went to one of the account's internal recipients.", verdict="internal", confidence=1.0),
    # decisive
    Rule("head", "method", lambda features: features.hit.method == "HEAD",
         "A HEAD request: browsers follow links by GET.", verdict="machine", confidence=0.99),
    Rule("honeypot", "link", lambda features: features.hit.kind == HONEYPOT,
         "The hidden link was followed, which no reader can see.", verdict="machine", confidence=0.99),
    Rule("honeypot-source", "link", lambda features: features.client_hit_honeypot,
         "The same program at the same address followed the hidden link.", verdict="machine", confidence=0.99),
    Rule("prefetch", "headers", lambda features: features.hit.prefetch,
         "The request said that it fetches ahead of a reader.", verdict="prefetch", confidence=0.98),
    # how the links were followed
    Rule("burst", "time", _is_burst,
         "Several links of the message were followed within about a second.", 6.0, strong=True),
    Rule("burst-pair", "time", _is_burst_pair,
         "Two links of the message were followed within a fraction of a second.", 4.0, strong=True),
    Rule("quick-pair", "time", _is_quick_pair,
         "Two links were followed faster than most people can.", 2.2, strong=True),
    Rule("quick-run", "time", _is_quick_run,
         "Three links were followed faster than most people can.", 1.8, strong=True),
    Rule("rapid", "time", _is_rapid,
         "Many links were followed within a few seconds.", 2.5, strong=True),
    Rule("sweep", "time and coverage", _is_sweep,
         "Most links were followed one after the other, without a pause to look at any.", 1.4, strong=True),
    Rule("slow-sweep", "coverage and order", _is_slow_sweep,
         "Most links were followed from the top of the message to its end.", 1.2, strong=True),
    Rule("most-links", "coverage", _covers_most_links,
         "Nearly all of many links were followed, each of them once.", 1.5, strong=True),
    Rule("plain-sweep", "time and coverage", _is_plain_sweep,
         "Most links were followed, but by a usual browser and when few scanners come.", 0.4),
    Rule("even-pace", "time", _has_even_pace,
         "The links were followed in the even rhythm of a clock.", 3.0, strong=True),
    Rule("scattered-sweep", "sources and coverage", _is_scattered_sweep,
         "The same program followed most links from several networks, a part from each.", 4.0, strong=True),
    Rule("shared-sweep", "sources and coverage", _is_shared_sweep,
         "Nearly all links were followed, each of them once, and several networks shared them.",
         3.0, strong=True),  # enough by itself within five minutes of delivery only
    Rule("drip", "sources and coverage", _is_multi_source_drip,
         "The same program followed most links from several networks, minutes apart.", 5.0, strong=True),
    Rule("slow-drip", "coverage", _is_single_source_drip,
         "The same program followed most links within half an hour, each once, and its request is no usual browser's.",
         2.3, strong=True),
    Rule("spray", "sources and coverage", _is_spray,
         "Many links were followed within half an hour, nearly each of them from another network.", 3.6, strong=True),
    Rule("beside-owner", "network and time", lambda features: features.owner_swept,
         "Other addresses of the same network's owner ran through other links at about this time.", 2.2, strong=True),
    Rule("click-check", "time and sources", _is_click_check,
         "Another client followed this link from elsewhere in the same seconds, and looks more like a reader.",
         4.0, strong=True),
    Rule("echo", "time and sources", _is_echo,
         "Another client had just followed this link from elsewhere, and looks more like a reader.", 3.5, strong=True),
    Rule("plain-echo", "time and sources", _is_plain_echo,
         "Another client followed this link from elsewhere at about the same time; both look like readers.", 2.6),
    Rule("beside-sweep", "source", lambda features: features.client_swept,
         "The same program at the same address ran through the message's links at about this time.", 1.2),
    Rule("head-beside", "method and source",
         lambda features: features.preceded_by_head and features.hit.method != "HEAD",
         "The same source asked for this link by HEAD at about this time.", 4.0, strong=True),
    Rule("odd-method", "method", lambda features: features.hit.method not in ("GET", "HEAD"),
         "A method that no browser uses to follow a link.", 4.0, strong=True),
    # where from
    Rule("spread-wide", "source", lambda features: features.recipients_on_ip >= 25,
         "This address followed links of very many recipients at about this time.", 1.5),
    Rule("spread", "source", lambda features: 6 <= features.recipients_on_ip < 25,
         "This address followed links of many recipients at about this time.", 0.8),
    Rule("network-certain", "network",
         lambda features: features.hit.network is not None and features.hit.network_certain,
         "The address belongs to a network of scanners.", 5.0, strong=True),
    Rule("network-probable", "network",
         lambda features: features.hit.network is not None and not features.hit.network_certain,
         "The address belongs to a data centre; people come from there only through relays.", 1.0),
    Rule("data-centre-soon", "network and time", _is_data_centre_soon,
         "From a data centre, and within five minutes of delivery; people have not been seen to click from there so.",
         1.0, strong=True, uses_reputation=True),
    Rule("known-fleet", "other messages", _has_scanner_fleet,
         "Whatever looks like this in the same owner's networks ran through the links of other messages.",
         1.2, strong=True, uses_reputation=True),
    Rule("known-scanner", "other messages",
         lambda features: _has_scanner_history(features) and not _has_long_scanner_history(features),
         "The same program from the same network ran through the links of other messages lately.",
         2.3, strong=True, uses_reputation=True),
    Rule("long-known-scanner", "other messages", _has_long_scanner_history,
         "The same program from the same network ran through the links of many messages, and followed none as a person "
         "does.", 4.8, strong=True, uses_reputation=True),
    # by what
    Rule("agent-bot", "user agent", _has_user_agent_class("bot"),
         "The user agent names a robot.", 6.0, strong=True),
    Rule("agent-library", "user agent", _has_user_agent_class("library"),
         "The user agent names an HTTP library.", 6.0, strong=True),
    Rule("agent-automation", "user agent", _has_user_agent_class("automation"),
         "The user agent names a browser that is driven by a program.", 6.0, strong=True),
    Rule("agent-preview", "user agent", _has_user_agent_class("preview"),
         "The user agent names a service that draws previews of links.", 6.0, strong=True),
    Rule("not-a-browser", "headers", _lacks_browser_headers,
         "The browser that is named always sends headers that are missing.", 2.8, strong=True),
    Rule("few-browser-headers", "headers", _lacks_some_headers,
         "Headers that the named browser always sends are missing.", 0.9),
    Rule("false-client-hints", "headers", _has_signal(header_signals.FALSE_CLIENT_HINTS),
         "The request headers name another browser than the user agent does.", 3.0, strong=True),
    Rule("old-browser", "user agent", _has_signal(header_signals.OLD_BROWSER),
         "The named browser was superseded more than a year ago; people's update themselves.", 2.5, strong=True),
    Rule("aged-browser", "user agent", _has_signal(header_signals.AGED_BROWSER),
         "The named browser was superseded months ago; people's update themselves.", 0.3),
    Rule("no-user-agent", "headers", _has_signal(header_signals.NO_USER_AGENT),
         "No user agent was named.", 3.0, strong=True),
    Rule("no-accept", "headers", _has_signal(header_signals.NO_ACCEPT),
         "The Accept header, which browsers send, was missing.", 1.0),
    Rule("no-accept-language", "headers", _lacks_language,
         "The Accept-Language header, which browsers send, was missing.", 1.7, strong=True),
    Rule("no-accept-encoding", "headers", _has_signal(header_signals.NO_ACCEPT_ENCODING),
         "The Accept-Encoding header, which browsers send, was missing.", 0.8),
    Rule("no-sec-fetch", "headers", _has_signal(header_signals.NO_SEC_FETCH),
         "The Sec-Fetch headers, which newer browsers send, were missing.", 0.2),
    Rule("not-navigation", "headers", _has_signal(header_signals.NOT_NAVIGATION),
         "The request headers say that a script fetched this, not that a page was opened.", 1.2),
    Rule("old-http", "headers", _has_signal(header_signals.HTTP_1_0),
         "The request used HTTP/1.0, which no current browser does.", 0.6),
    # when
    Rule("before-delivery", DELIVERY, _is_delivered_between(-20.0, 0.0),
         "The message had not been delivered yet.", 3.5, strong=True),
    Rule("at-once", DELIVERY, _is_delivered_between(0.0, 2.0),
         "Followed as soon as the message was delivered.", 1.6),
    Rule("soon", DELIVERY, _is_delivered_between(2.0, SOON_SECONDS),
         "Followed within a minute of delivery, when scanners come.", 0.8),
    Rule("within-minutes", DELIVERY, _is_delivered_between(SOON_SECONDS, MINUTES_SECONDS),
         "Followed within five minutes of delivery.", 0.6),
    Rule("later", DELIVERY, _is_delivered_between(MINUTES_SECONDS, LATER_SECONDS),
         "Followed when few scanners come any more.", -0.9),
    Rule("much-later", DELIVERY, _is_delivered_between(LATER_SECONDS, float("inf")),
         "Followed long after delivery.", -2.2),
    # what people do
    Rule("late-alone", "time and coverage", _is_late_single_link,
         "Followed long after delivery, and no other link at about this time.", -0.5),
    Rule("one-link", "coverage", lambda features: features.only_link_clicked and features.link_count >= 3,
         "Of several links only this one was followed.", -1.0),
    Rule("read-between", "time", _has_reading_pauses,
         "Between the links there was time to look at them.", -0.9),
    Rule("known-readers", "other messages", _has_reader_history,
         "Whatever looks like this from there followed links of other messages as people do.",
         -3.0, uses_reputation=True),
    Rule("readers-around", "other messages", _has_readers_around,
         "Similar browsers from neighbouring networks followed links of other messages as people do.",
         -0.8, uses_reputation=True),
    Rule("same-again", "time", lambda features: features.repeated and features.only_link_clicked,
         "The same link was followed twice, as with a double click.", -0.7),
    Rule("on-the-move", "user agent", lambda features: features.hit.device in ("phone", "tablet"),
         "Followed on a phone or tablet, which few scanners claim to be.", -1.8),
)  # fmt: skip
# An open is judged by what its own request says: images are fetched for people by proxies, at any time and pace.
OPEN_RULES = {"head", "prefetch", "odd-method", "network-certain", "agent-bot", "agent-library", "agent-automation"}
VERDICT_REASONS = {rule.code: rule.sentence for rule in RULES}


def prior_weight(kind: str) -> float:
    """The weight that a hit of this kind begins with."""
    return OPEN_PRIOR_WEIGHT if kind == OPEN else PRIOR_WEIGHT


# What these look at is missing from most hits of people, and then they need not be asked.
_NEED_NEIGHBOURS = frozenset(
    ("burst", "burst-pair", "quick-pair", "quick-run", "rapid", "sweep", "slow-sweep", "most-links", "even-pace",
     "scattered-sweep", "shared-sweep", "beside-sweep", "head-beside", "drip", "slow-drip", "spray",
     "plain-sweep", "plain-echo", "beside-owner", "click-check", "echo", "read-between", "same-again")
)  # fmt: skip
INTERNAL_RULES = frozenset(("internal-network", "internal-recipient"))  # nothing else is asked of internal hits
_NEED_HISTORY = frozenset(("known-fleet", "known-scanner", "long-known-scanner", "known-readers", "readers-around"))


_REQUEST_BASES = ("headers", "user agent", "method", "network")  # what one request says by itself
REQUEST_CACHE_SIZE = 4096


def matching_codes(features: HitFeatures) -> tuple[str, ...]:
    """The codes of the rules that apply to this hit: those that look at its request alone come first."""
    hit = features.hit
    context = tuple([rule.code for rule in rules_for(features) if rule.matches(features)])
    if hit.internal:
        return context
    shape = _RequestShape(
        hit.kind,
        hit.method,
        hit.prefetch,
        hit.signals,
        features.evidence.common_signals,
        hit.user_agent_class,
        hit.device,
        hit.network,
        hit.network_certain,
    )
    return _match_request(shape) + context


class _RequestShape(NamedTuple):
    """What one request says by itself, and which signals say nothing here."""

    kind: str
    method: str
    prefetch: bool
    signals: tuple[str, ...]
    common_signals: frozenset[str]
    user_agent_class: str | None
    device: str | None
    network: str | None
    network_certain: bool


@lru_cache(REQUEST_CACHE_SIZE)
def _match_request(shape: _RequestShape) -> tuple[str, ...]:
    """The codes of the rules that apply to each request of this shape: few shapes make up most clicks."""
    hit = Hit(
        id=UUID(int=0),
        at=0,
        kind=shape.kind,
        method=shape.method,
        prefetch=shape.prefetch,
        signals=shape.signals,
        user_agent_class=shape.user_agent_class,
        device=shape.device,
        network=shape.network,
        network_certain=shape.network_certain,
    )
    features = HitFeatures(hit, Evidence(common_signals=shape.common_signals))
    return tuple(rule.code for rule in _RULES_BY_KIND[shape.kind] if _is_of_request(rule) and rule.matches(features))


def _is_of_request(rule: Rule) -> bool:
    return rule.basis in _REQUEST_BASES or rule.code == "prefetch"


def rules_for(features: HitFeatures) -> tuple[Rule, ...]:
    """The rules that can apply to this hit and look at more than its request."""
    if features.hit.internal:
        return _INTERNAL
    history = features.reputation is not None or features.fleet is not None
    return _select_rules(features.hit.kind, features.has_neighbours, history)


@lru_cache
def _select_rules(kind: str, neighbours: bool, history: bool) -> tuple[Rule, ...]:
    left_out = frozenset() if neighbours else _NEED_NEIGHBOURS
    left_out |= frozenset() if history else _NEED_HISTORY
    return tuple(rule for rule in _RULES_BY_KIND[kind] if rule.code not in left_out and not _is_of_request(rule))


_INTERNAL = tuple(rule for rule in RULES if rule.code in INTERNAL_RULES)
_RULES_BY_KIND = {
    CLICK: tuple(rule for rule in RULES if rule.code not in INTERNAL_RULES),
    HONEYPOT: tuple(rule for rule in RULES if rule.code in ("head", "honeypot")),
    OPEN: tuple(rule for rule in RULES if rule.code in OPEN_RULES),
}

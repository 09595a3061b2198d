"""What machines of a receiving domain do with a mail: each filter has a home, a release, headers and habits of its own.

How often which filter is met is own judgement, Microsoft's first (clicks.md counts it for about half); every behaviour
names its source, by `citations.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

from bench.simulator.clients import Client, DataCentre, Mail
from bench.simulator.development import browsers, networks

HOUR, DAY = 3600.0, 86_400.0
# When a sweep begins: from, to, per mille (craft-campaign#546).
STARTS = ((2, 10, 5), (10, 20, 22), (20, 60, 664), (60, 300, 283), (300, 1800, 19), (1800, 86_400, 7))
BLOCKS = {
    "microsoft": networks.MICROSOFT_MAIL + networks.AZURE,
    "proofpoint": networks.PROOFPOINT + networks.AWS,
    "mimecast": networks.MIMECAST + networks.AWS,
    "cudalike": networks.BARRACUDA + networks.AWS + networks.GOOGLE_CLOUD,
    "trend": networks.TREND_MICRO + networks.AWS,
    "symantec": networks.SYMANTEC + networks.GOOGLE_CLOUD,
    "cisco": networks.CISCO + networks.AWS,
    "hosted": networks.HOSTERS,
}
# Filters of business domains, per cent, and /24 networks of each: own judgement.
FILTERS = {"microsoft": 44.0, "proofpoint": 12, "mimecast": 10, "cudalike": 8, "trend": 5, "symantec": 4, "cisco": 5}
FILTERS |= {"hosted": 6, "appliance": 6}
NETWORKS = {"microsoft": 240, "proofpoint": 60, "mimecast": 40, "cudalike": 160, "trend": 24, "symantec": 20}
# What a filter does with a mail, per cent of its visits.
MANNERS = {
    "microsoft": {"page-sweep": 42.0, "pair": 24, "single": 12, "quarantine": 8, "head-get": 6, "footer": 8},
    "proofpoint": {"slow-walk": 34.0, "page-sweep": 26, "subset": 26, "single": 14},
    "mimecast": {"walk": 60.0, "head-get": 22, "quarantine": 10, "single": 8},
    "cudalike": {"rotating": 58.0, "first": 24, "single": 18},
    "trend": {"page-sweep": 44.0, "walk": 30, "subset": 26},
    "symantec": {"early-old": 34.0, "walk": 40, "head-get": 26},
    "cisco": {"two-sources": 46.0, "page-sweep": 32, "footer": 22},
    "hosted": {"library": 46.0, "slow-walk": 26, "first": 28},
    "appliance": {"walk": 52.0, "early-old": 20, "page-sweep": 28},
}
LIBRARIES = ("Go-http-client/1.1", "python-httpx/0.27.0", "Java/17.0.9", "node-fetch/1.0", "libwww-perl/6.67", "")
# Headers of a fleet's browsers, per cent of fleets: what the browser sends, that without a language, a library's.
HEADERS = {"whole": 56.0, "no-language": 18, "library": 26}
RELEASES = ((137, 20), (136, 16), (134, 10), (132, 14), (128, 10), (124, 8), (119, 8), (112, 6), (101, 5), (86, 3))


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter as one receiving domain has it: `rescans`, `checks`: parts of visits and of people's clicks."""

    maker: str
    home: DataCentre
    release: int
    headers: str
    manners: dict[str, float]
    covers: float
    rescans: float
    checks: float
    appliance: Client | None = None


def make_home(rng: Random, maker: str) -> DataCentre:
    """A maker's networks, of which a tenth belong to nobody who is known for it (mautic#9798, MembershipReboot#522)."""
    count = NETWORKS.get(maker, 30)
    strange = networks.make_fleet(rng, networks.HOSTERS, max(1, count // 10))
    return DataCentre(networks.make_fleet(rng, BLOCKS[maker], count).networks + strange.networks)


def make_filter(rng: Random, maker: str, homes: dict[str, DataCentre], office: Client) -> Filter:
    """A domain's filter of this maker; of its manners it keeps those that its administrator has switched on."""
    manners = {name: weight * rng.lognormvariate(0, 0.9) for name, weight in MANNERS[maker].items()}
    release = rng.choices([one for one, _ in RELEASES], [part for _, part in RELEASES])[0]
    headers = browsers.pick(rng, HEADERS)
    appliance = None
    if maker == "appliance":
        agent = browsers.CHROME.format(browsers.WINDOWS, release)
        appliance = Client(office.ip, agent, _headers(rng, release, headers), office.http_version)
    return Filter(
        maker,
        homes.get(maker) or DataCentre(("192.0.2",)),
        release,
        headers,
        manners,
        rng.uniform(0.1, 0.7),
        rng.uniform(0, 0.12),
        rng.uniform(0.1, 0.7) if maker == "microsoft" and rng.random() < 0.4 else 0.0,
        appliance,
    )


def _headers(rng: Random, release: int, kind: str) -> dict[str, str]:
    if kind == "library":
        return {"accept": "*/*", "accept-encoding": rng.choice(("gzip, deflate", "gzip"))}
    headers = browsers.chromium_headers(rng, release, "Windows")
    return headers if kind == "whole" else {name: text for name, text in headers.items() if name != "accept-language"}


def make_client(rng: Random, by: Filter, *, release: int | None = None) -> Client:
    """One machine of the fleet."""
    if by.appliance:
        return by.appliance
    number = release or max(80, by.release - rng.choice((0, 0, 0, 1, 2)))
    agent = browsers.CHROME.format(browsers.WINDOWS, number)
    if rng.random() < 0.08:  # gophish#2565: a phone that nobody owns; #2961
        agent = browsers.CHROME_PHONE.format(browsers.ANDROID, number)
    return Client(by.home.random_ip(rng), agent, _headers(rng, number, by.headers))


def _neighbours(rng: Random, client: Client, count: int) -> list[Client]:
    """Machines beside it: gophish#2646."""
    start = client.ip.rpartition(".")[0]
    return [client, *(replace(client, ip=f"{start}.{rng.randint(1, 254)}") for _ in range(count - 1))]


def start_seconds(rng: Random) -> float:
    """Seconds from delivery to a sweep."""
    low, high, _ = rng.choices(STARTS, [part for _, _, part in STARTS])[0]
    return rng.uniform(low, high)


def _sweep(
    rng: Random, mail: Mail, by: Filter, label: str, *, start: float, span: float, links: Sequence[int] | None = None
) -> None:
    """Links within `span` seconds, by neighbours, each one to three times (live-direct, SafeLinks)."""
    clients = _neighbours(rng, make_client(rng, by), 1 if by.appliance else rng.choice((1, 2, 3, 4)))
    for link in links if links is not None else range(mail.links):
        for _ in range(rng.choices((1, 2, 3), (70, 24, 6))[0]):
            mail.add(mail.delivered + start + rng.uniform(0, span), link, rng.choice(clients), f"machine/{label}")


def _page_sweep(rng: Random, mail: Mail, by: Filter) -> None:
    """live-direct (Defender), maincross.net: all links in a browser within ten seconds."""
    _sweep(rng, mail, by, "page-sweep", start=start_seconds(rng), span=rng.choice((0.4, 1.0, 4.0, 10.0)))


def _quarantine(rng: Random, mail: Mail, by: Filter) -> None:
    """suped (how long): the sweep of a mail that was held back."""
    _sweep(rng, mail, by, "quarantine", start=rng.uniform(480, 2400), span=rng.uniform(1, 30))


def _pair(rng: Random, mail: Mail, by: Filter) -> None:
    """animus#31: one link twice within a fraction of a second; onetimesecret#359: from two networks."""
    start, link = mail.delivered + start_seconds(rng), rng.randrange(mail.links)
    one = make_client(rng, by)
    other = one if rng.random() < 0.6 else make_client(rng, by)
    mail.add(start, link, one, "machine/pair")
    mail.add(start + rng.uniform(0.05, 0.9), link, other, "machine/pair")


def _single(rng: Random, mail: Mail, by: Filter) -> None:
    """MillionSend PR#22: single links of the same fleet."""
    mail.add(mail.delivered + start_seconds(rng), rng.randrange(mail.links), make_client(rng, by), "machine/single")


def _first(rng: Random, mail: Mail, by: Filter) -> None:
    """Act-On: the first link only."""
    mail.add(mail.delivered + start_seconds(rng), 0, make_client(rng, by), "machine/first")


def _footer(rng: Random, mail: Mail, by: Filter) -> None:
    """suped (filter), evalanche: certain links, here the first and the footer's."""
    links = sorted({0, mail.links - 1, max(0, mail.links - 2)})
    _sweep(rng, mail, by, "footer", start=start_seconds(rng), span=3.0, links=links)


def _head_get(rng: Random, mail: Mail, by: Filter) -> None:
    """better-auth#9690, cobudget#1274: HEAD, then GET."""
    client, at = make_client(rng, by), mail.delivered + start_seconds(rng)
    for link in range(mail.links):
        mail.add(at, link, client, "machine/head-get", "HEAD")
        mail.add(at + rng.uniform(0.1, 2), link, client, "machine/head-get")
        at += rng.uniform(0, 0.7)


def _walk(rng: Random, mail: Mail, by: Filter) -> None:
    """mautic#9798: one link after the other, about a second each."""
    client, at = make_client(rng, by), mail.delivered + start_seconds(rng)
    pace = rng.uniform(0.4, 4)
    for link in range(mail.links):
        mail.add(at, link, client, "machine/walk")
        at += pace * rng.lognormvariate(0, 0.4)


def _slow_walk(rng: Random, mail: Mail, by: Filter) -> None:
    """suped (how long), gophish#1061: one by one over half an hour, out of order; the pace is own judgement."""
    links, at = rng.sample(range(mail.links), min(mail.links, rng.randint(3, 14))), mail.delivered + start_seconds(rng)
    clients = _neighbours(rng, make_client(rng, by), rng.choice((1, 1, 3)))
    for link in links:
        mail.add(at, link, rng.choice(clients), "machine/slow-walk")
        at += rng.lognormvariate(3.4, 0.8)


def _subset(rng: Random, mail: Mail, by: Filter) -> None:
    """evalanche: certain links of a mail; here some of them within minutes, each by another machine."""
    start = mail.delivered + start_seconds(rng)
    for link in rng.sample(range(mail.links), max(1, round(mail.links * rng.uniform(0.15, 0.6)))):
        mail.add(start + rng.uniform(0, 240), link, make_client(rng, by), "machine/subset")


def _rotating(rng: Random, mail: Mail, by: Filter) -> None:
    """mautic#9798, #16263: another address and another browser for each request."""
    start, span = mail.delivered + start_seconds(rng), rng.choice((3.0, 40.0, 420.0))
    for link in range(mail.links):
        if rng.random() < 0.85:
            release = rng.choices([one for one, _ in RELEASES], [part for _, part in RELEASES])[0]
            mail.add(start + rng.uniform(0, span), link, make_client(rng, by, release=release), "machine/rotating")


def _two_sources(rng: Random, mail: Mail, by: Filter) -> None:
    """onetimesecret#359: two services, each with links of its own."""
    start = start_seconds(rng)
    half = [link for link in range(mail.links) if rng.random() < 0.5]
    _sweep(rng, mail, by, "two-sources", start=start, span=6, links=half or [0])
    rest = [link for link in range(mail.links) if link not in half]
    _sweep(rng, mail, by, "two-sources", start=start + rng.uniform(1, 90), span=20, links=rest)


def _early_old(rng: Random, mail: Mail, by: Filter) -> None:
    """gophish#1555, suped (filter): at or before the hand-off, with a system of the past."""
    client = replace(
        make_client(rng, by),
        user_agent="Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0)",
        headers={"accept": "*/*", "accept-encoding": "gzip, deflate"},
    )
    start = mail.delivered + rng.uniform(-3, 3)
    for link in range(mail.links):
        mail.add(start + rng.uniform(0, 1.5), link, client, "machine/early-old")


def _library(rng: Random, mail: Mail, by: Filter) -> None:
    """craft-campaign#546: programs that say what they are, or nothing."""
    client = Client(by.home.random_ip(rng), rng.choice(LIBRARIES), {"accept-encoding": "gzip"})
    start = mail.delivered + start_seconds(rng)
    for link in range(mail.links):
        mail.add(start + rng.uniform(0, 2), link, client, "machine/library")


_VISITS: dict[str, Callable[[Random, Mail, Filter], None]] = {
    "page-sweep": _page_sweep,
    "quarantine": _quarantine,
    "pair": _pair,
    "single": _single,
    "first": _first,
    "footer": _footer,
    "head-get": _head_get,
    "walk": _walk,
    "slow-walk": _slow_walk,
    "subset": _subset,
    "rotating": _rotating,
    "two-sources": _two_sources,
    "early-old": _early_old,
    "library": _library,
}


def visit(rng: Random, mail: Mail, by: Filter) -> None:
    """What the filter does when a mail arrives, and again after hours or days (suped: old mails again)."""
    if rng.random() < by.covers:
        _VISITS[browsers.pick(rng, by.manners)](rng, mail, by)
        if rng.random() < by.rescans:
            _sweep(rng, mail, by, "rescan", start=rng.uniform(2 * HOUR, 4 * DAY), span=rng.choice((2.0, 60.0)))

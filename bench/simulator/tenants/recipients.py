"""People of a receiving domain: where they sit, what they open links with, and how they follow them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from math import exp, log
from random import Random

from bench.simulator.clients import Client, DataCentre, Mail
from bench.simulator.development import browsers, networks

HOUR, DAY = 3600.0, 86_400.0
# Ways out of a business domain, per cent of domains (warmbly#412, Proofpoint Isolation, Squid); own judgement.
EXITS = {
    "office-nat": 58.0,
    "vpn": 7,
    "secure-web-gateway": 11,
    "cloud-desktop": 8,
    "isolation": 6,
    "stripping-proxy": 5,
    "old-proxy": 5,
}
HOME_NETWORKS = {"home": 86.0, "vpn": 8, "icloud-relay": 5, "tor": 0.3, "own-server": 0.7}
HOME_DEVICES = {"chrome-windows": 33.0, "edge": 17, "chrome-mac": 10, "safari-mac": 14, "firefox": 11, "chromebook": 2}
HOME_DEVICES |= {"opera": 2, "old-chrome": 3, "old-firefox": 0.8, "other-chromium": 3, "mail-app": 2, "outlook-ie": 2}
OFFICE_DEVICES = {"chrome-windows": 36.0, "edge": 42, "chrome-mac": 5, "safari-mac": 4, "firefox": 5}
OFFICE_DEVICES |= {"outlook-ie": 5, "old-chrome": 2.5, "other-chromium": 0.5}
PHONE_PART = {"consumer": 0.6, "business": 0.28}
# Cumulated share of first clicks by seconds (GetResponse, denis-test.com); the first two points are own judgement.
FIRST_CLICKS = (
    (5.0, 0.0),
    (60.0, 0.035),
    (3600.0, 0.336),
    (10_800.0, 0.514),
    (86_400.0, 0.81),
    (604_800.0, 0.981),
    (4_000_000.0, 1.0),
)
# What somebody does who opens a mail, per cent; own judgement.
SITTINGS = {"one": 60.0, "several": 20, "again": 7, "tabs": 5, "top-down": 3, "double": 5}


@dataclass(frozen=True, slots=True)
class Exit:
    """How the people of a domain get out."""

    kind: str
    ip: str
    centre: DataCentre
    release: int


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a mailbox: what they click with, on what else, and how often they click at all."""

    address: str
    own: Client
    second: Client
    activity: float
    opens_all: bool = False
    antivirus: bool = False
    tester: bool = False


def make_exit(rng: Random, homes: dict[str, DataCentre]) -> Exit:
    """A domain's way out; isolating browsers may sit in the networks of a filter's maker (laposta 943)."""
    kind = browsers.pick(rng, EXITS)
    blocks = {
        "secure-web-gateway": networks.ZSCALER,
        "cloud-desktop": networks.AZURE,
        "isolation": networks.AWS,
        "vpn": networks.VPN_EXITS,
    }
    centre = networks.make_fleet(rng, blocks.get(kind, networks.OFFICES), rng.randint(1, 5))
    if kind == "isolation" and rng.random() < 0.4:
        centre = homes["proofpoint"]
    return Exit(kind, networks.random_ip(rng, networks.OFFICES), centre, rng.choice((126, 128, 131, 134, 135, 136)))


def make_person(rng: Random, address: str, egress: Exit | None) -> Person:
    """Somebody of a domain, or of a mailbox provider where there is no common way out."""
    return Person(
        address,
        _make_client(rng, egress),
        _make_phone(rng),
        rng.lognormvariate(-0.3, 0.9),
        opens_all=rng.random() < 0.006,
        antivirus=rng.random() < (0.012 if egress is None else 0.008),
    )


def make_tester(rng: Random, number: int, ip: str) -> Person:
    """One of the sender's own people, who follow every link at once from the office."""
    browser = browsers.make_browser(rng, browsers.pick(rng, OFFICE_DEVICES))
    client = Client(ip, browser.user_agent, browser.headers, traits=("network:office-nat", "habit:tester"))
    return Person(f"tester{number}@sender.example", client, client, 3.0, tester=True)


def _make_phone(rng: Random) -> Client:
    browser = browsers.make_browser(rng, browsers.pick(rng, browsers.PHONES))
    mobile = rng.random() < 0.55
    ip = networks.phone_ip(rng) if mobile else networks.home_ip(rng)
    return Client(
        ip,
        browser.user_agent,
        browser.headers,
        traits=(f"device:{browser.device}", f"network:{'mobile' if mobile else 'home'}"),
    )


def _make_client(rng: Random, egress: Exit | None) -> Client:
    if rng.random() < PHONE_PART["business" if egress else "consumer"]:
        return _make_phone(rng)
    if egress is None or rng.random() < 0.2:
        return _make_home(rng)
    browser = browsers.make_browser(rng, browsers.pick(rng, OFFICE_DEVICES))
    if egress.kind in ("isolation", "cloud-desktop"):
        platform = "Linux" if egress.kind == "isolation" else "Windows"
        headers = browsers.chromium_headers(rng, egress.release, platform)
        agent = browsers.CHROME.format(browsers.WINDOWS, egress.release)
        browser = browsers.Browser("chrome-windows", agent, headers)
    inside = egress.kind in ("office-nat", "stripping-proxy", "old-proxy")
    client = Client(
        egress.ip if inside else egress.centre.random_ip(rng),
        browser.user_agent,
        browser.headers,
        "1.0" if egress.kind == "old-proxy" else "1.1",
        (f"device:{browser.device}", f"network:{egress.kind}"),
    )
    if egress.kind == "stripping-proxy":
        kept = ("accept", "accept-language", "accept-encoding")[: 2 + egress.release % 2]
        client = replace(client, headers={name: text for name, text in client.headers.items() if name in kept})
    return client


def _make_home(rng: Random) -> Client:
    place = browsers.pick(rng, HOME_NETWORKS)
    device = {"tor": "tor", "icloud-relay": "safari-mac"}.get(place) or browsers.pick(rng, HOME_DEVICES)
    browser = browsers.make_browser(rng, device)
    blocks = {
        "vpn": networks.VPN_EXITS,
        "icloud-relay": networks.ICLOUD_RELAYS,
        "tor": networks.TOR_EXITS,
        "own-server": networks.HOSTERS,
    }.get(place)
    ip = networks.random_ip(rng, blocks) if blocks else networks.home_ip(rng)
    return Client(ip, browser.user_agent, browser.headers, traits=(f"device:{device}", f"network:{place}"))


def first_click_seconds(rng: Random) -> float:
    """Seconds from delivery to somebody's first click, along the logarithm of time between the measured points."""
    share = rng.random()
    for (low, below), (high, upto) in pairwise(FIRST_CLICKS):
        if share <= upto:
            return exp(log(low) + (log(high) - log(low)) * (share - below) / (upto - below))
    return FIRST_CLICKS[-1][0]


def read(rng: Random, mail: Mail, who: Person, colleague: Client | None, *, awaited: bool) -> None:
    """What somebody does with a mail; `awaited`: they sit there and wait for it (anymail#200 calls them hard)."""
    start = mail.delivered + (max(5.0, rng.lognormvariate(3.8, 0.9)) if awaited else first_click_seconds(rng))
    client = who.second if rng.random() < 0.12 else who.own
    if who.tester or who.opens_all:
        habit = "habit:tester" if who.tester else "habit:opens-all"
        client = replace(client, traits=tuple(dict.fromkeys((*client.traits, habit))))
        _sit(rng, mail, client, "tester" if who.tester else "opens-all", (start, range(mail.links), (0.3, 2.5)))
        return
    kind = browsers.pick(rng, SITTINGS)
    links = rng.sample(range(mail.links), min(mail.links, 1 + min(6, int(rng.expovariate(0.7)))))
    if kind == "one":
        _sit(rng, mail, client, "one", (start, links[:1], (1, 1)))
    elif kind == "several":
        _sit(rng, mail, client, "several", (start, links, (6, 240)))
    elif kind == "again":
        _sit(rng, mail, client, "again", (start, links[:1] * rng.randint(2, 4), (20, 9000)))
    elif kind == "tabs":
        _sit(rng, mail, client, "tabs", (start, sorted(links), (0.6, 4)))
    elif kind == "top-down":
        _sit(rng, mail, client, "top-down", (start, sorted(links), (8, 90)))
    else:
        _sit(rng, mail, client, "double", (start, links[:1] * 2, (0.15, 1.2)))
    if rng.random() < 0.03:
        _sit(rng, mail, who.second, "second-device", (start + rng.uniform(60, DAY), links[:1], (1, 1)))
    if colleague and rng.random() < 0.03:
        _sit(rng, mail, colleague, "forwarded", (start + rng.uniform(40, 8 * HOUR), links[:2], (5, 100)))


def _sit(
    rng: Random, mail: Mail, client: Client, label: str, visits: tuple[float, Iterable[int], tuple[float, float]]
) -> None:
    """Follow links from a time on, with pauses between two bounds, in seconds."""
    at, links, (low, high) = visits
    for link in links:
        mail.add(at, link, client, f"human/{label}")
        at += exp(rng.uniform(log(low), log(high)))

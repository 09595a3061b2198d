"""People who follow links: where they are, with what, when, and how."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import exp, log
from random import Random

from bench.simulator.clients import Client, DataCentre, Mail
from bench.simulator.development import browsers, networks
from bench.simulator.development.browsers import pick
from bench.simulator.survey import tables

WORKING_AT_HOME = 0.12  # of office workers' desktops; own judgement
COMMON_AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/100.0.0.0"


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who keeps a desktop, a phone and habits from mail to mail."""

    client: Client
    other: Client
    colleagues: Sequence[Client]
    eagerness: float
    opens_all: bool = False
    antivirus: bool = False


@dataclass(frozen=True, slots=True)
class Office:
    """Where the people of an organisation come from, and what their proxy leaves of a request."""

    network: str
    ip: str
    exits: DataCentre
    proxy: str = ""
    release: int | None = None


def make_office(rng: Random) -> Office:
    """An organisation's way to the web."""
    network, ip = pick(rng, tables.OFFICE_NETWORKS), networks.random_ip(rng, networks.OFFICES)
    blocks = {
        "zscaler": networks.ZSCALER,
        "cloud-desktop": networks.AZURE,
        "isolation": networks.AWS,
        "vpn": networks.VPN_EXITS,
    }.get(network, networks.OFFICES)
    proxy = pick(rng, tables.PROXIES) if network == "stripping-proxy" else ""
    if network == "http10-proxy" and rng.random() < 0.4:
        proxy = "known-only"
    golden = network == "cloud-desktop" and rng.random() < 0.4
    exits = networks.make_fleet(rng, blocks, rng.randint(1, 3))
    return Office(network, ip, exits, proxy, rng.choice(tables.GOLDEN_RELEASES) if golden else None)


def make_reader(rng: Random, office: Office | None) -> Reader:
    """Somebody at home or of an office."""
    own = _make_client(rng, office)
    others = tuple(_make_client(rng, office if rng.random() < 0.7 else None) for _ in range(2))
    return Reader(
        own,
        _make_phone(rng),
        others,
        rng.lognormvariate(0, 0.7),
        opens_all=rng.random() < tables.OPENS_ALL_SHARE,
        antivirus=office is None and rng.random() < 0.025,
    )


def _make_client(rng: Random, office: Office | None) -> Client:
    if rng.random() < tables.PHONE_SHARE["office" if office else "home"]:
        return _make_phone(rng)
    if office is None or rng.random() < WORKING_AT_HOME:
        return _make_home(rng)
    return _make_office_client(rng, office)


def _connect(browser: browsers.Browser, network: str, ip: str) -> Client:
    traits = (f"device:{browser.device}", f"network:{network}")
    return Client(ip, browser.user_agent, browser.headers, traits=traits)


def _make_phone(rng: Random) -> Client:
    browser = browsers.make_browser(rng, pick(rng, tables.PHONES))
    mobile = rng.random() < 0.45
    return _connect(
        browser, "mobile" if mobile else "home", networks.phone_ip(rng) if mobile else networks.home_ip(rng)
    )


def _make_home(rng: Random) -> Client:
    network = pick(rng, tables.HOME_NETWORKS)
    device = {"tor": "tor", "icloud-relay": "safari-mac"}.get(network) or pick(rng, tables.HOME_DEVICES)
    browser = browsers.make_browser(rng, device)
    blocks = {
        "vpn": networks.VPN_EXITS,
        "own-vpn": networks.HOSTERS,
        "tor": networks.TOR_EXITS,
        "icloud-relay": networks.ICLOUD_RELAYS,
    }.get(network)
    client = _connect(browser, network, networks.random_ip(rng, blocks) if blocks else networks.home_ip(rng))
    return _filter(client, pick(rng, tables.PROXIES)) if network == "stripping-proxy" else client


def _make_office_client(rng: Random, office: Office) -> Client:
    browser = browsers.make_browser(rng, pick(rng, tables.OFFICE_DEVICES))
    if office.network == "isolation":  # the vendor's Chrome in its cloud opens the page
        release = rng.choice((134, 135, 136, 137))
        headers = browsers.chromium_headers(rng, release, "Linux")
        browser = browsers.Browser("chrome-windows", browsers.CHROME.format(browsers.WINDOWS, release), headers)
    elif office.release:
        headers = browsers.chromium_headers(rng, office.release, "Windows")
        agent = browsers.CHROME.format(browsers.WINDOWS, office.release)
        browser = browsers.Browser("chrome-windows", agent, headers)
    inside = office.network in ("office-nat", "stripping-proxy", "http10-proxy")
    client = _connect(browser, office.network, office.ip if inside else office.exits.random_ip(rng))
    if office.network == "http10-proxy":
        client = replace(client, http_version="1.0")
    return _filter(client, office.proxy)


def _filter(client: Client, proxy: str) -> Client:
    """What a proxy lets through."""
    if not proxy:
        return client
    kept = {
        "known-only": ("accept", "accept-encoding", "accept-language"),
        "bare": ("accept", "accept-encoding"),
        "language": tuple(name for name in client.headers if name != "accept-language"),
        "agent": tuple(client.headers),
    }[proxy]
    headers = {name: value for name, value in client.headers.items() if name in kept}
    agent = COMMON_AGENT if proxy == "agent" else client.user_agent
    return replace(client, headers=headers, user_agent=agent, traits=(*client.traits, f"headers:{proxy}"))


def move_to(client: Client, ip: str) -> Client:
    """The same browser in the sender's office."""
    device = next(trait for trait in client.traits if trait.startswith("device:"))
    return replace(client, ip=ip, traits=(device, "network:office-nat"))


def first_click_seconds(rng: Random) -> float:
    """Seconds from delivery to a first click, along the logarithm of time between the measured points."""
    share = rng.random()
    for (low, below), (high, upto) in pairwise(tables.FIRST_CLICKS):
        if share <= upto:
            return exp(log(low) + (log(high) - log(low)) * (share - below) / (upto - below))
    return tables.FIRST_CLICKS[-1][0]


def awaited_click_seconds(rng: Random) -> float:
    """Seconds until the link of a mail is followed that somebody waits for; own judgement: half within 35."""
    return max(4.0, rng.lognormvariate(3.55, 0.8))


def add_reading(rng: Random, mail: Mail, reader: Reader, start: float) -> None:
    """What somebody does with a mail, with second devices and those it is forwarded to."""
    add_sitting(rng, mail, reader.client, start, "opens-all" if reader.opens_all else pick(rng, tables.SITTINGS))
    if rng.random() < 0.06:
        add_sitting(rng, mail, reader.other, start + rng.uniform(0.02, 30) * tables.HOUR, "one", label="second-device")
    if rng.random() < 0.03:
        friend = rng.choice(reader.colleagues)
        add_sitting(rng, mail, friend, start + rng.uniform(0.1, 20) * tables.HOUR, "one", label="forwarded")


def add_sitting(rng: Random, mail: Mail, client: Client, start: float, kind: str, *, label: str = "") -> None:
    """Links in an order and with pauses that are the kind's own."""
    if mail.links == 1 and kind not in ("double", "weeks-later", "tester"):
        kind = "one"
    count = {
        "several": rng.choice((2, 2, 3, 3, 4)),
        "in-order": rng.randint(3, 6),
        "tabs": rng.randint(2, 5),
        "opens-all": round(mail.links * rng.uniform(0.8, 1)),
        "tester": mail.links,
    }.get(kind, 1)
    links = _choose(rng, mail.links, min(count, mail.links))
    if kind in ("in-order", "tester", "opens-all") or (kind == "tabs" and rng.random() < 0.5):
        links.sort()
    seat = replace(client, traits=(*client.traits, f"habit:{kind}"))
    if "network:mobile" in client.traits:
        seat = replace(seat, ip=networks.phone_ip(rng))
    now = start + (rng.uniform(5, 25) * tables.DAY if kind == "weeks-later" else 0)
    for link in links:
        mail.add(now, link, seat, f"human/{label or kind}")
        if kind == "double":
            mail.add(now + rng.uniform(0.15, 1.2), link, seat, f"human/{label or kind}")
        now += _pause_seconds(rng, kind)


def _choose(rng: Random, available: int, count: int) -> list[int]:
    """The first links more often than the last: about as 1/(n + 3), own judgement."""
    left, found = list(range(available)), list[int]()
    while len(found) < count:
        link = rng.choices(left, [1 / (one + 3) for one in left])[0]
        left.remove(link)
        found.append(link)
    return found


def _pause_seconds(rng: Random, kind: str) -> float:
    if kind == "tabs":
        return max(0.35, rng.lognormvariate(0.5, 0.6))
    if kind in ("opens-all", "tester"):
        return max(0.7, rng.lognormvariate(1.1, 0.8))
    return 3.0 + rng.lognormvariate(2.9, 1.0)

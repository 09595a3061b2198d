"""People who follow links: with what, from where, when after delivery, and out of which habit."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import exp, log
from random import Random

from bench.simulator.clients import Client, DataCentre, Mail
from bench.simulator.development import browsers, networks
from bench.simulator.development.browsers import pick

HOUR, DAY = 3600.0, 86_400.0
# Share of first clicks by seconds after delivery. GetResponse: 1 h, 3 h, 24 h; denis-test.com: day 7, the rest later;
# up to ten minutes own judgement, between them along the logarithm of time.
CLICK_TIMES = (
    (6.0, 0.0),
    (60.0, 0.02),
    (300.0, 0.08),
    (600.0, 0.13),
    (HOUR, 0.336),
    (3 * HOUR, 0.514),
    (DAY, 0.81),
    (7 * DAY, 0.981),
    (40 * DAY, 1.0),
)
PROMPT_MEDIAN_SECONDS, PROMPT_DEVIATION = 38.0, 0.9  # a confirmation or a log-in that somebody waits for; own judgement
# How somebody follows links at one sitting, per cent. Own judgement.
SITTINGS = {"one": 66.0, "some": 17, "in-order": 5, "tabs": 7, "double-click": 4, "return": 1}
OPENS_ALL_SHARE = 0.007  # of people open nearly all links of each mail that they click in; own judgement
# Where people are. Own judgement of shares; that these exist: warmbly#410 ff., Proofpoint Isolation data sheet.
HOME_NETWORKS = {"home": 88.0, "vpn": 6, "icloud-relay": 5, "tor": 0.3, "stripping-proxy": 0.7}
OFFICE_NETWORKS = {
    "office-nat": 70.0,
    "zscaler": 11,
    "cloud-desktop": 6,
    "isolation": 5,
    "vpn": 5,
    "stripping-proxy": 2,
    "http10-proxy": 1,
}
PHONE_SHARE = {"home": 0.56, "office": 0.24}  # of clicks: own judgement after shares of mail clients


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who keeps a place, a browser and habits from mail to mail; `second` is their other device."""

    client: Client
    second: Client
    habit: str = ""
    eagerness: float = 1.0
    colleagues: Sequence[Client] = field(default_factory=tuple)
    antivirus: bool = False


def first_click_seconds(rng: Random) -> float:
    """Seconds from delivery to somebody's first click."""
    share = rng.random()
    for (low, below), (high, upto) in pairwise(CLICK_TIMES):
        if share <= upto:
            return exp(log(low) + (log(high) - log(low)) * (share - below) / (upto - below))
    return CLICK_TIMES[-1][0]


def prompt_click_seconds(rng: Random) -> float:
    """Seconds until somebody who waits for a mail follows its link."""
    return max(3.0, rng.lognormvariate(log(PROMPT_MEDIAN_SECONDS), PROMPT_DEVIATION))


def make_client(rng: Random, *, office: "Office | None" = None, phone: bool | None = None) -> Client:  # noqa: PLR0911 - one for each place
    """A browser at a place, with the traits of both."""
    if phone is None:
        phone = rng.random() < PHONE_SHARE["office" if office else "home"]
    if phone:
        browser = browsers.make_browser(rng, pick(rng, browsers.PHONES))
        place = "mobile" if rng.random() < 0.5 else "home"
        if place == "home" and rng.random() < 0.06 and browser.device in ("iphone", "ipad"):
            return _at(browser, "icloud-relay", networks.random_ip(rng, networks.ICLOUD_RELAYS))
        return _at(browser, place, networks.phone_ip(rng) if place == "mobile" else networks.home_ip(rng))
    browser = browsers.make_browser(rng, pick(rng, browsers.OFFICE_DESKTOPS if office else browsers.DESKTOPS))
    if browser.device == "tor":
        return _at(browser, "tor", networks.random_ip(rng, networks.TOR_EXITS))
    if office:
        return _office_client(rng, browser, office)
    place = pick(rng, HOME_NETWORKS)
    if place == "tor":
        return _at(browsers.make_browser(rng, "tor"), "tor", networks.random_ip(rng, networks.TOR_EXITS))
    if place == "icloud-relay":
        return _at(browsers.make_browser(rng, "safari-mac"), place, networks.random_ip(rng, networks.ICLOUD_RELAYS))
    ip = networks.random_ip(rng, networks.VPN_EXITS) if place == "vpn" else networks.home_ip(rng)
    return _strip(_at(browser, place, ip)) if place == "stripping-proxy" else _at(browser, place, ip)


@dataclass(frozen=True, slots=True)
class Office:
    """What the people of an organisation share: the address of their office, and what stands before the web."""

    ip: str
    network: str
    exits: DataCentre


def make_office(rng: Random) -> Office:
    """An organisation's way to the web."""
    network = pick(rng, OFFICE_NETWORKS)
    blocks = {
        "zscaler": networks.ZSCALER,
        "cloud-desktop": networks.AZURE,
        "vpn": networks.VPN_EXITS,
        "isolation": networks.AWS + networks.PROOFPOINT[:1],
    }.get(network, networks.OFFICES)
    return Office(
        networks.random_ip(rng, networks.OFFICES), network, networks.make_fleet(rng, blocks, rng.randint(1, 4))
    )


def _office_client(rng: Random, browser: browsers.Browser, office: Office) -> Client:
    if rng.random() < 0.15:  # works at home
        return _at(browser, "home", networks.home_ip(rng))
    if office.network == "office-nat":
        return _at(browser, "office-nat", office.ip)
    if office.network in ("stripping-proxy", "http10-proxy"):
        client = _at(browser, office.network, office.ip)
        return _strip(client) if office.network == "stripping-proxy" else replace(client, http_version="1.0")
    if office.network == "isolation":  # the vendor's own Chrome in its cloud opens the page, complete but for a hint
        version = rng.choice((133, 135, 136, 137))
        headers = browsers.chromium_headers(rng, version, "Linux")
        system = rng.choice((browsers.WINDOWS, browsers.LINUX))
        browser = browsers.Browser("chrome-windows", browsers.CHROME.format(system, version), headers)
    return _at(browser, office.network, office.exits.random_ip(rng))


def _at(browser: browsers.Browser, network: str, ip: str) -> Client:
    traits = (f"device:{browser.device}", f"network:{network}")
    return Client(ip, browser.user_agent, browser.headers, traits=traits)


def _strip(client: Client) -> Client:
    """Behind a proxy that lets only the oldest headers through."""
    kept = ("accept", "accept-encoding")
    return replace(client, headers={name: value for name, value in client.headers.items() if name in kept})


def relocate(client: Client, ip: str, network: str) -> Client:
    """The same browser in another place."""
    device = next(trait for trait in client.traits if trait.startswith("device:"))
    return replace(client, ip=ip, traits=(device, f"network:{network}"))


def make_person(rng: Random, *, office: Office | None = None) -> Person:
    """Somebody at home or of an office."""
    habit = "opens-all" if rng.random() < OPENS_ALL_SHARE else ""
    friends = tuple(make_client(rng, office=office if rng.random() < 0.6 else None) for _ in range(3))
    eagerness = rng.lognormvariate(0, 0.8)
    client = make_client(rng, office=office)
    return Person(client, make_client(rng, phone=True), habit, eagerness, friends, not office and rng.random() < 0.03)


def add_visit(rng: Random, mail: Mail, person: Person, *, start: float) -> None:
    """What one person does with one mail, with what friends and a second device follow."""
    client = _wander(rng, person.client)
    kind = "opens-all" if person.habit == "opens-all" and mail.links > 2 else pick(rng, SITTINGS)
    add_sitting(rng, mail, client, start, kind)
    if rng.random() < 0.07:
        add_sitting(rng, mail, person.second, start + rng.lognormvariate(7, 2), "one", label="second-device")
    if rng.random() < 0.04:
        for friend in rng.sample(person.colleagues, rng.randint(1, len(person.colleagues))):
            later = start + 60 + rng.lognormvariate(7.5, 1.5)
            add_sitting(rng, mail, friend, later, pick(rng, {"one": 80, "some": 20}), label="forwarded")


def _wander(rng: Random, client: Client) -> Client:
    """Phones and relays change addresses from visit to visit."""
    if "network:mobile" in client.traits:
        return replace(client, ip=networks.phone_ip(rng))
    if "network:icloud-relay" in client.traits:
        return replace(client, ip=networks.random_ip(rng, networks.ICLOUD_RELAYS))
    if "network:tor" in client.traits:
        return replace(client, ip=networks.random_ip(rng, networks.TOR_EXITS))
    return client


def add_sitting(
    rng: Random, mail: Mail, client: Client, start: float, kind: str, *, label: str = "", habit: str = ""
) -> None:
    """One sitting: which links in which order and with which pauses."""
    if mail.links == 1 and kind not in ("double-click", "return"):
        kind = "one"
    count = {
        "one": 1,
        "double-click": 1,
        "return": 1,
        "some": rng.choice((2, 2, 2, 3, 3, 4)),
        "in-order": rng.randint(2, 5),
        "tabs": rng.choice((2, 2, 3, 3, 4, 5)),
        "opens-all": round(mail.links * rng.uniform(0.8, 1)),
        "all": mail.links,
    }[kind]
    links = _choose_links(rng, mail.links, min(count, mail.links))
    if kind in ("in-order", "all") or (kind in ("tabs", "opens-all", "some") and rng.random() < 0.6):
        links.sort()
    seat, now = replace(client, traits=(*client.traits, f"habit:{habit or kind}")), start
    for link in links:
        mail.add(now, link, seat, f"human/{label or kind}")
        if kind == "double-click":
            mail.add(now + rng.uniform(0.1, 0.8), link, seat, f"human/{label or kind}")
        if kind == "return":
            mail.add(now + rng.lognormvariate(9.5, 1.6), link, seat, f"human/{label or kind}")
        now += _pause_seconds(rng, kind)


def _choose_links(rng: Random, available: int, count: int) -> list[int]:
    """Links at the top are followed more often: the n-th about as 1/(n + 2) (own judgement)."""
    left, found = list(range(available)), list[int]()
    while len(found) < count:
        link = rng.choices(left, [1 / (one + 2) for one in left])[0]
        left.remove(link)
        found.append(link)
    return found


def _pause_seconds(rng: Random, kind: str) -> float:
    if kind == "tabs":  # a hand, a mouse and the next link
        return max(0.4, rng.lognormvariate(0.7, 0.55))
    if kind in ("opens-all", "all"):
        return max(0.5, rng.lognormvariate(1.3, 0.9))
    return 2.5 + rng.lognormvariate(3.0, 1.1)


def add_prefetch(rng: Random, mail: Mail, client: Client, at: float) -> None:
    """A browser that fetches ahead and says so; often its reader follows."""
    name, value = rng.choice(
        (
            ("sec-purpose", "prefetch"),
            ("sec-purpose", "prefetch;prerender"),
            ("purpose", "prefetch"),
            ("x-moz", "prefetch"),
        )
    )
    seat = replace(client, headers={**client.headers, name: value})
    for link in rng.sample(range(mail.links), min(mail.links, rng.choice((1, 1, 2, 3)))):
        mail.add(at + rng.uniform(0, 0.6), link, seat, "prefetch/browser")


def add_hover_preview(rng: Random, mail: Mail, person: Person, at: float) -> None:
    """Apple Mail shows a preview of a link that its reader holds (gophish#499): asked for by a person."""
    version = rng.choice(("18.5", "17.6"))
    browser = browsers.Browser("safari-mac", browsers.SAFARI.format(version), browsers.safari_headers(rng, version))
    seat = _at(browser, "home", person.client.ip)
    mail.add(
        at,
        rng.randrange(mail.links),
        replace(seat, traits=(*seat.traits, "habit:hover-preview")),
        "human/hover-preview",
    )

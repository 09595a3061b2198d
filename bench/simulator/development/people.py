"""People who follow links: with what, from where, when after delivery, and out of which habit."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import exp, log
from random import Random

from bench.simulator.clients import Client, DataCentre, Mail
from bench.simulator.development import browsers, networks
from bench.simulator.development.browsers import pick
from bench.simulator.development.shares import HTTP10_STYLES, Shares

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
PROMPT_DEVIATION = 0.9  # of a confirmation or a log-in that somebody waits for; own judgement
GOLDEN_IMAGE_VERSIONS = (117, 122, 125, 128, 130, 132)  # browsers of desktops that are set up once; own judgement
PROXY_USER_AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; Trident/7.0; rv:11.0) like Gecko"  # own judgement
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
    quick: float = 1.0  # how long they take from tab to tab, beside others


def first_click_seconds(rng: Random) -> float:
    """Seconds from delivery to somebody's first click."""
    share = rng.random()
    for (low, below), (high, upto) in pairwise(CLICK_TIMES):
        if share <= upto:
            return exp(log(low) + (log(high) - log(low)) * (share - below) / (upto - below))
    return CLICK_TIMES[-1][0]


def prompt_click_seconds(rng: Random, shares: Shares) -> float:
    """Seconds until somebody who waits for a mail follows its link."""
    return max(3.0, rng.lognormvariate(shares.prompt_pause, PROMPT_DEVIATION))


def make_client(rng: Random, shares: Shares, *, office: "Office | None" = None, phone: bool | None = None) -> Client:
    """A browser at a place, with the traits of both."""
    if phone is None:
        phone = rng.random() < PHONE_SHARE["office" if office else "home"]
    if phone:
        return _make_phone(rng)
    common = browsers.OFFICE_DESKTOPS if office else browsers.DESKTOPS
    browser = browsers.make_browser(rng, pick(rng, {**common, **shares.rare_devices}))
    if browser.device == "tor":
        return _at(browser, "tor", networks.random_ip(rng, networks.TOR_EXITS))
    return _office_client(rng, browser, office, shares) if office else _home_client(rng, browser, shares)


def _make_phone(rng: Random) -> Client:
    browser = browsers.make_browser(rng, pick(rng, browsers.PHONES))
    place = "mobile" if rng.random() < 0.5 else "home"
    if place == "home" and rng.random() < 0.06 and browser.device in ("iphone", "ipad"):
        return _at(browser, "icloud-relay", networks.random_ip(rng, networks.ICLOUD_RELAYS))
    return _at(browser, place, networks.phone_ip(rng) if place == "mobile" else networks.home_ip(rng))


def _home_client(rng: Random, browser: browsers.Browser, shares: Shares) -> Client:
    place = pick(rng, shares.home_networks)
    if place == "tor":
        return _at(browsers.make_browser(rng, "tor"), "tor", networks.random_ip(rng, networks.TOR_EXITS))
    if place == "icloud-relay":
        return _at(browsers.make_browser(rng, "safari-mac"), place, networks.random_ip(rng, networks.ICLOUD_RELAYS))
    blocks = {"vpn": networks.VPN_EXITS, "own-vpn": networks.HOSTERS + networks.AWS}.get(place)
    client = _at(browser, place, networks.random_ip(rng, blocks) if blocks else networks.home_ip(rng))
    if place == "stripping-proxy":
        return _strip(client, pick(rng, shares.proxy_styles))
    return _disguise(rng, client, pick(rng, shares.extension_styles)) if place == "privacy-extension" else client


@dataclass(frozen=True, slots=True)
class Office:
    """What the people of an organisation share: the address of their office, and what stands before the web."""

    ip: str
    network: str
    exits: DataCentre
    style: str = ""
    image: int | None = None


def make_office(rng: Random, shares: Shares) -> Office:
    """An organisation's way to the web."""
    network = pick(rng, shares.office_networks)
    blocks = {
        "zscaler": networks.ZSCALER,
        "cloud-desktop": networks.AZURE if rng.random() < 0.7 else networks.AWS,
        "cloud-gateway": networks.GOOGLE_CLOUD + networks.AWS,
        "vpn": networks.VPN_EXITS,
        "isolation": networks.AWS + networks.PROOFPOINT[:1],
    }.get(network, networks.OFFICES)
    style, image = "", None
    if network == "stripping-proxy":
        style = pick(rng, shares.proxy_styles)
    elif network == "http10-proxy":
        style = pick(rng, HTTP10_STYLES)
    elif network == "isolation" and rng.random() < shares.partial_isolation:
        style = rng.choice(("language", "hints", "classic"))
    elif network == "cloud-desktop" and rng.random() < shares.golden_image:
        image = rng.choice(GOLDEN_IMAGE_VERSIONS)
    exits = networks.make_fleet(rng, blocks, rng.randint(1, 4))
    return Office(networks.random_ip(rng, networks.OFFICES), network, exits, style, image)


def _office_client(rng: Random, browser: browsers.Browser, office: Office, shares: Shares) -> Client:
    if rng.random() < 0.15:  # works at home
        return _home_client(rng, browser, shares)
    if office.network == "office-nat":
        return _at(browser, "office-nat", office.ip)
    if office.network in ("stripping-proxy", "http10-proxy"):
        client = _strip(_at(browser, office.network, office.ip), office.style)
        return replace(client, http_version="1.0") if office.network == "http10-proxy" else client
    if office.network == "isolation":  # the vendor's own Chrome in its cloud opens the page
        version = rng.choice((133, 135, 136, 137))
        headers = browsers.chromium_headers(rng, version, "Linux")
        system = rng.choice((browsers.WINDOWS, browsers.LINUX))
        browser = browsers.Browser("chrome-windows", browsers.CHROME.format(system, version), headers)
    if office.image:
        headers = browsers.chromium_headers(rng, office.image, "Windows")
        agent = browsers.CHROME.format(browsers.WINDOWS, office.image)
        browser = browsers.Browser("chrome-windows", agent, headers)
    return _strip(_at(browser, office.network, office.exits.random_ip(rng)), office.style)


def _at(browser: browsers.Browser, network: str, ip: str) -> Client:
    traits = (f"device:{browser.device}", f"network:{network}")
    return Client(ip, browser.user_agent, browser.headers, traits=traits)


def _strip(client: Client, style: str) -> Client:
    """What a proxy lets through."""
    if not style:
        return client
    agent = {"agent": PROXY_USER_AGENT, "anonymous": "", "paranoid": ""}.get(style, client.user_agent)
    headers = {name: value for name, value in client.headers.items() if _passes(style, name)}
    return replace(client, headers=headers, user_agent=agent, traits=(*client.traits, f"headers:{style}"))


def _passes(style: str, name: str) -> bool:
    """Whether a header of this name gets through."""
    if style == "language":
        return name != "accept-language"
    if style == "hints":
        return not name.startswith("sec-ch")
    if style == "compression":
        return name != "accept-encoding"
    if style == "anonymous":
        return True
    return name in ("accept", "accept-encoding") or (style != "oldest" and name == "accept-language")


def _disguise(rng: Random, client: Client, style: str) -> Client:
    """What an extension changes."""
    if style != "switched":
        return _strip(client, style)
    version = rng.choice((115, 128, 136, 139))
    name = browsers.FIREFOX.format(browsers.WINDOWS, version, version)
    return replace(client, user_agent=name, traits=(*client.traits, "headers:switched"))


def relocate(client: Client, ip: str, network: str) -> Client:
    """The same browser in another place."""
    device = next(trait for trait in client.traits if trait.startswith("device:"))
    return replace(client, ip=ip, traits=(device, f"network:{network}"))


def make_person(rng: Random, shares: Shares, *, office: Office | None = None) -> Person:
    """Somebody at home or of an office."""
    habit = "opens-all" if rng.random() < shares.opens_all else ""
    friends = tuple(make_client(rng, shares, office=office if rng.random() < 0.6 else None) for _ in range(3))
    eagerness = rng.lognormvariate(0, 0.8)
    client, second = make_client(rng, shares, office=office), make_client(rng, shares, phone=True)
    antivirus = not office and rng.random() < 0.03
    return Person(client, second, habit, eagerness, friends, antivirus, rng.lognormvariate(0, 0.4))


def add_visit(rng: Random, mail: Mail, person: Person, shares: Shares, *, start: float) -> None:
    """What one person does with one mail, with what friends and a second device follow."""
    client = _wander(rng, person.client)
    kind = "opens-all" if person.habit == "opens-all" and mail.links > 2 else pick(rng, shares.sittings)
    add_sitting(rng, mail, client, start, kind, shares=shares, quick=person.quick)
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
    rng: Random,
    mail: Mail,
    client: Client,
    start: float,
    kind: str,
    *,
    label: str = "",
    habit: str = "",
    shares: Shares | None = None,
    quick: float = 1.0,
) -> None:
    """One sitting: which links in which order and with which pauses."""
    if mail.links == 1 and kind not in ("double-click", "return"):
        kind = "one"
    count = {
        "one": 1,
        "double-click": 1,
        "return": 1,
        "some": rng.choice((2, 2, 2, 3, 3, 4)),
        "skim": rng.choice((2, 3, 3, 4, 5, 6)),
        "in-order": rng.randint(2, 5),
        "tabs": rng.choice((2, 2, 3, 3, 4, 5)),
        "opens-all": round(mail.links * rng.uniform(0.8, 1)),
        "all": mail.links,
    }[kind]
    links = _choose_links(rng, mail.links, min(count, mail.links))
    if kind in ("in-order", "all") or (kind in ("tabs", "opens-all", "some") and rng.random() < 0.6):
        links.sort()
    seat, now = replace(client, traits=(*client.traits, f"habit:{habit or kind}")), start
    roams = shares is not None and rng.random() < shares.roaming
    for link in links:
        mail.add(now, link, seat, f"human/{label or kind}")
        if kind == "double-click":
            mail.add(now + rng.uniform(0.1, 0.8), link, seat, f"human/{label or kind}")
        if kind == "return":
            mail.add(now + rng.lognormvariate(9.5, 1.6), link, seat, f"human/{label or kind}")
        now += _pause_seconds(rng, kind, shares) * (quick if kind == "tabs" else 1)
        seat = _wander(rng, seat) if roams else seat


def _choose_links(rng: Random, available: int, count: int) -> list[int]:
    """Links at the top are followed more often: the n-th about as 1/(n + 2) (own judgement)."""
    left, found = list(range(available)), list[int]()
    while len(found) < count:
        link = rng.choices(left, [1 / (one + 2) for one in left])[0]
        left.remove(link)
        found.append(link)
    return found


def _pause_seconds(rng: Random, kind: str, shares: Shares | None) -> float:
    if kind == "tabs":  # a hand, a mouse and the next link
        return max(0.3, rng.lognormvariate(shares.tab_pause if shares else 0.7, 0.55))
    if kind == "skim":
        return max(0.8, rng.lognormvariate(1.4, 0.7))
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

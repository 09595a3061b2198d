"""What scanners and other machines do with a mail's links."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

from bench.simulator.clients import Client, DataCentre, Mail
from bench.simulator.development import browsers, networks
from bench.simulator.survey import tables

BLOCKS = {
    "microsoft": networks.MICROSOFT_MAIL + networks.AZURE,
    "proofpoint": networks.PROOFPOINT + networks.AWS,
    "mimecast": networks.MIMECAST + networks.AWS[:6],
    "barracuda": networks.BARRACUDA + networks.AWS,
    "cisco": networks.CISCO + networks.AWS[8:14],
    "first": networks.HOSTERS + networks.AZURE[:8],
    "partial": networks.HOSTERS + networks.GOOGLE_CLOUD,
    "library": networks.HOSTERS + networks.GOOGLE_CLOUD + networks.AWS,
}
FLEET_SIZES = {"microsoft": 320, "proofpoint": 80, "barracuda": 200, "first": 60, "library": 80}  # /24s; own judgement
LIBRARIES = (
    "python-requests/2.31.0",
    "Go-http-client/2.0",
    "Java/11.0.20",
    "okhttp/4.9.3",
    "curl/7.88.1",
    "axios/1.6.8",
)
# names that lists of crawlers lack (check.live-direct-marketing.online, FusionAuth#629)
NAMES = ("Barracuda Sentinel (EE)", "CiscoSecureEmail/1.0", "TMES/1.0", "OneOutlook/1.2024.1219 CFNetwork")


@dataclass(frozen=True, slots=True)
class Fleet:
    """A vendor's machines as this seed has them; `office`: the address of an appliance, `rescans`: part of visits that
    are made again, `checks`: part of people's clicks that are looked at while they happen.
    """

    vendor: str
    networks: DataCentre
    current: float
    office: str = ""
    rescans: float = 0.0
    checks: float = 0.0


def make_fleet(rng: Random, vendor: str) -> Fleet:
    """A vendor's addresses, of which some are nobody's known ones."""
    size = FLEET_SIZES.get(vendor, 30)
    own = networks.make_fleet(rng, BLOCKS.get(vendor, networks.HOMES), size)
    strange = networks.make_fleet(rng, networks.HOSTERS, max(1, size // 8))
    return Fleet(vendor, DataCentre(own.networks + strange.networks), rng.uniform(0.35, 0.65))


def start_seconds(rng: Random) -> float:
    """Seconds after delivery until a sweep begins."""
    low, high, _ = rng.choices(tables.SWEEP_STARTS, [part for _, _, part in tables.SWEEP_STARTS])[0]
    return rng.uniform(low, high)


def make_client(rng: Random, fleet: Fleet, *, agent: str | None = None) -> Client:
    """One of the fleet's addresses with one of its looks."""
    ip = fleet.office or fleet.networks.random_ip(rng)
    if agent is not None:
        return Client(ip, agent, {"accept": "*/*", "accept-encoding": "gzip, deflate"})
    release = rng.choice(tables.CURRENT_RELEASES if rng.random() < fleet.current else tables.OLD_RELEASES)
    system = rng.choices((browsers.WINDOWS, browsers.WINDOWS_7, browsers.MAC, browsers.LINUX), (76, 4, 12, 8))[0]
    name, look = (
        browsers.CHROME.format(system, release),
        browsers.pick(rng, tables.HEADER_SHAPES.get(fleet.vendor, {"whole": 1})),
    )
    if look == "plain":
        return Client(ip, name, {"accept": "*/*", "accept-encoding": rng.choice(("gzip", "gzip, deflate"))})
    platform = {browsers.MAC: "macOS", browsers.LINUX: "Linux"}.get(system, "Windows")
    headers = browsers.chromium_headers(rng, release, platform)
    if look == "mute":
        del headers["accept-language"]
    return Client(ip, name, headers)


def _follow(
    rng: Random,
    mail: Mail,
    fleet: Fleet,
    label: str,
    visits: Sequence[tuple[float, int]],
    *,
    begin: float | None = None,
    moving: float = 0.0,
    renamed: float = 0.0,
    agent: str | None = None,
) -> None:
    """Follow links at these offsets; `moving` of the requests change their address, `renamed` their whole look."""
    start = mail.delivered + (start_seconds(rng) if begin is None else begin)
    client = make_client(rng, fleet, agent=agent)
    for offset, link in visits:
        if rng.random() < renamed:
            client = make_client(rng, fleet, agent=agent)
        elif rng.random() < moving and not fleet.office:
            client = replace(client, ip=fleet.networks.random_ip(rng))
        mail.add(start + offset, link, client, f"machine/{label}")


def _part(rng: Random, mail: Mail, low: float, high: float) -> list[int]:
    return sorted(rng.sample(range(mail.links), max(1, round(mail.links * rng.uniform(low, high)))))


def _at_once(rng: Random, links: Sequence[int], median: float) -> list[tuple[float, int]]:
    width = median * rng.lognormvariate(0, 0.8)
    return sorted((rng.uniform(0, width), link) for link in links)


def _pace_visits(rng: Random, links: Sequence[int], pace: float, deviation: float) -> list[tuple[float, int]]:
    at, found = 0.0, []
    for link in links:
        found.append((at, link))
        at += pace * rng.lognormvariate(0, deviation)
    return found


def _burst(rng: Random, mail: Mail, fleet: Fleet, label: str = "burst", begin: float | None = None) -> None:
    visits = _at_once(rng, range(mail.links), 0.7)
    _follow(
        rng, mail, fleet, label, visits, begin=begin, moving=rng.choice((0.0, 0.5)), renamed=rng.choice((0, 0, 0.4))
    )


def _burst_twice(rng: Random, mail: Mail, fleet: Fleet) -> None:
    visits = _at_once(rng, [*range(mail.links), *range(mail.links)], 0.9)
    _follow(rng, mail, fleet, "burst-twice", visits, moving=0.5)


def _single(rng: Random, mail: Mail, fleet: Fleet) -> None:
    _follow(rng, mail, fleet, "single", [(0.0, rng.randrange(mail.links))])


def _waves(rng: Random, mail: Mail, fleet: Fleet) -> None:
    first = start_seconds(rng)
    _burst(rng, mail, fleet, "waves", first)
    _burst(rng, mail, fleet, "waves", first + rng.uniform(60, 900))


def _early(rng: Random, mail: Mail, fleet: Fleet) -> None:
    _burst(rng, mail, fleet, "early", -rng.uniform(0.3, 15))


def _blank(rng: Random, mail: Mail, fleet: Fleet) -> None:
    _follow(rng, mail, fleet, "blank", _at_once(rng, range(mail.links), 1.0), agent="")


def _sandbox(rng: Random, mail: Mail, fleet: Fleet) -> None:
    """A part of the links, each from another sandbox, over minutes."""
    visits = _pace_visits(rng, _part(rng, mail, 0.2, 0.55), rng.uniform(3, 30), 0.8)
    _follow(rng, mail, fleet, "sandbox", visits, begin=rng.uniform(20, 900), renamed=0.8)


def _drip(rng: Random, mail: Mail, fleet: Fleet) -> None:
    visits = _pace_visits(rng, _part(rng, mail, 0.6, 1.0), rng.uniform(40, 200), rng.uniform(0.05, 0.5))
    _follow(rng, mail, fleet, "drip", visits, moving=rng.choice((0.0, 0.6)))


def _head(rng: Random, mail: Mail, fleet: Fleet) -> None:
    """HEAD first, often GET after it (FusionAuth#629, better-auth#9690, cobudget#1274)."""
    at = mail.delivered + start_seconds(rng)
    for link in range(mail.links):
        asker = make_client(rng, fleet, agent="Go-http-client/1.1" if rng.random() < 0.5 else None)
        mail.add(at, link, asker, "machine/head", method="HEAD")
        if rng.random() < 0.7:
            mail.add(at + rng.uniform(0.1, 3), link, replace(make_client(rng, fleet), ip=asker.ip), "machine/head")
        at += rng.lognormvariate(-0.7, 0.9)


def _scan_in_order(rng: Random, mail: Mail, fleet: Fleet) -> None:
    visits = _pace_visits(rng, range(mail.links), rng.uniform(0.4, 2.2), rng.uniform(0.1, 0.6))
    _follow(rng, mail, fleet, "ordered", visits)


def _spray(rng: Random, mail: Mail, fleet: Fleet) -> None:
    links, width = _part(rng, mail, 0.5, 1.0), rng.uniform(5, 420)
    visits = sorted((rng.uniform(0, width), link) for link in links)
    _follow(rng, mail, fleet, "spray", visits, renamed=1.0)


def _scan_together(rng: Random, mail: Mail, fleet: Fleet) -> None:
    """Several sources, each with a part of some links."""
    links, width = _part(rng, mail, 0.4, 0.9), rng.uniform(2, 90)
    looks = [make_client(rng, fleet) for _ in range(rng.randint(2, 4))]
    begin = mail.delivered + start_seconds(rng)
    for link in links:
        mail.add(begin + rng.uniform(0, width), link, rng.choice(looks), "machine/shared")


def _first(rng: Random, mail: Mail, fleet: Fleet) -> None:
    _follow(rng, mail, fleet, "first", [(0.0, 0)])


def _scan_by_name(rng: Random, mail: Mail, fleet: Fleet) -> None:
    links = _part(rng, mail, 0.5, 1.0)
    _follow(rng, mail, fleet, "named", _pace_visits(rng, links, 0.8, 0.6), agent=rng.choice(NAMES))


def _part_burst(rng: Random, mail: Mail, fleet: Fleet) -> None:
    _follow(rng, mail, fleet, "part", _pace_visits(rng, _part(rng, mail, 0.2, 0.7), rng.uniform(0.2, 6), 0.7))


def _resident(rng: Random, mail: Mail, fleet: Fleet) -> None:
    """A home's address and a real browser, a fifth of them phones (gophish#2565)."""
    phone = rng.random() < 0.2
    browser = browsers.make_browser(
        rng, "samsung" if phone else rng.choice(("chrome-windows", "chrome-windows", "edge"))
    )
    ip = networks.phone_ip(rng) if phone else networks.home_ip(rng)
    client, at = Client(ip, browser.user_agent, browser.headers), mail.delivered + rng.uniform(10, 1200)
    for link in _part(rng, mail, 0.1, 0.6):
        mail.add(at, link, client, "machine/resident")
        at += rng.uniform(1, 30)


def _library(rng: Random, mail: Mail, fleet: Fleet) -> None:
    visits = _at_once(rng, range(mail.links), 1.5)
    _follow(rng, mail, fleet, "library", visits, agent=rng.choice(LIBRARIES))


SCAN_PATTERNS: dict[str, Callable[[Random, Mail, Fleet], None]] = {
    "burst": _burst,
    "burst-twice": _burst_twice,
    "single": _single,
    "waves": _waves,
    "early": _early,
    "blank": _blank,
    "sandbox": _sandbox,
    "drip": _drip,
    "head": _head,
    "ordered": _scan_in_order,
    "spray": _spray,
    "shared": _scan_together,
    "first": _first,
    "named": _scan_by_name,
    "part": _part_burst,
    "resident": _resident,
    "library": _library,
}


def add_visit(rng: Random, mail: Mail, fleet: Fleet) -> None:
    """A scan on arrival, and what comes of it later (live-direct: crawls hours later)."""
    SCAN_PATTERNS[browsers.pick(rng, tables.MANNERS[fleet.vendor])](rng, mail, fleet)
    if rng.random() < fleet.rescans:
        links = _part(rng, mail, 0.4, 1.0)
        visits = _at_once(rng, links, 1.2) if rng.random() < 0.5 else _pace_visits(rng, links, rng.uniform(1, 10), 0.6)
        _follow(rng, mail, fleet, "rescan", visits, begin=rng.uniform(2, 60) * tables.HOUR)


def add_archive(rng: Random, mail: Mail, fleet: Fleet) -> None:
    """An unnamed crawler of an archive, days later, one to three links."""
    client, at = make_client(rng, fleet), mail.delivered + rng.uniform(0.3, 10) * tables.DAY
    for link in rng.sample(range(mail.links), min(mail.links, rng.randint(1, 3))):
        mail.add(at, link, client, "machine/archive")
        at += rng.uniform(2, 60)


def add_checks(rng: Random, mail: Mail, fleet: Fleet) -> None:
    """Looks at a link while somebody follows it, milliseconds to seconds apart, by GET or HEAD."""
    for click in [one for one in mail.requests if one.truth == "human"][:3]:
        head = rng.random() < 0.3
        look = make_client(rng, fleet, agent="Go-http-client/1.1" if head else None)
        moment = click.at + rng.choice((-1, 1)) * rng.lognormvariate(-0.9, 0.8)
        label = "machine/click-head" if head else "machine/click-get"
        mail.add(moment, click.link, look, label, method="HEAD" if head else "GET")


def add_echo(rng: Random, mail: Mail, data_centre: DataCentre) -> None:
    """About twelve seconds after a click another network and system, current (resend-node#901)."""
    clicks = [one for one in mail.requests if one.truth == "human"]
    if clicks:
        click, browser = rng.choice(clicks), browsers.make_browser(rng, rng.choice(("chrome-windows", "edge")))
        ip = data_centre.random_ip(rng) if rng.random() < 0.6 else networks.home_ip(rng)
        moment = click.at + rng.lognormvariate(2.4, 0.5)
        mail.add(moment, click.link, Client(ip, browser.user_agent, browser.headers), "machine/echo")


def add_antivirus(rng: Random, mail: Mail, reader: Client, opened: float) -> None:
    """Security software on the reader's machine, when the mail is opened (next-auth#8737)."""
    client = Client(reader.ip, reader.user_agent, {"accept": "*/*", "accept-encoding": "gzip"})
    for offset, link in _pace_visits(rng, _part(rng, mail, 0.7, 1.0), 0.2, 0.7):
        mail.add(opened + offset, link, client, "machine/antivirus")


def add_provider(rng: Random, mail: Mail, data_centre: DataCentre) -> None:
    """BingPreview and Gmail's sampling, minutes after delivery (phplist3#415, user_agent#71)."""
    agent = rng.choice(
        (
            browsers.CHROME.format(browsers.WINDOWS, 103) + " BingPreview/1.0b",
            "Mozilla/5.0 (compatible; Gmail-content-sampling)",
        )
    )
    client = Client(data_centre.random_ip(rng), agent, {"accept": "*/*", "accept-encoding": "gzip"})
    at = mail.delivered + rng.uniform(60, 1500)
    mail.add(at, rng.randrange(mail.links), client, "machine/provider")

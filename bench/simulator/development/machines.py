"""What machines do with a mail's links, one function for each behaviour."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

from bench.simulator.clients import Client, DataCentre, Mail
from bench.simulator.development import browsers, fleets, networks
from bench.simulator.development.browsers import pick
from bench.simulator.development.fleets import Scanner, make_client, move, start_seconds


def _sweep(
    rng: Random,
    mail: Mail,
    scanner: Scanner,
    label: str,
    offsets: Sequence[float],
    *,
    links: Sequence[int] | None = None,
    start: float | None = None,
    agent: str | None = None,
    rotation: float = 0.3,
) -> None:
    begin = mail.delivered + (start_seconds(rng) if start is None else start)
    client = make_client(rng, scanner, agent=agent)
    for link, offset in zip(links if links is not None else range(mail.links), offsets, strict=False):
        client = move(rng, scanner, client, rotation)
        mail.add(begin + offset, link, client, f"machine/{label}")


def _burst_offsets(rng: Random, count: int) -> list[float]:
    width = rng.lognormvariate(-0.6, 0.9)  # half within 0.55 s, a tenth over 1.7 s
    return [rng.uniform(0, width) for _ in range(count)]


def _row_offsets(rng: Random, count: int, pace: float, deviation: float) -> list[float]:
    at, found = 0.0, []
    for _ in range(count):
        found.append(at)
        at += pace * rng.lognormvariate(0, deviation)
    return found


def _some_links(rng: Random, mail: Mail, low: float, high: float) -> list[int]:
    count = max(1, round(mail.links * rng.uniform(low, high)))
    return sorted(rng.sample(range(mail.links), count))


def burst(rng: Random, mail: Mail, scanner: Scanner, label: str = "burst", start: float | None = None) -> None:
    """All links at once; in a fifth of the visits each link twice (craft-campaign#546, gophish#973)."""
    rotation = rng.choice((0.0, 0.3, 1.0))
    times = 2 if rng.random() < 0.2 else 1
    links = list(range(mail.links)) * times
    _sweep(rng, mail, scanner, label, _burst_offsets(rng, len(links)), links=links, rotation=rotation, start=start)


def subset(rng: Random, mail: Mail, scanner: Scanner) -> None:
    """A part of the links at once (M3AAWG: a subset of the links)."""
    links = _some_links(rng, mail, 0.2, 0.8)
    _sweep(rng, mail, scanner, "subset", _burst_offsets(rng, len(links)), links=links)


def single_link(rng: Random, mail: Mail, scanner: Scanner) -> None:
    """One link of the mail (MillionSend PR#22), sometimes read twice at once (emdash#3298, onetimesecret#359)."""
    client, at, link = make_client(rng, scanner), mail.delivered + start_seconds(rng), rng.randrange(mail.links)
    mail.add(at, link, client, "machine/single-link")
    if rng.random() < 0.3:
        mail.add(at + rng.uniform(0.05, 3), link, move(rng, scanner, client, 0.5), "machine/single-link")


def first_link(rng: Random, mail: Mail, scanner: Scanner) -> None:
    """The first link only (Act-On, Word to the Wise)."""
    mail.add(mail.delivered + start_seconds(rng), 0, make_client(rng, scanner), "machine/first-link")


def two_waves(rng: Random, mail: Mail, scanner: Scanner) -> None:
    """All at once, and again minutes later with another look (anymail#200: again after forwarding)."""
    first = start_seconds(rng)
    burst(rng, mail, scanner, "two-waves", first)
    burst(rng, mail, scanner, "two-waves", first + rng.lognormvariate(5.7, 0.9))


def before_delivery(rng: Random, mail: Mail, scanner: Scanner) -> None:
    """While the server still holds the mail (gophish#2446, community.mcafee.com 64280)."""
    burst(rng, mail, scanner, "before-delivery", -rng.uniform(0.5, 25))


def blank_agent(rng: Random, mail: Mail, scanner: Scanner) -> None:
    """Without a user agent (laravel-passwordless-login#79)."""
    _sweep(rng, mail, scanner, "blank-agent", _burst_offsets(rng, mail.links), agent="")


def ordered_row(rng: Random, mail: Mail, scanner: Scanner) -> None:
    """One link after the other, about a second each (mautic#9798)."""
    pace = rng.lognormvariate(-0.2, 0.6)
    _sweep(rng, mail, scanner, "ordered-row", _row_offsets(rng, mail.links, pace, 0.4), rotation=rng.choice((0.0, 0.2)))


def appliance_row(rng: Random, mail: Mail, scanner: Scanner) -> None:
    """From the office's own address, one after the other."""
    _sweep(rng, mail, scanner, "appliance", _row_offsets(rng, mail.links, rng.lognormvariate(-0.7, 0.7), 0.5))


def appliance_burst(rng: Random, mail: Mail, scanner: Scanner) -> None:
    """From the office's own address, all at once."""
    burst(rng, mail, scanner, "appliance")


def slow_drip(rng: Random, mail: Mail, scanner: Scanner) -> None:
    """One link every 20 to 300 seconds, in any order (own judgement of the pace; sailthru: sustained clicks)."""
    links = _some_links(rng, mail, 0.5, 1.0)
    if rng.random() < 0.5:
        rng.shuffle(links)
    offsets = _row_offsets(rng, len(links), rng.lognormvariate(4.2, 0.7), rng.uniform(0.05, 0.8))
    _sweep(rng, mail, scanner, "slow-drip", offsets, links=links, rotation=rng.choice((0.0, 1.0)))


def head_first(rng: Random, mail: Mail, scanner: Scanner) -> None:
    """HEAD by an HTTP library, then GET (FusionAuth#629, better-auth#9690)."""
    at = mail.delivered + start_seconds(rng)
    for link in range(mail.links):
        asker = (
            make_client(rng, scanner, agent="Go-http-client/1.1") if rng.random() < 0.6 else make_client(rng, scanner)
        )
        mail.add(at, link, asker, "machine/head-first", method="HEAD")
        if rng.random() < 0.8:
            reader = replace(
                make_client(rng, scanner), ip=asker.ip if rng.random() < 0.6 else scanner.fleet.random_ip(rng)
            )
            mail.add(at + rng.uniform(0.05, 2), link, reader, "machine/head-first")
        at += rng.lognormvariate(-1, 0.8)


def sandbox_subset(rng: Random, mail: Mail, scanner: Scanner) -> None:
    """A part of the links minutes later from several sandboxes (M3AAWG; suped: up to 30 minutes after arrival)."""
    at = mail.delivered + rng.lognormvariate(5.4, 1.0)  # half within 3.7 minutes, a tenth after 13
    for link in _some_links(rng, mail, 0.15, 0.6):
        client = make_client(rng, scanner)
        for _ in range(2 if rng.random() < 0.15 else 1):
            mail.add(at, link, client, "machine/sandbox-subset")
            at += rng.lognormvariate(2.6, 0.8)  # half within 13 s


def spray(rng: Random, mail: Mail, scanner: Scanner) -> None:
    """Another address and user agent for each request, spread over minutes (mautic#9798, campus.barracuda.com)."""
    begin, width = mail.delivered + start_seconds(rng), rng.lognormvariate(4.2, 1.0)
    for link in _some_links(rng, mail, 0.6, 1.0):
        mail.add(begin + rng.uniform(0, width), link, make_client(rng, scanner), "machine/spray")


def split_sources(rng: Random, mail: Mail, scanner: Scanner) -> None:
    """Two to five sources, each with a part of the links."""
    begin = mail.delivered + start_seconds(rng)
    clients = [make_client(rng, scanner) for _ in range(rng.randint(2, 5))]
    width = rng.lognormvariate(3.0, 1.0)
    for link in _some_links(rng, mail, 0.7, 1.0):
        mail.add(begin + rng.uniform(0, width), link, rng.choice(clients), "machine/split-sources")


def library(rng: Random, mail: Mail, scanner: Scanner) -> None:
    """An HTTP library that says so, each link several times (craft-campaign#546)."""
    links = list(range(mail.links)) * rng.choice((1, 1, 2, 3))
    _sweep(
        rng, mail, scanner, "library", _burst_offsets(rng, len(links)), links=links, agent=rng.choice(fleets.LIBRARIES)
    )


def unlisted_name(rng: Random, mail: Mail, scanner: Scanner) -> None:
    """A scanner that names itself by a name that lists of crawlers do not have."""
    name = rng.choice(fleets.UNLISTED.get(scanner.vendor, fleets.UNLISTED["trend"]))
    links = _some_links(rng, mail, 0.4, 1.0)
    _sweep(rng, mail, scanner, "unlisted-name", _row_offsets(rng, len(links), 0.5, 1.0), links=links, agent=name)


def residential(rng: Random, mail: Mail, scanner: Scanner) -> None:
    """A home's address and a real browser's fingerprint (MembershipReboot#522; a fifth are phones: gophish#2565)."""
    phone = rng.random() < 0.2
    ip = networks.phone_ip(rng) if phone else networks.home_ip(rng)
    device = "android-chrome" if phone else pick(rng, {"chrome-windows": 70, "edge": 15, "firefox": 15})
    browser = browsers.make_browser(rng, device)
    client, at = Client(ip, browser.user_agent, browser.headers), mail.delivered + rng.lognormvariate(5.0, 1.3)
    for link in _some_links(rng, mail, 0.1, 0.7):
        mail.add(at, link, client, "machine/residential")
        at += rng.lognormvariate(2.0, 1.0)


BEHAVIOURS: dict[str, Callable[[Random, Mail, Scanner], None]] = {
    "burst": burst,
    "subset": subset,
    "single-link": single_link,
    "first-link": first_link,
    "two-waves": two_waves,
    "before-delivery": before_delivery,
    "blank-agent": blank_agent,
    "ordered-row": ordered_row,
    "appliance-row": appliance_row,
    "appliance-burst": appliance_burst,
    "slow-drip": slow_drip,
    "head-first": head_first,
    "sandbox-subset": sandbox_subset,
    "spray": spray,
    "split-sources": split_sources,
    "library": library,
    "unlisted-name": unlisted_name,
    "residential": residential,
}


def add_scan(rng: Random, mail: Mail, scanner: Scanner, manners: dict[str, float]) -> None:
    """What the fleet does on arrival of a mail, and what comes later of it."""
    if rng.random() < scanner.visit_rate:
        BEHAVIOURS[pick(rng, manners)](rng, mail, scanner)
        if rng.random() < scanner.rescan_rate:
            add_rescan(rng, mail, scanner)


def add_rescan(rng: Random, mail: Mail, scanner: Scanner) -> None:
    """Again after hours or days (suped: old mails are looked at again; live-direct: crawls hours later)."""
    begin = rng.lognormvariate(10.0, 1.2)  # half within six hours, a tenth after 28
    links = _some_links(rng, mail, 0.3, 1.0)
    offsets = _burst_offsets(rng, len(links)) if rng.random() < 0.6 else _row_offsets(rng, len(links), 4.0, 0.8)
    _sweep(rng, mail, scanner, "rescan", offsets, links=links, start=begin)


def add_archive_crawl(rng: Random, mail: Mail, fleet: DataCentre) -> None:
    """An unnamed crawler of a mail archive, days later, a few links with pauses (own judgement)."""
    client = make_client(rng, Scanner("small", fleet, 1, 0, 0))
    at = mail.delivered + rng.uniform(0.5, 12) * 86_400
    for link in rng.sample(range(mail.links), min(mail.links, rng.randint(1, 4))):
        mail.add(at, link, client, "machine/archive-crawler")
        at += rng.lognormvariate(2.3, 1.2)


def add_report_visit(rng: Random, mail: Mail, scanner: Scanner) -> None:
    """A reader reports or forwards the mail to a ticket system, whose sandbox looks (gophish#2853, #3317)."""
    begin = rng.lognormvariate(8.3, 1.4)
    links = _some_links(rng, mail, 0.3, 1.0)
    _sweep(rng, mail, scanner, "report-visit", _burst_offsets(rng, len(links)), links=links, start=begin)


def add_click_checks(rng: Random, mail: Mail, scanner: Scanner) -> None:
    """Looks at a link when somebody follows it: just before or after, by GET or HEAD (community.mcafee.com 64280)."""
    for click in [one for one in mail.requests if one.truth == "human"][:4]:
        by_head = rng.random() < 0.25
        agent = rng.choice(("Go-http-client/1.1", "OneOutlook/1.2025.611.100 CFNetwork")) if by_head else None
        moment = click.at + (-rng.lognormvariate(-1.2, 0.9) if rng.random() < 0.6 else rng.lognormvariate(-0.5, 0.9))
        label = "machine/click-check-head" if by_head else "machine/click-check"
        mail.add(moment, click.link, make_client(rng, scanner, agent=agent), label, method="HEAD" if by_head else "GET")


def add_echo(rng: Random, mail: Mail, fleet: DataCentre) -> None:
    """Seconds after a click the same link from another network and system, Chrome current (resend-node#901: 12 s)."""
    clicks = [one for one in mail.requests if one.truth == "human"]
    if clicks:
        click, browser = rng.choice(clicks), browsers.make_browser(rng, "chrome-windows")
        ip = fleet.random_ip(rng) if rng.random() < 0.5 else networks.home_ip(rng)
        mail.add(
            click.at + rng.lognormvariate(2.3, 0.7),
            click.link,
            Client(ip, browser.user_agent, browser.headers),
            "machine/echo",
        )


def add_endpoint_antivirus(rng: Random, mail: Mail, reader: Client, opened: float) -> None:
    """Security software on the reader's machine that looks at the links when the mail is shown (own judgement)."""
    agent = (
        reader.user_agent
        if rng.random() < 0.5
        else browsers.CHROME.format(browsers.WINDOWS, rng.choice(fleets.OLD_CHROMES))
    )
    client = Client(reader.ip, agent, {"accept": "*/*", "accept-encoding": "gzip, deflate"})
    for link, offset in zip(_some_links(rng, mail, 0.6, 1.0), _row_offsets(rng, mail.links, 0.15, 0.9), strict=False):
        mail.add(opened + offset, link, client, "machine/endpoint-antivirus")


def add_provider_fetch(rng: Random, mail: Mail, provider: str, fleet: DataCentre) -> None:
    """What mailbox providers fetch under a name: BingPreview, Gmail's sampling (phplist3#415; user_agent#71)."""
    if provider == "outlook.com":
        label, agent = "machine/bing-preview", browsers.CHROME.format(browsers.WINDOWS, 104) + " BingPreview/1.0b"
    else:
        label, agent = "machine/gmail-sampling", "Mozilla/5.0 (compatible; Gmail-content-sampling)"
    at = mail.delivered + rng.lognormvariate(5.5, 1.0)
    for link in rng.sample(range(mail.links), min(mail.links, rng.randint(1, 3))):
        mail.add(at, link, Client(fleet.random_ip(rng), agent, {"accept": "*/*", "accept-encoding": "gzip"}), label)
        at += rng.lognormvariate(0, 1)


def add_chat_preview(rng: Random, mail: Mail, at: float, link: int, fleet: DataCentre) -> None:
    """A chat program draws a preview of a link that somebody pasted."""
    client = Client(
        fleet.random_ip(rng), rng.choice(fleets.PREVIEWS), {"accept": "*/*", "accept-encoding": "gzip, deflate"}
    )
    mail.add(at, link, client, "machine/chat-preview")

"""Mails of a month: recipients at home and in organisations, their scanners, and several mailings to them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from bench.simulator.clients import Campaign, DataCentre, Mail
from bench.simulator.development import fleets, machines, networks, people
from bench.simulator.development.browsers import pick
from bench.simulator.development.fleets import Scanner
from bench.simulator.development.people import DAY, Person
from bench.simulator.development.shares import Shares, draw_shares, shift

MAILINGS = 6
# Kinds of mails, per cent of mails: links from, to, how many people click. Own judgement; the sum of both kinds of hits
# meets the 64 to 65 % of machines' that Omeda measured.
MAIL_KINDS = {
    "confirmation": (8.0, 1, 2, 0.65),
    "alert": (12.0, 1, 1, 0.24),
    "pair": (10.0, 2, 2, 0.24),
    "offer": (23.0, 3, 5, 0.30),
    "digest": (7.0, 6, 7, 0.32),
    "newsletter": (40.0, 8, 20, 0.34),
}
# What looks at the mail of an organisation, per cent. Own judgement: nobody publishes it; Defender leads everywhere.
OFFICE_SCANNERS = {
    "defender": 40.0,
    "proofpoint": 10,
    "mimecast": 8,
    "barracuda": 7,
    "cisco": 5,
    "trend": 4,
    "symantec": 3,
    "appliance": 6,
    "small": 8,
    "stealth": 3,
    "": 6,
}
# Of mailboxes at home: providers, and which part of them has Defender, a small scanner or nothing.
PROVIDERS = {"gmail": 44.0, "outlook.com": 22, "yahoo": 10, "icloud": 14, "hosted": 10}
HOME_SCANNERS = {
    "outlook.com": {"defender": 45.0, "": 55},
    "hosted": {"small": 30.0, "defender": 15, "stealth": 5, "": 50},
}
VISIT_RATES = {"defender": (0.06, 0.42), "proofpoint": (0.15, 0.55), "stealth": (0.2, 0.6)}  # of mails; own judgement
SEGMENTS = 8


@dataclass(frozen=True, slots=True)
class Vendor:
    """A maker's fleet as this seed has it, with its manners in each mailing."""

    fleet: DataCentre
    manners: list[dict[str, float]]
    header_styles: dict[str, float]
    current_share: float


@dataclass(slots=True)
class World:
    """What all recipients share."""

    vendors: dict[str, Vendor]
    bing: DataCentre
    google: DataCentre
    chat: DataCentre
    archive: DataCentre
    click_factor: float
    shares: Shares


@dataclass(frozen=True, slots=True)
class Recipient:
    """A mailbox: who reads it and what looks at its mail."""

    name: str
    segment: int
    person: Person
    provider: str
    scanner: Scanner | None
    tester: bool = False


@dataclass(frozen=True, slots=True)
class Template:
    """What one segment gets in a mailing."""

    kind: str
    links: int
    click_rate: float


@dataclass(slots=True)
class Calendar:
    """Which template each segment gets, by mailing, and when the mailing begins."""

    starts: list[float] = field(default_factory=list)
    templates: list[list[Template]] = field(default_factory=list)


def generate(seed: int, mails: int) -> Campaign:
    """About `mails` mails of a month; each seed shifts how common everything is."""
    rng = Random(seed)  # noqa: S311 - traffic must be repeatable, and is no secret
    world, made = _make_world(rng), Campaign()
    made.data_centres.extend(vendor.fleet for vendor in world.vendors.values())
    recipients = _make_recipients(rng, world, max(10, round(mails / MAILINGS)), made)
    calendar = _make_calendar(rng)
    for mailing, start in enumerate(calendar.starts):
        for recipient in recipients:
            template = calendar.templates[mailing][recipient.segment]
            confirmation = template.kind == "confirmation"  # sent when its reader asks for it
            sent = start + (rng.uniform(0, 3 * DAY) if confirmation else rng.uniform(0, 1800))
            mail = Mail(
                len(made.mails),
                template.links,
                sent + rng.lognormvariate(0.7, 0.6),
                mailing=mailing,
                recipient=recipient.name,
            )
            _fill(rng, world, mail, recipient, template)
            made.mails.append(mail)
    return made


def _make_world(rng: Random) -> World:
    vendors = {}
    for vendor, manners in fleets.MANNERS.items():
        blocks, count = fleets.BLOCKS.get(vendor, networks.HOMES), fleets.FLEET_NETWORKS.get(vendor, 12)
        fleet = networks.make_fleet(rng, blocks, count)
        if vendor in fleets.BLOCKS:  # and some networks that nobody knows as theirs (campus.barracuda.com)
            others = networks.make_fleet(rng, networks.HOSTERS, round(count * rng.uniform(0, 0.3)))
            fleet = DataCentre(fleet.networks + others.networks)
        usual, styles = shift(rng, manners), shift(rng, fleets.HEADER_STYLES[vendor])
        by_mailing = [shift(rng, usual, 0.3) for _ in range(MAILINGS)]
        vendors[vendor] = Vendor(fleet, by_mailing, styles, rng.uniform(0.3, 0.75))
    return World(
        vendors,
        bing=networks.make_fleet(rng, networks.AZURE, 12),
        google=networks.make_fleet(rng, networks.GOOGLE_CLOUD, 12),
        chat=networks.make_fleet(rng, networks.AWS, 20),
        archive=networks.make_fleet(rng, networks.HOSTERS, 6),
        click_factor=rng.lognormvariate(0, 0.15),
        shares=draw_shares(rng),
    )


def _make_calendar(rng: Random) -> Calendar:
    """Six mailings over a month, whose templates differ by segment, so that every kind occurs as often as it should."""
    calendar, start = Calendar(), 0.0
    kinds = _spread_kinds(rng, MAILINGS * SEGMENTS)
    for _ in range(MAILINGS):
        calendar.starts.append(start)
        start += rng.uniform(2.5, 6) * DAY
        row = []
        for _ in range(SEGMENTS):
            kind = kinds.pop()
            _, low, high, rate = MAIL_KINDS[kind]
            row.append(Template(kind, rng.randint(low, high), rate))
        calendar.templates.append(row)
    return calendar


def _spread_kinds(rng: Random, count: int) -> list[str]:
    whole, total = [], sum(part for part, _, _, _ in MAIL_KINDS.values())
    for kind, (part, _, _, _) in MAIL_KINDS.items():
        whole.extend([kind] * max(1, round(count * part / total)))
    while len(whole) < count:
        whole.append("newsletter")
    rng.shuffle(whole)
    return whole[:count]


def _make_recipients(rng: Random, world: World, count: int, made: Campaign) -> list[Recipient]:
    home_scanners = {provider: shift(rng, weights, 0.35) for provider, weights in HOME_SCANNERS.items()}
    office_scanners, found = (
        shift(rng, OFFICE_SCANNERS, 0.35),
        _make_testers(rng, world, made, max(1, round(count * 0.001))),
    )
    while len(found) < count:
        if rng.random() < 0.9:  # organisations have about nine members on the average: half of the mailboxes
            provider = pick(rng, PROVIDERS)
            scanner = _make_scanner(rng, world, pick(rng, home_scanners.get(provider, {"": 1.0})))
            found.append(
                Recipient(
                    f"home-{len(found)}",
                    rng.randrange(SEGMENTS),
                    people.make_person(rng, world.shares),
                    provider,
                    scanner,
                )
            )
            continue
        office, size = people.make_office(rng, world.shares), rng.choice((2, 3, 4, 5, 6, 8, 10, 14, 20, 35))
        scanner = _make_scanner(rng, world, pick(rng, office_scanners), office=office.ip)
        segment = rng.randrange(SEGMENTS)
        for _ in range(min(size, count - len(found))):
            person = people.make_person(rng, world.shares, office=office)
            whose = rng.randrange(SEGMENTS) if rng.random() < 0.5 else segment
            found.append(Recipient(f"office-{len(found)}", whose, person, "office", scanner))
    return found


def _make_testers(rng: Random, world: World, made: Campaign, count: int) -> list[Recipient]:
    """The sender's own people, who try every link; most from the sender's office."""
    home = networks.random_ip(rng, networks.OFFICES).rpartition(".")[0]
    made.internal_networks.append(f"{home}.0/24")
    found = []
    for number in range(count):
        client = people.make_client(rng, world.shares, phone=False)
        if rng.random() < 0.75:
            client = people.relocate(client, f"{home}.{rng.randint(1, 254)}", "office-nat")
        person = Person(client, people.make_client(rng, world.shares, phone=True), "tester", 1, (client,))
        found.append(Recipient(f"tester-{number}", number % SEGMENTS, person, "office", None, tester=True))
    return found


def _make_scanner(rng: Random, world: World, vendor: str, *, office: str = "") -> Scanner | None:
    if not vendor or (vendor == "appliance" and not office):
        return None
    known = world.vendors[vendor]
    fleet = known.fleet
    if vendor == "small":  # each its own few networks
        fleet = networks.make_fleet(rng, fleets.BLOCKS["small"], rng.randint(1, 6))
    rescan = rng.choice((0.0, 0.02, 0.08, 0.2))  # own judgement
    checks = rng.uniform(0.3, 0.9) if rng.random() < 0.15 else 0.0  # own judgement: time-of-click checks that reach us
    visits = rng.uniform(*VISIT_RATES.get(vendor, (0.15, 0.7)))
    place = office if vendor == "appliance" else ""
    return Scanner(vendor, fleet, visits, rescan, checks, place, known.header_styles, known.current_share)


def _fill(rng: Random, world: World, mail: Mail, to: Recipient, template: Template) -> None:
    scanner = to.scanner
    if scanner:
        machines.add_scan(rng, mail, scanner, world.vendors[scanner.vendor].manners[mail.mailing])
    if to.tester:
        _add_tester(rng, mail, to.person)
        return
    _add_reader(rng, world, mail, to, template)
    if scanner and rng.random() < scanner.click_check_rate:
        machines.add_click_checks(rng, mail, scanner)
    if to.provider in ("outlook.com", "gmail") and rng.random() < (0.02 if to.provider == "outlook.com" else 0.004):
        machines.add_provider_fetch(
            rng, mail, to.provider, world.bing if to.provider == "outlook.com" else world.google
        )
    for rate, add in _rare_machines(rng, world, mail, to):
        if rng.random() < rate:
            add()


def _rare_machines(rng: Random, world: World, mail: Mail, to: Recipient) -> list[tuple[float, Callable[[], None]]]:
    """How many mails each of the rarer machines meets; own judgement."""
    found: list[tuple[float, Callable[[], None]]] = [
        (0.004, lambda: machines.add_archive_crawl(rng, mail, world.archive)),
        (0.012, lambda: machines.add_echo(rng, mail, world.archive)),
    ]
    scanner = to.scanner
    if scanner and scanner.vendor in ("defender", "proofpoint"):
        found.append((0.004, lambda: machines.add_report_visit(rng, mail, scanner)))
    if to.person.antivirus:
        opened = mail.delivered + people.first_click_seconds(rng)
        found.append((0.5, lambda: machines.add_endpoint_antivirus(rng, mail, to.person.client, opened)))
    return found


def _add_reader(rng: Random, world: World, mail: Mail, to: Recipient, template: Template) -> None:
    person = to.person
    rate = template.click_rate * world.click_factor
    rate *= 1 if template.kind == "confirmation" else person.eagerness / 1.377  # the mean of these log-normal numbers
    prompt = template.kind == "confirmation"
    start = mail.delivered + (
        people.prompt_click_seconds(rng, world.shares) if prompt else people.first_click_seconds(rng)
    )
    if rng.random() < 0.004:
        people.add_prefetch(rng, mail, person.client, start - rng.uniform(0.5, 20))
    if rng.random() < 0.003:
        people.add_hover_preview(rng, mail, person, start - rng.uniform(1, 30))
    if rng.random() >= min(0.95, rate):
        return
    people.add_visit(rng, mail, person, world.shares, start=start)
    if rng.random() < 0.02:  # pastes a link into a chat, where others follow it
        click = rng.choice(mail.requests)
        at = start + rng.lognormvariate(5, 1)
        machines.add_chat_preview(rng, mail, at, click.link, world.chat)
        people.add_sitting(
            rng, mail, rng.choice(person.colleagues), at + rng.lognormvariate(4, 1), "one", label="from-chat"
        )


def _add_tester(rng: Random, mail: Mail, person: Person) -> None:
    start = mail.delivered + rng.lognormvariate(5.0, 1.2)
    people.add_sitting(rng, mail, person.client, start, "all", label="tester", habit="tester")

"""Four mailings over weeks to the same organisations and people at home."""

from dataclasses import dataclass
from random import Random

from bench.simulator.clients import Campaign, DataCentre, Mail
from bench.simulator.development import networks
from bench.simulator.development.browsers import pick
from bench.simulator.survey import readers, scanners, tables
from bench.simulator.survey.readers import Reader
from bench.simulator.survey.scanners import Fleet

SEGMENTS = 6
SCANNED_HOMES = 0.13  # of people at home have a mailbox that a vendor looks at; own judgement
SCANNED_OFFICES = 0.92
VISIT_RATES = (0.12, 0.52)  # of an organisation's mails are followed; own judgement, so that machines have 64 % of hits
TESTER_SHARE = 0.0015  # of recipients


@dataclass(frozen=True, slots=True)
class Recipient:
    """A mailbox: who reads it and what looks at its mail."""

    name: str
    segment: int
    reader: Reader
    fleet: Fleet | None
    visits: float
    tester: bool = False


@dataclass(frozen=True, slots=True)
class World:
    """What all recipients share; `archive` stands for small unnamed crawlers."""

    fleets: dict[str, Fleet]
    vendors: dict[str, float]
    archive: Fleet
    elsewhere: DataCentre
    providers: DataCentre
    click_factor: float


def generate(seed: int, mails: int) -> Campaign:
    """About `mails` mails; each seed shifts shares and addresses."""
    rng = Random(f"survey {seed}")  # noqa: S311 - traffic must be repeatable, and is no secret
    world, made = _make_world(rng), Campaign()
    made.data_centres.extend(fleet.networks for fleet in world.fleets.values())
    recipients = _make_recipients(rng, world, max(8, round(mails / tables.MAILINGS)), made)
    start = 0.0
    for mailing in range(tables.MAILINGS):
        kinds = [pick(rng, {name: one[0] for name, one in tables.MAILS.items()}) for _ in range(SEGMENTS)]
        sizes = [rng.randint(*tables.MAILS[kind][1:3]) for kind in kinds]
        for to in recipients:
            kind, links = kinds[to.segment], sizes[to.segment]
            if rng.random() < 0.35:  # mails that people ask for or that answer them, beside the mailing
                kind = pick(rng, {name: one[0] for name, one in tables.MAILS.items()})
                links = rng.randint(*tables.MAILS[kind][1:3])
            awaited = kind in ("sign-in", "confirm")
            sent = start + (rng.uniform(0, 4 * tables.DAY) if awaited else rng.uniform(0, 2400))
            delivered = sent + rng.lognormvariate(0.5, 0.7)
            mail = Mail(len(made.mails), links, delivered, mailing=mailing, recipient=to.name)
            _fill(rng, world, mail, to, tables.MAILS[kind][3], awaited=awaited)
            made.mails.append(mail)
        start += rng.uniform(4, 9) * tables.DAY
    return made


def _make_world(rng: Random) -> World:
    fleets = {vendor: scanners.make_fleet(rng, vendor) for vendor in tables.VENDORS}
    return World(
        fleets,
        {vendor: part * rng.lognormvariate(0, 0.3) for vendor, part in tables.VENDORS.items()},
        archive=scanners.make_fleet(rng, "partial"),
        elsewhere=networks.make_fleet(rng, networks.HOSTERS, 12),
        providers=networks.make_fleet(rng, networks.AZURE + networks.GOOGLE_CLOUD, 14),
        click_factor=rng.lognormvariate(0, 0.15),
    )


def _make_recipients(rng: Random, world: World, count: int, made: Campaign) -> list[Recipient]:
    found = _make_testers(rng, made, max(1, round(count * TESTER_SHARE)))
    while len(found) < count:
        if rng.random() < 0.92:  # organisations have about twelve members: half of the mailboxes
            fleet = _employ(rng, world, "") if rng.random() < SCANNED_HOMES else None
            reader = readers.make_reader(rng, None)
            name = f"home-{len(found)}"
            found.append(Recipient(name, rng.randrange(SEGMENTS), reader, fleet, rng.uniform(*VISIT_RATES)))
            continue
        office, segment = readers.make_office(rng), rng.randrange(SEGMENTS)
        fleet = _employ(rng, world, office.ip) if rng.random() < SCANNED_OFFICES else None
        visits = rng.uniform(*VISIT_RATES)
        for _ in range(min(rng.choice((3, 4, 6, 8, 12, 18, 30)), count - len(found))):
            reader = readers.make_reader(rng, office)
            found.append(Recipient(f"office-{len(found)}", segment, reader, fleet, visits))
    return found


def _make_testers(rng: Random, made: Campaign, count: int) -> list[Recipient]:
    home = networks.random_ip(rng, networks.OFFICES).rpartition(".")[0]
    made.internal_networks.append(f"{home}.0/24")
    found = []
    for number in range(count):
        reader = readers.make_reader(rng, None)
        client = reader.client
        if rng.random() < 0.7:
            client = readers.move_to(client, f"{home}.{rng.randint(1, 254)}")
        tester = Reader(client, reader.other, (client,), 1.0)
        found.append(Recipient(f"tester-{number}", number % SEGMENTS, tester, None, 0.0, tester=True))
    return found


def _employ(rng: Random, world: World, office: str) -> Fleet | None:
    vendor = pick(rng, world.vendors)
    if vendor == "appliance" and not office:
        return None
    known = world.fleets[vendor]
    rescans, checks = rng.choice((0.0, 0.03, 0.12)), rng.uniform(0.3, 0.8) if rng.random() < 0.12 else 0.0
    return Fleet(vendor, known.networks, known.current, office if vendor == "appliance" else "", rescans, checks)


def _fill(rng: Random, world: World, mail: Mail, to: Recipient, rate: float, *, awaited: bool) -> None:
    if to.tester:
        readers.add_sitting(rng, mail, to.reader.client, mail.delivered + rng.uniform(20, 1500), "tester")
        return
    fleet = to.fleet
    if fleet and rng.random() < to.visits:
        scanners.add_visit(rng, mail, fleet)
    clicks = rate * world.click_factor * (1 if awaited else to.reader.eagerness / 1.28)
    pause = readers.awaited_click_seconds(rng) if awaited else readers.first_click_seconds(rng)
    if rng.random() < min(0.95, clicks):
        readers.add_reading(rng, mail, to.reader, mail.delivered + pause)
        if fleet and rng.random() < fleet.checks:
            scanners.add_checks(rng, mail, fleet)
        if rng.random() < 0.02:
            scanners.add_echo(rng, mail, world.elsewhere)
    if to.reader.antivirus and rng.random() < 0.5:
        scanners.add_antivirus(rng, mail, to.reader.client, mail.delivered + readers.first_click_seconds(rng))
    if rng.random() < 0.004:
        scanners.add_provider(rng, mail, world.providers)
    if rng.random() < 0.004:
        scanners.add_archive(rng, mail, world.archive)

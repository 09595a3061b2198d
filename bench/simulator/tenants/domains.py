"""Receiving domains with their filters and people, and mailings to them over five weeks."""

from dataclasses import dataclass
from random import Random

from bench.simulator.clients import Campaign, Client, DataCentre, Mail
from bench.simulator.development import browsers, networks
from bench.simulator.tenants import bystanders, filters, recipients
from bench.simulator.tenants.filters import DAY, Filter
from bench.simulator.tenants.recipients import Exit, Person

PROVIDERS = {"gmail.example": 44.0, "outlook.example": 22, "yahoo.example": 14, "icloud.example": 12, "isp.example": 8}
PROVIDER_DRAWS = 0.88  # of draws are people at providers, the others whole offices: about as many people; own judgement
# Kinds of mails, per cent: links from, to, part of recipients who click, awaited; own judgement, so that machines have
# about 65 % of the hits (amediaoperator.com, Omeda).
KINDS = (
    (20.0, 1, 1, 0.75, True),
    (8.0, 1, 1, 0.4, False),
    (11.0, 2, 2, 0.45, False),
    (25.0, 3, 6, 0.4, False),
    (22.0, 7, 12, 0.36, False),
    (14.0, 13, 40, 0.3, False),
)
MAILINGS = 8


@dataclass(frozen=True, slots=True)
class Domain:
    """Who receives under one name, behind which filters."""

    people: list[Person]
    filters: list[Filter]
    egress: Exit | None
    tickets: bool = False
    archives: bool = False


def generate(seed: int, mails: int) -> Campaign:
    """`mails` mails with at least one request each; all of it follows from `seed`."""
    rng = Random(seed)  # noqa: S311 - traffic must be repeatable, and is no secret
    homes = {maker: filters.make_home(rng, maker) for maker in filters.BLOCKS}
    cloud = networks.make_fleet(rng, networks.AWS + networks.HOSTERS + networks.GOOGLE_CLOUD, 40)
    office = networks.random_ip(rng, networks.OFFICES)
    made = Campaign(data_centres=[*homes.values(), cloud], internal_networks=[f"{office}/32"])
    domains = _make_domains(rng, homes, max(40, mails // 2), office)
    number = 0
    while len(made.mails) < mails:
        sent = number * 5 * 7 * DAY / MAILINGS + rng.uniform(0, DAY / 2)
        _, low, high, rate, awaited = rng.choices(KINDS, [kind[0] for kind in KINDS])[0]
        links = rng.randint(low, high)
        for domain in domains:
            for who in domain.people:
                if rng.random() < 0.35:
                    at = sent + rng.uniform(0, 900)
                    mail = Mail(len(made.mails), links, at, [], number, who.address)
                    _fill(rng, mail, who, domain, cloud=cloud, rate=rate * rng.uniform(0.8, 1.2), awaited=awaited)
                    mail.requests.sort(key=lambda request: request.at)
                    if mail.requests and len(made.mails) < mails:
                        made.mails.append(mail)
        number += 1
    return made


def _make_domains(rng: Random, homes: dict[str, DataCentre], people: int, office: str) -> list[Domain]:
    testers = [recipients.make_tester(rng, number, office) for number in range(max(1, people // 600))]
    domains, count = [Domain(testers, [], None)], 0
    consumers: dict[str, list[Person]] = {name: [] for name in PROVIDERS}
    while count < people:
        if rng.random() < PROVIDER_DRAWS:
            name = browsers.pick(rng, PROVIDERS)
            consumers[name].append(recipients.make_person(rng, f"person{count}@{name}", None))
            count += 1
        else:
            size = min(60, max(1, round(rng.lognormvariate(1.1, 1.0))))
            domains.append(_make_business(rng, homes, f"firm{count}.example", size, count))
            count += size
    microsoft = filters.make_filter(rng, "microsoft", homes, Client("192.0.2.1", "", {}))
    domains += [
        Domain(them, [microsoft] if name == "outlook.example" else [], None) for name, them in consumers.items() if them
    ]
    return domains


def _make_business(rng: Random, homes: dict[str, DataCentre], name: str, size: int, first: int) -> Domain:
    egress = recipients.make_exit(rng, homes)
    people = [recipients.make_person(rng, f"person{first + index}@{name}", egress) for index in range(size)]
    outside = Client(egress.ip, "", {}, "1.0" if egress.kind == "old-proxy" else "1.1")
    count = rng.choices((0, 1, 2), (42, 50, 8))[0]
    own = [filters.make_filter(rng, browsers.pick(rng, filters.FILTERS), homes, outside) for _ in range(count)]
    return Domain(people, own, egress, tickets=rng.random() < 0.04, archives=rng.random() < 0.02)


def _fill(
    rng: Random, mail: Mail, who: Person, domain: Domain, *, cloud: DataCentre, rate: float, awaited: bool
) -> None:
    for one in domain.filters:
        filters.visit(rng, mail, one)
    if domain.tickets:
        bystanders.ticket(rng, mail, cloud)
    if domain.archives:
        bystanders.archive(rng, mail, cloud)
    if who.antivirus:
        bystanders.antivirus(rng, mail, who.own)
    if rng.random() < 0.008:
        bystanders.assistant(rng, mail, cloud)
    if rng.random() < 0.006:
        bystanders.stranger(rng, mail)
    if rng.random() < rate * min(2.5, who.activity) or who.tester:
        colleague = rng.choice(domain.people).own if domain.egress else None
        recipients.read(rng, mail, who, colleague, awaited=awaited)
        click = mail.requests[-1]
        for one in domain.filters:
            bystanders.check_clicks(rng, mail, one)
        if rng.random() < 0.015:
            bystanders.prefetch(rng, mail, who.own, click)
        if domain.egress and rng.random() < 0.01:
            bystanders.report(rng, mail, cloud, click.at)

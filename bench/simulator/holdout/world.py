"""The world of a seed: it makes the fleets, the companies, the people and the sender's own testers."""

from dataclasses import dataclass, field
from random import Random

from bench.simulator.clients import DataCentre
from bench.simulator.holdout.browsers import WEBMAIL_REFERERS, Browser
from bench.simulator.holdout.devices import Device, DeviceMarket
from bench.simulator.holdout.distributions import Shares
from bench.simulator.holdout.fleets import (
    Fleet,
    Program,
    blank_program,
    headless_program,
    legacy_program,
    library_program,
    make_fleet,
    vendor_program,
)
from bench.simulator.holdout.networks import (
    Network,
    make_home,
    make_http10_proxy,
    make_mobile,
    make_office,
    make_stripping_proxy,
    random_address,
    random_networks,
)
from bench.simulator.holdout.organisations import (
    ARCHIVE_SHARE,
    CLICK_CHECKS,
    COMPANIONS,
    FILTERS,
    HABITS,
    HOME_NETWORKS,
    OFFICE_NETWORKS,
    PHONE_SHARE_AT_WORK,
    PHONE_SHARE_OF_CONSUMERS,
    PROVIDER_FILTERS,
    PROVIDERS,
    RESCAN_SHARE,
    SECOND_FILTER_SHARE,
    Filter,
    Organisation,
    Person,
)


@dataclass(slots=True)
class World:
    """Everybody and everything that is the same in all mailings."""

    fleets: dict[str, Fleet]
    companies: list[Organisation] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    testers: list[Person] = field(default_factory=list)
    internal_networks: list[str] = field(default_factory=list)
    exits: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def data_centres(self) -> list[DataCentre]:
        """The networks of fleets, and those that people come out of beside them."""
        fleets = [
            fleet.data_centre() for name, fleet in self.fleets.items() if name not in ("residential", "appliance")
        ]
        return fleets + [DataCentre(networks) for networks in self.exits.values()]


def make_fleets(rng: Random) -> dict[str, Fleet]:
    """The machines of all vendors, each fleet with many networks and several programs."""
    fleets = {
        "defender": make_fleet(rng, "defender", "defender", networks=60, programs=14, current_share=0.5),
        "outlook": make_fleet(rng, "outlook", "outlook", networks=25, programs=8, current_share=0.5),
        "proofpoint": make_fleet(rng, "proofpoint", "proofpoint", networks=14, programs=9),
        "barracuda": make_fleet(rng, "barracuda", "aws", networks=80, programs=30, current_share=0.6),
        "mimecast": make_fleet(rng, "mimecast", "mimecast", networks=6, programs=4),
        "cisco": make_fleet(rng, "cisco", "cisco", networks=10, programs=6),
        "trend-micro": make_fleet(rng, "trend-micro", "trend-micro", networks=12, programs=6, current_share=0.3),
        "google-cloud": make_fleet(rng, "google-cloud", "google-cloud", networks=20, programs=6),
        "ec2": make_fleet(rng, "ec2", "aws", networks=40, programs=10, current_share=0.7),
        "hosting": make_fleet(rng, "hosting", "hosting", networks=12, programs=8),
        "appliance": Fleet("appliance", (), tuple(make_fleet(rng, "", "azure", networks=1, programs=6).programs)),
        "archive": make_fleet(rng, "archive", "azure", networks=8, programs=4, current_share=0.4),
        "residential": make_fleet(rng, "residential", "hosting", networks=1, programs=1),
    }
    sandbox = make_fleet(rng, "sandbox", "aws", networks=30, programs=8, current_share=0.6)
    headless = tuple(headless_program(rng) for _ in range(4))
    fleets["sandbox"] = Fleet("sandbox", sandbox.networks, sandbox.programs + headless)
    libraries = (
        *(library_program(rng) for _ in range(8)),
        library_program(rng, 1.0),
        blank_program(rng),
        vendor_program(rng, "trend-micro"),
    )
    fleets["library"] = Fleet(
        "library", random_networks(rng, "hosting", 10) + random_networks(rng, "aws", 10), libraries
    )
    fleets["legacy"] = Fleet("legacy", random_networks(rng, "aws", 6), (legacy_program(),))
    fleets["check"] = Fleet(
        "check", fleets["defender"].networks[:20], (blank_program(rng), Program("Go-http-client/1.1", {}))
    )
    google = Program("Mozilla/5.0 (compatible; Gmail-content-sampling)", {"accept": "*/*"})  # phplist#415
    fleets["google"] = Fleet("google", random_networks(rng, "google", 8), (google,))
    return fleets


def make_exits(rng: Random, fleets: dict[str, Fleet]) -> dict[str, tuple[str, ...]]:
    """The /24 networks that people come out of: VPNs, relays, cloud desktops. Some are networks of scanners too."""
    return {
        "vpn": random_networks(rng, "vpn", 30) + fleets["hosting"].networks[:4],
        "private-relay": random_networks(rng, "private-relay", 30),
        "zscaler": random_networks(rng, "zscaler", 12),
        "cloud-desktop": random_networks(rng, "azure", 12) + fleets["defender"].networks[:6],
        "isolation": random_networks(rng, "isolation", 6) + fleets["sandbox"].networks[:5],
        "tor": random_networks(rng, "tor", 8),
    }


def connect(rng: Random, kind: str, office: Network | None, exits: dict[str, tuple[str, ...]]) -> Network:
    """A network of a kind for one device."""
    if kind == "office" and office is not None:
        return office
    if kind in exits:
        adds = (("via", "1.1 zscaler"),) if kind == "zscaler" and rng.random() < 0.5 else ()
        count = {"cloud-desktop": 2, "zscaler": 3}.get(kind, 12)
        return Network(kind, tuple(random_address(rng, exits[kind]) for _ in range(count)), adds=adds)
    addresses = office.addresses if office is not None else make_home(rng).addresses
    if kind == "stripping-proxy":
        return make_stripping_proxy(rng, addresses)
    if kind == "http10-proxy":
        return make_http10_proxy(addresses)
    return make_mobile(rng) if kind == "mobile" else make_home(rng)


class WorldBuilder:
    """Makes a world of a seed's shares."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.fleets = make_fleets(rng)
        self.exits = make_exits(rng, self.fleets)
        self.market = DeviceMarket(rng)
        self.filters = Shares(rng, {name: share for name, (_, share) in FILTERS.items()})
        self.checks = Shares(rng, CLICK_CHECKS)
        self.companions = Shares(rng, COMPANIONS)
        self.providers = Shares(rng, PROVIDERS, 0.1)
        self.home_networks = Shares(rng, HOME_NETWORKS)
        self.office_networks = Shares(rng, OFFICE_NETWORKS)
        self.habits = Shares(rng, HABITS)

    def build(self, people: int) -> World:
        """A world with about `people` people, half of them at work."""
        world = World(self.fleets, exits=self.exits)
        providers = [self._make_provider(domain) for domain in self.providers.items]
        by_domain = {provider.domain: provider for provider in providers}
        for number in range(max(30, people // 5)):
            world.companies.append(self._make_company(number))
        sizes = [self.rng.lognormvariate(0.0, 0.7) for _ in world.companies]
        for number in range(people):
            if number % 2:
                company = self.rng.choices(world.companies, sizes)[0]
                if number // 2 < len(FILTERS):  # somebody for each filter
                    company = world.companies[number // 2]
                world.people.append(self._make_person(number // 2, f"p{number}@{company.domain}", company))
            else:
                provider = by_domain[self.providers.pick(self.rng)]
                world.people.append(self._make_person(number // 2, f"p{number}@{provider.domain}", provider))
        self._add_testers(world)
        return world

    def _make_filter(self, behaviour: str, fleet: str, share: float, company_network: str = "") -> Filter:
        machines = self.fleets[fleet]
        if fleet == "appliance":
            machines = Fleet("appliance", (company_network,), (self.rng.choice(machines.programs),))
        favourite = self.rng.choice((0, 0, 0, 1, 2, 5))
        return Filter(behaviour, machines, share, self.rng.lognormvariate(0.0, 0.5), favourite)

    def _make_provider(self, domain: str) -> Organisation:
        filters = [self._make_filter(*entry) for entry in PROVIDER_FILTERS[domain]]
        return Organisation(domain, False, filters)

    def _make_company(self, number: int) -> Organisation:
        rng = self.rng
        network, addresses = make_office(rng)
        company = Organisation(
            f"company{number}.example", True, [], office=Network("office", addresses), network=network
        )
        for layer in range(2 if rng.random() < SECOND_FILTER_SHARE else 1):
            behaviour = self.filters.cover(rng, -1 if layer else number)
            if behaviour != "none":
                # Not each mail is swept (techqa-40.94, thomask): own judgement.
                share = rng.uniform(0.3, 1.0)
                company.filters.append(self._make_filter(behaviour, FILTERS[behaviour][0], share, network))
                if behaviour == "ordered-row" and rng.random() < 0.5:
                    company.filters[-1].address = addresses[0]
        if company.filters and (number == 1 or rng.random() < RESCAN_SHARE):
            company.filters.append(self._make_filter("rescan", "defender", rng.uniform(0.04, 0.3)))
        if number == 0 or rng.random() < ARCHIVE_SHARE:
            company.filters.append(self._make_filter("archive", "archive", rng.uniform(0.3, 1.0)))
        company.check = self.checks.cover(rng, number - len(FILTERS))
        return company

    def _make_person(self, number: int, address: str, organisation: Organisation) -> Person:
        rng = self.rng
        business = organisation.business
        networks = self.office_networks if business else self.home_networks
        devices = [self._make_desk(networks.cover(rng, number), organisation.office)]
        if rng.random() < 0.75:
            browser = self.market.phone(rng)
            kind = "mobile" if rng.random() < 0.5 else "home"
            if browser.family == "iphone" and rng.random() < 0.05:
                kind = "private-relay"
            phone = Device(browser, connect(rng, kind, None, self.exits), "" if browser.family == "chrome" else None)
            first = PHONE_SHARE_AT_WORK if business else PHONE_SHARE_OF_CONSUMERS
            devices.insert(0 if rng.random() < first / 0.75 else 1, phone)
        companion = self.companions.cover(rng, number - 10)
        habit = self.habits.cover(rng, number - 20)
        return Person(address, organisation, tuple(devices), habit, companion, rng.lognormvariate(0, 0.6))

    def _make_desk(self, kind: str, office: Network | None) -> Device:
        rng = self.rng
        network = connect(rng, kind, office, self.exits)
        if kind == "tor":
            return Device(Browser("tor", "windows", "en-US"), network, "")
        if kind == "isolation":
            return Device(self.market.isolation_browser(rng), network)
        browser = self.market.desktop(rng, office is not None)
        if kind == "private-relay":
            browser = Browser("safari", "mac", browser.language, 18.5)
        webmail = rng.choice(WEBMAIL_REFERERS) if rng.random() < (0.35 if office else 0.7) else None
        return Device(browser, network, webmail)

    def _add_testers(self, world: World) -> None:
        """The sender's own people, in an office of theirs; some work from home. Own judgement."""
        rng = self.rng
        network, addresses = make_office(rng)
        world.internal_networks.append(f"{network}.0/24")
        office = Network("office", addresses)
        sender = Organisation("sender.example", True, [], office=office, network=network)
        for number in range(6):
            connection = office if rng.random() < 0.75 else make_home(rng)
            device = Device(self.market.desktop(rng, True), connection)
            phone = Device(self.market.phone(rng), make_mobile(rng))
            world.testers.append(
                Person(f"tester{number}@sender.example", sender, (device, phone), "tester", "none", 1.0)
            )

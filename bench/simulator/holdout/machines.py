"""What machines do with a mail, whoever reads it: probes of a single link, late visits, and the table of all behaviours
with the sweeps.
"""

from collections.abc import Callable, Sequence
from random import Random

from bench.simulator.clients import Client, Mail
from bench.simulator.holdout.browsers import Browser
from bench.simulator.holdout.distributions import (
    DAY_SECONDS,
    HOUR_SECONDS,
    SWEEP_BEGIN_BANDS,
    delay_by_bands,
    spread,
)
from bench.simulator.holdout.fleets import Program, phone_program
from bench.simulator.holdout.networks import make_home, make_mobile
from bench.simulator.holdout.organisations import Filter
from bench.simulator.holdout.sweeps import (
    before_delivery,
    burst,
    head_first,
    legacy_browser,
    library,
    many_sources,
    ordered_row,
    quarantine,
    random_links,
    sandbox,
    slow_drip,
    spray,
    sweep,
    two_waves,
)

Behaviour = Callable[[Mail, Filter, float, Random], None]


def fleet_single(mail: Mail, machine: Filter, arrival: float, rng: Random) -> None:
    """One link of the mail, once or twice, from the same fleet as the bursts.

    Sources: MillionSend#22; emdash#3298 (two GETs, 22 s).
    """
    client = machine.fleet.client(rng)
    link = rng.randrange(mail.links)
    at = arrival + delay_by_bands(rng, SWEEP_BEGIN_BANDS)
    for _ in range(rng.choice((1, 1, 2))):
        mail.add(at, link, machine.fleet.same_program(rng, client), "machine/fleet-single")
        at += spread(rng, 0.8, 0.8)


def first_link(mail: Mail, machine: Filter, arrival: float, rng: Random) -> None:
    """Only the first link, soon after the mail was sent.

    Sources: act-on.
    """
    mail.add(arrival + spread(rng, 40, 1.2), 0, machine.fleet.client(rng), "machine/first-link")


def same_link(mail: Mail, machine: Filter, arrival: float, rng: Random) -> None:
    """The same link of each mail, from Amazon's cloud, minutes to hours later.

    Sources: suped-ec2.
    """
    link = min(machine.favourite, mail.links - 1)
    mail.add(arrival + spread(rng, 900, 1.4), link, machine.fleet.client(rng), "machine/same-link")


def rescan(mail: Mail, machine: Filter, arrival: float, rng: Random) -> None:
    """Some links again after hours or days: an investigation, or the sender has got complaints.

    Sources: live-direct; suped-timing.
    """
    begin = arrival + (spread(rng, 5 * HOUR_SECONDS, 0.9) if rng.random() < 0.65 else spread(rng, 3 * DAY_SECONDS, 0.6))
    links = random_links(rng, mail.links, 0.1, 1.1)
    sweep(mail, machine, begin, links, label="machine/rescan", rng=rng, gap=spread(rng, 0.8, 1.2), sigma=1.0)


def archive(mail: Mail, machine: Filter, arrival: float, rng: Random) -> None:
    """An archive's crawler takes the pages of some links, without hurry or a name: hours later, or each night.

    Sources: smarsh; own judgement.
    """
    client = machine.fleet.client(rng)
    at = arrival + spread(rng, 9 * HOUR_SECONDS, 0.9)
    if machine.favourite:  # a job of the night, for all mails of the day
        at = arrival - arrival % DAY_SECONDS + DAY_SECONDS + machine.favourite * HOUR_SECONDS + spread(rng, 1200, 0.8)
    for link in random_links(rng, mail.links, 0.2, 1.1):
        mail.add(at, link, client, "machine/archive")
        at += spread(rng, 9, 0.9) * machine.pace


def residential(mail: Mail, machine: Filter, arrival: float, rng: Random) -> None:
    """One or two links from a home's or a phone's address, with everything that a current browser sends.

    Sources: gophish#2565; resend#901; own judgement for how many and when.
    """
    at = arrival + spread(rng, 400, 1.5)
    if rng.random() < 0.4:
        program = phone_program(rng)
        ip = make_mobile(rng).address_at(at)
    else:
        browser = Browser("chrome", rng.choice(("windows", "windows", "mac")), rng.choice(("en-US", "en-GB", "de")))
        program = Program(*browser.request(at))
        ip = make_home(rng).address_at(at)
    client = Client(ip, program.user_agent, program.headers)
    for link in rng.sample(range(mail.links), min(mail.links, rng.choice((1, 1, 2)))):
        mail.add(at, link, client, "machine/residential")
        at += spread(rng, 12, 1.0) * machine.pace


def report_sandbox(mail: Mail, machine: Filter, arrival: float, rng: Random) -> None:
    """Somebody reports the mail or forwards it to the help desk, whose tools open the links.

    Sources: gophish#2853.
    """
    if rng.random() < 0.3:
        begin = arrival + spread(rng, 3 * HOUR_SECONDS, 1.3)
        links = random_links(rng, mail.links, 0.5, 1.3)
        sweep(mail, machine, begin, links, label="machine/report-sandbox", rng=rng, gap=2.0, sigma=1.0)


def provider_fetch(mail: Mail, machine: Filter, arrival: float, rng: Random) -> None:
    """The mailbox provider itself samples a link or some, minutes later: BingPreview, MSIE 10, Gmail's sampling.

    Sources: phplist#415; exchangetuts.
    """
    client = machine.fleet.client(rng)
    if machine.fleet.name == "outlook":
        user_agent = rng.choice(
            (
                "Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/534+ (KHTML, like Gecko) BingPreview/1.0b",
                "Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; WOW64; Trident/6.0)",
            )
        )
        client = Client(client.ip, user_agent, {"accept": "*/*", "accept-encoding": "gzip, deflate"})
    at = arrival + spread(rng, 180, 1.2)
    for link in random_links(rng, mail.links, 0.05, 0.5):
        mail.add(at, link, client, "machine/provider-fetch")
        at += spread(rng, 1.0, 1.0)


def persistent(mail: Mail, machine: Filter, arrival: float, rng: Random) -> None:
    """Most links again and again over days.

    Sources: wm-58791 (a couple hundred times; fewer here, so that a single mail does not weigh too much).
    """
    client = machine.fleet.client(rng)
    at = arrival + spread(rng, 600, 1.0)
    links = random_links(rng, mail.links, 0.5, 1.0)
    for _ in range(rng.randint(12, 40)):
        mail.add(at, rng.choice(links), machine.fleet.same_program(rng, client), "machine/persistent")
        at += spread(rng, 1800, 1.6)


BEHAVIOURS: dict[str, Behaviour] = {
    behaviour.__name__.replace("_", "-"): behaviour
    for behaviour in (
        *(burst, fleet_single, head_first, before_delivery, two_waves, ordered_row, sandbox, many_sources, spray),
        *(first_link, same_link, slow_drip, quarantine, library, legacy_browser, rescan, archive, residential),
        *(report_sandbox, provider_fetch, persistent),
    )
}


def scan(mail: Mail, filters: Sequence[Filter], arrival: float, rng: Random, intensity: float = 1.0) -> None:
    """Let the filters of an organisation treat a mail that arrives; `intensity` is how suspicious the sender seems."""
    for machine in filters:
        if rng.random() < machine.share * intensity:
            BEHAVIOURS[machine.behaviour](mail, machine, arrival, rng)

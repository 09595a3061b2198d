"""What machines do with a mail when it arrives, or hours and days after, whoever reads it.

Each behaviour is one function of the mail, the filter that has it, when the mail arrives there (again, if it was
forwarded) and the random numbers. Its sources stand in its docstring.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
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
from bench.simulator.holdout.fleets import Program, browser_program, phone_program
from bench.simulator.holdout.networks import make_home, make_mobile
from bench.simulator.holdout.organisations import Filter

Behaviour = Callable[[Mail, Filter, float, Random], None]
REPEATS = (1, 1, 1, 1, 1, 1, 1, 1, 2, 3)  # every link several times (craft-campaign#546); how often: own judgement


def random_links(rng: Random, links: int, low: float, high: float) -> list[int]:
    """A share between `low` and `high` of the links, in the mail's order."""
    return sorted(rng.sample(range(links), max(1, min(links, round(links * rng.uniform(low, high))))))


def sweep(
    mail: Mail,
    machine: Filter,
    begin: float,
    links: Sequence[int],
    *,
    label: str,
    rng: Random,
    gap: float,
    sigma: float,
) -> float:
    """Requests for `links` with log-normal gaps around `gap` seconds, from any machine of the fleet; gives the end."""
    at = begin
    fleet = machine.fleet.part(rng)
    client = fleet.client(rng)
    for link in links:
        for _ in range(rng.choice(REPEATS)):
            mail.add(at, link, fleet.same_program(rng, client), label)
            at += spread(rng, gap, sigma)
        if rng.random() < 0.3:
            client = fleet.client(rng)
    return at


def burst(mail: Mail, machine: Filter, arrival: float, rng: Random) -> None:
    """All links within milliseconds to seconds, in any order, from many networks with a few agents.

    Sources: craft-campaign#546; MillionSend#22; gophish#2646; gophish#2446; suped-outlook.
    """
    links = list(range(mail.links))
    rng.shuffle(links)
    gap = spread(rng, 0.06, 0.9) * machine.pace
    sweep(
        mail,
        machine,
        arrival + delay_by_bands(rng, SWEEP_BEGIN_BANDS),
        links,
        label="machine/burst",
        rng=rng,
        gap=gap,
        sigma=1.0,
    )


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


def head_first(mail: Mail, machine: Filter, arrival: float, rng: Random) -> None:
    """HEAD for each link, then GET for some.

    Sources: mail-tracker#200; civicrm#35328; FusionAuth#629.
    """
    fleet = machine.fleet.part(rng)
    client = fleet.client(rng)
    at = arrival + spread(rng, 20, 1.2)
    for link in range(mail.links):
        mail.add(at, link, fleet.same_program(rng, client), "machine/head-first", "HEAD")
        if rng.random() < 0.5:
            mail.add(at + spread(rng, 0.5, 0.8), link, fleet.same_program(rng, client), "machine/head-first")
        at += spread(rng, 0.2, 1.0)


def before_delivery(mail: Mail, machine: Filter, arrival: float, rng: Random) -> None:
    """All or some links while the receiving server still decides, before it says that it took the mail.

    Sources: omeda; gophish#2446; gophish#2938.
    """
    links = random_links(rng, mail.links, 0.4, 1.2)
    begin = arrival - spread(rng, 2.5, 0.9)
    sweep(mail, machine, begin, links, label="machine/before-delivery", rng=rng, gap=0.12, sigma=1.0)


def two_waves(mail: Mail, machine: Filter, arrival: float, rng: Random) -> None:
    """A burst, and the same again minutes later.

    Sources: anymail#200 (within a minute to five); suped-timing.
    """
    links = list(range(mail.links))
    begin = arrival + delay_by_bands(rng, SWEEP_BEGIN_BANDS)
    end = sweep(mail, machine, begin, links, label="machine/two-waves", rng=rng, gap=0.1, sigma=1.0)
    again = random_links(rng, mail.links, 0.6, 1.2)
    sweep(mail, machine, end + spread(rng, 240, 0.9), again, label="machine/two-waves", rng=rng, gap=0.3, sigma=1.0)


def ordered_row(mail: Mail, machine: Filter, arrival: float, rng: Random) -> None:
    """An appliance in the office follows the links in order with one program, half of them behind everybody's NAT.

    Sources: marketo-blog; own judgement for pace and network.
    """
    client = machine.fleet.client(rng)
    if machine.address:
        client = replace(client, ip=machine.address)
    at = arrival + spread(rng, 8, 1.3)
    for link in range(mail.links):
        mail.add(at, link, client, "machine/ordered-row")
        at += spread(rng, 0.35, 0.7) * machine.pace


def sandbox(mail: Mail, machine: Filter, arrival: float, rng: Random) -> None:
    """A part of the links in a browser, each waited for, over seconds to many minutes.

    Sources: live-direct; emdash#3298; CIDRAM#275; anymail#200 (most of the links); own judgement for the part.
    """
    client = machine.fleet.client(rng)
    at = arrival + spread(rng, 45, 1.1)
    gap = spread(rng, 5, 1.0) * machine.pace
    links = random_links(rng, mail.links, 0.15, 0.8)
    rng.shuffle(links)
    for link in links:
        mail.add(at, link, client, "machine/sandbox")
        if rng.random() < 0.2:
            mail.add(at + spread(rng, 1.5, 0.6), link, client, "machine/sandbox")
        at += spread(rng, gap, 0.9)


def many_sources(mail: Mail, machine: Filter, arrival: float, rng: Random) -> None:
    """Two to five machines, each with a part of the links, at times of their own.

    Sources: gophish#2646; mautic#9798; own judgement for the parts.
    """
    begin = arrival + delay_by_bands(rng, SWEEP_BEGIN_BANDS)
    for _ in range(rng.randint(2, 5)):
        client = machine.fleet.client(rng)
        at = begin + spread(rng, 15, 1.5)
        for link in random_links(rng, mail.links, 0.05, 0.5):
            mail.add(at, link, client, "machine/many-sources")
            at += spread(rng, 1.2, 1.1)


def spray(mail: Mail, machine: Filter, arrival: float, rng: Random) -> None:
    """Each request from another address with another agent and other headers, over half a minute to an hour.

    Sources: mautic#9798; campus-barracuda; own judgement for the time.
    """
    length = spread(rng, 150, 1.1) * machine.pace
    begin = arrival + spread(rng, 30, 1.0)
    for link in random_links(rng, mail.links, 0.5, 1.2):
        client = machine.fleet.client(rng)
        if rng.random() < 0.5:
            program = browser_program(rng, 0.7, rng.choice(("windows", "mac", "linux", "windows-7")))
            client = Client(client.ip, program.user_agent, program.headers)
        mail.add(begin + rng.random() * length, link, client, "machine/spray")


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


def slow_drip(mail: Mail, machine: Filter, arrival: float, rng: Random) -> None:
    """All or most links, with waits of a minute or more between them, each wait another.

    Sources: paminga; suped-timing.
    """
    client = machine.fleet.client(rng)
    links = random_links(rng, mail.links, 0.4, 1.2)
    if rng.random() < 0.5:
        rng.shuffle(links)
    at = arrival + spread(rng, 120, 1.0)
    gap = spread(rng, 80, 0.6) * machine.pace
    for link in links:
        mail.add(at, link, client, "machine/slow-drip")
        at += spread(rng, gap, 0.6)
        if rng.random() < 0.15:
            client = machine.fleet.same_program(rng, client)


def quarantine(mail: Mail, machine: Filter, arrival: float, rng: Random) -> None:
    """A sweep when the mail is let out of quarantine or its queue, ten minutes to hours later.

    Sources: suped-timing.
    """
    begin = arrival + spread(rng, 1500, 1.0)
    links = random_links(rng, mail.links, 0.3, 1.2)
    sweep(mail, machine, begin, links, label="machine/quarantine", rng=rng, gap=0.4, sigma=1.1)


def library(mail: Mail, machine: Filter, arrival: float, rng: Random) -> None:
    """A script by the name of its library, or without a name, some through a proxy of HTTP/1.0.

    Sources: craft-campaign#546; passwordless#79; own judgement for HTTP/1.0.
    """
    client = machine.fleet.client(rng)
    at = arrival + delay_by_bands(rng, SWEEP_BEGIN_BANDS)
    for link in random_links(rng, mail.links, 0.3, 1.5):
        mail.add(at, link, client, "machine/library", "HEAD" if rng.random() < 0.15 else "GET")
        at += spread(rng, 0.4, 1.0)


def legacy_browser(mail: Mail, machine: Filter, arrival: float, rng: Random) -> None:
    """Internet Explorer 8 on Windows 7, one to three seconds after sending.

    Sources: gophish#1555.
    """
    client = machine.fleet.client(rng)
    at = arrival + rng.uniform(1.0, 3.0)
    for link in random_links(rng, mail.links, 0.1, 1.0):
        mail.add(at, link, client, "machine/legacy-browser")
        at += spread(rng, 0.15, 0.8)


def rescan(mail: Mail, machine: Filter, arrival: float, rng: Random) -> None:
    """Some links again after hours or days: an investigation, or the sender has got complaints.

    Sources: live-direct; suped-timing.
    """
    begin = arrival + (spread(rng, 5 * HOUR_SECONDS, 0.9) if rng.random() < 0.65 else spread(rng, 3 * DAY_SECONDS, 0.6))
    links = random_links(rng, mail.links, 0.1, 1.1)
    sweep(mail, machine, begin, links, label="machine/rescan", rng=rng, gap=spread(rng, 0.8, 1.2), sigma=1.0)


def archive(mail: Mail, machine: Filter, arrival: float, rng: Random) -> None:
    """An archive's crawler takes the pages of some links, an hour to three days later, without hurry or a name.

    Sources: smarsh; own judgement.
    """
    client = machine.fleet.client(rng)
    at = arrival + spread(rng, 9 * HOUR_SECONDS, 0.9)
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

"""Sweeps: machines that follow all or many links of a mail when it arrives, or minutes to hours after.

Each is one function of the mail, the filter that has it, when the mail arrives there (again, if it was forwarded) and
the random numbers. Its sources stand in its docstring.
"""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from bench.simulator.clients import Client, Mail
from bench.simulator.holdout.distributions import SWEEP_BEGIN_BANDS, delay_by_bands, spread
from bench.simulator.holdout.fleets import browser_program
from bench.simulator.holdout.organisations import Filter

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

"""What people do with the links of a mail.

Each behaviour is one function of the visit and gives nothing back; it adds requests to the mail, and with each of them
what the person's company and programs add. Its sources stand in its docstring.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from bench.simulator.clients import Mail
from bench.simulator.holdout.companions import accompany, chat_preview
from bench.simulator.holdout.devices import Device
from bench.simulator.holdout.distributions import (
    DAY_SECONDS,
    HOUR_SECONDS,
    READER_DELAY_QUANTILES,
    WAITING_DELAY_QUANTILES,
    delay_by_quantiles,
    spread,
)
from bench.simulator.holdout.machines import scan
from bench.simulator.holdout.organisations import Person
from bench.simulator.holdout.sweeps import random_links
from bench.simulator.holdout.world import World

# What happens beside the first click. Own judgement but for the second device: 23 % read again, 30 % of them on
# another device (cm-2013).
SEVERAL_SHARE = 0.24
DOUBLE_CLICK_SHARE = 0.03
RETRY_SHARE = 0.015
SECOND_DEVICE_SHARE = 0.07
FORWARD_SHARE = 0.02
CHAT_SHARE = 0.015
REVISIT_SHARE = 0.03
WEEKS_LATER_SHARE = 0.008
SAME_SITTING_SHARE = 0.35
FIRST_DEVICE_SHARE = 0.8  # otherwise somebody uses the other device, own judgement


@dataclass(slots=True)
class Visit:
    """A person who reads a mail at a time."""

    mail: Mail
    person: Person
    world: World
    at: float
    rng: Random

    def device(self) -> Device:
        """The device at hand."""
        devices = self.person.devices
        return devices[0] if len(devices) == 1 or self.rng.random() < FIRST_DEVICE_SHARE else devices[1]

    def click(
        self, at: float, link: int, device: Device, label: str, *habits: str, person: Person | None = None
    ) -> None:
        """A click with all that accompanies it."""
        client = device.client(at, *habits)
        self.mail.add(at, link, client, f"human/{label}")
        accompany(self.mail, at, link, client, person=person or self.person, world=self.world, rng=self.rng)


def awake(rng: Random, at: float) -> float:
    """The time itself, or the morning if the night before would be unlikely (own judgement: three in four sleep)."""
    hour = (at % DAY_SECONDS) / HOUR_SECONDS
    if hour < 5.5 and rng.random() < 0.75:
        return at + (5.5 - hour) * HOUR_SECONDS + spread(rng, 1.5 * HOUR_SECONDS, 0.6)
    return at


def preferred_link(rng: Random, links: int) -> int:
    """The link that a reader follows, most often the first or second.

    Sources: launchbit (35 % the first, the second as much, the third a third of it); flatter with many links.
    """
    if links < 6:
        weights = (35, 36, 12, 9, 8)[:links]
        return rng.choices(range(links), weights)[0]
    return min(links - 1, int(rng.betavariate(0.8, 1.6) * links))


def single_link(visit: Visit) -> None:
    """A single link of the mail.

    Sources: launchbit.
    """
    visit.click(visit.at, preferred_link(visit.rng, visit.mail.links), visit.device(), "single-link")


def several_links(visit: Visit) -> None:
    """Two to five links on one device, with reading between them, some of them twice.

    Sources: own judgement.
    """
    device, at, rng = visit.device(), visit.at, visit.rng
    for _ in range(min(1 + visit.mail.links, rng.choice((2, 2, 2, 3, 3, 4, 5)))):
        visit.click(at, preferred_link(rng, visit.mail.links), device, "several-links")
        at += spread(rng, 45, 1.1)


def tabs(visit: Visit) -> None:
    """Links opened one after the other in tabs, to be read later.

    Sources: own judgement.
    """
    device, at, rng = visit.device(), visit.at, visit.rng
    count = min(visit.mail.links, rng.choice((2, 3, 3, 4, 5, 7)))
    for link in sorted(rng.sample(range(visit.mail.links), count)):
        visit.click(at, link, device, "tabs", "tabs")
        at += spread(rng, 1.6, 0.5)


def in_order(visit: Visit) -> None:
    """Most links from top to bottom, each read for a while.

    Sources: own judgement.
    """
    device, at, rng = visit.device(), visit.at, visit.rng
    for link in random_links(rng, visit.mail.links, 0.4, 1.1)[:14]:
        visit.click(at, link, device, "in-order", "in-order")
        at += spread(rng, 24, 0.9)


def opens_all(visit: Visit) -> None:
    """Somebody who opens everything, in each mail, in seconds.

    Sources: own judgement.
    """
    device, at, rng = visit.device(), visit.at, visit.rng
    for link in range(visit.mail.links):
        visit.click(at, link, device, "opens-all", "opens-all")
        at += spread(rng, 3, 0.7)


def tester(visit: Visit) -> None:
    """One of the sender's own people tries all or most links before and after sending.

    Sources: own judgement.
    """
    device, at, rng = visit.device(), visit.at, visit.rng
    for link in random_links(rng, visit.mail.links, 0.6, 1.3):
        visit.click(at, link, device, "tester", "tester")
        at += spread(rng, 5, 0.9)


def confirms(visit: Visit) -> None:
    """Somebody waits for the mail to confirm or to log in, and follows its link at once, some twice.

    Sources: own judgement; passwordless#79 and emdash#3298 tell of such mails.
    """
    device, rng = visit.device(), visit.rng
    link = 0 if visit.mail.links == 1 or rng.random() < 0.9 else 1
    visit.click(visit.at, link, device, "confirms")
    if rng.random() < 0.06:
        visit.click(visit.at + spread(rng, 20, 1.0), link, device, "confirms")


def double_click(visit: Visit, link: int, device: Device) -> None:
    """The same link twice within a moment.

    Sources: gophish#2565 (one click recorded several times).
    """
    visit.click(visit.at + spread(visit.rng, 0.3, 0.6), link, device, "double-click")


def retry(visit: Visit, link: int, device: Device) -> None:
    """The same link again because the page was slow.

    Sources: own judgement.
    """
    visit.click(visit.at + spread(visit.rng, 14, 0.7), link, device, "retry")


def second_device(visit: Visit, link: int, device: Device) -> None:
    """The same or another link on the person's other device, later.

    Sources: cm-2013.
    """
    others = [other for other in visit.person.devices if other is not device]
    if others:
        at = awake(visit.rng, visit.at + spread(visit.rng, 2 * HOUR_SECONDS, 1.5))
        chosen = link if visit.rng.random() < 0.6 else preferred_link(visit.rng, visit.mail.links)
        visit.click(at, chosen, others[0], "second-device")


def forward(visit: Visit, link: int, _: Device) -> None:
    """Somebody else gets the mail, elsewhere, where filters treat it once more, and follows a link.

    Sources: anymail#200 (again after forwarding); own judgement for how many and when.
    """
    rng = visit.rng
    other = rng.choice(visit.world.people)
    arrival = visit.at + spread(rng, 600, 1.0)
    scan(visit.mail, other.organisation.filters, arrival, rng)
    at = awake(rng, arrival + spread(rng, HOUR_SECONDS, 1.6))
    chosen = link if rng.random() < 0.5 else preferred_link(rng, visit.mail.links)
    visit.click(at, chosen, other.devices[0], "forwarded", person=other)


def chat(visit: Visit, link: int, device: Device) -> None:
    """The link is posted in a chat, which fetches a preview, and one to four others follow it.

    Sources: unfurlers; own judgement for how many.
    """
    rng = visit.rng
    at = visit.at + spread(rng, 180, 0.9)
    chat_preview(visit.mail, at, link, device.client(at), rng)
    for _ in range(rng.randint(1, 4)):
        other = rng.choice(visit.world.people)
        visit.click(awake(rng, at + spread(rng, 900, 1.6)), link, other.devices[0], "chat", person=other)


def revisit(visit: Visit, link: int, device: Device) -> None:
    """The same link again, hours or days later.

    Sources: inntopia (a long tail); own judgement for how many.
    """
    visit.click(awake(visit.rng, visit.at + spread(visit.rng, 14 * HOUR_SECONDS, 1.2)), link, device, "revisit")


def weeks_later(visit: Visit, _: int, device: Device) -> None:
    """A link of a mail that was found again after weeks.

    Sources: denis-10m (1.9 % after a week).
    """
    at = awake(visit.rng, visit.at + spread(visit.rng, 20 * DAY_SECONDS, 0.5))
    visit.click(at, preferred_link(visit.rng, visit.mail.links), device, "weeks-later")


Behaviour = Callable[[Visit], None]
FollowUp = Callable[[Visit, int, Device], None]
HABIT_BEHAVIOURS: dict[str, Behaviour] = {
    "opens-tabs": tabs, "in-order": in_order, "opens-all": opens_all, "tester": tester,
}  # fmt: skip
FOLLOW_UPS: tuple[tuple[float, FollowUp], ...] = (
    (DOUBLE_CLICK_SHARE, double_click),
    (RETRY_SHARE, retry),
    (SECOND_DEVICE_SHARE, second_device),
    (FORWARD_SHARE, forward),
    (CHAT_SHARE, chat),
    (REVISIT_SHARE, revisit),
    (WEEKS_LATER_SHARE, weeks_later),
)


def random_sitting(mail: Mail, person: Person, rng: Random) -> float:
    """When a person reads a mail: by itself, or in the same sitting as another mail (own judgement for the share)."""
    sittings = [at for at in person.sittings if 0 < at - mail.delivered < 3 * DAY_SECONDS]
    if sittings and rng.random() < SAME_SITTING_SHARE:
        return rng.choice(sittings) + spread(rng, 40, 0.8)
    at = awake(rng, mail.delivered + delay_by_quantiles(rng, READER_DELAY_QUANTILES))
    person.sittings.append(at)
    return at


def read(mail: Mail, person: Person, world: World, waiting: bool, rng: Random) -> None:
    """Let a person follow links of a mail: `waiting` for it, or when there is time."""
    if person.habit == "tester":
        at = mail.delivered + spread(rng, 200, 1.2)
    elif waiting:
        at = mail.delivered + delay_by_quantiles(rng, WAITING_DELAY_QUANTILES)
    else:
        at = random_sitting(mail, person, rng)
    visit = Visit(mail, person, world, at, rng)
    if waiting:
        confirms(visit)
        return
    behaviour = HABIT_BEHAVIOURS.get(
        person.habit, several_links if mail.links > 1 and rng.random() < SEVERAL_SHARE else single_link
    )
    if behaviour in (tabs, in_order) and rng.random() < 0.4:  # habits are not kept in each mail (own judgement)
        behaviour = single_link
    count = len(mail.requests)
    behaviour(visit)
    first = next(request for request in mail.requests[count:] if request.truth == "human")
    device = next(device for device in person.devices if device.network.address_at(first.at) == first.ip)
    for share, follow_up in FOLLOW_UPS:
        if rng.random() < share and person.habit != "tester":
            follow_up(visit, first.link, device)

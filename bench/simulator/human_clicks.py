"""People who follow links: once, twice, quickly, on several devices, in offices, through relays, for others."""

from dataclasses import dataclass
from random import Random

from bench.simulator import clients
from bench.simulator.clients import Client, Mail

BEHAVIOURS = ("one", "some", "tabs", "all")
USUAL_WEIGHTS = (72, 18, 7, 3)


@dataclass(frozen=True, slots=True)
class ReaderProfile:
    """What somebody keeps from mail to mail: place and browser, and how they follow links."""

    client: Client
    behaviour_weights: tuple[int, ...]


def make_profile(rng: Random) -> ReaderProfile:
    """Of somebody at home; a few open nearly everything at once, every time."""
    return ReaderProfile(make_client(rng, None, None), rng.choices((USUAL_WEIGHTS, (20, 10, 65, 5)), (93, 7))[0])


def first_click_seconds(rng: Random) -> float:
    """Seconds from delivery until somebody follows a link; a few wait for the mail and click at once."""
    if rng.random() < 0.04:
        return rng.uniform(3, 30)
    return 20 + rng.lognormvariate(8.6, 1.9)  # half within an hour and a half, a tenth within eight minutes


def make_client(rng: Random, office: str | None, relay: clients.DataCentre | None) -> Client:
    """A desk in the office or at home, or a phone on the way."""
    headers = clients.browser_headers(rng)
    if rng.random() < 0.4 and relay is None:
        return Client(clients.random_ip(rng), clients.phone_user_agent(rng), headers)
    agent = clients.desktop_user_agent(rng)
    if office and rng.random() < 0.08:
        agent = clients.OUTLOOK.format(rng.choice((4266, 17328, 18025)))
        headers = {"accept": "*/*", "accept-language": "en-GB"}
    if relay:  # an isolating browser: it fetches with what the relay's own Chrome says
        return Client(relay.random_ip(rng), clients.WINDOWS_CHROME.format(140), headers)
    return Client(office or clients.random_ip(rng), agent, headers)


def add_click_sequence(
    rng: Random, mail: Mail, start: float, at: Client, who: str, *, behaviour_weights: tuple[int, ...] = USUAL_WEIGHTS
) -> None:
    """One sitting of one person with one mail."""
    kind = rng.choices(BEHAVIOURS, behaviour_weights)[0] if mail.links > 1 else "one"
    wanted = {"one": 1, "some": rng.randint(2, 4), "tabs": rng.randint(2, 7), "all": mail.links}[kind]
    chosen = rng.sample(range(mail.links), min(wanted, mail.links, 14))
    if kind != "one" and rng.random() < 0.65:
        chosen.sort()  # most people read from the top
    now = start
    for link in chosen:
        mail.add(now, link, at, f"human/{who}, {kind}")
        if rng.random() < 0.06:
            mail.add(now + rng.uniform(0.12, 0.7), link, at, f"human/{who}, double click")
        now += _pause_seconds(rng, kind)


def _pause_seconds(rng: Random, kind: str) -> float:
    if kind == "tabs":  # a hand, a mouse and the next link
        return max(0.35, rng.lognormvariate(0.6, 0.5))
    return 3 + rng.lognormvariate(3.0, 0.9)


def add_reader_clicks(
    rng: Random,
    mail: Mail,
    *,
    office: str | None,
    relay: clients.DataCentre | None,
    click_rate: float,
    list_rate: float,
    profile: ReaderProfile | None = None,
) -> None:
    """Everybody who follows links of this mail. `click_rate`: the part of people who click; `list_rate`: of mails
    that go to a list or a shared mailbox; `profile`: of the one who reads it first.
    """
    if rng.random() < list_rate:
        for _ in range(round(10 * 60 ** rng.random())):
            place = make_client(rng, office if rng.random() < 0.7 else None, relay)
            add_click_sequence(
                rng, mail, mail.delivered + rng.uniform(20, 40) + rng.expovariate(1 / 2500), place, "of a list"
            )
        return
    if rng.random() > click_rate:
        return
    start = mail.delivered + first_click_seconds(rng)
    place = profile.client if profile else make_client(rng, office, relay)
    who = "relayed" if relay else "office" if office else "alone"
    add_click_sequence(
        rng, mail, start, place, who, behaviour_weights=profile.behaviour_weights if profile else USUAL_WEIGHTS
    )
    if rng.random() < 0.10:
        device = Client(clients.random_ip(rng), clients.phone_user_agent(rng), clients.browser_headers(rng))
        add_click_sequence(rng, mail, start + rng.lognormvariate(7, 2), device, "second device")
    if rng.random() < 0.05:
        for _ in range(rng.randint(1, 5)):
            friend = make_client(rng, office if rng.random() < 0.5 else None, None)
            add_click_sequence(rng, mail, start + 60 + rng.lognormvariate(7.5, 1.5), friend, "forwarded")


def add_prefetch(rng: Random, mail: Mail) -> None:
    """A browser or mail program that fetches links before anybody looks, and says so."""
    place = make_client(rng, None, None)
    headers = {**place.headers, rng.choice(("sec-purpose", "purpose", "x-moz")): "prefetch"}
    start = mail.delivered + first_click_seconds(rng)
    links = rng.sample(range(mail.links), min(mail.links, rng.randint(1, 3)))
    for link in links:
        mail.add(start + rng.uniform(0, 0.4), link, Client(place.ip, place.user_agent, headers), "prefetch/browser")
    if rng.random() < 0.5:
        mail.add(start + rng.uniform(2, 40), links[0], place, "human/after prefetch")

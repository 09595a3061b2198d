"""Who clicks on sample mails, and when: people who read some hours later, scanners that sweep, honest robots.

Times are seconds after delivery. Made up from what is publicly measured of scanners; no verdict is asked for here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

_CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{} Safari/537.36"
AGENTS = (
    (_CHROME.format("141.0.0.0"), 30),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
     "Version/18.5 Mobile/15E148 Safari/604.1", 26),
    ("Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/141.0.0.0 Mobile Safari/537.36", 20),
    ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
     "Version/18.5 Safari/605.1.15", 14),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0", 6),
    ("Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
     "Version/18.5 Mobile/15E148 Safari/604.1", 4),
)  # fmt: skip
SCANNER = _CHROME.format("119.0.0.0")
PREVIEW = "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"
FIRST = ("Ada", "Ben", "Chidi", "Dora", "Emil", "Fatma", "Grace", "Hugo", "Ines", "Jan", "Kaia", "Luis", "Mira", "Noor",
         "Ola", "Pia", "Quentin", "Rosa", "Sami", "Tove", "Uma", "Viktor", "Wanda", "Yuki", "Zoe")  # fmt: skip
LAST = ("adams", "berg", "castro", "dietz", "endo", "fischer", "garcia", "hansen", "ito", "jones", "keller", "lopez")
HOSTS = (("mail.example", 45), ("inbox.example", 25), ("corp.example", 18), ("university.example", 12))
SCANNED = {"corp.example": 0.8, "university.example": 0.4, "mail.example": 0.05, "inbox.example": 0.05}


@dataclass(frozen=True, slots=True)
class Person:
    """A recipient who does not exist."""

    name: str
    email: str
    host: str
    agent: str
    ip: str


@dataclass(frozen=True, slots=True)
class Step:
    """One request: so many seconds after delivery, for the link at this place among the mail's links."""

    after: float
    link: int
    method: str
    ip: str
    agent: str
    prefetch: bool = False
    signals: tuple[str, ...] = ()


def people(dice: Random, count: int) -> list[Person]:
    """Recipients with an address of their own each, from networks kept for documentation (RFC 5737)."""
    found = []
    for number in range(count):
        name, host = dice.choice(FIRST), _weighted(dice, HOSTS)
        email = f"{name.lower()}.{LAST[number % len(LAST)]}{number}@{host}"
        ip = f"203.0.113.{dice.randrange(1, 255)}" if host == "corp.example" else f"192.0.2.{number % 254 + 1}"
        found.append(Person(name, email, host, _weighted(dice, AGENTS), ip))
    return found


def steps(dice: Random, person: Person, draws: Sequence[int], interest: float) -> Iterator[Step]:
    """Everything that happens to one person's mail. `draws`: how strongly each link draws people."""
    if dice.random() < SCANNED[person.host]:
        yield from _sweep(dice, len(draws))
    if dice.random() < interest:
        yield from _reading(dice, person, draws)
    if dice.random() < 0.02:
        yield Step(dice.uniform(600, 20_000), 0, "GET", "198.51.100.9", PREVIEW, signals=("no-accept-language",))


def _sweep(dice: Random, links: int) -> Iterator[Step]:
    """A security scanner: 20 seconds to 5 minutes after delivery, every link within about a second."""
    start = dice.uniform(20, 60) if dice.random() < 0.7 else dice.uniform(60, 300)
    ip = f"198.51.100.{dice.randrange(20, 60)}"
    for link in range(links):
        method = "HEAD" if dice.random() < 0.05 else "GET"
        yield Step(start + link * dice.uniform(0.02, 0.18), link, method, ip, SCANNER, signals=("no-accept-language",))


def _reading(dice: Random, person: Person, draws: Sequence[int]) -> Iterator[Step]:
    """Somebody reads, hours later as a rule, and follows one link to three; sometimes twice by mistake."""
    at = min(dice.lognormvariate(9.1, 1.3), 3.2 * 86_400)
    for link in dict.fromkeys(dice.choices(range(len(draws)), draws, k=dice.choice((1, 1, 1, 2, 2, 3)))):
        if dice.random() < 0.04:
            yield Step(at - 1.5, link, "GET", person.ip, person.agent, prefetch=True)
        yield Step(at, link, "GET", person.ip, person.agent, signals=("user-navigation",))
        if dice.random() < 0.06:
            yield Step(at + 0.4, link, "GET", person.ip, person.agent, signals=("user-navigation",))
        at += dice.uniform(15, 240)


def _weighted(dice: Random, choices: Sequence[tuple[str, int]]) -> str:
    return dice.choices([text for text, _ in choices], [weight for _, weight in choices])[0]

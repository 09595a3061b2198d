"""Simulated clicks on sample mails: people who read hours later, scanners that follow every link, declared robots.

Times are seconds after delivery. Modelled on published measurements of scanners; independent of the verdict rules.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

_CHROME_USER_AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{} Safari/537.36"
)
USER_AGENT_WEIGHTS = (
    (_CHROME_USER_AGENT.format("141.0.0.0"), 30),
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
SCANNER_USER_AGENT = _CHROME_USER_AGENT.format("119.0.0.0")
PREVIEW_USER_AGENT = "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"
FIRST_NAMES = ("Ada", "Ben", "Chidi", "Dora", "Emil", "Fatma", "Grace", "Hugo", "Ines", "Jan", "Kaia", "Luis", "Mira",
               "Noor",
               "Ola", "Pia", "Quentin", "Rosa", "Sami", "Tove", "Uma", "Viktor", "Wanda", "Yuki", "Zoe")  # fmt: skip
LAST_NAMES = (
    "adams",
    "berg",
    "castro",
    "dietz",
    "endo",
    "fischer",
    "garcia",
    "hansen",
    "ito",
    "jones",
    "keller",
    "lopez",
)
HOST_WEIGHTS = (("mail.example", 45), ("inbox.example", 25), ("corp.example", 18), ("university.example", 12))
SCANNER_PROBABILITY = {"corp.example": 0.8, "university.example": 0.4, "mail.example": 0.05, "inbox.example": 0.05}


@dataclass(frozen=True, slots=True)
class SampleRecipient:
    """A fictitious recipient."""

    name: str
    email: str
    host: str
    user_agent: str
    ip: str


@dataclass(frozen=True, slots=True)
class SimulatedRequest:
    """One request: seconds after delivery and the link's index in the mail."""

    delay_seconds: float
    link_index: int
    method: str
    ip: str
    user_agent: str
    prefetch: bool = False
    signals: tuple[str, ...] = ()


def make_recipients(rng: Random, count: int) -> list[SampleRecipient]:
    """Return recipients with distinct IP addresses from documentation networks (RFC 5737)."""
    recipients = []
    for number in range(count):
        name, host = rng.choice(FIRST_NAMES), _choose_weighted(rng, HOST_WEIGHTS)
        email = f"{name.lower()}.{LAST_NAMES[number % len(LAST_NAMES)]}{number}@{host}"
        ip = f"203.0.113.{rng.randrange(1, 255)}" if host == "corp.example" else f"192.0.2.{number % 254 + 1}"
        recipients.append(SampleRecipient(name, email, host, _choose_weighted(rng, USER_AGENT_WEIGHTS), ip))
    return recipients


def simulate_requests(
    rng: Random, recipient: SampleRecipient, click_weights: Sequence[int], click_rate: float
) -> Iterator[SimulatedRequest]:
    """Yield all requests for one recipient's mail. `click_weights`: relative shares of the links."""
    if rng.random() < SCANNER_PROBABILITY[recipient.host]:
        yield from _simulate_scanner(rng, len(click_weights))
    if rng.random() < click_rate:
        yield from _simulate_reader(rng, recipient, click_weights)
    if rng.random() < 0.02:
        yield SimulatedRequest(
            rng.uniform(600, 20_000), 0, "GET", "198.51.100.9", PREVIEW_USER_AGENT, signals=("no-accept-language",)
        )


def _simulate_scanner(rng: Random, links: int) -> Iterator[SimulatedRequest]:
    """Yield the requests of a security scanner: 20 seconds to 5 minutes after delivery, all links within a second."""
    start = rng.uniform(20, 60) if rng.random() < 0.7 else rng.uniform(60, 300)
    ip = f"198.51.100.{rng.randrange(20, 60)}"
    for link in range(links):
        method = "HEAD" if rng.random() < 0.05 else "GET"
        yield SimulatedRequest(
            start + link * rng.uniform(0.02, 0.18),
            link,
            method,
            ip,
            SCANNER_USER_AGENT,
            signals=("no-accept-language",),
        )


def _simulate_reader(
    rng: Random, recipient: SampleRecipient, click_weights: Sequence[int]
) -> Iterator[SimulatedRequest]:
    """Yield the requests of a reader: usually hours later, one to three links, sometimes a double click."""
    at = min(rng.lognormvariate(9.1, 1.3), 3.2 * 86_400)
    for link in dict.fromkeys(rng.choices(range(len(click_weights)), click_weights, k=rng.choice((1, 1, 1, 2, 2, 3)))):
        if rng.random() < 0.04:
            yield SimulatedRequest(at - 1.5, link, "GET", recipient.ip, recipient.user_agent, prefetch=True)
        yield SimulatedRequest(at, link, "GET", recipient.ip, recipient.user_agent, signals=("user-navigation",))
        if rng.random() < 0.06:
            yield SimulatedRequest(
                at + 0.4, link, "GET", recipient.ip, recipient.user_agent, signals=("user-navigation",)
            )
        at += rng.uniform(15, 240)


def _choose_weighted(rng: Random, choices: Sequence[tuple[str, int]]) -> str:
    return rng.choices([text for text, _ in choices], [weight for _, weight in choices])[0]

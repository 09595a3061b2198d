"""The places that traffic comes from, the mails that it is about, and one request."""

from dataclasses import dataclass, field
from random import Random

WINDOWS_CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36"
)
MAC_CHROME = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 "
    "Safari/537.36"
)
EDGE = WINDOWS_CHROME + " Edg/{}.0.0.0"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_{} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 "
    "Mobile/15E148 Safari/604.1"
)
ANDROID = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Mobile Safari/537.36"
)
OUTLOOK = (
    "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; WOW64; Trident/7.0; .NET4.0C; .NET4.0E; "
    "Microsoft Outlook 16.0.{}; ms-office; MSOffice 16)"
)
CURRENT_VERSIONS = (138, 139, 140, 140, 140, 141, 141)
FULL_HEADERS = {
    "accept-encoding": "gzip, deflate, br, zstd",
    "accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "accept-language": "en-GB,en;q=0.9",
    "sec-fetch-mode": "navigate",
    "sec-fetch-site": "none",
    "sec-fetch-dest": "document",
}


EPOCH_SECONDS = 1_750_000_000  # 2025-06-15: from here all times of simulated traffic count; browsers are of that time


@dataclass(frozen=True, slots=True)
class Request:
    """One request for one link (0 is the first) of a mail, at `at` seconds, and who was behind it in truth.

    `traits` name the sender's groups for tables by kind, as `device:old-ios`, `network:vpn` or `habit:tester`.
    """

    mail: int
    at: float
    link: int
    ip: str
    user_agent: str
    headers: dict[str, str]
    truth: str  # human, machine or prefetch
    actor: str
    method: str = "GET"
    http_version: str = "1.1"
    traits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Client:
    """Where somebody or something sits and what it uses; `traits` as those of its requests."""

    ip: str
    user_agent: str
    headers: dict[str, str]
    http_version: str = "1.1"
    traits: tuple[str, ...] = ()


@dataclass(slots=True)
class Mail:
    """A mail with `links` tracked links, taken by its recipient's server at `delivered` seconds.

    `mailing` counts the mailings that it may be a part of, `recipient` is who gets it, the same in each of them.
    """

    number: int
    links: int
    delivered: float
    requests: list[Request] = field(default_factory=list)
    mailing: int = 0
    recipient: str = ""

    def add(self, at: float, link: int, client: Client, label: str, method: str = "GET") -> None:
        """Add a request of `label`, written `truth/actor`."""
        truth, _, actor = label.partition("/")
        self.requests.append(
            Request(
                self.number,
                at,
                link,
                client.ip,
                client.user_agent,
                client.headers,
                truth,
                actor,
                method,
                client.http_version,
                client.traits,
            )
        )


@dataclass(frozen=True, slots=True)
class DataCentre:
    """A data centre's addresses: /24 networks that scanners and relays live in."""

    networks: tuple[str, ...]

    def random_ip(self, rng: Random) -> str:
        """Any of its addresses."""
        return f"{rng.choice(self.networks)}.{rng.randint(1, 254)}"


@dataclass(frozen=True, slots=True)
class Campaign:
    """Mails with the requests for their links; `data_centres` are networks of which an operator's list names some,
    `internal_networks` (CIDR) those that the sender's own people test from.
    """

    mails: list[Mail] = field(default_factory=list)
    data_centres: list[DataCentre] = field(default_factory=list)
    internal_networks: list[str] = field(default_factory=list)


def make_data_centre(rng: Random) -> DataCentre:
    """A new one, with 3 to 12 networks in space that is nobody's (240.0.0.0/4)."""
    first = rng.randint(240, 247)
    return DataCentre(tuple(f"{first}.{rng.randint(0, 255)}.{rng.randint(0, 255)}" for _ in range(rng.randint(3, 12))))


def random_ip(rng: Random) -> str:
    """Somebody's address at home, in a mobile network or an office."""
    return f"{rng.randint(11, 99)}.{rng.randint(0, 255)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}"


def desktop_user_agent(rng: Random) -> str:
    """The user agent of a desktop browser, most often one that everybody has."""
    pattern = rng.choices((WINDOWS_CHROME, EDGE, MAC_CHROME, FIREFOX), (50, 25, 15, 10))[0]
    version = rng.choice(CURRENT_VERSIONS)
    return pattern.format(version, version)


def phone_user_agent(rng: Random) -> str:
    """The user agent of a phone's browser."""
    return rng.choice((IPHONE, IPHONE, ANDROID)).format(rng.choice((1, 3, 5)) if rng.random() < 0.6 else 140)


def browser_headers(rng: Random) -> dict[str, str]:
    """What a person's browser says; some are old, some hide what they can."""
    headers = dict(FULL_HEADERS)
    if rng.random() < 0.5:
        headers["sec-fetch-user"] = "?1"
    if rng.random() < 0.06:
        headers = {name: value for name, value in headers.items() if not name.startswith("sec-")}
    if rng.random() < 0.01:
        del headers["accept-language"]
    return headers


def random_link_count(rng: Random) -> int:
    """How many links a mail has: alerts have one, newsletters dozens."""
    low, high = rng.choices(((1, 1), (2, 2), (3, 6), (7, 14), (15, 40)), (24, 12, 32, 22, 10))[0]
    return rng.randint(low, high)

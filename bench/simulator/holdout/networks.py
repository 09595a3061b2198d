"""Address space: what clouds, filter vendors, providers of VPNs and of homes announce, and who of them has which part.

The ranges are published ones, shortened. A /24 network is written `a.b.c`, as in `DataCentre`.
"""

from dataclasses import dataclass
from functools import cache
from random import Random

# Clouds and vendors: whois, the vendors' lists for administrators, and the addresses of gophish#2646, passwordless#79,
# exchangetuts, webmasterworld-trend, gophish#2938 and live-direct.
CLOUD_RANGES: dict[str, tuple[str, ...]] = {
    "defender": ("40.94.0.0/16", "104.47.0.0/17", "40.107.0.0/16", "52.100.0.0/14", "20.72.0.0/14", "20.190.128.0/18"),
    "azure": ("20.33.0.0/16", "20.40.0.0/13", "40.112.0.0/13", "51.140.0.0/14", "13.64.0.0/11", "20.72.0.0/14"),
    "outlook": ("132.245.0.0/16", "52.112.0.0/14", "65.52.0.0/14", "157.55.0.0/16"),
    "aws": ("3.80.0.0/12", "18.204.0.0/14", "34.192.0.0/12", "52.20.0.0/14", "54.144.0.0/12", "3.248.0.0/13"),
    "google-cloud": ("34.64.0.0/11", "35.184.0.0/13", "35.224.0.0/12"),
    "google": ("66.102.0.0/20", "66.249.80.0/20", "74.125.208.0/20"),
    "proofpoint": ("148.163.128.0/19", "67.231.144.0/20", "185.132.180.0/22"),
    "mimecast": ("207.211.30.0/23", "205.139.110.0/23", "195.130.217.0/24", "103.96.20.0/22"),
    "barracuda": ("64.235.144.0/20", "209.222.80.0/21"),
    "cisco": ("68.232.128.0/19", "146.112.0.0/17", "208.90.56.0/21"),
    "trend-micro": ("150.70.0.0/16", "66.180.80.0/20", "216.104.0.0/19"),
    "kaspersky": ("77.74.176.0/22", "185.85.12.0/22"),
    "hosting": ("136.243.0.0/16", "51.68.0.0/16", "159.65.0.0/16", "139.59.0.0/16", "45.76.0.0/16"),
    "meta": ("173.252.64.0/18", "69.171.224.0/19"),
    "zscaler": ("165.225.0.0/17", "147.161.128.0/17", "136.226.0.0/17"),
    "isolation": ("3.80.0.0/12", "18.204.0.0/14", "35.184.0.0/13"),
    "vpn": ("146.70.0.0/16", "84.17.32.0/19", "89.187.160.0/19", "193.27.12.0/22", "45.76.0.0/16", "159.65.0.0/16"),
    "private-relay": ("172.224.224.0/19", "104.28.0.0/16", "146.75.128.0/17"),
    "tor": ("185.220.100.0/22", "185.129.62.0/23", "199.249.230.0/24", "136.243.0.0/16"),
}
HOME_RANGES = (
    *("73.0.0.0/8", "98.192.0.0/10", "71.160.0.0/11", "99.0.0.0/10", "79.192.0.0/10", "87.128.0.0/10", "86.128.0.0/10"),
    *(
        "90.0.0.0/9",
        "188.96.0.0/12",
        "80.56.0.0/13",
        "83.32.0.0/11",
        "151.16.0.0/12",
        "124.168.0.0/13",
        "177.32.0.0/12",
    ),
)
MOBILE_RANGES = ("172.56.0.0/14", "109.40.0.0/13", "166.128.0.0/9", "92.40.0.0/13", "37.80.0.0/12", "80.187.64.0/18")
OFFICE_RANGES = ("62.96.0.0/16", "193.128.0.0/14", "12.0.0.0/9", "50.192.0.0/11", "213.208.0.0/12", "81.128.0.0/12")
HOME_V6_PREFIXES = ("2601:{:x}", "2003:{:x}", "2a02:{:x}", "2a00:{:x}", "2804:{:x}", "2607:{:x}")


@cache
def _parse_range(cidr: str) -> tuple[int, int]:
    """The first /24 network of a range, as a number, and how many it has."""
    address, _, length = cidr.partition("/")
    first, second, third, _ = map(int, address.split("."))
    return (first << 16) + (second << 8) + third, 1 << (24 - int(length))


def random_network(rng: Random, ranges: tuple[str, ...]) -> str:
    """A /24 network within one of the ranges."""
    first, count = _parse_range(rng.choice(ranges))
    number = first + rng.randrange(count)
    return f"{number >> 16}.{number >> 8 & 255}.{number & 255}"


def random_networks(rng: Random, owner: str, count: int) -> tuple[str, ...]:
    """`count` /24 networks of a cloud or vendor."""
    return tuple(random_network(rng, CLOUD_RANGES[owner]) for _ in range(count))


def random_address(rng: Random, networks: tuple[str, ...]) -> str:
    """Any address of /24 networks."""
    return f"{rng.choice(networks)}.{rng.randint(1, 254)}"


def random_v6_address(rng: Random) -> str:
    """A home's or a phone's address of version 6, as in resend#901."""
    prefix = rng.choice(HOME_V6_PREFIXES).format(rng.randint(0x100, 0xFFFF))
    return ":".join((prefix, *(f"{rng.randint(1, 0xFFFF):x}" for _ in range(6))))


@dataclass(frozen=True, slots=True)
class Network:
    """Where a person's device is connected. Its address changes every four hours if it has several; `strips` begins the
    names of headers that a proxy takes away, `adds` are headers of its own.
    """

    kind: str
    addresses: tuple[str, ...]
    http_version: str = "1.1"
    strips: tuple[str, ...] = ()
    adds: tuple[tuple[str, str], ...] = ()

    def change(self, headers: dict[str, str]) -> dict[str, str]:
        """What arrives of a browser's headers."""
        if not self.strips and not self.adds:
            return headers
        return {name: value for name, value in headers.items() if not name.startswith(self.strips)} | dict(self.adds)

    def address_at(self, at: float) -> str:
        """The address at a time."""
        return self.addresses[int(at // 14_400) % len(self.addresses)]


def make_home(rng: Random) -> Network:
    """A home: one address, of version 6 at three in ten (own judgement: less than Google's count of 45 %)."""
    if rng.random() < 0.3:
        return Network("home", (random_v6_address(rng),))
    return Network("home", (random_address(rng, (random_network(rng, HOME_RANGES),)),))


def make_mobile(rng: Random) -> Network:
    """A mobile network: the provider's NAT gives another address every few hours."""
    if rng.random() < 0.3:
        return Network("mobile", tuple(random_v6_address(rng) for _ in range(5)))
    networks = tuple(random_network(rng, MOBILE_RANGES) for _ in range(3))
    return Network("mobile", tuple(random_address(rng, networks) for _ in range(5)))


def make_office(rng: Random) -> tuple[str, tuple[str, ...]]:
    """An office: its /24 network and the one to four addresses that its NAT shares among everybody."""
    network = random_network(rng, OFFICE_RANGES)
    return network, tuple(f"{network}.{rng.randint(1, 254)}" for _ in range(rng.choice((1, 1, 1, 2, 4))))


def make_stripping_proxy(rng: Random, addresses: tuple[str, ...]) -> Network:
    """A proxy that takes headers away.

    1.07 % of requests lose Accept-Encoding (lognormal-1.07); that such a proxy takes Sec-Fetch and client hints as
    well, and half of them the language: own judgement.
    """
    strips: tuple[str, ...] = ("sec-", "accept-encoding", "referer", "upgrade-insecure-requests")
    if rng.random() < 0.5:
        strips = (*strips, "accept-language")
    return Network("stripping-proxy", addresses, strips=strips)


def make_http10_proxy(addresses: tuple[str, ...]) -> Network:
    """An old caching proxy that speaks HTTP/1.0 to servers and takes the encodings away (perfplanet 2010)."""
    adds = (("via", "1.0 proxy (squid/2.7.STABLE9)"), ("connection", "close"))
    return Network("http10-proxy", addresses, "1.0", ("accept-encoding",), adds)

"""Where requests come from: ranges that providers publish, and what consumers, phones, VPNs and proxies use.

First two octets of published blocks (Microsoft 365 URLs and IP ranges, AWS ip-ranges.json, Google cloud.json, vendors'
own lists of addresses to allow) and of large access providers' registered blocks; the last two are drawn.
"""

from random import Random

from bench.simulator.clients import DataCentre

# opencollective#3656: 40.94.16.*, 40.107.235.*; gophish#973: 40.107;
# laravel-passwordless-login#79: 104.47.*, 20.72.100.79
MICROSOFT_MAIL = ("40.92", "40.93", "40.94", "40.107", "104.47", "52.100", "52.101", "52.102", "52.103")
AZURE = (
    "20.72",
    "20.51",
    "20.98",
    "20.169",
    "13.68",
    "13.77",
    "40.71",
    "40.117",
    "52.146",
    "52.168",
    "52.226",
    "104.208",
    "51.132",
    "20.82",
    "20.223",
    "4.154",
    "20.240",
    "51.105",
    "20.50",
    "40.74",
)
AWS = (
    "3.80",
    "3.85",
    "18.204",
    "18.209",
    "34.196",
    "34.203",
    "34.231",
    "44.192",
    "44.201",
    "52.4",
    "52.20",
    "54.86",
    "54.146",
    "54.174",
    "100.24",
    "35.153",
    "3.120",
    "18.156",
    "52.28",
    "34.240",
    "54.72",
    "18.184",
)
GOOGLE_CLOUD = (
    "34.66",
    "34.72",
    "34.86",
    "34.122",
    "34.123",
    "35.184",
    "35.188",
    "35.192",
    "35.202",
    "35.222",
    "35.232",
)
HOSTERS = (
    "51.38",
    "51.68",
    "145.239",
    "5.9",
    "78.46",
    "88.99",
    "95.216",
    "116.202",
    "138.201",
    "104.131",
    "138.197",
    "159.65",
    "165.227",
    "38.95",
    "38.132",
    "45.33",
    "172.104",
)
PROOFPOINT = ("67.231", "148.163", "205.220")
MIMECAST = ("207.211", "205.139", "170.10", "216.205", "195.130", "185.58", "103.96")
BARRACUDA = ("209.222", "64.235")
CISCO = ("68.232", "139.138", "216.71", "184.94")
TREND_MICRO = ("150.70", "18.208", "54.219")
SYMANTEC = ("67.219", "85.158", "195.245", "216.82", "46.226")
HOMES = (
    "24.16",
    "24.130",
    "73.15",
    "73.162",
    "98.207",
    "98.33",
    "71.77",
    "72.182",
    "75.142",
    "97.93",
    "72.76",
    "96.239",
    "108.46",
    "79.213",
    "84.143",
    "91.19",
    "93.213",
    "86.145",
    "81.152",
    "86.220",
    "90.63",
    "92.184",
    "83.44",
    "79.17",
    "82.64",
    "188.96",
    "77.12",
    "89.12",
    "213.47",
    "84.114",
    "62.178",
    "83.86",
    "189.6",
    "177.33",
    "49.36",
    "122.161",
    "60.240",
    "101.182",
)
PHONES = (
    "172.56",
    "172.58",
    "174.194",
    "174.215",
    "107.77",
    "107.115",
    "166.137",
    "31.94",
    "176.3",
    "109.42",
    "80.187",
    "92.40",
    "82.132",
    "37.165",
    "106.195",
)
HOMES_V6 = ("2601:646", "2600:1700", "2003:e4", "2a00:23c5", "2a01:cb14", "2a02:908", "2804:10b4")
PHONES_V6 = ("2607:fb90", "2600:1006", "2a01:599", "2a00:20")
VPN_EXITS = ("185.156", "193.27", "37.120", "146.70", "89.187", "194.110", "138.199", "156.146")
ZSCALER = ("165.225", "136.226", "147.161", "104.129", "185.46", "170.85")
ICLOUD_RELAYS = ("172.224", "172.225", "172.226", "104.28", "146.75")
TOR_EXITS = ("185.220", "171.25", "199.249")
OFFICES = (
    "62.153",
    "80.149",
    "195.145",
    "217.6",
    "50.207",
    "12.40",
    "65.114",
    "204.16",
    "198.99",
    "193.110",
    "212.58",
    "81.149",
)


def make_fleet(rng: Random, blocks: tuple[str, ...], count: int) -> DataCentre:
    """`count` networks (/24) out of these blocks."""
    return DataCentre(tuple(dict.fromkeys(f"{rng.choice(blocks)}.{rng.randint(0, 255)}" for _ in range(count))))


def random_ip(rng: Random, blocks: tuple[str, ...]) -> str:
    """An address out of these blocks."""
    return f"{rng.choice(blocks)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}"


def home_ip(rng: Random) -> str:
    """A household's address; IPv6 in two of five cases (Google's public statistics: 45 % of its users in 2025)."""
    return _v6(rng, HOMES_V6) if rng.random() < 0.4 else random_ip(rng, HOMES)


def phone_ip(rng: Random) -> str:
    """A phone's address in a mobile network, shared behind carrier NAT or its own with IPv6."""
    return _v6(rng, PHONES_V6) if rng.random() < 0.5 else random_ip(rng, PHONES)


def _v6(rng: Random, blocks: tuple[str, ...]) -> str:
    parts = [rng.choice(blocks), *(f"{rng.randint(1, 0xFFFF):x}" for _ in range(6))]
    return ":".join(parts)

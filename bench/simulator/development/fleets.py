"""Fleets of machines that follow links: where they stand, what they claim to be, and what they do how often."""

from dataclasses import dataclass, replace
from random import Random

from bench.simulator.clients import Client, DataCentre
from bench.simulator.development import browsers, networks
from bench.simulator.development.browsers import pick

# Seconds from, to, per mille of sweeps that began so long after delivery (craft-campaign#546, 836 sweeps).
STARTS = ((0, 10, 5), (10, 20, 22), (20, 60, 664), (60, 300, 283), (300, 1800, 19), (1800, 86_400, 7))
# About half of Defender's visits name a Chrome that is current (resend-node#901), the others old ones (gophish#2446,
# gophish#2225, #973, opencollective#3656, laravel-passwordless-login#79).
OLD_CHROMES = (57, 64, 72, 79, 80, 83, 86, 90, 96, 97, 103, 109, 112, 114, 117, 119, 120)
CURRENT_CHROMES = (131, 133, 134, 135, 136, 136, 137, 137, 137)
# Style of a fleet's headers, per cent. `full`: as the browser that it names (a full browser that runs scripts:
# dada-mail#1126); `headless`: without Accept-Language (emdash#3298); `client`: an HTTP library with a browser's name.
HEADER_STYLES = {
    "defender": {"full": 50.0, "headless": 30, "client": 20},
    "proofpoint": {"full": 60.0, "headless": 25, "client": 15},
    "mimecast": {"full": 30.0, "headless": 20, "client": 50},
    "barracuda": {"full": 55.0, "headless": 25, "client": 20},
    "cisco": {"full": 35.0, "headless": 25, "client": 40},
    "trend": {"full": 40.0, "headless": 30, "client": 30},
    "symantec": {"full": 30.0, "headless": 20, "client": 50},
    "appliance": {"full": 40.0, "headless": 20, "client": 40},
    "small": {"full": 45.0, "headless": 30, "client": 25},
    "stealth": {"full": 100.0},
}  # own judgement
# Which behaviours of a fleet a mail meets, per cent. Own judgement after the sources that are named.
MANNERS: dict[str, dict[str, float]] = {
    # MillionSend PR#22: most hits of a broadcast in bursts, the rest single links of the same fleet, people a minority:
    # with some ten links in a burst, visits for one link are as common as bursts. gophish#2446: before delivery
    "defender": {
        "burst": 37.0,
        "single-link": 37,
        "two-waves": 7,
        "blank-agent": 4,
        "before-delivery": 5,
        "subset": 10,
    },
    # M3AAWG: a subset, from a sandbox, with delays (suped: up to 30 minutes)
    "proofpoint": {"sandbox-subset": 50, "burst": 24, "slow-drip": 18, "first-link": 8},
    "mimecast": {"ordered-row": 66, "slow-drip": 10, "head-first": 12, "burst": 12},
    # mautic#9798, campus.barracuda.com: address and name change with each request; Act-On: the first link only
    "barracuda": {"spray": 52, "first-link": 22, "burst": 16, "unlisted-name": 10},
    "cisco": {"split-sources": 44, "burst": 34, "unlisted-name": 22},
    "trend": {"burst": 58, "ordered-row": 24, "unlisted-name": 18},
    "symantec": {"head-first": 42, "ordered-row": 38, "subset": 20},
    "appliance": {"appliance-row": 75, "appliance-burst": 25},
    "small": {"library": 26, "first-link": 22, "subset": 18, "slow-drip": 14, "burst": 20},
    "stealth": {"residential": 100},
}
BLOCKS = {
    "defender": networks.MICROSOFT_MAIL + networks.AZURE,
    "proofpoint": networks.PROOFPOINT + networks.AWS,
    "mimecast": networks.MIMECAST + networks.AWS[:8],
    "barracuda": networks.BARRACUDA + networks.AWS + networks.AZURE[:6],
    "cisco": networks.CISCO + networks.AWS[:6],
    "trend": networks.TREND_MICRO,
    "symantec": networks.SYMANTEC + networks.AWS[4:9],
    "small": networks.HOSTERS + networks.GOOGLE_CLOUD,  # gophish#2938, onetimesecret#359
}
FLEET_NETWORKS = {
    "defender": 260,
    "proofpoint": 60,
    "mimecast": 24,
    "barracuda": 160,
    "cisco": 30,
    "trend": 16,
    "symantec": 20,
}  # /24s; own judgement: clouds are large, own data centres small
LIBRARIES = (
    "python-requests/2.32.3",
    "Python/3.11 aiohttp/3.9.5",
    "Go-http-client/1.1",
    "okhttp/4.12.0",
    "curl/8.5.0",
    "Java/17.0.9",
    "Apache-HttpClient/4.5.14 (Java/11.0.22)",
    "axios/1.7.2",
    "Wget/1.21.4",
)
# names that crawler-user-agents does not list (check.live-direct-marketing.online, FusionAuth#629, user_agent#71)
UNLISTED = {
    "barracuda": ("Barracuda Sentinel (EE)", "BarracudaCentral/1.0"),
    "cisco": ("CiscoSecureEmail/1.0", "Cisco-Talos"),
    "trend": ("TMES/1.0", "TMAS-URL-Checker/2"),
}
PREVIEWS = (
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "WhatsApp/2.24.6.77 A",
    "TelegramBot (like TwitterBot)",
    "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "Discordbot/2.0 (+https://discordapp.com)",
)


@dataclass(frozen=True, slots=True)
class Scanner:
    """A vendor's fleet as one organisation meets it: `visit_rate` of its mails are followed at all."""

    vendor: str
    fleet: DataCentre
    visit_rate: float
    rescan_rate: float
    click_check_rate: float
    office: str = ""
    header_styles: dict[str, float] | None = None  # None: as the table above
    current_share: float = 0.5  # of its requests name a browser that is current


def start_seconds(rng: Random) -> float:
    """Seconds after delivery until a sweep begins."""
    low, high, _ = rng.choices(STARTS, [part for _, _, part in STARTS])[0]
    return rng.uniform(low, high)


def make_client(rng: Random, scanner: Scanner, *, agent: str | None = None) -> Client:
    """One of the fleet's addresses with one of its looks."""
    ip = scanner.office or scanner.fleet.random_ip(rng)
    if agent is not None:
        return Client(
            ip, agent, {"accept": "*/*", "accept-encoding": rng.choice(("gzip", "gzip, deflate", "identity"))}
        )
    version = rng.choice(CURRENT_CHROMES if rng.random() < scanner.current_share else OLD_CHROMES)
    system = rng.choices((browsers.WINDOWS, browsers.WINDOWS_7, browsers.MAC, browsers.LINUX), (80, 5, 8, 7))[0]
    look = pick(rng, scanner.header_styles or HEADER_STYLES[scanner.vendor])
    name = browsers.CHROME.format(system, version)
    if rng.random() < 0.25:  # full version numbers, as old Chromes had them
        name = name.replace(".0.0.0 ", f".0.{rng.randint(3000, 7000)}.{rng.randint(40, 170)} ")
    if look == "client":
        return Client(
            ip, name, {"accept": rng.choice(("*/*", browsers.PAGES + ",*/*;q=0.8")), "accept-encoding": "gzip, deflate"}
        )
    headers = browsers.chromium_headers(rng, version, "Windows")
    headers |= {"sec-fetch-site": "none"} if version >= 80 else {}
    if look == "headless":
        del headers["accept-language"]
        name = name.replace(" Chrome/", " HeadlessChrome/") if rng.random() < 0.15 else name
    return Client(ip, name, headers)


def move(rng: Random, scanner: Scanner, client: Client, share: float) -> Client:
    """Another address of the fleet for this share of requests, with the same look."""
    return replace(client, ip=scanner.fleet.random_ip(rng)) if not scanner.office and rng.random() < share else client

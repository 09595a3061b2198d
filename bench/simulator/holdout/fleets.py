"""Fleets of machines: which networks a scanner has, what it calls itself and which headers it sends.

A fleet is not one address and one program: Defender's and Barracuda's scanners come from many networks with several
agents, old and current (gophish#2446, gophish#2646, mautic#9798); half of the agents are current (resend#901).
"""

from dataclasses import dataclass
from random import Random

from bench.simulator.clients import Client, DataCentre
from bench.simulator.holdout.browsers import (
    ACCEPT_PLAIN,
    Headers,
    chrome_headers,
    chrome_user_agent,
    chrome_version,
    safari_headers,
)
from bench.simulator.holdout.networks import random_address, random_networks

LIBRARIES = (  # craft-campaign#546, FusionAuth#629, live-direct; the rest own judgement
    ("python-requests/2.32.3", {"accept-encoding": "gzip, deflate", "accept": "*/*", "connection": "keep-alive"}),
    ("Go-http-client/1.1", {"accept-encoding": "gzip"}),
    ("okhttp/4.12.0", {"accept-encoding": "gzip", "connection": "Keep-Alive"}),
    ("Java/17.0.11", {"accept": "text/html, image/gif, image/jpeg, */*; q=0.2", "connection": "keep-alive"}),
    ("curl/7.88.1", {"accept": "*/*"}),
    ("Apache-HttpClient/4.5.14 (Java/11.0.22)", {"accept-encoding": "gzip,deflate", "connection": "Keep-Alive"}),
    ("python-urllib3/1.26.18", {"accept-encoding": "identity"}),
)
VENDOR_AGENTS = {  # live-direct; agents that hardly any list of crawlers has
    "barracuda": ("Barracuda Sentinel (EE)", "BarracudaCentral Link Checker/1.0"),
    "cisco": ("CiscoSecureEmail/15.0", "Mozilla/5.0 (compatible; Cisco-ESA-URLScanner)"),
    "trend-micro": ("TMES/2.4", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) TMAS-URLScan"),
    "proofpoint": ("Mozilla/5.0 (compatible; proofpoint-urldefense)",),
}
MICROSOFT_FLEETS = ("defender", "outlook")
OLD_VERSIONS = (64, 72, 79, 80, 83, 87, 91, 92, 96, 97, 99, 101)  # gophish#2446, #2646, passwordless#79
CURRENT_VERSIONS = (132, 133, 134, 135, 136, 137, 137)
# How much of a browser's headers a scanner sends. Own judgement but for headless Chrome (searxng#3116).
COMPLETENESS = ("bare", "accept", "language", "headless", "full")
COMPLETENESS_WEIGHTS = (16, 22, 20, 26, 16)


@dataclass(frozen=True, slots=True)
class Program:
    """What a scanner calls itself, with which headers and version of HTTP."""

    user_agent: str
    headers: Headers
    http_version: str = "1.1"


@dataclass(frozen=True, slots=True)
class Fleet:
    """A scanner's networks and programs."""

    name: str
    networks: tuple[str, ...]
    programs: tuple[Program, ...]

    def part(self, rng: Random) -> "Fleet":
        """The few of its networks that treat one mail (gophish#2646: one /24; mautic#9798: many)."""
        count = min(len(self.networks), rng.choice((1, 1, 1, 2, 3, 6, 12)))
        return Fleet(self.name, tuple(rng.sample(self.networks, count)), self.programs)

    def client(self, rng: Random) -> Client:
        """Any machine of the fleet, with any of its programs."""
        program = rng.choice(self.programs)
        return Client(random_address(rng, self.networks), program.user_agent, program.headers, program.http_version)

    def same_program(self, rng: Random, client: Client) -> Client:
        """Another machine of the fleet with the same program."""
        return Client(random_address(rng, self.networks), client.user_agent, client.headers, client.http_version)

    def data_centre(self) -> DataCentre:
        """Its networks, as an operator may list them."""
        return DataCentre(self.networks)


def limit_headers(headers: Headers, completeness: str) -> Headers:
    """What a scanner sends of a browser's headers."""
    if completeness == "bare":
        return {"accept": "*/*", "accept-encoding": "gzip, deflate"}
    if completeness == "accept":
        return {"accept": ACCEPT_PLAIN, "accept-encoding": "gzip, deflate", "connection": "keep-alive"}
    if completeness == "language":
        return {"accept": ACCEPT_PLAIN, "accept-encoding": "gzip, deflate, br", "accept-language": "en-US,en;q=0.9"}
    if completeness == "headless":
        return {name: value for name, value in headers.items() if name != "accept-language"}
    return headers


def browser_program(rng: Random, current_share: float, system: str = "windows") -> Program:
    """A program that calls itself Chrome: current or old, with a part of Chrome's headers."""
    version = rng.choice(CURRENT_VERSIONS if rng.random() < current_share else OLD_VERSIONS)
    name = chrome_version(system, version, full_until=101)  # gophish#2646
    completeness = rng.choices(COMPLETENESS, COMPLETENESS_WEIGHTS)[0]
    return Program(
        chrome_user_agent(system, name), limit_headers(chrome_headers(version, system, "en-US"), completeness)
    )


def headless_program(rng: Random) -> Program:
    """Headless Chrome that says so, with Sec-Fetch and without a language (searxng#3116, CIDRAM#275, emdash#3298)."""
    name = rng.choice(("96.0.4664.45", "119.0.6045.105", "127.0.6533.88", "131.0.6778.85", "136.0.7103.59"))
    version = int(name.partition(".")[0])
    headers = limit_headers(chrome_headers(version, "linux", "en-US", "HeadlessChrome"), "headless")
    return Program(chrome_user_agent("linux", name).replace(" Chrome/", " HeadlessChrome/"), headers)


def phone_program(rng: Random) -> Program:
    """A scanner that calls itself a phone (gophish#2565: a Samsung that nobody owns)."""
    if rng.random() < 0.6:
        version = rng.choice((104, 119, 130, 137))
        return Program(
            chrome_user_agent("samsung-phone", f"{version}.0.0.0"), chrome_headers(version, "samsung-phone", "en-US")
        )
    user_agent = (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/17.4 Mobile/15E148 Safari/604.1"
    )
    return Program(user_agent, safari_headers(17.4, "en-US"))


def library_program(rng: Random, http10_share: float = 0.15) -> Program:
    """A HTTP library by its own name; some behind a proxy of HTTP/1.0 (own judgement)."""
    user_agent, headers = rng.choice(LIBRARIES)
    return Program(user_agent, headers, "1.0" if rng.random() < http10_share else "1.1")


def blank_program(rng: Random) -> Program:
    """A program without a name, as Microsoft's at 104.47 (passwordless#79)."""
    return Program("", {"accept": "*/*"} if rng.random() < 0.5 else {"connection": "Keep-Alive"})


def vendor_program(rng: Random, vendor: str) -> Program:
    """A program by its vendor's name."""
    return Program(rng.choice(VENDOR_AGENTS[vendor]), {"accept": "*/*", "accept-encoding": "gzip, deflate"})


def legacy_program() -> Program:
    """Internet Explorer 8 on Windows 7 (gophish#1555)."""
    user_agent = "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0)"
    return Program(user_agent, {"accept": "*/*", "accept-encoding": "gzip, deflate"})


def make_fleet(
    rng: Random, name: str, owner: str, *, networks: int, programs: int, current_share: float = 0.5
) -> Fleet:
    """A fleet in an owner's networks whose programs call themselves Chrome, one in five a phone, headless or other.

    Microsoft's say Windows nearly always (gophish#2446, gophish#2646); one in five: own judgement after gophish#2565.
    """
    systems = ("windows",) * 9 + ("linux",) if name in MICROSOFT_FLEETS else ("windows",) * 3 + ("linux", "mac")
    chosen = []
    for _ in range(programs):
        kind = rng.random()
        if kind < 0.8:
            chosen.append(browser_program(rng, current_share, rng.choice(systems)))
        elif kind < 0.88:
            chosen.append(phone_program(rng))
        elif kind < 0.95:
            chosen.append(headless_program(rng))
        else:
            chosen.append(library_program(rng))
    if name in VENDOR_AGENTS:
        chosen.append(vendor_program(rng, name))
    return Fleet(name, random_networks(rng, owner, networks), tuple(chosen))

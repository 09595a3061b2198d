"""Rules of other systems, as their public sources state them, on the same traffic. Written anew, no code of theirs.

What they count from sending is counted from delivery here, which favours them.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from functools import cache
from ipaddress import ip_address, ip_network

import crawleruseragents

from bench.simulator.clients import Campaign, Mail, Request

MINUTE = 60.0
Rule = Callable[[Mail, Request], bool]

# warmbly tracking/scanner-networks.txt: networks that settle the matter, and those that do so for ten minutes only. It
# names the latter by AS number; the ranges here are those that these companies name as theirs.
WARMBLY_CERTAIN = (
    "40.92.0.0/15",
    "40.107.0.0/16",
    "52.100.0.0/14",
    "104.47.0.0/17",
    "209.222.82.0/24",
    "18.184.203.224/27",
)
WARMBLY_PROBABLE = (
    "67.231.144.0/20",
    "148.163.128.0/19",
    "205.220.160.0/19",
    "207.211.30.0/23",
    "205.139.110.0/23",
    "170.10.128.0/21",
    "216.205.24.0/24",
    "195.130.217.0/24",
    "185.58.84.0/22",
    "68.232.128.0/19",
    "139.138.32.0/19",
    "216.71.128.0/19",
    "184.94.240.0/20",
)
# Microsoft's and Google's clouds, which it lists but leaves out unless an operator names them.
WARMBLY_CLOUDS = (
    "20.0.0.0/8",
    "13.64.0.0/11",
    "40.64.0.0/10",
    "51.4.0.0/15",
    "51.8.0.0/13",
    "51.104.0.0/14",
    "51.132.0.0/16",
    "52.224.0.0/11",
    "52.145.0.0/16",
    "52.146.0.0/15",
    "52.148.0.0/14",
    "52.168.0.0/14",
    "104.208.0.0/13",
    "4.144.0.0/12",
    "34.64.0.0/10",
    "35.184.0.0/13",
)
# millionsend packages/core/src/open-classifier.ts: parts of scanners' names.
MILLIONSEND_NAMES = (
    "bot/",
    "bot;",
    "bot)",
    "crawler",
    "spider",
    "scanner",
    "preview",
    "python",
    "curl",
    "wget",
    "java/",
    "okhttp",
    "go-http-client",
    "libwww",
    "headless",
    "barracuda",
    "proofpoint",
    "mimecast",
    "symantec",
    "trendmicro",
    "ironport",
    "sophos",
    "fireeye",
    "zscaler",
    "forcepoint",
    "safelinks",
)


def judge_all(campaign: Campaign) -> dict[str, list[str]]:
    """By system, `machine` or `human` for each request in the order of mails and their requests."""
    return {
        name: ["machine" if found else "human" for mail in campaign.mails for found in judge(mail)]
        for name, judge in PEERS.items()
    }


def _each(rule: Rule) -> Callable[[Mail], Iterator[bool]]:
    return lambda mail: (rule(mail, request) for request in mail.requests)


@cache
def _is_crawler(user_agent: str) -> bool:
    return bool(crawleruseragents.is_crawler(user_agent))


@cache
def _is_in(ip: str, networks: tuple[str, ...]) -> bool:
    address = ip_address(ip)
    return any(address in network for network in map(ip_network, networks) if network.version == address.version)


def _age(mail: Mail, request: Request) -> float:
    return request.at - mail.delivered


def _is_mautic_bot(mail: Mail, request: Request) -> bool:
    """Two of three: within two seconds, an address on a list (empty at first), a name on a list (mautic#16263)."""
    return _age(mail, request) < 2 and _is_crawler(request.user_agent)


def _count_links(mail: Mail, request: Request, seconds: float, *, same_ip: bool) -> int:
    """How many links were followed so shortly before or after, this one among them."""
    requests, times = _sorted_requests(mail)
    first, last = bisect_left(times, request.at - seconds), bisect_right(times, request.at + seconds)
    return len({one.link for one in requests[first:last] if not same_ip or one.ip == request.ip})


def _sorted_requests(mail: Mail) -> tuple[list[Request], list[float]]:
    requests = sorted(mail.requests, key=lambda one: one.at)
    return requests, [one.at for one in requests]


def _warmbly(certain: tuple[str, ...], probable: tuple[str, ...]) -> Rule:
    """No name or a crawler's, a scanner's network, half a minute, another link from the same address within 5 s."""

    def rule(mail: Mail, request: Request) -> bool:
        return (
            not request.user_agent
            or _is_crawler(request.user_agent)
            or _is_in(request.ip, certain)
            or _age(mail, request) < 30
            or (_age(mail, request) < 10 * MINUTE and _is_in(request.ip, probable))
            or _count_links(mail, request, 5, same_ip=True) > 1
        )

    return rule


def _is_millionsend_scanner(mail: Mail, request: Request) -> bool:
    """A name, none, before delivery, or every link within moments of each other (pull request 22)."""
    agent = request.user_agent.lower()
    named = not agent or any(name in agent for name in MILLIONSEND_NAMES)
    return (
        named or _age(mail, request) < 0 or _count_links(mail, request, 1, same_ip=False) >= max(2, min(3, mail.links))
    )


def _is_twenty_burst(mail: Mail, request: Request) -> bool:
    """A crawler's name, or three links within ten seconds (twentyhq/twenty#26055)."""
    return _is_crawler(request.user_agent) or _count_links(mail, request, 10, same_ip=False) >= 3


PEERS: dict[str, Callable[[Mail], Iterator[bool]]] = {
    "crawler-user-agents": _each(lambda _, request: _is_crawler(request.user_agent)),
    "within 10 seconds": _each(lambda mail, request: _age(mail, request) < 10),
    "within 1 minute": _each(lambda mail, request: _age(mail, request) < MINUTE),
    "within 5 minutes": _each(lambda mail, request: _age(mail, request) < 5 * MINUTE),
    "as Mautic": _each(_is_mautic_bot),
    "as Warmbly": _each(_warmbly(WARMBLY_CERTAIN, WARMBLY_PROBABLE)),
    "as Warmbly, every network": _each(_warmbly(WARMBLY_CERTAIN, WARMBLY_PROBABLE + WARMBLY_CLOUDS)),
    "as MillionSend": _each(_is_millionsend_scanner),
    "as Twenty": _each(_is_twenty_burst),
}

"""The mix that rules are tuned on says what its tables say, and the same for the same seed."""

import ast
from collections import Counter
from functools import cache
from pathlib import Path

from bench.simulator import development
from bench.simulator.clients import Campaign, Request
from bench.simulator.development import fleets, generate
from bench.simulator.development.people import CLICK_TIMES
from bench.simulator.development.sources import SOURCES

FOLDER = Path(development.__file__).parent
MACHINES = (
    "burst", "subset", "single-link", "first-link", "two-waves", "before-delivery", "blank-agent", "ordered-row",
    "appliance", "slow-drip", "head-first", "sandbox-subset", "spray", "split-sources", "library", "unlisted-name",
    "residential", "rescan", "archive-crawler", "echo", "report-visit", "click-check", "click-check-head",
    "endpoint-antivirus", "bing-preview", "gmail-sampling", "chat-preview",
)  # fmt: skip
PEOPLE = (
    "one", "some", "in-order", "tabs", "double-click", "return", "opens-all", "second-device", "forwarded", "from-chat",
    "tester", "hover-preview", "skim",
)  # fmt: skip
NETWORKS = (
    "home", "mobile", "office-nat", "vpn", "icloud-relay", "zscaler", "cloud-desktop", "isolation", "stripping-proxy",
    "http10-proxy", "tor", "own-vpn", "privacy-extension", "cloud-gateway",
)  # fmt: skip


@cache
def _make_mix() -> Campaign:
    return generate(11, 12_000)


def _requests(mix: Campaign) -> list[Request]:
    return [request for mail in mix.mails for request in mail.requests]


def test_the_mix_does_not_know_the_rules() -> None:
    """No file of the mix imports anything of Linkweir or of the other mix."""
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [one.name for one in node.names] if isinstance(node, ast.Import) else []
            assert not [name for name in names if name.startswith("linkweir") or "holdout" in name], path.name


def test_a_seed_determines_the_mix() -> None:
    """The same seed makes the same traffic, another one another."""
    one, same, other = (generate(seed, 300) for seed in (5, 5, 6))
    assert one.mails == same.mails
    assert one.internal_networks == same.internal_networks
    assert one.mails != other.mails
    assert [mail.number for mail in one.mails] == list(range(len(one.mails)))


def test_every_behaviour_occurs() -> None:
    """Every machine, every way of a person to click and every network of people is in a large mix."""
    requests = _requests(_make_mix())
    assert {request.actor for request in requests if request.truth == "machine"} == set(MACHINES)
    assert {request.actor for request in requests if request.truth == "human"} == set(PEOPLE)
    assert {request.actor for request in requests if request.truth == "prefetch"} == {"browser"}
    traits = {trait for request in requests for trait in request.traits}
    assert {f"network:{name}" for name in NETWORKS} <= traits
    assert {"habit:tester", "habit:opens-all", "device:old-chrome", "device:ios-app", "device:outlook-ie"} <= traits


def test_sweeps_begin_when_the_source_says() -> None:
    """Bursts begin after delivery as the 836 measured sweeps did, within four of a hundred."""
    starts = [
        min(request.at for request in mail.requests if request.actor == "burst") - mail.delivered
        for mail in _make_mix().mails
        if any(request.actor == "burst" for request in mail.requests)
    ]
    assert len(starts) > 300
    for low, high, per_mille in fleets.STARTS:
        share = sum(low <= start < high + 2 for start in starts) / len(starts)
        assert abs(share - per_mille / 1000) < 0.06, (low, high)


def test_people_click_when_the_sources_say() -> None:
    """First clicks in mails that nobody waits for: a third in an hour, half in three, four fifths in a day."""
    first: list[float] = []
    for mail in _make_mix().mails:
        clicks = [request for request in mail.requests if request.truth == "human" and request.actor in PEOPLE[:6]]
        if clicks and mail.links > 2:
            first.append(min(request.at for request in clicks) - mail.delivered)
    assert len(first) > 500
    for seconds, share in CLICK_TIMES[4:8]:
        assert abs(sum(request <= seconds for request in first) / len(first) - share) < 0.06, seconds


def test_two_thirds_are_machines() -> None:
    """Machines make about the 65 % of hits that Omeda measured, over several seeds."""
    counts = Counter(request.truth for seed in range(1, 6) for request in _requests(generate(seed, 2000)))
    assert 0.55 < counts["machine"] / counts.total() < 0.77


def test_headers_and_methods_are_as_stated() -> None:
    """Safari never sends Sec-Fetch-User, old Safari no Sec-Fetch; only machines ask by HEAD, only
    they and those behind proxies that hide it without a name."""
    for request in _requests(_make_mix()):
        if "device:iphone" in request.traits and "network:stripping-proxy" not in request.traits:
            assert "sec-fetch-user" not in request.headers
            assert "sec-fetch-mode" in request.headers
        if "device:old-ios" in request.traits:
            assert "sec-fetch-mode" not in request.headers
        assert (request.http_version == "1.0") == ("network:http10-proxy" in request.traits)
        anonymous = {"headers:anonymous", "headers:paranoid"} & set(request.traits)
        if request.method == "HEAD" or (not request.user_agent and not anonymous):
            assert request.truth == "machine"
        if request.truth == "prefetch":
            assert {"sec-purpose", "purpose", "x-moz"} & request.headers.keys()
        assert request.traits or request.truth == "machine"


def test_testers_come_from_the_senders_networks() -> None:
    """The sender's own people are there, and most of their clicks come from the networks that the campaign names."""
    mix = _make_mix()
    prefixes = tuple(network.rpartition(".")[0] + "." for network in mix.internal_networks)
    own = [request for request in _requests(mix) if "habit:tester" in request.traits]
    assert own
    assert sum(request.ip.startswith(prefixes) for request in own) > len(own) / 3


def test_sources_are_cited() -> None:
    """Every source has what it says, and at least ten of them are cited in the tables."""
    assert len(SOURCES) > 20
    text = "".join(path.read_text("utf-8") for path in FOLDER.glob("*.py") if path.name != "sources.py")
    names = [part for name in SOURCES for part in name.replace(";", ",").split(", ") if "#" in part]
    assert sum(name in text for name in names) >= 10

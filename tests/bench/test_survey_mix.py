"""The second mix that rules are tuned on says what its tables say, and the same for the same seed."""

import ast
from collections import Counter
from functools import cache
from pathlib import Path

from bench.simulator import survey
from bench.simulator.clients import Campaign, Request
from bench.simulator.survey import generate, tables

FOLDER = Path(survey.__file__).parent
MACHINES = (
    "burst", "burst-twice", "single", "waves", "early", "blank", "sandbox", "drip", "head", "ordered", "spray",
    "shared", "first", "named", "part", "resident", "library", "rescan", "archive", "click-get", "click-head", "echo",
    "antivirus", "provider",
)  # fmt: skip
PEOPLE = (
    "one", "several", "in-order", "tabs", "double", "weeks-later", "opens-all", "second-device", "forwarded", "tester",
)  # fmt: skip


@cache
def _make_mix() -> Campaign:
    return generate(11, 9_000)


def _requests(mix: Campaign) -> list[Request]:
    return [request for mail in mix.mails for request in mail.requests]


def test_the_mix_does_not_know_the_rules() -> None:
    """No file of the mix imports anything of Linkweir or of the mix that rules are judged on."""
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [one.name for one in node.names] if isinstance(node, ast.Import) else []
            assert not [name for name in names if name.startswith("linkweir") or "holdout" in name], path.name


def test_a_seed_determines_the_mix() -> None:
    """The same seed makes the same traffic, another one another."""
    one, same, other = (generate(seed, 200) for seed in (5, 5, 6))
    assert one.mails == same.mails
    assert one.internal_networks == same.internal_networks
    assert one.mails != other.mails
    assert [mail.number for mail in one.mails] == list(range(len(one.mails)))


def test_every_behaviour_occurs() -> None:
    """Every machine, every way of a person to click and every place of people is in a large mix."""
    requests = _requests(_make_mix())
    assert {request.actor for request in requests if request.truth == "machine"} == set(MACHINES)
    assert {request.actor for request in requests if request.truth == "human"} == set(PEOPLE)
    traits = {trait for request in requests for trait in request.traits}
    places = {*tables.HOME_NETWORKS, *tables.OFFICE_NETWORKS}
    assert {f"network:{place}" for place in places} <= traits
    assert {"habit:tester", "habit:opens-all", "device:old-chrome", "device:ios-app"} <= traits


def test_shares_are_as_measured() -> None:
    """About 65 % of the hits are machines', and sweeps begin after delivery as the measured ones did."""
    requests = _requests(_make_mix())
    truths = Counter(request.truth for request in requests)
    assert 0.55 < truths["machine"] / len(requests) < 0.8
    starts = [
        min(request.at for request in mail.requests if request.actor == "burst") - mail.delivered
        for mail in _make_mix().mails
        if any(request.actor == "burst" for request in mail.requests)
    ]
    assert len(starts) > 200
    for low, high, per_mille in tables.SWEEP_STARTS:
        share = sum(low <= start < high for start in starts) / len(starts)
        assert abs(share - per_mille / 1000) < 0.07, (low, high)


def test_browsers_send_what_they_send() -> None:
    """HEAD comes of machines alone, and no complete Chrome of a person at home lacks its language."""
    requests = _requests(_make_mix())
    assert {request.truth for request in requests if request.method == "HEAD"} == {"machine"}
    at_home = [one for one in requests if {"network:home", "device:chrome-windows"} <= set(one.traits)]
    assert at_home
    assert all("accept-language" in one.headers and "sec-fetch-mode" in one.headers for one in at_home)

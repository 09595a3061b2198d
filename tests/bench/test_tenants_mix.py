"""The mix that verdicts are judged on once says what its tables say, and the same for the same seed."""

import ast
from collections import Counter
from functools import cache
from pathlib import Path

from bench.simulator import tenants
from bench.simulator.clients import Campaign, Request
from bench.simulator.tenants import filters, generate, recipients
from bench.simulator.tenants.citations import SOURCES

FOLDER = Path(tenants.__file__).parent
BYSTANDERS = ("click-check", "report", "ticket", "assistant", "archive", "antivirus", "stranger", "rescan")


@cache
def _make_mix() -> Campaign:
    return generate(12, 8_000)


def _requests(mix: Campaign) -> list[Request]:
    return [request for mail in mix.mails for request in mail.requests]


def test_the_mix_does_not_know_the_rules() -> None:
    """No file of the mix imports anything of Linkweir, and of other mixes only what is a fact."""
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [one.name for one in node.names] if isinstance(node, ast.Import) else []
            strange = [name for name in names if name.startswith("linkweir") or "holdout" in name or "survey" in name]
            assert not strange, path.name
            if isinstance(node, ast.ImportFrom) and node.module == "bench.simulator.development":
                assert {one.name for one in node.names} <= {"browsers", "networks"}, path.name


def test_a_seed_determines_the_mix() -> None:
    """The same seed makes the same traffic, another one another, of as many mails as asked for."""
    one, same, other = (generate(seed, 200) for seed in (5, 5, 6))
    assert one.mails == same.mails
    assert one.internal_networks == same.internal_networks
    assert one.mails != other.mails
    assert [mail.number for mail in one.mails] == list(range(200))


def test_every_behaviour_occurs() -> None:
    """Every way of a filter, every other machine, every way to click and every place is in a large mix."""
    requests = _requests(_make_mix())
    manners = {name for own in filters.MANNERS.values() for name in own}
    assert {request.actor for request in requests if request.truth == "machine"} == {*manners, *BYSTANDERS}
    people = {request.actor for request in requests if request.truth == "human"}
    assert people == {*recipients.SITTINGS, "second-device", "forwarded", "opens-all", "tester"}
    traits = {trait for request in requests for trait in request.traits}
    assert {f"network:{place}" for place in (*recipients.EXITS, *recipients.HOME_NETWORKS)} <= traits


def test_shares_are_as_measured() -> None:
    """Between 55 and 80 % of the hits are machines', and people's first clicks lie as GetResponse measured them."""
    requests = _requests(_make_mix())
    truths = Counter(request.truth for request in requests)
    assert 0.55 < truths["machine"] / len(requests) < 0.8
    firsts = [
        min(request.at for request in mail.requests if request.truth == "human") - mail.delivered
        for mail in _make_mix().mails
        if mail.links > 1 and any(request.truth == "human" for request in mail.requests)
    ]
    assert len(firsts) > 500
    for seconds, share in recipients.FIRST_CLICKS[2:5]:
        assert abs(sum(first < seconds for first in firsts) / len(firsts) - share) < 0.06, seconds


def test_sources_are_named() -> None:
    """Every source of the mix says something, in one sentence at least."""
    assert all(name and len(text) > 20 for name, text in SOURCES.items())

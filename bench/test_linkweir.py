"""pytest-benchmark: Linkweir's scan, plan and sealed links, with the floors in the same group."""

from typing import Any

import pytest

import linkweir
from bench import ratios
from bench.baselines import count_bytes
from bench.cases import load_case
from bench.cases.catalogue import CASE_FACTORIES
from bench.harness.sample_tracker import make_tracker
from linkweir import _html
from linkweir.benchmark.workload import TAG_BYTE


@pytest.fixture(params=CASE_FACTORIES)
def example(request: pytest.FixtureRequest) -> Any:
    """Each case in turn."""
    return load_case(request.param)


def test_memchr_baseline(benchmark: Any, example: Any) -> None:
    """A libc memchr sweep finds as many `<` as bytes.count does."""
    assert _html.count_byte(example.document, TAG_BYTE) == count_bytes(example.document)
    benchmark.group = f"scan, {example.name}"
    benchmark(_html.count_byte, example.document, TAG_BYTE)


def test_count_baseline(benchmark: Any, example: Any) -> None:
    """bytes.count finds something to count."""
    benchmark.group = f"scan, {example.name}"
    assert benchmark(count_bytes, example.document) > 0


def test_scan_in_c(benchmark: Any, example: Any) -> None:
    """The core finds as many links as the generator made (checked before timing)."""
    work = ratios.scan_work(example.name)
    benchmark.group = f"scan, {example.name}"
    benchmark(work, 1)


def test_scan_with_objects(benchmark: Any, example: Any) -> None:
    """scan yields the generator's destinations in order."""
    benchmark.group = f"scan, {example.name}"
    links = benchmark(lambda: list(linkweir.scan(example.document)))
    tracked = [link.destination for link in links if link.outcome is linkweir.Outcome.TRACKED]
    assert tracked == example.destinations


def test_rewrite_sealed(benchmark: Any, example: Any) -> None:
    """rewrite with a tracker gives the document with a minted link in every site."""
    benchmark.group = f"sealed, {example.name}"
    assert benchmark(linkweir.rewrite, example.document, make_tracker()) == example.expected_output(make_tracker().mint)


def test_render_sealed(benchmark: Any, example: Any) -> None:
    """A plan renders the same as rewrite."""
    benchmark.group = f"sealed, {example.name}"
    plan = linkweir.Plan(example.document)
    assert benchmark(plan.render, make_tracker()) == example.expected_output(make_tracker().mint)


@pytest.mark.parametrize("style", ["sealed", "short"])
def test_mint(benchmark: Any, style: str) -> None:
    """One message's links minted at once: as many as there are destinations."""
    document = load_case("newsletter 100 KB")
    destinations = [destination.encode() for destination in document.destinations]
    indexes = [site.index for site in document.sites]
    benchmark.group = "mint"
    benchmark.extra_info["links"] = len(destinations)
    minted = benchmark(make_tracker(style).mint_many, destinations, indexes)
    assert len(set(minted)) == len(destinations)

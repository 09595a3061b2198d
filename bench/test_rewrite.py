"""pytest-benchmark: every engine puts a constant into every link of every case."""

from typing import Any

import pytest

from bench.what import case
from bench.what.cases import MAKERS
from bench.who import MissingError, engine, judge
from bench.who.every import PEERS

OURS = ("linkweir.rewrite", "linkweir.Rewriter, 64 KiB chunks")


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("contestant", [*OURS, *PEERS])
def test_rewrite_with_a_constant(benchmark: Any, contestant: str, name: str) -> None:
    """Ours must be right; what is wrong with a peer's answer is noted beside its time."""
    try:
        rewriter = engine(contestant)
    except MissingError as reason:
        pytest.skip(str(reason))
    example = case(name)
    verdict = judge(rewriter, example)
    assert verdict.right or not rewriter.ours, verdict
    benchmark.group = f"rewrite, {name}"
    benchmark.extra_info.update(answer=str(verdict), bytes=len(example.document))
    benchmark(rewriter.constant, example.document)

"""pytest-benchmark: every engine puts a constant into every link of every case."""

from typing import Any

import pytest

from bench.cases import load_case
from bench.cases.catalogue import CASE_FACTORIES
from linkweir.benchmark import EngineNotInstalledError, check_output, load_engine
from linkweir.benchmark.engine_registry import PEER_LOADERS

LINKWEIR_ENGINES = ("linkweir.rewrite", "linkweir.Rewriter, 64 KiB chunks")


@pytest.mark.parametrize("name", CASE_FACTORIES)
@pytest.mark.parametrize("contestant", [*LINKWEIR_ENGINES, *PEER_LOADERS])
def test_rewrite_with_a_constant(benchmark: Any, contestant: str, name: str) -> None:
    """Ours must be right; what is wrong with a peer's answer is noted beside its time."""
    try:
        rewriter = load_engine(contestant)
    except EngineNotInstalledError as reason:
        pytest.skip(str(reason))
    example = load_case(name)
    verdict = check_output(rewriter, example)
    assert verdict.is_correct or not rewriter.is_linkweir, verdict
    benchmark.group = f"rewrite, {name}"
    benchmark.extra_info.update(answer=str(verdict), bytes=len(example.document))
    benchmark(rewriter.constant, example.document)

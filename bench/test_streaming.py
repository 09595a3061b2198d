"""pytest-benchmark: sixteen megabytes through the streaming rewriters, never held as a whole."""

from typing import Any

import pytest

from bench.cases.stream import DocumentStream
from linkweir.benchmark import EngineNotInstalledError, load_engine
from linkweir.benchmark.rewriting_engine import CONSTANT


@pytest.mark.parametrize("contestant", ["linkweir.rewrite", "python-lolhtml"])
def test_stream(benchmark: Any, contestant: str) -> None:
    """The output has the size that every link replaced gives."""
    try:
        chunks = load_engine(contestant).chunks
    except EngineNotInstalledError as reason:
        pytest.skip(str(reason))
    assert chunks is not None
    stream = DocumentStream(16_000_000)
    benchmark.group = "stream, 16 MB in 64 KiB chunks"
    size = benchmark.pedantic(lambda: chunks(map(bytes, stream.chunks())), rounds=3)
    assert size == stream.output_size(CONSTANT.encode())

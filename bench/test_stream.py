"""pytest-benchmark: sixteen megabytes through the streaming rewriters, never held as a whole."""

from typing import Any

import pytest

from bench.what.stream import Stream
from bench.who import MissingError, engine
from bench.who.engine import CONSTANT


@pytest.mark.parametrize("contestant", ["linkweir.rewrite", "python-lolhtml"])
def test_stream(benchmark: Any, contestant: str) -> None:
    """The output has the size that every link replaced gives."""
    try:
        chunks = engine(contestant).chunks
    except MissingError as reason:
        pytest.skip(str(reason))
    assert chunks is not None
    stream = Stream(16_000_000)
    benchmark.group = "stream, 16 MB in 64 KiB chunks"
    size = benchmark.pedantic(lambda: chunks(map(bytes, stream.chunks())), rounds=3)
    assert size == stream.output_size(CONSTANT.encode())

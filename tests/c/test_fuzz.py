"""The coverage-guided fuzz targets build, run for a moment, and find nothing."""

from pathlib import Path

import pytest

from tests.c.fuzz import FUZZER_FLAGS, run_fuzzer
from tests.c.toolchain import can_link, find_compilers, skip_or_fail

PROBE_SOURCE = """#include <stddef.h>
#include <stdint.h>
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) { (void)data; return size > 9999; }
"""


@pytest.mark.parametrize(("target", "seconds"), [("tokenizer", 8), ("url_codec", 3), ("transfer_encodings", 3)])
def test_a_moment_of_fuzzing_finds_nothing(target: str, seconds: int, tmp_path: Path) -> None:
    """From the seeds on, some thousand inputs are executed and none breaks what the target asserts."""
    if "clang" not in find_compilers() or not can_link("clang", tmp_path, PROBE_SOURCE, *FUZZER_FLAGS):
        skip_or_fail("no clang with libFuzzer")
    run = run_fuzzer(target, seconds, tmp_path)
    assert run.findings == (), run.log[-4000:]
    assert run.executions > 1000
    assert run.edges > 100

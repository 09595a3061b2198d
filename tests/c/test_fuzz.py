"""The coverage-guided fuzz targets build, run for a moment, and find nothing."""

from pathlib import Path

import pytest

from tests.c.fuzz import FUZZER_FLAGS, run_fuzzer
from tests.c.toolchain import can_link, find_compilers, skip_or_fail
from tests.web.running_service import WAIT_SECONDS

PROBE_SOURCE = """#include <stddef.h>
#include <stdint.h>
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) { (void)data; return size > 9999; }
"""


EXECUTIONS = 5000  # some seconds on an idle machine; a busy one takes longer


@pytest.mark.parametrize("target", ["tokenizer", "url_codec", "transfer_encodings"])
def test_a_moment_of_fuzzing_finds_nothing(target: str, tmp_path: Path) -> None:
    """From the seeds on, some thousand inputs are executed and none breaks what the target asserts."""
    if "clang" not in find_compilers() or not can_link("clang", tmp_path, PROBE_SOURCE, *FUZZER_FLAGS):
        skip_or_fail("no clang with libFuzzer")
    run = run_fuzzer(target, int(WAIT_SECONDS), tmp_path, EXECUTIONS)
    assert run.findings == (), run.log[-4000:]
    assert run.executions >= EXECUTIONS
    assert run.edges > 100

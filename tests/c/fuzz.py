"""Runs a fuzz target: `python -m tests.c.fuzz --seconds 1800 [--target TARGET] [--folder F]`.

Needs clang with libFuzzer. Builds, sows the seeds, runs one job, and prints executions, coverage and findings.
`extensions` are all four of them with a Python around, through every public entry (tests/ext/entry_points.py).
Findings and the grown corpus stay in the folder, which is outside the checkout unless you say otherwise.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.c import fuzz_seeds
from tests.c.toolchain import C_FOLDER, HTML, MIME_SOURCES, ROOT, SANITIZER_FLAGS, TOKENS, build_program
from tests.ext import sanitized_build

FUZZER_FLAGS = ["-fsanitize=fuzzer", *SANITIZER_FLAGS]
COVERAGE_FLAGS = ["-O1", "-fsanitize=fuzzer-no-link", *SANITIZER_FLAGS]
EXTENSIONS = "extensions"
TARGETS = {
    "tokenizer": ([C_FOLDER / "fuzz_tokenizer.c", C_FOLDER / "tokenizer_helpers.c", *HTML], fuzz_seeds.make_scan_seeds),
    "url_codec": (
        [C_FOLDER / "fuzz_url_codec.c", C_FOLDER / "url_codec_helpers.c", *TOKENS],
        fuzz_seeds.make_token_seeds,
    ),
    "transfer_encodings": (
        [
            C_FOLDER / "fuzz_transfer_encodings.c",
            C_FOLDER / "encoding_helpers.c",
            C_FOLDER / "tokenizer_helpers.c",
            *HTML,
            *MIME_SOURCES,
        ],
        fuzz_seeds.make_mime_seeds,
    ),
    EXTENSIONS: ([C_FOLDER / "fuzz_extensions.c"], fuzz_seeds.make_extension_seeds),
}


@dataclass(frozen=True)
class FuzzResult:
    """What a run did. `edges` and `features` are libFuzzer's counts of coverage."""

    executions: int
    edges: int
    features: int
    findings: tuple[Path, ...]
    log: str


def prepare_target(target: str, folder: Path) -> Path:
    """Builds the target and sows its seeds into folder/corpus; returns the program."""
    sources, sown = TARGETS[target]
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    (folder / "findings").mkdir(exist_ok=True)
    for number, seed in enumerate(sown(ROOT.parent / "shared")):
        (corpus / f"seed{number}").write_bytes(seed)
    (folder / "dictionary").write_text(fuzz_seeds.format_dictionary())
    program = folder / f"fuzz_{target}"
    if target == EXTENSIONS:
        sanitized_build.build_package("clang", folder / "package", COVERAGE_FLAGS)
        sanitized_build.build_program(sources[0], program, FUZZER_FLAGS)
    else:
        build_program("clang", sources, program, "-g", "-O2", *FUZZER_FLAGS)
    return program


def run_fuzzer(target: str, seconds: int, folder: Path, executions: int = -1) -> FuzzResult:
    """Fuzz for so many seconds or executions (-1: any number), or until the first finding."""
    program = prepare_target(target, folder)
    limits = [
        f"-max_total_time={seconds}",
        f"-runs={executions}",
        f"-max_len={fuzz_seeds.MAX_SEED_BYTES}",
        "-timeout=60",
        "-print_final_stats=1",
    ]
    limits += ["-detect_leaks=0", "-rss_limit_mb=4096"] if target == EXTENSIONS else []
    variables = sanitized_build.embedding_flags("clang", folder / "package") if target == EXTENSIONS else None
    places = [f"-dict={folder}/dictionary", f"-artifact_prefix={folder}/findings/", str(folder / "corpus")]
    command = [str(program), *limits, *places]
    done = subprocess.run(command, capture_output=True, check=False, env=variables, cwd=ROOT)  # noqa: S603 - our own program
    log = done.stderr.decode("utf-8", "replace")
    executed = re.search(r"stat::number_of_executed_units:\s*(\d+)", log)
    covered = re.findall(r"cov: (\d+) ft: (\d+)", log)
    edges, features = map(int, covered[-1]) if covered else (0, 0)
    findings = tuple(sorted((folder / "findings").iterdir()))
    if done.returncode and not findings:
        raise RuntimeError(f"the fuzzer failed:\n{log[-4000:]}")
    return FuzzResult(int(executed[1]) if executed else 0, edges, features, findings, log)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.c.fuzz", description=__doc__.split("\n\n")[0])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--target", choices=TARGETS, default="scan")
    parser.add_argument("--folder", type=Path, help="keep corpus and findings here (default: a new temporary folder)")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="linkweir-fuzz-"))
    run = run_fuzzer(options.target, options.seconds, folder.resolve())
    print(f"{options.target}: {run.executions:,} executions, {run.edges} edges, {run.features} features covered")
    print(f"{len(run.findings)} findings, {folder}")
    if run.findings:
        print(run.log[-6000:])
    return 1 if run.findings else 0


if __name__ == "__main__":
    sys.exit(main())

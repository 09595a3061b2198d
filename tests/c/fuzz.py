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

from tests.ext import sanitized_build

from . import seeds
from .toolchain import HERE, HTML, MIME, ROOT, SANITIZERS, TOKENS, build

FUZZER = ["-fsanitize=fuzzer", *SANITIZERS]
COVERED = ["-O1", "-fsanitize=fuzzer-no-link", *SANITIZERS]
EXTENSIONS = "extensions"
TARGETS = {
    "tokenizer": ([HERE / "fuzz_tokenizer.c", HERE / "tokenizer_helpers.c", *HTML], seeds.scan_seeds),
    "url_codec": ([HERE / "fuzz_url_codec.c", HERE / "url_codec_helpers.c", *TOKENS], seeds.token_seeds),
    "transfer_encodings": (
        [HERE / "fuzz_transfer_encodings.c", HERE / "encoding_helpers.c", HERE / "tokenizer_helpers.c", *HTML, *MIME],
        seeds.mime_seeds,
    ),
    EXTENSIONS: ([HERE / "fuzz_extensions.c"], seeds.extension_seeds),
}


@dataclass(frozen=True)
class Run:
    """What a run did. `edges` and `features` are libFuzzer's counts of coverage."""

    executions: int
    edges: int
    features: int
    findings: tuple[Path, ...]
    log: str


def prepare(target: str, folder: Path) -> Path:
    """Builds the target and sows its seeds into folder/corpus; returns the program."""
    sources, sown = TARGETS[target]
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    (folder / "findings").mkdir(exist_ok=True)
    for number, seed in enumerate(sown(ROOT.parent / "shared")):
        (corpus / f"seed{number}").write_bytes(seed)
    (folder / "dictionary").write_text(seeds.dictionary())
    program = folder / f"fuzz_{target}"
    if target == EXTENSIONS:
        sanitized_build.build_package("clang", folder / "package", COVERED)
        sanitized_build.build_program(sources[0], program, FUZZER)
    else:
        build("clang", sources, program, "-g", "-O2", *FUZZER)
    return program


def fuzz(target: str, seconds: int, folder: Path) -> Run:
    """Fuzzes for so many seconds, or until the first finding."""
    program = prepare(target, folder)
    limits = [f"-max_total_time={seconds}", f"-max_len={seeds.LONGEST}", "-timeout=60", "-print_final_stats=1"]
    limits += ["-detect_leaks=0", "-rss_limit_mb=4096"] if target == EXTENSIONS else []
    variables = sanitized_build.embedded("clang", folder / "package") if target == EXTENSIONS else None
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
    return Run(int(executed[1]) if executed else 0, edges, features, findings, log)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.c.fuzz", description=__doc__.split("\n\n")[0])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--target", choices=TARGETS, default="scan")
    parser.add_argument("--folder", type=Path, help="keep corpus and findings here (default: a new temporary folder)")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="linkweir-fuzz-"))
    run = fuzz(options.target, options.seconds, folder.resolve())
    print(f"{options.target}: {run.executions:,} executions, {run.edges} edges, {run.features} features covered")
    print(f"{len(run.findings)} findings, {folder}")
    if run.findings:
        print(run.log[-6000:])
    return 1 if run.findings else 0


if __name__ == "__main__":
    sys.exit(main())

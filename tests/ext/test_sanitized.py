"""The extensions under AddressSanitizer and UndefinedBehaviorSanitizer, through every public entry."""

import ast
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.c.toolchain import ROOT, find_compilers, skip_or_fail
from tests.ext.sanitized_build import build_package, find_runtime, make_environment

Runner = Callable[..., str]


@pytest.fixture(scope="module")
def run_sanitized(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """Runs Python with extensions that sanitizers watch, and returns what it printed."""
    compiler = next((name for name in ("clang", "cc") if name in find_compilers() and find_runtime(name)), None)
    if compiler is None:
        skip_or_fail("no compiler with the sanitizers' runtime as a shared library")
    variables = make_environment(compiler, build_package(compiler, tmp_path_factory.mktemp("sanitized")))

    def run(*words: str) -> str:
        command = [sys.executable, *words]
        done = subprocess.run(command, env=variables, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[:6000]
        assert "runtime error" not in done.stderr, done.stderr[:6000]
        return done.stdout

    return run


def test_sanitizers_watch_the_extensions(run_sanitized: Runner) -> None:
    """All seven modules that are loaded are those that were built for it."""
    words = "; print(*(m.__file__ for m in (_arrow, _clicks, _html, _http, _journal, _mime, _tokens)), sep='\\n')"
    files = run_sanitized(
        "-c", "from linkweir import _arrow, _clicks, _html, _http, _journal, _mime, _tokens" + words
    ).split()
    assert len(files) == 7
    assert all("sanitized" in file for file in files)


@pytest.mark.external
@pytest.mark.parametrize("what", ["everything", "threads"])
def test_corpus_and_suites_break_nothing(run_sanitized: Runner, shared_folder: Path, what: str) -> None:
    """Every document, whole and cut, through every entry, alone and in several threads: no report of a sanitizer."""
    runs = int(run_sanitized("-m", "tests.ext.corpus_driver", what, str(shared_folder)).split()[0])
    assert runs > (20_000 if what == "everything" else 100)


def test_allocations_that_fail_break_nothing(run_sanitized: Runner, tmp_path: Path) -> None:
    """Wherever memory runs out there is an exception, and a stream has lost no byte."""
    if importlib.util.find_spec("_testcapi") is None:
        skip_or_fail("this Python has no _testcapi, which makes allocations fail")
    assert int(run_sanitized("-m", "tests.ext.corpus_driver", "starved", str(tmp_path)).split()[0]) > 2000


@pytest.mark.parametrize(
    "tests",
    ["tests/ext/test_invalid_input.py", "tests/ext/test_invalid_columns.py", "tests/html/test_invalid_input.py"],
)
def test_misuse_breaks_nothing(run_sanitized: Runner, tests: str) -> None:
    """What callers do wrong is answered by an exception, and nothing is read or written elsewhere."""
    run_sanitized("-m", "pytest", "-q", "-x", "-s", "-p", "no:cacheprovider", tests)


def list_entries() -> set[str]:
    """The functions and methods of the extensions that Python code can call, but what Python itself calls."""
    entries = set()
    for path in (ROOT / "src" / "linkweir").glob("_*.pyi"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("__"):
                entries.add(node.name)
    return entries


def test_no_entry_is_left_out() -> None:
    """Each function and method of the extensions is called by what runs under the sanitizers, by its name or by the one
    public function that is named here.
    """
    called = {
        "pass_through_rest": "Rewriter",
        "outcome_counts": "on_link",
        "update": "open_token",
        "digest": "open_token",
        "features": "FeatureExtractor",
    }
    names = set()
    for file in (
        "ext/entry_points.py",
        "ext/corpus_driver.py",
        "ext/test_invalid_input.py",
        "ext/test_invalid_columns.py",
        "html/test_invalid_input.py",
    ):
        for node in ast.walk(ast.parse((ROOT / "tests" / file).read_text("utf-8"))):
            match node:
                case ast.Attribute(attr=name) | ast.Name(id=name) | ast.keyword(arg=str(name)):
                    names.add(name)
    entries = list_entries()
    assert len(entries) > 25
    assert {entry for entry in entries if called.get(entry, entry) not in names} == set()


def test_a_wrong_pointer_would_be_seen(run_sanitized: Runner) -> None:
    """A read behind a block of the interpreter's own memory ends such a process with a report."""
    code = "import ctypes; text = b'x' * 100; ctypes.string_at(id(text), 400)"
    with pytest.raises(AssertionError, match="AddressSanitizer"):
        run_sanitized("-c", code)
    assert os.environ.get("LD_PRELOAD", "") == ""

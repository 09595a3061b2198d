"""Where the shared material and the outside judge are, or why their tests skip."""

import importlib
import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import hypothesis
import pytest

# Neither a slow example nor slow data says anything of the code on a busy machine.
hypothesis.settings.register_profile(
    "patient",
    hypothesis.settings.default,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("patient")

# A shell starts its background jobs with SIGINT ignored, and what the tests interrupt would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
# nohup ignores SIGHUP, and what the tests start would heed that.
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# The files that take longest are begun first, so that no worker is left alone with one of them at the end.
LONGEST_FILES = (
    "test_app.py",
    "server/test_supervisor.py",
    "web/test_redirect_latency.py",
    "manual/test_examples.py",
    "dashboard/test_browser.py",
    "c/test_sanitized_c.py",
    "mail/test_raw_submission.py",
    "cli/test_open_and_keys_commands.py",
    "cli/test_main.py",
    "cli/test_rewrite_files.py",
    "faults/test_kill_during_delivery.py",
    "faults/test_click_durability.py",
    "bench/test_classification_quality.py",
    "clicks/journal/test_segments.py",
)

TESTS_FOLDER = Path(__file__).resolve().parent
SHARED_FOLDER = TESTS_FOLDER.parents[1] / "shared"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first, in their order, and leave all others as they are."""
    ranks = {TESTS_FOLDER / file: rank for rank, file in enumerate(LONGEST_FILES)}
    items.sort(key=lambda item: ranks.get(item.path, len(ranks)))


def skip_or_fail(dependency: str) -> NoReturn:
    """Skip a test for want of something, or fail it where nothing may be wanting."""
    if os.environ.get("LINKWEIR_REQUIRE_SHARED") == "1":
        pytest.fail(f"{dependency}, and LINKWEIR_REQUIRE_SHARED=1 makes it mandatory")
    pytest.skip(dependency)


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """The folder of rules, corpus and suites beside the checkout."""
    if not SHARED_FOLDER.is_dir():
        skip_or_fail("the shared material is not beside the checkout (../shared)")
    return SHARED_FOLDER


@pytest.fixture(scope="session")
def parse_hrefs() -> Callable[[bytes, str], list[tuple[str, str | None]]]:
    """html5-parser as an independent judge: every `a` element of a document, as (namespace, href)."""
    judge: Callable[[bytes, str], list[tuple[str, str | None]]] = _load_tree_oracle().parse_hrefs
    return judge


@pytest.fixture(scope="session")
def tree_contains() -> Callable[[bytes, str], bool]:
    """The same judge: does a text stand anywhere in the tree?"""
    judge: Callable[[bytes, str], bool] = _load_tree_oracle().tree_contains
    return judge


def _load_tree_oracle() -> ModuleType:
    try:
        return importlib.import_module("tests.oracle.tree")
    except ImportError as reason:
        skip_or_fail(f"html5-parser is missing ({reason}): pip install --no-binary lxml 'linkweir[oracle]'")

"""Where the shared material and the outside judge are, or why their tests skip."""

import functools
import gc
import importlib
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import httpx
import hypothesis
import pytest
from argon2 import PasswordHasher

from linkweir.accounts import passwords
from linkweir.db import schema_upgrade
from tests.databases import DIALECTS, use_dialect
from tests.recorded_schema import make_repeating_upgrade
from tests.shared_statements import share_statements
from tests.turn_lock import TurnLock

# Neither a slow example nor slow data says anything of the code on a busy machine.
hypothesis.settings.register_profile(
    "patient",
    hypothesis.settings.default,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("patient")

# Each client of httpx loads all root certificates, which takes longer than most tests; here all clients share them.
httpx._transports.default.create_ssl_context = functools.cache(httpx.create_ssl_context)  # type: ignore[attr-defined]

# Creating the tables takes longer than most tests: it is done once, and then its statements are repeated.
schema_upgrade._upgrade = make_repeating_upgrade(schema_upgrade._upgrade)  # type: ignore[assignment]
share_statements()

# So much work as a thief of passwords shall have takes longer than most tests, too. tests/accounts has the real amount.
passwords._HASHER = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)

# A shell starts its background jobs with SIGINT ignored, and what the tests interrupt would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
# nohup ignores SIGHUP, and what the tests start would heed that.
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# The files that take longest are begun first, so that no worker is left alone with one of them at the end: whole where
# their tests share a fixture that takes long ...
LONG_FILES = (
    "faults/test_faults_on_postgresql.py",
    "c/test_sanitized_c.py",
    "ext/test_sanitized.py",
    "dashboard/test_browser.py",
    "test_frozen.py",
    "test_package.py",
    "webhooks/test_delivery.py",
    "webhooks/test_webhook_fields.py",
    "web/test_redirect.py",
)
# ... and test by test where they share nothing, since most of them wait for a service that starts or is killed.
LONG_FILES_OF_SINGLE_TESTS = (
    "faults/test_kill_during_delivery.py",
    "faults/test_click_durability.py",
    "faults/test_readiness.py",
    "faults/test_webhook_outbox.py",
    "faults/test_flush_before_answer.py",
    "server/test_supervisor.py",
    "server/test_redirect_protocol.py",
    "test_app.py",
    "manual/test_examples.py",
    "mail/test_raw_submission.py",
    "bench/test_classification_quality.py",
    "cli/test_open_and_keys_commands.py",
    "cli/test_user_command.py",
    "cli/test_block_command.py",
    "cli/test_rewrite_files.py",
    "cli/test_rewrite_atomic.py",
    "cli/test_explain_command.py",
    "cli/test_main.py",
)

TURN_LOCK = pytest.StashKey[TurnLock]()
TESTS_FOLDER = Path(__file__).resolve().parent
SHARED_FOLDER = TESTS_FOLDER.parents[1] / "shared"


def pytest_configure(config: pytest.Config) -> None:
    """Give each worker a lock that all share; a run without workers, which may be part of a test, has no use for it."""
    if hasattr(config, "workerinput"):
        config.stash[TURN_LOCK] = lock = TurnLock(TESTS_FOLDER, TESTS_FOLDER / "__init__.py")
        config.add_cleanup(lock.close)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Look for garbage neither while tests are found nor, later, among them and what they have imported: they stay."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first, in their order, and exclusive tests last, when nobody has to wait for them."""
    ranks = {TESTS_FOLDER / file: rank for rank, file in enumerate((*LONG_FILES, *LONG_FILES_OF_SINGLE_TESTS))}
    items.sort(key=lambda item: len(ranks) + 1 if _is_exclusive(item) else ranks.get(item.path, len(ranks)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Run tests of all workers beside each other, but those marked `exclusive` beside none."""
    lock = item.config.stash.get(TURN_LOCK, None)
    if lock is None:
        return (yield)
    exclusive = _is_exclusive(item)
    if lock.is_exclusive is None:
        lock.acquire(exclusive=exclusive)
    try:
        return (yield)
    finally:
        if not (exclusive and nextitem is not None and _is_exclusive(nextitem)):
            lock.release()


def _is_exclusive(item: pytest.Item) -> bool:
    return item.get_closest_marker("exclusive") is not None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Give a worker a whole file at a time, since its tests may share fixtures, or single tests of some long files."""
    from xdist.scheduler import LoadFileScheduling

    whole_file = LoadFileScheduling._split_scope
    single = tuple(f"tests/{file}::" for file in LONG_FILES_OF_SINGLE_TESTS)

    class MixedScheduling(LoadFileScheduling):  # type: ignore[misc]  # it has no types
        def _split_scope(self, nodeid: str) -> str:
            return nodeid if nodeid.startswith(single) else whole_file(self, nodeid)

    return MixedScheduling(config, log)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what uses `dialect`, or is marked `both_databases`, on both databases, unless it is marked `sqlite_only`."""
    is_marked = metafunc.definition.get_closest_marker("both_databases")
    if is_marked and "dialect" not in metafunc.fixturenames:
        metafunc.fixturenames.insert(0, "dialect")
    if "dialect" in metafunc.fixturenames and not metafunc.definition.get_closest_marker("sqlite_only"):
        metafunc.parametrize("dialect", DIALECTS, indirect=True, scope="module")


@pytest.fixture(scope="module")
def dialect(request: pytest.FixtureRequest) -> Iterator[str]:
    """The database that the tests of a module run on, first one and then the other. What opens a database uses it."""
    with use_dialect(getattr(request, "param", "sqlite")) as name:
        yield name


@pytest.fixture(autouse=True)
def databases_of_a_test() -> Iterator[None]:
    """The databases that one test makes are gone after it."""
    with use_dialect():
        yield


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

"""Drives the entries for `test_sanitized`, in a process of its own: `python -m tests.ext.corpus_driver WHAT SHARED`.

An error that a sanitizer finds ends the process; an assertion of an entry comes out with the document's name.
"""

import contextlib
import ctypes
import gc
import importlib
import random
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from linkweir import _html, _journal
from linkweir.errors import LinkweirError
from tests.c import fuzz_seeds
from tests.ext.entry_points import (
    CHOICE_BYTES,
    ENTRY_POINTS,
    SWITCHES,
    CallbackError,
    Choices,
    run_column,
    run_journal,
    run_mail,
)

LONG_DOCUMENT_BYTES = 200_000  # bytes of a document that is cut anyway
SEED = 10
STARVED_DOCUMENT = (
    b'<p>\r\n<a href="https://example.com/?a=1&amp;b">x</a>\n<a href="https://example.com/\xc3\xa9">y</a><a x'
)


def load_documents(shared_folder: Path) -> Iterator[tuple[str, bytes, bool]]:
    """Name, bytes, and whether it is small and one of thousands."""
    for pattern in ("corpus/html/**/*.html", "corpus/eml/**/*.eml", "cases/*"):
        for path in sorted(shared_folder.glob(pattern)):
            yield path.name, path.read_bytes()[:LONG_DOCUMENT_BYTES], False
    for number, document in enumerate([*fuzz_seeds.DOCUMENTS, *fuzz_seeds.load_suites(shared_folder)]):
        yield f"suite {number}", document, True


def run_every_entry(shared_folder: Path) -> None:
    """Every document through every entry (each small one through two), whole and cut somewhere."""
    rng = random.Random(SEED)  # noqa: S311 - not a secret
    runs = 0
    for name, document, small in load_documents(shared_folder):
        for entry in rng.sample(ENTRY_POINTS, 2) if small else ENTRY_POINTS:
            for data in (document, document[: rng.randrange(len(document) + 1)]):
                try:
                    entry(Choices(rng.randbytes(CHOICE_BYTES)), data)
                except Exception as error:
                    error.add_note(f"{entry.__name__} of {name}, {len(data)} bytes")
                    raise
                runs += 1
    print(f"{runs} runs")


def run_threads(shared_folder: Path) -> None:
    """Several threads at once, which share trackers, switches and documents."""
    some = [document for _, document, small in load_documents(shared_folder) if not small][::9]
    errors: list[BaseException] = []

    def work(seed: int) -> None:
        rng = random.Random(seed)  # noqa: S311 - not a secret
        try:
            for document in some:
                rng.choice(ENTRY_POINTS)(Choices(rng.randbytes(CHOICE_BYTES)), document)
        except BaseException as error:
            errors.append(error)

    crowd = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    if errors:
        raise errors[0]
    print(f"{4 * len(some)} runs")


@contextlib.contextmanager
def failing_allocations(testing: Any, allocation: int) -> Iterator[None]:
    """The interpreter's allocation of this number fails, and so do the three behind it."""
    testing.set_nomemory(allocation, allocation + 4)
    try:
        yield
    finally:
        testing.remove_mem_hooks()


def run_starved(shared_folder: Path) -> None:
    """Every entry with every single one of its first allocations failing; a stream loses no byte by it."""
    del shared_folder
    testing = importlib.import_module("_testcapi")
    gc.disable()  # a collection under way needs memory itself, and is not what is tried here
    runs = 0
    for entry in ENTRY_POINTS:
        if entry is run_journal:
            continue  # its threads are the interpreter's own matter
        for how in range(4):
            data = (
                b"Content-Type: text/html\n\n" + STARVED_DOCUMENT if entry is run_mail and how < 2 else STARVED_DOCUMENT
            )
            for allocation in range(1, 1200, 2 if how == 0 else 11):
                act = partial(entry, Choices(bytes([how, 1, 3, 2] * 4)), data)
                if entry is run_column:  # whoever starts a thread that ends for lack of memory waits for it for ever
                    act = partial(act, max_threads=1)
                runs += _run_failing(testing, allocation, act)
    for allocation in range(1, 200):
        runs += _run_failing_stream(testing, allocation)
    runs += _queue()
    print(f"{runs} runs")


def _run_failing(testing: Any, allocation: int, act: Callable[[], object]) -> int:
    """What it raises does not matter (the interpreter has many words for it), but that it raises and does not crash."""
    expected = (MemoryError, LinkweirError, CallbackError, SystemError, AssertionError, ImportError, OSError)
    with contextlib.suppress(*expected), failing_allocations(testing, allocation):
        act()
    return 1


def _run_failing_stream(testing: Any, allocation: int) -> int:
    """Fed in pieces: what has come out when memory ran out, and what comes afterwards, are the document."""
    value = b"https://t.example/0"

    def resolve(destinations: list[bytes], indexes: list[int]) -> list[bytes | int]:
        del indexes
        return [value] * len(destinations)

    told: list[Any] = []
    report = told.extend if allocation % 2 else None
    splice = _html.LinkRewriter(SWITCHES[1].rules, resolve, lambda raw: (raw, True), report)
    document = STARVED_DOCUMENT * 3
    done: list[bytes] = [b""] * 99
    pieces = [document[at : at + 17] for at in range(0, len(document), 17)]
    left = iter(enumerate(pieces))
    with contextlib.suppress(MemoryError), failing_allocations(testing, allocation):
        for number, piece in left:
            done[number] = splice.feed(piece)
    rest = [splice.feed(piece) for _, piece in left]
    whole = b"".join([*done, *rest, splice.close()])
    for destination in (b"https://example.com/?a=1&amp;b", b"https://example.com/\xc3\xa9") * 3:
        whole = whole.replace(value, destination, 1)
    assert whole == document, (allocation, whole)
    return 1


def _queue() -> int:
    """A queue that gets no more memory takes no more facts, and what it took stays."""
    fail_after = ctypes.CDLL(_journal.__file__).lw_fail_after
    runs = 0
    for allocation in range(8):
        fail_after(allocation)
        try:
            queue = _journal.CommitQueue(1000, 1 << 20)
        except MemoryError:
            continue
        finally:
            fail_after(-1)
        fail_after(allocation)
        taken, ever = queue.enqueue([bytes(1000)] * 50, 1)
        fail_after(-1)
        assert taken == ever <= 50
        assert queue.wait_for_records(0.0) == (taken > 0)
        queue.discard()
        runs += 1
    return runs


if __name__ == "__main__":
    {"everything": run_every_entry, "threads": run_threads, "starved": run_starved}[sys.argv[1]](Path(sys.argv[2]))

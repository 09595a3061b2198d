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

from linkweir import LinkweirError, _html, _journal
from tests.c import seeds

from .entry_points import ENTRIES, HEAD, SWITCHES, Choices, Stop, journal, mail

LONG = 200_000  # bytes of a document that is cut anyway
SEED = 10
STARVED = b'<p>\r\n<a href="https://example.com/?a=1&amp;b">x</a>\n<a href="https://example.com/\xc3\xa9">y</a><a x'


def documents(shared: Path) -> Iterator[tuple[str, bytes, bool]]:
    """Name, bytes, and whether it is small and one of thousands."""
    for pattern in ("corpus/html/**/*.html", "corpus/eml/**/*.eml", "cases/*"):
        for path in sorted(shared.glob(pattern)):
            yield path.name, path.read_bytes()[:LONG], False
    for number, document in enumerate([*seeds.DOCUMENTS, *seeds.suites(shared)]):
        yield f"suite {number}", document, True


def everything(shared: Path) -> None:
    """Every document through every entry (each small one through two), whole and cut somewhere."""
    dice = random.Random(SEED)  # noqa: S311 - not a secret
    runs = 0
    for name, document, small in documents(shared):
        for entry in dice.sample(ENTRIES, 2) if small else ENTRIES:
            for data in (document, document[: dice.randrange(len(document) + 1)]):
                try:
                    entry(Choices(dice.randbytes(HEAD)), data)
                except Exception as error:
                    error.add_note(f"{entry.__name__} of {name}, {len(data)} bytes")
                    raise
                runs += 1
    print(f"{runs} runs")


def threads(shared: Path) -> None:
    """Several threads at once, which share trackers, switches and documents."""
    some = [document for _, document, small in documents(shared) if not small][::9]
    errors: list[BaseException] = []

    def work(seed: int) -> None:
        dice = random.Random(seed)  # noqa: S311 - not a secret
        try:
            for document in some:
                dice.choice(ENTRIES)(Choices(dice.randbytes(HEAD)), document)
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
def without_memory(testing: Any, allocation: int) -> Iterator[None]:
    """The interpreter's allocation of this number fails, and so do the three behind it."""
    testing.set_nomemory(allocation, allocation + 4)
    try:
        yield
    finally:
        testing.remove_mem_hooks()


def starved(shared: Path) -> None:
    """Every entry with every single one of its first allocations failing; a stream loses no byte by it."""
    del shared
    testing = importlib.import_module("_testcapi")
    gc.disable()  # a collection under way needs memory itself, and is not what is tried here
    runs = 0
    for entry in ENTRIES:
        if entry is journal:
            continue  # its threads are the interpreter's own matter
        for how in range(4):
            data = b"Content-Type: text/html\n\n" + STARVED if entry is mail and how < 2 else STARVED
            for allocation in range(1, 1200, 2 if how == 0 else 11):
                act = partial(entry, Choices(bytes([how, 1, 3, 2] * 4)), data)
                runs += _tried(testing, allocation, act)
    for allocation in range(1, 200):
        runs += _stream(testing, allocation)
    runs += _queue()
    print(f"{runs} runs")


def _tried(testing: Any, allocation: int, act: Callable[[], object]) -> int:
    """What it raises does not matter (the interpreter has many words for it), but that it raises and does not crash."""
    expected = (MemoryError, LinkweirError, Stop, SystemError, AssertionError, ImportError, OSError)
    with contextlib.suppress(*expected), without_memory(testing, allocation):
        act()
    return 1


def _stream(testing: Any, allocation: int) -> int:
    """Fed in pieces: what has come out when memory ran out, and what comes afterwards, are the document."""
    value = b"https://t.example/0"

    def resolve(destinations: list[bytes], indexes: list[int]) -> list[bytes | int]:
        del indexes
        return [value] * len(destinations)

    told: list[Any] = []
    report = told.extend if allocation % 2 else None
    splice = _html.LinkRewriter(SWITCHES[1].rules, resolve, lambda raw: (raw, True), report)
    document = STARVED * 3
    done: list[bytes] = [b""] * 99
    pieces = [document[at : at + 17] for at in range(0, len(document), 17)]
    left = iter(enumerate(pieces))
    with contextlib.suppress(MemoryError), without_memory(testing, allocation):
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
    {"everything": everything, "threads": threads, "starved": starved}[sys.argv[1]](Path(sys.argv[2]))

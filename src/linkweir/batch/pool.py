"""Run jobs in several processes (minting holds the GIL) and hand their results back in the order of the jobs.

Own and not `concurrent.futures`: a worker of ours ends by itself when its parent is killed, a worker that
dies costs one file and not the run, and an interrupt never reaches a worker in the middle of a file.

One duplex pipe per worker. Down: a batch of (index, job). Up: an int (bytes done, for the progress line; the
first one says that the worker is up) or (index, result). While a batch is out nothing goes down, so that a
readable pipe means "the parent is gone or gives up" to the worker.
"""

import contextlib
import dataclasses
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from multiprocessing.reduction import ForkingPickler
from types import FrameType

from linkweir.batch.files import Job
from linkweir.batch.rewriting import FileRewriter, Recipe, Result
from linkweir.errors import LinkweirError
from linkweir.html import Switches

Batch = list[tuple[int, Job]]
_BATCH_FILES = 16  # files per message: a round trip costs as much as scanning a small newsletter
_BATCH_BYTES = 1 << 20
_AHEAD = 4096  # results that may wait for an earlier, slower file
_TICK_BYTES = 4 << 20
_PATIENCE = 2.0  # seconds that a worker gets to end by itself; a chunk takes milliseconds
_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM})
_SPAWN = multiprocessing.get_context("spawn")  # fork would copy locks of unknown threads, and is not everywhere


def _words(switches: Switches) -> tuple[type[Switches], tuple[object, ...]]:
    """Send switches as the words they were made of: what the core reads of them can't leave its process."""
    return Switches, tuple(getattr(switches, item.name) for item in dataclasses.fields(switches))


ForkingPickler.register(Switches, _words)


class WorkersFailed(LinkweirError):
    """Worker processes can't be started here."""


def processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def rewrite_all(recipe: Recipe, jobs: Sequence[Job], workers: int, tick: Callable[[int], None]) -> Iterator[Result]:
    """Yield one Result per job, in order; `tick` hears of bytes done. `workers` 1: all in this process.

    Closing the iterator (or an exception at the caller's) stops the workers; files not finished stay as they
    were.
    """
    if workers > 1 and len(jobs) > 1:
        return _Pool(recipe, jobs, min(workers, len(jobs)), tick).run()
    rewriter = FileRewriter(recipe)
    return (rewriter.do(job, tick) for job in jobs)


class _Worker:
    """A process, our end of its pipe, and what it has been given but not yet answered."""

    def __init__(self, recipe: Recipe) -> None:
        self.pipe, theirs = _SPAWN.Pipe()
        self.process: SpawnProcess = _SPAWN.Process(target=_work, args=(theirs, recipe), daemon=True)
        try:
            with _signals_held():
                self.process.start()
        except OSError:
            self.pipe.close()
            raise
        finally:
            theirs.close()
        self.batch: deque[tuple[int, Job]] = deque()
        self.up = False

    def stop(self) -> None:
        """End the process: it sees the closed pipe between two chunks; one that hangs is terminated."""
        self.pipe.close()
        self.process.join(_PATIENCE)
        if self.process.is_alive():
            self.process.terminate()
            self.process.join(_PATIENCE)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


class _Pool:
    def __init__(self, recipe: Recipe, jobs: Sequence[Job], count: int, tick: Callable[[int], None]) -> None:
        self._recipe = recipe
        self._tick = tick
        self._todo: deque[tuple[int, Job]] = deque(enumerate(jobs))
        self._count = count
        self._workers: list[_Worker] = []
        self._results: dict[int, Result] = {}
        self._next = 0

    def run(self) -> Iterator[Result]:
        try:
            self._start()
            while self._todo or self._results or any(worker.batch for worker in self._workers):
                self._hand_out()
                self._collect()
                while self._next in self._results:
                    yield self._results.pop(self._next)
                    self._next += 1
        finally:
            for worker in self._workers:
                worker.stop()

    def _start(self) -> None:
        """Start the workers, or as many as the system lets us have: open files and processes have limits."""
        try:
            while len(self._workers) < self._count:
                self._workers.append(_Worker(self._recipe))
        except OSError as error:
            if self._workers:
                self._workers.pop().stop()  # what it held has to do for the rest of the run
            if not self._workers:
                raise _failed(error) from error
            self._count = len(self._workers)

    def _hand_out(self) -> None:
        for worker in self._workers:
            if worker.batch or not self._todo or self._todo[0][0] - self._next > _AHEAD:
                continue
            worker.batch.extend(self._take())
            with contextlib.suppress(OSError):  # it has died; its pipe will tell
                worker.pipe.send(list(worker.batch))

    def _take(self) -> Batch:
        # Near the end batches get small, so that no worker is left alone with the last sixteen.
        most = max(1, min(_BATCH_FILES, len(self._todo) // (4 * self._count)))
        batch = [self._todo.popleft()]
        size = batch[0][1].size
        while self._todo and len(batch) < most and size + self._todo[0][1].size <= _BATCH_BYTES:
            batch.append(self._todo.popleft())
            size += batch[-1][1].size
        return batch

    def _collect(self) -> None:
        pipes: dict[object, _Worker] = {worker.pipe: worker for worker in self._workers}
        for ready in multiprocessing.connection.wait([worker.pipe for worker in self._workers]):
            worker = pipes[ready]
            try:
                answer: int | tuple[int, Result] = worker.pipe.recv()
            except (EOFError, OSError):
                self._bury(worker)
                continue
            worker.up = True
            if isinstance(answer, int):
                self._tick(answer)
            else:
                worker.batch.popleft()
                self._results[answer[0]] = answer[1]

    def _bury(self, worker: _Worker) -> None:
        """Blame a dead worker's current file, give the rest of its batch back, and put a new one there."""
        worker.stop()
        self._workers.remove(worker)
        if not worker.up:
            raise WorkersFailed("worker processes can't be started here; try --jobs 1")
        if worker.batch:
            index, job = worker.batch.popleft()
            self._results[index] = Result(job, error=f"the process working on it ended ({_ending(worker)})")
            self._todo.extendleft(reversed(worker.batch))
        try:
            self._workers.append(_Worker(self._recipe))
        except OSError as error:
            if not self._workers:
                raise _failed(error) from error


def _failed(error: OSError) -> WorkersFailed:
    why = error.strerror or str(error)
    return WorkersFailed(f"worker processes can't be started here ({why}); try --jobs 1")


def _ending(worker: _Worker) -> str:
    code = worker.process.exitcode
    if code is not None and code < 0:
        return signal.Signals(-code).name
    return f"exit code {code}"


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    """Hold back interrupts while a process starts: it inherits the mask, so Ctrl-C is the parent's alone."""
    if sys.platform == "win32":
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # else it is started inside, and lifts the mask when it has
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _heed_termination_only() -> None:
    """In a worker: Ctrl-C stays with the parent; SIGTERM leaves through every `with`, even out of a read."""
    if sys.platform == "win32":
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return

    def leave(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, leave)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def _work(pipe: "Connection[object, Batch]", recipe: Recipe) -> None:
    """Do batches until the parent closes the pipe, or is gone."""
    _heed_termination_only()
    waiting = 0

    def tick(size: int) -> None:
        nonlocal waiting
        waiting += size
        if pipe.poll():
            raise EOFError  # leaves the file's `with` blocks, so that the temporary file goes
        if waiting >= _TICK_BYTES:
            pipe.send(waiting)
            waiting = 0

    rewriter = FileRewriter(recipe)
    with contextlib.suppress(EOFError, OSError):  # the parent is gone; a file's own errors are in its result
        pipe.send(0)
        while True:
            for index, job in pipe.recv():
                result = rewriter.do(job, tick)
                pipe.send(waiting)
                waiting = 0
                pipe.send((index, result))

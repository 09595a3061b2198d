"""Group commit: what several threads write at the same moment is one transaction, and so one flush to disk.

Whoever has the turn carries out all that waits once the transaction has begun, in the order of arrival, each piece of
work in a savepoint of its own: one that fails takes nothing with it. This module does not know what is written.
"""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, exc

from linkweir.errors import DatabaseUnavailable

MAX_GROUP = 64  # pieces of work in one transaction: the first waits until the last is done
T = TypeVar("T")


class _Task(NamedTuple):
    work: Callable[[Connection], Any]
    result: "Future[Any]"


class GroupCommit:
    """Runs work in transactions that `begin` opens: see `Database.write`. `wait`: seconds that a piece of work waits
    for the transaction before its own; whoever has the turn may need as long to begin.
    """

    def __init__(self, begin: Callable[[], AbstractContextManager[Connection]], wait: float) -> None:
        self._begin = begin
        self._wait = wait
        self._turn = threading.Lock()
        self._waiting: deque[_Task] = deque()

    def run(self, work: Callable[[Connection], T]) -> T:
        """Return what `work` returned once that is committed and flushed; it may have run in another thread.

        Raises what `work` raises, and DatabaseUnavailable; nothing of it is stored then.
        """
        task = _Task(work, Future())
        self._waiting.append(task)
        while not task.result.done():
            if self._turn.acquire(timeout=self._wait):
                try:
                    while not task.result.done():
                        self._commit_group()
                finally:
                    self._turn.release()
            else:
                self._withdraw(task)
        value: T = task.result.result()
        return value

    def _withdraw(self, task: _Task) -> None:
        """Raise DatabaseUnavailable for a task that nobody has taken: it will not be carried out. Of one that was taken
        it is not known yet what becomes of it.
        """
        try:
            self._waiting.remove(task)
        except ValueError:
            return
        raise DatabaseUnavailable("the database is busy")

    def _commit_group(self) -> None:
        group = _Group()
        try:
            with self._begin() as connection:
                group.run(connection, self._take_waiting())
        except BaseException as error:
            if not group.tasks:  # it could not begin, for whatever all who wait would wait for in vain as well
                group.tasks = self._take_waiting()
            is_own = group.running is None  # and not of a task, which may be another thread's
            self._waiting.extendleft(reversed(group.fail(error)))
            if is_own and not isinstance(error, Exception):
                raise
        else:
            group.publish_results()

    def _take_waiting(self) -> list[_Task]:
        return [self._waiting.popleft() for _ in range(min(len(self._waiting), MAX_GROUP))]


class _Group:
    """The tasks of one transaction, and what they returned."""

    def __init__(self) -> None:
        self.tasks: list[_Task] = []
        self.running: _Task | None = None
        self._returned: list[tuple[_Task, Any]] = []

    def run(self, connection: Connection, tasks: list[_Task]) -> None:
        """Run the tasks; what the transaction cannot survive comes out."""
        self.tasks = tasks
        for task in tasks:
            self.running = task
            if len(tasks) == 1:
                self._returned.append((task, task.work(connection)))
            else:
                self._run_in_savepoint(connection, task)
        self.running = None

    def _run_in_savepoint(self, connection: Connection, task: _Task) -> None:
        try:
            with connection.begin_nested():
                value = task.work(connection)
        except Exception as error:
            if isinstance(error, exc.DBAPIError) and not isinstance(error, (exc.IntegrityError, exc.ProgrammingError)):
                raise  # SQLite may have rolled back everything: a full disk
            task.result.set_exception(error)
        else:
            self._returned.append((task, value))

    def fail(self, error: BaseException) -> list[_Task]:
        """Give the error to the task that has brought it, or else to all; return those that are to be tried again."""
        left = [task for task in self.tasks if not task.result.done()]
        failed = left if self.running is None else [self.running]
        if self.running is None and not isinstance(error, Exception):  # it ends this thread, not those who wait for it
            error = DatabaseUnavailable(f"the transaction was interrupted: {type(error).__name__}")
        for task in failed:
            task.result.set_exception(error)
        return [task for task in left if not task.result.done()]

    def publish_results(self) -> None:
        """Give every task what it returned: all of it is committed."""
        for task, value in self._returned:
            task.result.set_result(value)

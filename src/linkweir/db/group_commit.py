"""Group commit: what several threads write at the same moment is one transaction, and so one flush to disk.

Whoever has the turn carries out all that waits once the transaction has begun, in the order of arrival, each piece of
work in a savepoint of its own: one that fails takes nothing with it. Items that the same function stores go to it in
one call, and one by one only when that fails. This module does not know what is written.
"""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from itertools import groupby
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, exc

from linkweir.errors import DatabaseUnavailable, TransactionConflict, UnstorableData

MAX_GROUP = 64  # pieces of work in one transaction: the first waits until the last is done
MAX_CONFLICTS = 5  # transactions of a piece of work that the database may end for others' sake
T = TypeVar("T")
Store = Callable[[Connection, list[T]], None]


class _Task(NamedTuple):
    """Work, and its result. `store`: what does this work for many items at once, of which `item` is one."""

    work: Callable[[Connection], Any]
    result: "Future[Any]"
    store: Store[Any] | None = None
    item: Any = None
    conflicts: int = 0


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
        value: T = self._wait_for(_Task(work, Future()))
        return value

    def store(self, store: Store[T], item: T) -> None:
        """Return once `store` has stored the item, with those of other threads that came for it, and that is committed
        and flushed. Raises what `store` raises for the item alone, and DatabaseUnavailable; the item is not stored
        then.
        """
        self._wait_for(_Task(lambda connection: store(connection, [item]), Future(), store, item))

    def _wait_for(self, task: _Task) -> Any:
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
        return task.result.result()

    def _withdraw(self, task: _Task) -> None:
        """Raise DatabaseUnavailable for a task that nobody has taken: it will not be carried out. Of one that was taken
        it is not known yet what becomes of it.
        """
        waiting = next((each for each in self._waiting.copy() if each.result is task.result), None)
        if waiting is None:
            return
        try:
            self._waiting.remove(waiting)
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
            is_own = not group.running  # and not of a task, which may be another thread's
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
        self.running: list[_Task] = []  # one, or those whose items are stored in one call
        self._returned: list[tuple[_Task, Any]] = []

    def run(self, connection: Connection, tasks: list[_Task]) -> None:
        """Run the tasks; what the transaction cannot survive comes out."""
        self.tasks = tasks
        if len(tasks) == 1:
            self.running = tasks
            self._returned.append((tasks[0], tasks[0].work(connection)))
        else:
            for store, same in groupby(tasks, lambda task: task.store):
                batch = list(same)
                if store is None or len(batch) == 1 or not self._run_batch(connection, batch, store):
                    for task in batch:
                        self._run_in_savepoint(connection, task)
        self.running = []

    def _run_batch(self, connection: Connection, batch: list[_Task], store: Store[Any]) -> bool:
        """Store the items of all these tasks in one call; False when that has failed and has changed nothing."""
        self.running = batch
        try:
            with connection.begin_nested():
                store(connection, [task.item for task in batch])
        except Exception as error:
            _require_transaction(error)
            return False
        self._returned += [(task, None) for task in batch]
        return True

    def _run_in_savepoint(self, connection: Connection, task: _Task) -> None:
        self.running = [task]
        try:
            with connection.begin_nested():
                value = task.work(connection)
        except exc.DataError as error:
            task.result.set_exception(UnstorableData(str(error.orig)))
        except Exception as error:
            _require_transaction(error)
            task.result.set_exception(error)
        else:
            self._returned.append((task, value))

    def fail(self, error: BaseException) -> list[_Task]:
        """Give the error to the task that has brought it, or else to all; return those that are to be tried again. Of
        several whose items were stored in one call it is not known which: each is tried alone. A conflict with another
        transaction is nobody's: all are tried again.
        """
        left = [task for task in self.tasks if not task.result.done()]
        if isinstance(error, TransactionConflict) and all(task.conflicts < MAX_CONFLICTS for task in left):
            return [task._replace(conflicts=task.conflicts + 1) for task in left]
        if len(self.running) > 1:
            return [task._replace(store=None) for task in left]
        if not self.running and not isinstance(error, Exception):  # it ends this thread, not those who wait for it
            error = DatabaseUnavailable(f"the transaction was interrupted: {type(error).__name__}")
        for task in self.running or left:
            task.result.set_exception(error)
        return [task for task in left if not task.result.done()]

    def publish_results(self) -> None:
        """Give every task what it returned: all of it is committed."""
        for task, value in self._returned:
            task.result.set_result(value)


def _require_transaction(error: Exception) -> None:
    """Raise an error that SQLite may have rolled back everything for, such as a full disk."""
    if isinstance(error, exc.DBAPIError) and not isinstance(
        error, (exc.IntegrityError, exc.ProgrammingError, exc.DataError)
    ):
        raise error

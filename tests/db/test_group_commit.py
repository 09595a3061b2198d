"""Tests of linkweir.db.group_commit: together durable, apart in failure."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, exc, text

from linkweir.db.database import Database, WriteMode
from linkweir.errors import DatabaseUnavailable, TransactionConflict, ValidationError
from tests.databases import make_database, open_again

WAIT_SECONDS = 300.0


@pytest.fixture
def database(dialect: str, tmp_path: Path) -> Iterator[Database]:
    """A database with one empty table."""
    store = make_database(tmp_path, timeout=WAIT_SECONDS)
    with store.write() as connection:
        connection.exec_driver_sql("CREATE TABLE numbers (number INTEGER PRIMARY KEY)")
    yield store
    store.close()


def insert_number(number: int) -> Callable[[Connection], int]:
    """Work that writes one number and returns it."""

    def work(connection: Connection) -> int:
        connection.execute(text("INSERT INTO numbers VALUES (:number)"), {"number": number})
        return number

    return work


def list_numbers(database: Database) -> list[int]:
    """What another connection sees."""
    with database.read() as connection:
        return list(connection.scalars(text("SELECT number FROM numbers ORDER BY number")))


def run_together(database: Database, works: list[Callable[[Connection], Any]]) -> list[Any]:
    """Results or errors of works that all wait while a writer holds the database."""
    results: list[Any] = [None] * len(works)

    def run(index: int) -> None:
        try:
            results[index] = database.write_together(works[index])
        except BaseException as error:
            results[index] = error

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(works))]
    with database.write(WriteMode.EXCLUSIVE):
        for count, thread in enumerate(threads, 1):
            thread.start()
            wait_for_waiting(database, count)
    for thread in threads:
        thread.join(WAIT_SECONDS)
        assert not thread.is_alive()
    return results


def wait_for_waiting(database: Database, count: int) -> None:
    """Wait until so many works wait, so that their order is known."""
    done = threading.Event()
    for _ in range(int(WAIT_SECONDS * 1000)):
        if len(database._group_commit._waiting) >= count:
            return
        done.wait(0.001)
    raise AssertionError("the work did not arrive")


@pytest.fixture
def commits(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """An entry for each transaction that was committed: how many numbers there were then."""
    seen: list[int] = []
    begin = database._group_commit._begin

    @contextmanager
    def counted() -> Iterator[Connection]:
        with begin() as connection:
            yield connection
        seen.append(len(list_numbers(database)))

    monkeypatch.setattr(database._group_commit, "_begin", counted)
    return seen


def test_what_arrives_together_is_one_transaction(database: Database, commits: list[int]) -> None:
    """Works that wait for the same writer are committed at once, and each gets what it returned."""
    assert run_together(database, [insert_number(number) for number in range(10)]) == list(range(10))
    assert commits == [10]


def test_a_failure_takes_nothing_with_it(database: Database, commits: list[int]) -> None:
    """A work that raises is rolled back alone, and its error is raised where it was asked for."""

    def fail(connection: Connection) -> None:
        insert_number(99)(connection)
        raise ValidationError("field", "is wrong")

    results = run_together(database, [insert_number(1), fail, insert_number(1), insert_number(2)])
    assert results[0] == 1
    assert isinstance(results[1], ValidationError)
    assert isinstance(results[2], exc.IntegrityError)
    assert results[3] == 2
    assert commits == [2]
    assert list_numbers(database) == [1, 2]


def test_a_broken_transaction_is_tried_again_without_its_cause(database: Database) -> None:
    """What ends a transaction fails alone: all others are committed, those before it too."""

    def break_off(connection: Connection) -> None:
        insert_number(99)(connection)
        connection.exec_driver_sql("SELECT * FROM missing_table")

    results = run_together(database, [insert_number(1), break_off, insert_number(2)])
    assert results[0] == 1
    assert isinstance(results[1], (DatabaseUnavailable, exc.ProgrammingError))  # of SQLite and of PostgreSQL
    assert results[2] == 2
    assert list_numbers(database) == [1, 2]


class NumberStore:
    """What stores many numbers at once; `failing` raises what its error is."""

    def __init__(self, failing: int = -1, error: Callable[[], BaseException] = ValueError) -> None:
        self.calls: list[list[int]] = []
        self._failing, self._error = failing, error

    def __call__(self, connection: Connection, numbers: list[int]) -> None:
        """Store them."""
        self.calls.append(numbers)
        for number in numbers:
            insert_number(number)(connection)
            if number == self._failing:
                raise self._error()


def run_stores(
    database: Database, store: NumberStore, numbers: list[int], monkeypatch: pytest.MonkeyPatch
) -> list[Any]:
    """Results or errors of numbers that are stored while a writer holds the database."""

    def store_together(item: Callable[[], int]) -> None:
        database.store_together(store, item())

    monkeypatch.setattr(database, "write_together", store_together)
    return run_together(database, [lambda number=number: number for number in numbers])  # type: ignore[misc]


def test_items_that_arrive_together_are_stored_in_one_call(
    database: Database, commits: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits for the same writer goes to the function that stores it at once, in the order of arrival."""
    store = NumberStore()
    assert run_stores(database, store, [3, 1, 2], monkeypatch) == [None] * 3
    assert (store.calls, commits, list_numbers(database)) == ([[3, 1, 2]], [3], [1, 2, 3])


def test_an_item_that_fails_fails_alone(
    database: Database, commits: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """When one of several items cannot be stored, each is stored alone, and its error is raised for it only."""
    store = NumberStore(failing=2)
    results = run_stores(database, store, [1, 2, 3], monkeypatch)
    assert (results[0], results[2]) == (None, None)
    assert isinstance(results[1], ValueError)
    assert (store.calls, commits, list_numbers(database)) == ([[1, 2, 3], [1], [2], [3]], [2], [1, 3])


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize(
    "error", [lambda: exc.OperationalError("", {}, sqlite3.OperationalError("x")), SystemExit, GeneratorExit]
)
def test_an_item_that_ends_a_transaction_fails_alone(
    database: Database, place: int, error: Callable[[], BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An item whose error ends the transaction, or a thread, takes no other with it, wherever it stands."""
    results = run_stores(database, NumberStore(failing=place, error=error), [0, 1, 2], monkeypatch)
    expected = DatabaseUnavailable if isinstance(error(), Exception) else type(error())
    assert isinstance(results[place], expected)
    assert [results[other] for other in range(3) if other != place] == [None, None]
    assert list_numbers(database) == [other for other in range(3) if other != place]


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("kind", [SystemExit, GeneratorExit])
def test_what_ends_a_thread_ends_its_own(database: Database, place: int, kind: type[BaseException]) -> None:
    """A work that raises what is no error ends the thread that asked for it and no other, whoever has the turn; all
    others are committed once and told so.
    """

    def leave(connection: Connection) -> None:
        insert_number(99)(connection)
        raise kind

    works: list[Callable[[Connection], Any]] = [insert_number(number) for number in range(3)]
    results = run_together(database, [*works[:place], leave, *works[place:]])
    assert isinstance(results.pop(place), kind)
    assert results == [0, 1, 2]
    assert list_numbers(database) == [0, 1, 2]


def test_an_interrupted_commit_is_unavailable_for_the_others(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What interrupts a commit ends the thread that commits; the others are told that nothing is stored."""
    begin = database._group_commit._begin

    @contextmanager
    def interrupted() -> Iterator[Connection]:
        with begin() as connection:
            yield connection
            raise SystemExit

    monkeypatch.setattr(database._group_commit, "_begin", interrupted)
    results = run_together(database, [insert_number(number) for number in range(3)])
    assert sorted(type(result).__name__ for result in results) == ["DatabaseUnavailable"] * 2 + ["SystemExit"]
    assert list_numbers(database) == []


def test_a_commit_that_fails_fails_for_all(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is told that something is stored whose commit has failed."""
    begin = database._group_commit._begin

    @contextmanager
    def failing() -> Iterator[Connection]:
        with begin() as connection:
            yield connection
            raise DatabaseUnavailable("the disk is full")

    monkeypatch.setattr(database._group_commit, "_begin", failing)
    results = run_together(database, [insert_number(number) for number in range(3)])
    assert all(isinstance(result, DatabaseUnavailable) for result in results)
    assert list_numbers(database) == []
    monkeypatch.undo()
    assert database.write_together(insert_number(7)) == 7


@pytest.mark.sqlite_only(reason="how long a work waits for another is the same on any database")
def test_a_commit_that_hangs_holds_nobody_up(database: Database) -> None:
    """Behind a disk that hangs a work is unavailable within twice the usual wait, and is not carried out later; one
    that was begun already waits to know what becomes of it.
    """
    impatient, hangs, begun = open_again(database, timeout=0.2), threading.Event(), threading.Event()
    results: dict[int, Any] = {}

    def run(number: int, work: Callable[[Connection], Any]) -> None:
        try:
            results[number] = impatient.write_together(work)
        except DatabaseUnavailable as error:
            results[number] = error

    def hang(connection: Connection) -> int:
        begun.set()
        hangs.wait(WAIT_SECONDS)
        return insert_number(1)(connection)

    works = {1: hang, 2: insert_number(2), 3: insert_number(3), 4: insert_number(4)}
    threads = {number: threading.Thread(target=run, args=(number, work)) for number, work in works.items()}
    with impatient.write(WriteMode.EXCLUSIVE):  # so that the first two are in one transaction
        for count, number in enumerate((1, 2), 1):
            threads[number].start()
            wait_for_waiting(impatient, count)
    assert begun.wait(WAIT_SECONDS)
    for number in (3, 4):
        threads[number].start()
    for number in (3, 4):
        threads[number].join(WAIT_SECONDS)
        assert isinstance(results[number], DatabaseUnavailable)
    assert 1 not in results
    assert 2 not in results
    hangs.set()
    for number in (1, 2):
        threads[number].join(WAIT_SECONDS)
    impatient.write_together(insert_number(5))
    impatient.close()
    assert (results[1], results[2], list_numbers(database)) == (1, 2, [1, 2, 5])


def test_a_locked_database_is_an_error_for_all_who_wait(database: Database) -> None:
    """Another process's lock makes every work fail within the usual wait, and none is carried out later."""
    patient = open_again(database, timeout=0.2)
    results: list[Any] = []

    def run(number: int) -> None:
        try:
            results.append(patient.write_together(insert_number(number)))
        except DatabaseUnavailable as error:
            results.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(5)]
    with database.write(WriteMode.EXCLUSIVE):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(WAIT_SECONDS)
    assert len(results) == 5
    assert all(isinstance(result, DatabaseUnavailable) for result in results)
    patient.close()
    assert list_numbers(database) == []


def test_a_transaction_that_was_in_anothers_way_is_tried_again(database: Database) -> None:
    """When the database ends a transaction for another's sake, all its work is carried out once more and none is
    refused, unless it happens again and again.
    """
    tries: list[str] = []

    def conflict(name: str, times: int) -> Callable[[Connection], int]:
        def work(connection: Connection) -> int:
            tries.append(name)
            if tries.count(name) <= times:
                raise TransactionConflict("ended")
            return insert_number(times)(connection)

        return work

    assert database.write_together(conflict("once", 1)) == 1
    with pytest.raises(TransactionConflict):
        database.write_together(conflict("always", 1000))
    assert list_numbers(database) == [1]

"""Statements for many rows, written as SQLAlchemy would write them."""

import uuid
from pathlib import Path

import pytest
from sqlalchemy import Text, bindparam, delete, exc, insert, select, update

from linkweir.db import portable_sql
from linkweir.db.bulk_statement import BulkStatement
from linkweir.db.column_lists import change_lists
from linkweir.db.schema import accounts, aggregate_values, click_rows, link_keys
from linkweir.errors import UnstorableData
from tests.databases import make_database, use_dialect

NAMES = ("id", "name", "website", "about", "track_opens", "track_clicks")
REMAINING_COLUMNS = ("message_metadata_retention", "message_data_retention", "created_at", "updated_at")


@pytest.mark.both_databases
def test_rows_are_written_whatever_the_order(tmp_path: Path) -> None:
    """UUIDs, constants of the statement and parameters in another order than the columns' arrive where they belong."""
    database = make_database(tmp_path)
    one, two = uuid.uuid4(), uuid.uuid4()
    with database.write() as connection:
        rows = [(key, "x", "", "", False, True, 30, 1, 5, 6) for key in (one, two)]
        BulkStatement(insert(accounts), (*NAMES, *REMAINING_COLUMNS), ("id",)).run(connection, rows)
        BulkStatement(insert(link_keys), ("account_id", "key_id"), ("account_id",)).run(connection, [(one, 7)])
        renamed = (
            update(accounts)
            .where(accounts.c.id == bindparam("who"))
            .values(name="y", about=bindparam("text", type_=Text))
        )
        BulkStatement(renamed, ("who", "text"), ("who",)).run(connection, [(two, "two")])
        BulkStatement(renamed, ("who", "text"), ("who",)).run(connection, [])
        result = {row.id: (row.name, row.about, row.track_clicks) for row in connection.execute(select(accounts))}
        assert result == {one: ("x", "", True), two: ("y", "two", True)}
        assert connection.execute(select(link_keys.c.account_id, link_keys.c.key_id)).one() == (one, 7)
    database.close()


_CLICK_NAMES = (
    *("id", "at", "method", "privacy", "key_id", "position", "ip", "prefetch"),
    *("confidence", "firsts", "tell_at"),
)
_ADD_CLICKS = BulkStatement(insert(click_rows), _CLICK_NAMES, ("id",))
_CHANGED = ("prefetch", "confidence", "firsts", "tell_at")
_CHANGE_CLICKS = BulkStatement(
    update(click_rows)
    .where(click_rows.c.id == bindparam("click"))
    .values({name: bindparam(f"to_{name}", type_=click_rows.c[name].type) for name in _CHANGED}),
    (*(f"to_{name}" for name in _CHANGED), "click"),
    ("click",),
)


def _make_click(key: uuid.UUID, ip: str | None) -> tuple[object, ...]:
    return key, 2**53 + 1, "GET", "full", 2**31 - 1, 0, ip, True, 0.1, 32767, None


@pytest.mark.both_databases
def test_values_of_every_type_arrive(tmp_path: Path) -> None:
    """Large and negative numbers, fractions, truth values, NULL, and texts with quotes, braces, commas, backslashes and
    the word NULL are stored, changed and found as they were given.
    """
    database = make_database(tmp_path)
    texts = ('{"a",b}', "NULL", "", "back\\slash \n\t", "'; DROP TABLE x --", "\u00e9\U0001f600")
    keys = [uuid.uuid4() for _ in texts]
    with database.write() as connection:
        _ADD_CLICKS.run(connection, [_make_click(key, ip) for key, ip in zip(keys, texts, strict=True)])
        names = [click_rows.c[name] for name in _CLICK_NAMES]
        rows = {row.id: tuple(row) for row in connection.execute(select(*names))}
        assert rows == {key: _make_click(key, ip) for key, ip in zip(keys, texts, strict=True)}
        _CHANGE_CLICKS.run(connection, [(False, -1.5e-300, -1, None, keys[0]), (True, 0.0, 0, 2**62, keys[1])])
        changed = {row[0]: tuple(row[1:]) for row in connection.execute(select(names[0], *names[-4:]))}
        assert changed == {
            **dict.fromkeys(keys, (True, 0.1, 32767, None)),
            keys[0]: (False, -1.5e-300, -1, None),
            keys[1]: (True, 0.0, 0, 2**62),
        }
        words = portable_sql.insert(aggregate_values).on_conflict_do_nothing()
        for _ in range(2):
            BulkStatement(words, ("text",), ()).run(connection, [(text,) for text in texts])
        assert sorted(connection.scalars(select(aggregate_values.c.text))) == sorted(texts)
        gone = delete(click_rows).where(click_rows.c.id == bindparam("click"), click_rows.c.firsts >= 0)
        BulkStatement(gone, ("click",), ("click",)).run(connection, [(key,) for key in keys])
        assert list(connection.scalars(select(click_rows.c.id))) == [keys[0]]
    database.close()


@pytest.mark.both_databases
def test_a_row_that_is_there_is_refused_without_its_data(tmp_path: Path) -> None:
    """A second row of the same key is an error of integrity, which quotes no data of people; nothing of the transaction
    stays, and the connection is of use afterwards.
    """
    database, key = make_database(tmp_path), uuid.uuid4()
    with database.write() as connection:
        _ADD_CLICKS.run(connection, [_make_click(key, "192.0.2.77")])
    with pytest.raises(exc.IntegrityError) as refused, database.write() as connection:
        _ADD_CLICKS.run(connection, [_make_click(uuid.uuid4(), "192.0.2.78"), _make_click(key, "192.0.2.79")])
    assert "192.0.2" not in f"{refused.value!r} {refused.value} {refused.value.__cause__}"
    with database.write() as connection:
        assert list(connection.scalars(select(click_rows.c.ip))) == ["192.0.2.77"]
    database.close()


def test_postgresql_refuses_what_it_cannot_store(tmp_path: Path) -> None:
    """A text with U+0000, or half a character, and a number that its column cannot hold, are the data's fault; the
    error does not quote them, and the connection is of use afterwards.
    """
    good = _make_click(uuid.uuid4(), "192.0.2.77")
    with use_dialect("postgresql"):
        database = make_database(tmp_path)
        bad_values: list[tuple[str, object]] = [("ip", "a\0b192.0.2"), ("ip", "192.0.2\ud800"), ("firsts", 2**15)]
        bad_values += [("position", 2**31), ("position", -(2**31) - 1), ("position", 2**63)]
        for column, bad in bad_values:
            row = tuple(bad if name == column else value for name, value in zip(_CLICK_NAMES, good, strict=True))
            with pytest.raises(UnstorableData) as refused, database.write() as connection:
                _ADD_CLICKS.run(connection, [good, row])
            assert "192.0.2" not in str(refused.value)
            with database.write() as connection:
                assert list(connection.scalars(select(click_rows.c.ip))) == []
        database.close()


def test_a_parameter_needs_a_type() -> None:
    """PostgreSQL is told of what its lists are, so a parameter of no type is a bug that is found at once."""
    untyped = update(accounts).where(accounts.c.id == bindparam("who")).values(about=bindparam("text"))
    with pytest.raises(TypeError, match="without a type: text"):
        change_lists(untyped, ("who", "text"))

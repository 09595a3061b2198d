"""Tests of linkweir.db.aggregate_dimensions_table and aggregate_values_table: numbers of dimensions."""

from sqlalchemy import select

from linkweir.db import aggregate_dimensions_table, aggregate_values_table, click_aggregates_table
from linkweir.db.schema import aggregate_values as table
from linkweir.db.schema import click_aggregates
from tests.db.aggregate_statements import select_with_values
from tests.db.sample_database import SampleDatabase

TEXTS = ["", "a", "a\0b", "a\0c", "Åbo", 'x"y\\u0000', "\U0001f600"]


def list_texts(dialect: str) -> list[str]:
    """All texts that a database of this dialect can hold: in PostgreSQL none has U+0000."""
    return [text for text in TEXTS if dialect == "sqlite" or "\0" not in text]


def test_each_text_has_one_number(sample: SampleDatabase, dialect: str) -> None:
    """Whatever is in a text, it has a number of its own, and the same when it comes again."""
    texts = list_texts(dialect)
    with sample.database.write() as connection:
        first = aggregate_values_table.get_or_create_ids(connection, texts)
        assert aggregate_values_table.get_or_create_ids(connection, reversed(texts)) == first
        assert aggregate_values_table.find_ids(connection, [texts[2], "unknown"]) == {texts[2]: first[texts[2]]}
    assert first.keys() == set(texts)
    assert len(set(first.values())) == len(texts)


def test_each_axis_has_one_number(sample: SampleDatabase, dialect: str) -> None:
    """The same dimension of another scope or account is another axis."""
    accounts = (sample.account, sample.other_account)
    expected = [(who, f"tag:{item}", f"attribute:{item}") for who in accounts for item in list_texts(dialect)]
    with sample.database.write() as connection:
        first = aggregate_dimensions_table.get_or_create_ids(connection, expected)
        assert aggregate_dimensions_table.get_or_create_ids(connection, expected[3:]) == {
            axis: first[axis] for axis in expected[3:]
        }
    assert len(set(first.values())) == len(expected)


def test_a_value_is_deleted_with_its_last_aggregate(sample: SampleDatabase) -> None:
    """A text by which nothing is counted any more is not kept; one by which something is counted elsewhere is."""
    rows = [(sample.account, scope, "x", "Ada", 7, 1, *(0,) * 9, 1) for scope in ("", "tag:a")]
    less = [(*row[:5], *(-count for count in row[5:])) for row in rows]
    with sample.database.write() as connection:
        click_aggregates_table.add_deltas(connection, rows)
        for place, left in ((0, ["Ada"]), (1, [])):
            click_aggregates_table.add_deltas(connection, [less[place]])
            click_aggregates_table.delete_zero_rows(connection, [rows[place]])
            assert connection.scalars(select(table.c.text)).all() == left


def test_differences_add_up_in_every_sum(sample: SampleDatabase) -> None:
    """What comes in one go for the same hour, day or block of days is one row there, and adds to what it has."""
    hours = (384, 384, 385, 408, 768)
    rows = [(sample.account, "", "attribute:plan", "made up", hour, 1, *(0,) * 9, 3) for hour in hours]
    with sample.database.write() as connection:
        click_aggregates_table.add_deltas(connection, rows)
        click_aggregates_table.add_deltas(connection, rows)
        here = select_with_values(click_aggregates).where(table.c.text == "made up")
        sums = {(row.hours, row.hour): (row.human, row.certain_clickers) for row in connection.execute(here)}
    assert sums == {
        (1, 384): (4, 12),
        (1, 385): (2, 6),
        (1, 408): (2, 6),
        (1, 768): (2, 6),
        (24, 384): (6, 18),
        (24, 408): (2, 6),
        (24, 768): (2, 6),
        (384, 384): (8, 24),
        (384, 768): (2, 6),
        (0, 0): (10, 30),
    }

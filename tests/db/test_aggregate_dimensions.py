"""Tests of linkweir.db.aggregate_dimensions_table and aggregate_values_table: numbers of dimensions."""

from sqlalchemy import select

from linkweir.db import aggregate_dimensions_table, aggregate_values_table, click_aggregates_table
from linkweir.db.schema import aggregate_values as table
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

"""Tests of linkweir.store.axes and linkweir.store.words: numbers for what sums are kept by."""

from sqlalchemy import select

from linkweir.store import axes, rollups, words
from linkweir.store.tables import words as table
from tests.store.filled import Filled

TEXTS = ["", "a", "a\0b", "a\0c", "Åbo", 'x"y\\u0000', "\U0001f600"]


def test_each_text_has_one_number(filled: Filled) -> None:
    """Whatever is in a text, it has a number of its own, and the same when it comes again."""
    with filled.store.write() as connection:
        first = words.numbers(connection, TEXTS)
        assert words.numbers(connection, reversed(TEXTS)) == first
        assert words.known(connection, ["a\0b", "unknown"]) == {"a\0b": first["a\0b"]}
    assert first.keys() == set(TEXTS)
    assert len(set(first.values())) == len(TEXTS)


def test_each_axis_has_one_number(filled: Filled) -> None:
    """The same dimension of another scope or account is another axis."""
    wanted = [(who, f"tag:{one}", f"attribute:{one}") for who in (filled.account, filled.other) for one in TEXTS]
    with filled.store.write() as connection:
        first = axes.numbers(connection, wanted)
        assert axes.numbers(connection, wanted[3:]) == {axis: first[axis] for axis in wanted[3:]}
    assert len(set(first.values())) == len(wanted)


def test_a_word_goes_with_its_last_sum(filled: Filled) -> None:
    """A text by which nothing is counted any more is not kept; one by which something is counted elsewhere is."""
    rows = [(filled.account, scope, "x", "Ada", 7, 1, 0, 0, 0, 1) for scope in ("", "tag:a")]
    less = [(*row[:5], *(-count for count in row[5:])) for row in rows]
    with filled.store.write() as connection:
        rollups.add(connection, rows)
        for place, left in ((0, ["Ada"]), (1, [])):
            rollups.add(connection, [less[place]])
            rollups.drop_empty(connection, [rows[place]])
            assert connection.scalars(select(table.c.text)).all() == left

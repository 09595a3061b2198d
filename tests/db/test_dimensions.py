"""Tests of linkweir.db.dimensions: one table that the others follow."""

import dataclasses

import pytest

from linkweir.clicks.click_event import ClickEvent, Enrichment
from linkweir.clicks.ingest.click import IngestedClick
from linkweir.db.dimensions import (
    CLICK_DIMENSIONS,
    DIMENSIONS,
    UNIQUE_OVERALL_FLAG,
    Dimension,
    collect_flags,
)
from linkweir.db.reclassification_queries import HIT_COLUMNS
from linkweir.db.schema import clicks, messages


@pytest.mark.parametrize("flag", [0, 1, 3, 16, UNIQUE_OVERALL_FLAG, 1 << 16])
def test_a_flag_that_collides_is_refused(flag: int) -> None:
    """A flag that another dimension has, that is no single bit, or that the column cannot hold raises an error."""
    with pytest.raises(ValueError, match="'language': unique_flag"):
        collect_flags((*DIMENSIONS, Dimension(name="language", source="click", unique_flag=flag)))


def test_a_flag_of_its_own_is_taken() -> None:
    """The next free bit is accepted."""
    new = Dimension(name="language", source="click", unique_flag=32)
    assert collect_flags((*DIMENSIONS, new))["language"] == 32


def test_dimensions_are_columns_and_fields() -> None:
    """What a dimension's values are known of has a column, and for clicks a field of the event or its enrichment."""
    for one in DIMENSIONS:
        if one.source == "message":
            assert one.name in messages.c or one.name == "tag"
    for one in CLICK_DIMENSIONS:
        assert one.name in clicks.c
        carrier = ClickEvent if one.from_request else Enrichment
        assert one.name in {field.name for field in dataclasses.fields(carrier)}


def test_rows_of_hits_fit_the_click_they_are_read_into() -> None:
    """Columns that are read again stand in the order of the fields that they fill."""
    renamed = {
        "account_id": "account",
        "message_id": "message",
        "told": "notified_verdict",
        "tell_at": "notify_at",
    }
    names = [renamed.get(column.name, column.name) for column in HIT_COLUMNS[: -len(CLICK_DIMENSIONS)]]
    fields = [field.name for field in dataclasses.fields(IngestedClick)]
    assert fields[: len(names) + 1] == [*names, "dimension_values"]

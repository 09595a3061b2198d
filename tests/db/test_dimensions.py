"""Tests of linkweir.db.dimensions: one table that the others follow."""

import dataclasses
import uuid
from typing import Any

import pytest

from linkweir.clicks.click_event import ClickEvent
from linkweir.clicks.enrichment import Enrichment
from linkweir.clicks.ingest.click import Click
from linkweir.db.clicks_table import INSERT_COLUMNS
from linkweir.db.dimensions import (
    CLICK_DIMENSIONS,
    DIMENSIONS,
    UNIQUE_OVERALL_FLAG,
    Dimension,
    collect_flags,
)
from linkweir.db.reclassification_queries import CLICK_COLUMNS
from linkweir.db.schema import clicks, messages


@pytest.mark.parametrize("flag", [0, 1, 3, 16, UNIQUE_OVERALL_FLAG, 1 << 16])
def test_a_flag_that_collides_is_refused(flag: int) -> None:
    """A flag that another dimension has, that is no single bit, or that the column cannot hold raises an error."""
    with pytest.raises(ValueError, match="'language': unique_flag"):
        collect_flags((*DIMENSIONS, Dimension(name="language", source="click", unique_flag=flag)))


def test_a_flag_of_its_own_is_taken() -> None:
    """The next free bit is accepted."""
    new = Dimension(name="language", source="click", unique_flag=64)
    assert collect_flags((*DIMENSIONS, new))["language"] == 64


def test_dimensions_are_columns_and_fields() -> None:
    """What a dimension's values are known of has a column, and for clicks a field of the event or its enrichment."""
    for item in DIMENSIONS:
        if item.source == "message":
            assert item.name in messages.c or item.name == "tag"
    for item in CLICK_DIMENSIONS:
        assert item.name in clicks.c
        carrier = ClickEvent if item.from_request else Enrichment
        assert item.name in {field.name for field in dataclasses.fields(carrier)}


def test_a_click_has_each_column_of_its_row() -> None:
    """A click that is read from a row and written again gives the same value for each column."""
    row: dict[str, Any] = {name: f"value of {name}" for name in CLICK_COLUMNS}
    row |= {"id": uuid.uuid4(), "at": 7, "kind": "click", "first": True, "firsts": 3}
    written = dict(zip(INSERT_COLUMNS, Click.from_row(row).to_row(), strict=True))
    assert written == {name: row[name] for name in INSERT_COLUMNS}

"""Statements that read aggregates with their dimensions."""

from typing import Any

from sqlalchemy import Select, Table, select

from linkweir.db.schema import aggregate_dimensions, aggregate_values


def select_with_values(table: Table) -> Select[Any]:
    """The rows of a table of aggregates with `account_id`, `scope`, `dimension` and `value`, and all of the table's
    columns.
    """
    keys = (
        aggregate_dimensions.c.account_id,
        aggregate_dimensions.c.scope,
        aggregate_dimensions.c.dimension,
        aggregate_values.c.text.label("value"),
    )
    whole = table.join(aggregate_dimensions, aggregate_dimensions.c.id == table.c.axis).join(
        aggregate_values, aggregate_values.c.id == table.c.word
    )
    return select(*keys, *table.c).select_from(whole)

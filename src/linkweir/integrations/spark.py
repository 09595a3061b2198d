"""PySpark: rewrites a column of a data frame in Spark's workers, batch by batch, through `mapInArrow`."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql.types import StringType, StructField, StructType

from linkweir.html.rewriter import DEFAULT_SWITCHES
from linkweir.html.switches import Switches
from linkweir.integrations.batches import BatchRewriter
from linkweir.tokens import Tracker


def rewrite_frame(
    frame: DataFrame,
    tracker: Tracker,
    *,
    column: str = "html",
    message_ids: str | None = None,
    switches: Switches = DEFAULT_SWITCHES,
    charset: str = "utf-8",
    outcome_column: str | None = None,
    allow_secrets: bool = False,
) -> DataFrame:
    """Return the data frame with the links of a column of documents replaced.

    `tracker`: made with KeyFile or KeyVariable, which the workers must be able to read. `message_ids`: the name of the
    column of message ids. `outcome_column`: the name of a column to add, with the `RowOutcome` of each row. `switches`,
    `charset`: as of `rewrite_column`. `allow_secrets`: take a tracker that is pickled with its keys.
    """
    rewriter = BatchRewriter(
        tracker,
        column,
        message_ids,
        switches=switches,
        charset=charset,
        outcome_column=outcome_column,
        allow_secrets=allow_secrets,
    )
    added = [] if outcome_column is None else [StructField(outcome_column, StringType())]
    return frame.mapInArrow(rewriter.map_in_arrow, StructType([*frame.schema.fields, *added]))

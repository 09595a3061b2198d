"""PySpark: rewrites a column of a data frame in Spark's workers, batch by batch, through `mapInArrow`."""

from __future__ import annotations

from typing import Any

from pyspark.sql import DataFrame

from linkweir.integrations.batches import BatchRewriter
from linkweir.tokens import Tracker


def rewrite_frame(
    frame: DataFrame, tracker: Tracker, *, column: str = "html", message_ids: str | None = None, **options: Any
) -> DataFrame:
    """Return the data frame with the links of a column of documents replaced.

    `tracker`: made with KeyFile or KeyVariable, which the workers must be able to read. `message_ids`: the name of the
    column of message ids. `options`: of `BatchRewriter`.
    """
    rewriter = BatchRewriter(tracker, column, message_ids, **options)
    return frame.mapInArrow(rewriter.map_in_arrow, frame.schema)

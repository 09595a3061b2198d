"""Ray Data: rewrites a column of a dataset in Ray's workers, block by block, through `map_batches`."""

from __future__ import annotations

from typing import Any

from ray.data import Dataset

from linkweir.integrations.batches import BatchRewriter
from linkweir.tokens import Tracker

BATCH_ROWS = 4096  # which bounds what a worker holds at a time


def rewrite_dataset(
    dataset: Dataset,
    tracker: Tracker,
    *,
    column: str = "html",
    message_ids: str | None = None,
    batch_size: int | None = BATCH_ROWS,
    **options: Any,
) -> Dataset:
    """Return the dataset with the links of a column of documents replaced.

    `tracker`: made with KeyFile or KeyVariable, which the workers must be able to read. `message_ids`: the name of the
    column of message ids. `options`: of `BatchRewriter`.
    """
    rewriter = BatchRewriter(tracker, column, message_ids, **options)
    return dataset.map_batches(rewriter, batch_format="pyarrow", batch_size=batch_size)

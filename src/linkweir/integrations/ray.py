"""Ray Data: rewrites a column of a dataset in Ray's workers, block by block, through `map_batches`."""

from __future__ import annotations

from ray.data import Dataset

from linkweir.html.rewriter import DEFAULT_SWITCHES
from linkweir.html.switches import Switches
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
    switches: Switches = DEFAULT_SWITCHES,
    charset: str = "utf-8",
    outcome_column: str | None = None,
    allow_secrets: bool = False,
) -> Dataset:
    """Return the dataset with the links of a column of documents replaced.

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
    return dataset.map_batches(rewriter, batch_format="pyarrow", batch_size=batch_size)

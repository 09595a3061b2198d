"""Dask: rewrites a series of a data frame, partition by partition, in whatever workers Dask has."""

from __future__ import annotations

from typing import Any

import dask.dataframe as dd
import pandas as pd

from linkweir.integrations.batches import check_secrets
from linkweir.integrations.pandas import rewrite_series
from linkweir.tokens import Tracker


def rewrite_dask_series(
    htmls: dd.Series,
    tracker: Tracker,
    *,
    message_ids: dd.Series | None = None,
    allow_secrets: bool = False,
    **options: Any,
) -> dd.Series:
    """Return the series with the links of each document replaced.

    `tracker`: made with KeyFile or KeyVariable, which the workers must be able to read; one with its keys inside needs
    `allow_secrets`. `message_ids`: a series with the same partitions. `options`: as of `rewrite_series`.
    """
    check_secrets(tracker, allow_secrets)
    ids = [] if message_ids is None else [message_ids]
    series: Any = htmls  # dask's methods have no types
    result: dd.Series = series.map_partitions(
        _rewrite_partition, *ids, meta=series._meta, tracker=tracker, options=options
    )
    return result


def _rewrite_partition(
    htmls: pd.Series, ids: pd.Series | None = None, *, tracker: Tracker, options: dict[str, Any]
) -> pd.Series:
    return rewrite_series(htmls, tracker, message_ids=ids, **options)

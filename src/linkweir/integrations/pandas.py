"""pandas: a series of documents in, a series with the same index, name and dtype out. Needs pyarrow, too."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa

from linkweir.arrow import rewrite_column
from linkweir.errors import check_type
from linkweir.html.rewriter import DEFAULT_SWITCHES
from linkweir.html.switches import Switches
from linkweir.tokens import Tracker


def rewrite_series(
    htmls: pd.Series,
    tracker: Tracker,
    *,
    message_ids: Any = None,
    switches: Switches = DEFAULT_SWITCHES,
    charset: str = "utf-8",
    threads: int = 1,
) -> pd.Series:
    """Replace the links of each document of a series of str or bytes; missing values stay missing.

    `message_ids`: a series of the same order, or a sequence; not a column's name. The other arguments are as of
    `rewrite_column`.
    """
    check_type("htmls", htmls, pd.Series, "a pandas Series")
    column = pa.array(htmls, from_pandas=True)
    if pa.types.is_null(column.type):
        column = column.cast(pa.string())
    ids = pa.array(message_ids, from_pandas=True) if isinstance(message_ids, pd.Series) else message_ids
    done = pa.chunked_array(
        rewrite_column(column, tracker, message_ids=ids, switches=switches, charset=charset, threads=threads)
    )
    if htmls.dtype == object:
        values: Any = pd.array([None] * len(htmls), dtype=object)
        values[:] = done.to_pylist()
    else:
        values = pd.arrays.ArrowExtensionArray(done).astype(htmls.dtype)
    return pd.Series(values, index=htmls.index, name=htmls.name, dtype=htmls.dtype)

"""DuckDB: a scalar function that rewrites a column of documents. Needs pyarrow, too."""

from __future__ import annotations

from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from linkweir.arrow import rewrite_column
from linkweir.html.rewriter import DEFAULT_SWITCHES
from linkweir.html.switches import Switches
from linkweir.tokens import Tracker

MAX_ID = 2**64 - 1


def create_function(
    connection: duckdb.DuckDBPyConnection,
    tracker: Tracker,
    *,
    name: str = "rewrite_links",
    id_type: str = "HUGEINT",
    switches: Switches = DEFAULT_SWITCHES,
    threads: int = 1,
) -> None:
    """Create `name(html VARCHAR, message_id id_type) -> VARCHAR` in a connection.

    `id_type`: the SQL type of message ids: HUGEINT takes every integer column; others are UUID and VARCHAR. `switches`,
    `threads`: as of `rewrite_column`. A row without a message id stays as it is.
    """

    def rewrite_links(htmls: Any, ids: Any) -> Any:
        done = rewrite_column(htmls, tracker, message_ids=_to_numbers(ids), switches=switches, threads=threads)
        return pa.chunked_array(done).combine_chunks()

    signature: list[Any] = ["VARCHAR", id_type]
    options_of_arrow: dict[str, Any] = {"type": "arrow", "null_handling": "special"}  # null stays null
    connection.create_function(name, rewrite_links, signature, "VARCHAR", **options_of_arrow)


def _to_numbers(ids: Any) -> Any:
    """The numbers of a HUGEINT, which Arrow knows as a decimal; null where no message id can have one."""
    if not pa.types.is_decimal(ids.type):
        return ids
    is_id = pc.and_(pc.greater_equal(ids, 0), pc.less_equal(ids, pa.scalar(MAX_ID, ids.type)))
    return pc.if_else(is_id, ids, None).cast(pa.uint64())

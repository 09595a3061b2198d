"""DuckDB: a scalar function that rewrites a column of documents. Needs pyarrow, too."""

from __future__ import annotations

from typing import Any

import duckdb
import pyarrow as pa

from linkweir.arrow import rewrite_column
from linkweir.tokens import Tracker


def create_function(
    connection: duckdb.DuckDBPyConnection,
    tracker: Tracker,
    *,
    name: str = "rewrite_links",
    id_type: str = "UBIGINT",
    **options: Any,
) -> None:
    """Create `name(html VARCHAR, message_id id_type) -> VARCHAR` in a connection.

    `id_type`: the SQL type of message ids, which are numbers or texts. `options`: as of `rewrite_column`.
    """

    def rewrite_links(htmls: Any, ids: Any) -> Any:
        return pa.chunked_array(rewrite_column(htmls, tracker, message_ids=ids, **options)).combine_chunks()

    signature: list[Any] = ["VARCHAR", id_type]
    options_of_arrow: dict[str, Any] = {"type": "arrow", "null_handling": "special"}  # null stays null
    connection.create_function(name, rewrite_links, signature, "VARCHAR", **options_of_arrow)

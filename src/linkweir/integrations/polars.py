"""Polars: `import linkweir.integrations.polars` adds the namespace `linkweir` to expressions and series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from linkweir.arrow import rewrite_column
from linkweir.html.rewriter import DEFAULT_SWITCHES
from linkweir.html.switches import Switches
from linkweir.tokens import Tracker


@pl.api.register_expr_namespace("linkweir")
class LinkExpression:
    """`pl.col("html").linkweir.rewrite(tracker, message_ids="id")`."""

    def __init__(self, expression: pl.Expr) -> None:
        self._expression = expression

    def rewrite(
        self,
        tracker: Tracker,
        *,
        message_ids: str | pl.Expr | None = None,
        switches: Switches = DEFAULT_SWITCHES,
        charset: str = "utf-8",
        outcomes: bool = False,
        threads: int = 1,
    ) -> pl.Expr:
        """Replace the links of each document; `message_ids`: name of a column, or an expression.

        The result is a column of texts; with `outcomes`, of structs of `html` and `outcome`, the row's `RowOutcome`.
        The other arguments are as of `rewrite_column`.
        """
        options = {"switches": switches, "charset": charset, "outcomes": outcomes, "threads": threads}

        def rewrite_batch(columns: Sequence[pl.Series], return_dtype: Any = None) -> pl.Series:
            del return_dtype  # some versions pass it on
            ids = None if message_ids is None else columns[1]
            return _rewrite(columns[0], tracker, ids, options)

        ids = [] if message_ids is None else [pl.col(message_ids) if isinstance(message_ids, str) else message_ids]
        done = pl.Struct({"html": pl.String, "outcome": pl.String}) if outcomes else pl.String
        return pl.map_batches([self._expression, *ids], rewrite_batch, return_dtype=done)


@pl.api.register_series_namespace("linkweir")
class LinkSeries:
    """`series.linkweir.rewrite(tracker, message_ids=ids)`."""

    def __init__(self, series: pl.Series) -> None:
        self._series = series

    def rewrite(
        self,
        tracker: Tracker,
        *,
        message_ids: Any = None,
        switches: Switches = DEFAULT_SWITCHES,
        charset: str = "utf-8",
        outcomes: bool = False,
        threads: int = 1,
    ) -> pl.Series:
        """Replace the links of each document. Args as of `rewrite_column`; with `outcomes`, a series of structs of
        `html` and `outcome`.
        """
        options = {"switches": switches, "charset": charset, "outcomes": outcomes, "threads": threads}
        return _rewrite(self._series, tracker, message_ids, options)


def _rewrite(htmls: pl.Series, tracker: Tracker, ids: Any, options: dict[str, Any]) -> pl.Series:
    done = rewrite_column(htmls, tracker, message_ids=ids, **options)
    if not options["outcomes"]:
        return pl.Series(htmls.name, done)
    html, outcome = done
    return pl.DataFrame({"html": pl.Series(html), "outcome": pl.Series(outcome)}).to_struct(htmls.name)

"""Columns of documents: Arrow arrays of any library in, Arrow arrays out, through the Arrow C data interface.

Needs no package: pyarrow, polars, pandas, DuckDB and nanoarrow hand columns over by themselves (`__arrow_c_array__`,
`__arrow_c_stream__`) and take the result in the same way. Knows nothing of tables, files and engines.
"""

from linkweir.arrow.column import Column
from linkweir.arrow.column_functions import rewrite_column, rewrite_message_column, scan_column
from linkweir.arrow.row_rewriter import RowOutcome

__all__ = ["Column", "RowOutcome", "rewrite_column", "rewrite_message_column", "scan_column"]

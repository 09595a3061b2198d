"""The formats that tables can be taken away in: those whose packages are installed."""

from importlib.util import find_spec

FORMATS = [("csv", "CSV"), ("ndjson", "NDJSON")]
if find_spec("pyarrow") is not None:
    FORMATS.append(("parquet", "Parquet"))

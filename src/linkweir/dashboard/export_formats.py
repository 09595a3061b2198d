"""The export formats on offer: those whose packages are installed."""

from importlib.util import find_spec

EXPORT_FORMATS = [("csv", "CSV"), ("excel", "CSV for Excel"), ("ndjson", "NDJSON")]
if find_spec("pyarrow") is not None:
    EXPORT_FORMATS.append(("parquet", "Parquet"))

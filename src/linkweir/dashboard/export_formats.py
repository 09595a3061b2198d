"""The export formats on offer: those whose packages are installed."""

from importlib.util import find_spec

from linkweir.translation import gettext_noop

EXPORT_FORMATS = [("csv", "CSV"), ("excel", gettext_noop("CSV for Excel")), ("ndjson", "NDJSON")]
if find_spec("pyarrow") is not None:
    EXPORT_FORMATS.append(("parquet", "Parquet"))

"""Tables of documents: rewrite the links in one column of NDJSON, CSV and Parquet; all else stays as it is."""

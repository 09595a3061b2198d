"""The corpus of real HTML mails: files with their charsets."""

import csv
from collections.abc import Iterator
from pathlib import Path


def load_documents(shared_folder: Path) -> Iterator[tuple[str, bytes, str]]:
    """Every HTML file as (name, bytes, charset label); a file without a label is UTF-8."""
    folder = shared_folder / "corpus" / "html"
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as manifest:
        for row in csv.DictReader(manifest):
            yield row["file"], (folder / row["file"]).read_bytes(), row["charset"] or "utf-8"

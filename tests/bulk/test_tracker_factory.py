"""Message ids per file."""

import hashlib
import os
from pathlib import Path

import pytest

from linkweir.bulk.document_io import UnreadableInput
from linkweir.bulk.tracker_factory import expand_pattern, is_pattern, list_unknown_fields


def test_patterns_are_filled_in_from_the_file(tmp_path: Path) -> None:
    """{stem} is the name without its last suffix, {sha} the first 16 hex digits of its SHA-256."""
    path = tmp_path / "spring.sale.html"
    path.write_bytes(b"<p>")
    digits = hashlib.sha256(b"<p>").hexdigest()[:16]
    assert expand_pattern("m-{stem}-{sha}", str(path)) == f"m-spring.sale-{digits}"


def test_an_unreadable_file_has_no_digest(tmp_path: Path) -> None:
    """{sha} of a file that is not there, or that can be read only once, is Unreadable."""
    os.mkfifo(tmp_path / "pipe")
    for name in ("gone", "pipe"):
        with pytest.raises(UnreadableInput):
            expand_pattern("{sha}", str(tmp_path / name))


def test_unknown_fields_are_named() -> None:
    """Fields other than stem and sha are found, and a text without fields is no pattern."""
    assert list_unknown_fields("{stem}{name}{sha}{}") == ["name", ""]
    assert is_pattern("{stem}")
    assert not is_pattern("plain")

"""Message ids per file."""

import hashlib
import os
import uuid
from pathlib import Path

import pytest

from linkweir.bulk.document_io import UnreadableInput
from linkweir.bulk.tracker_factory import expand_pattern, is_pattern, list_unknown_fields, parse_message_id


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


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("18446744073709551615", 2**64 - 1),
        ("18446744073709551616", "18446744073709551616"),
        ("007", "007"),
        ("١٢", "١٢"),
        ("550e8400-e29b-41d4-a716-446655440000", uuid.UUID("550e8400-e29b-41d4-a716-446655440000")),
        ("550E8400-E29B-41D4-A716-446655440000", "550E8400-E29B-41D4-A716-446655440000"),
        ("550e8400e29b41d4a716446655440000", "550e8400e29b41d4a716446655440000"),
        ("spring", "spring"),
    ],
)
def test_only_texts_that_come_back_are_converted(text: str, value: object) -> None:
    """A text becomes a number or a UUID exactly when printing that gives the text again."""
    assert parse_message_id(text) == value
    assert str(parse_message_id(text)) == text

"""Message ids that come as texts."""

import uuid

import pytest

from linkweir.tokens.identifiers import parse_message_id

CONVERSIONS: list[tuple[str, object]] = [
    ("0", 0),
    ("18446744073709551615", 2**64 - 1),
    ("18446744073709551616", "18446744073709551616"),
    ("99999999999999999999", "99999999999999999999"),
    ("184467440737095516150", "184467440737095516150"),
    ("00", "00"),
    ("007", "007"),
    ("-1", "-1"),
    ("7.", "7."),
    ("550e8400-e29b-41d4-a716-446655440000", uuid.UUID("550e8400-e29b-41d4-a716-446655440000")),
    ("00000000-0000-0000-0000-000000000000", uuid.UUID(int=0)),
    ("ffffffff-ffff-7fff-bfff-ffffffffffff", uuid.UUID("ffffffff-ffff-7fff-bfff-ffffffffffff")),
    ("550E8400-E29B-41D4-A716-446655440000", "550E8400-E29B-41D4-A716-446655440000"),
    ("550e8400-e29b-41d4-a716-44665544000g", "550e8400-e29b-41d4-a716-44665544000g"),
    ("550e8400-e29b-41d4-a7160446655440000", "550e8400-e29b-41d4-a7160446655440000"),
    ("550e8400e29b41d4a716446655440000", "550e8400e29b41d4a716446655440000"),
    ("spring", "spring"),
]


@pytest.mark.parametrize(("text", "value"), [*CONVERSIONS, ("١٢", "١٢")])
def test_only_texts_that_come_back_are_converted(text: str, value: object) -> None:
    """A text becomes a number or a UUID exactly when printing that gives the text again."""
    assert parse_message_id(text) == value
    assert str(parse_message_id(text)) == text

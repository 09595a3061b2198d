"""Tests of linkweir.mail.message_ids."""

import uuid

from linkweir.mail import message_ids


def test_ids_are_uuids_of_version_7() -> None:
    """Version and variant are RFC 9562's, and the first 48 bits are the moment in milliseconds."""
    result = message_ids.new_message_id(1_700_000_000_123_456)
    assert (result.version, result.variant) == (7, uuid.RFC_4122)
    assert result.int >> 80 == 1_700_000_000_123


def test_ids_sort_by_time() -> None:
    """An id made a millisecond later is larger."""
    assert message_ids.new_message_id(1_000_000) < message_ids.new_message_id(1_001_000)


def test_numbers_are_the_random_end_of_the_id() -> None:
    """The number fits 62 bits, belongs to its id, and does not repeat in ten thousand."""
    ids = [message_ids.new_message_id(5) for _ in range(10_000)]
    numbers = {message_ids.link_number(found) for found in ids}
    assert len(numbers) == len(ids)
    assert max(numbers) < 1 << 62
    assert message_ids.link_number(ids[0]) == ids[0].int % (1 << 62)

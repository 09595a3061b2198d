"""Names for messages: a UUID of version 7 (RFC 9562), and the shorter number that tracking links carry for
it.
"""

import secrets
import uuid

NUMBER_BITS = 62


def new_message_id(now: int) -> uuid.UUID:
    """A UUIDv7 for a moment in microseconds since 1970."""
    milliseconds = (now // 1000) & ((1 << 48) - 1)
    value = milliseconds << 80 | 7 << 76 | secrets.randbits(12) << 64 | 2 << 62 | secrets.randbits(NUMBER_BITS)
    return uuid.UUID(int=value)


def link_number(message: uuid.UUID) -> int:
    """The 62 random bits at the end of the id: half as long in a link as the whole, and unique in the
    database.
    """
    return message.int & ((1 << NUMBER_BITS) - 1)

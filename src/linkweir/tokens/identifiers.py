"""Privacy modes, message ids and campaign ids of tracking links."""

from __future__ import annotations

import enum
import operator
import re
import uuid
from typing import SupportsIndex

from linkweir.errors import BadSwitch

MessageId = uuid.UUID | int | str

# Characters that need no escaping in a URL (RFC 3986, "unreserved"): without `@`, so no e-mail address fits.
_TEXT = re.compile(r"[A-Za-z0-9._~-]{1,64}", re.ASCII)
_IPV4 = re.compile(r"\d+\.\d+\.\d+\.\d+", re.ASCII)
_new_uuid, _set_attribute, _UNKNOWN_SAFETY = uuid.UUID.__new__, object.__setattr__, uuid.SafeUUID.unknown


def uuid_from_number(number: int) -> uuid.UUID:
    """Return `uuid.UUID(int=number)` for a number of 128 bits, without its checks, which take most of the time."""
    made = _new_uuid(uuid.UUID)
    _set_attribute(made, "int", number)
    _set_attribute(made, "is_safe", _UNKNOWN_SAFETY)
    return made


class Privacy(enum.StrEnum):
    """Privacy modes, from the least to the most strict."""

    FULL = "full"  # the message, and through it the recipient
    PSEUDONYMOUS = "pseudonymous"  # the message; the click is stored without what identifies a person
    ANONYMOUS = "anonymous"  # the campaign and the link only
    NONE = "none"  # links are not replaced at all

    @staticmethod
    def strictest(*modes: Privacy) -> Privacy:
        """Return the strictest of the modes; FULL if there are none."""
        order = list(Privacy)
        return max(modes, key=order.index, default=Privacy.FULL)


def validate_id(value: SupportsIndex | MessageId | None, label: str) -> MessageId | None:
    """Return the value if a token can hold it; NumPy's integers become int. Raises BadSwitch, which names `label`.

    Valid: UUIDs, numbers from 0 to 2**64-1, and texts of 1-64 characters of A-Z a-z 0-9 . _ ~ - but IPv4 addresses.
    """
    if value is None or isinstance(value, uuid.UUID):
        return value
    if isinstance(value, SupportsIndex) and not isinstance(value, bool):
        value = operator.index(value)
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise BadSwitch(f"{label} must be a UUID, a number or text, not {type(value).__name__}")
    if isinstance(value, int):
        if not 0 <= value < 1 << 64:
            raise BadSwitch(f"{label} must be from 0 to 2**64-1")
    elif not _TEXT.fullmatch(value):
        raise BadSwitch(f"{label} must be 1 to 64 characters of A-Z a-z 0-9 . _ ~ - (never an address)")
    elif _IPV4.fullmatch(value):
        raise BadSwitch(f"{label} must not be an IP address")
    return value


def parse_message_id(text: str) -> MessageId:
    """Convert a message id to the type with the shortest link: UUID, number, or text.

    Only canonical forms are converted: `007` and an upper-case UUID stay texts. The same rule for columns is in C.
    """
    if text.isascii() and text.isdecimal() and len(text) <= 20:
        number = int(text)
        return number if str(number) == text and number < 1 << 64 else text
    try:
        value = uuid.UUID(text)
    except ValueError:
        return text
    return value if str(value) == text else text

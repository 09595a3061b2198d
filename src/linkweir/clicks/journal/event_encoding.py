"""A fact as bytes for the journal, and back: the values of its fields in MessagePack, without their names.

The names stand once in the head of each journal file, so that a release with more or fewer fields reads the files of
another one: what it does not know is dropped, what is missing has its default.
"""

import uuid
from collections.abc import Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any

import msgspec

from linkweir.clicks.click_event import ClickEvent

FIELD_NAMES = tuple(field.name for field in fields(ClickEvent))
KNOWN_FIELDS = frozenset(FIELD_NAMES)
_field_values = attrgetter(*FIELD_NAMES)
_encode_values = msgspec.msgpack.Encoder(uuid_format="bytes").encode
_decode_values = msgspec.msgpack.Decoder(list[Any]).decode


def encode_event(event: ClickEvent) -> bytes:
    """The values of a fact in the order of NAMES."""
    return _encode_values(_field_values(event))


def decode_event(data: bytes, field_names: Sequence[str]) -> ClickEvent:
    """The fact whose fields are called `names`. ValueError when these bytes are none."""
    try:
        values = {
            name: value for name, value in zip(field_names, _decode_values(data), strict=True) if name in KNOWN_FIELDS
        }
        return ClickEvent(**{**values, "id": uuid.UUID(bytes=values["id"])})
    except (msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"no fact: {error}") from None

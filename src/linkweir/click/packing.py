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

from linkweir.click.fact import Fact

NAMES = tuple(field.name for field in fields(Fact))
FIELDS = frozenset(NAMES)
_values = attrgetter(*NAMES)
_encode = msgspec.msgpack.Encoder(uuid_format="bytes").encode
_decode = msgspec.msgpack.Decoder(list[Any]).decode


def pack(fact: Fact) -> bytes:
    """The values of a fact in the order of NAMES."""
    return _encode(_values(fact))


def unpack(data: bytes, names: Sequence[str]) -> Fact:
    """The fact whose fields are called `names`. ValueError when these bytes are none."""
    try:
        values = {name: value for name, value in zip(names, _decode(data), strict=True) if name in FIELDS}
        return Fact(**{**values, "id": uuid.UUID(bytes=values["id"])})
    except (msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"no fact: {error}") from None

"""A group of click events as one piece of data: compressed, and sealed, for events hold addresses of people."""

import zlib
from collections.abc import Sequence
from typing import Any

import msgspec

from linkweir.clicks.click_event import FIELD_NAMES, ClickEvent, decode_event, encode_event
from linkweir.vault import Vault

MAX_GROUP_EVENTS = 256
MAX_GROUP_BYTES = 64 << 20  # of one that is opened: what is larger was not made here
COMPRESSION_LEVEL = 1  # most of an event repeats that of its neighbours: more work gains little
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[list[str], list[bytes]]).decode


def seal_group(events: Sequence[ClickEvent], vault: Vault) -> bytes:
    """The sealed group. Raises VaultError."""
    content: tuple[Any, ...] = (FIELD_NAMES, [encode_event(event) for event in events])
    return vault.seal(zlib.compress(_encode(content), COMPRESSION_LEVEL))


def open_group(sealed: bytes, vault: Vault) -> list[ClickEvent]:
    """The events of a sealed group, also of a release with other fields. Raises VaultError when another key sealed it,
    ValueError when it holds anything else.
    """
    content = vault.open(sealed)
    try:
        inflater = zlib.decompressobj()
        data = inflater.decompress(content, MAX_GROUP_BYTES)
        names, payloads = _decode(data)
    except (zlib.error, msgspec.DecodeError) as error:
        raise ValueError(f"not a group of click events: {error}") from None
    return [decode_event(payload, names) for payload in payloads]

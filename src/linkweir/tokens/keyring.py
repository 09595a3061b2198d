"""The key ring: one current key that mints links, and retired keys that still open theirs."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from linkweir.errors import BadSwitch, KeyRingError, check_type
from linkweir.tokens import base_urls, wire_format

SECRET_BYTES = 32  # bytes: the maximum key length of BLAKE2s
_FORMAT, _VERSION = "linkweir-keyring", 1


@dataclass(frozen=True, slots=True)
class Key:
    """One secret with its times. `id`: from 1 to 2**32-1, part of every token that the key authenticates."""

    id: int
    secret: bytes = field(repr=False)
    created: datetime
    retired: datetime | None = None

    def __post_init__(self) -> None:
        if isinstance(self.id, bool) or not isinstance(self.id, int) or not 1 <= self.id < wire_format.KEY_ID_LIMIT:
            raise KeyRingError(f"key id {self.id!r} is not a number from 1 to 2**32-1")
        if not isinstance(self.secret, bytes) or len(self.secret) != SECRET_BYTES:
            raise KeyRingError(f"key {self.id}: the secret is not {SECRET_BYTES} bytes long")
        if any(time is not None and time.tzinfo is None for time in (self.created, self.retired)):
            raise KeyRingError(f"key {self.id}: a time has no time zone")

    @property
    def fingerprint(self) -> bytes:
        """Return 16 bytes that identify the secret without revealing it."""
        return hashlib.blake2s(b"linkweir key fingerprint", key=self.secret, digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Keys in order of id, exactly one of them not retired, and the base URLs of their links."""

    keys: tuple[Key, ...]
    hosts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        ids = [key.id for key in self.keys]
        if ids != sorted(set(ids)):
            raise KeyRingError(f"key ids must be ascending and unique, not {ids}")
        if sum(key.retired is None for key in self.keys) != 1:
            raise KeyRingError("exactly one key must be current (not retired)")
        try:
            normal = tuple(dict.fromkeys(base_urls.normalize_base_url(host) for host in self.hosts))
        except BadSwitch as error:
            raise KeyRingError(str(error)) from None
        object.__setattr__(self, "hosts", normal)

    @classmethod
    def generate(cls, now: datetime | None = None, hosts: Iterable[str] = ()) -> KeyRing:
        """Return a new ring with one random key, created `now` (with time zone), by default at this moment."""
        check_type("now", now, (datetime, type(None)), "a datetime or None")
        if isinstance(hosts, str):
            raise TypeError("hosts must be a list of base URLs, not one str")
        return cls((Key(1, secrets.token_bytes(SECRET_BYTES), now or datetime.now(UTC)),), tuple(hosts))

    @property
    def current(self) -> Key:
        """The key that mints."""
        return next(key for key in self.keys if key.retired is None)

    def find(self, key_id: int) -> Key | None:
        """Return the key with this id, current or retired; None if there is none."""
        for key in self.keys:
            if key.id == key_id:
                return key
        return None

    def rotate(self, now: datetime | None = None) -> KeyRing:
        """Return the ring with a new current key; the old one is retired `now` and still opens its links."""
        check_type("now", now, (datetime, type(None)), "a datetime or None")
        now = now or datetime.now(UTC)
        fresh = Key(self.keys[-1].id + 1, secrets.token_bytes(SECRET_BYTES), now)
        old = (replace(key, retired=key.retired or now) for key in self.keys)
        return replace(self, keys=(*old, fresh))

    def with_host(self, *added: str) -> KeyRing:
        """Return the ring with these base URLs added. Raises BadSwitch."""
        return replace(self, hosts=(*self.hosts, *map(base_urls.normalize_base_url, added)))

    def to_json(self) -> bytes:
        """Return the ring with its secrets as JSON, ending in a line feed."""
        document = {
            "format": _FORMAT,
            "version": _VERSION,
            "hosts": self.hosts,
            "keys": [
                {
                    "id": key.id,
                    "secret": base64.b64encode(key.secret).decode("ascii"),
                    "created": _format_time(key.created),
                    "retired": key.retired and _format_time(key.retired),
                }
                for key in self.keys
            ],
        }
        return json.dumps(document, indent=2).encode("ascii") + b"\n"

    @classmethod
    def from_json(cls, data: bytes | str) -> KeyRing:
        """Parse the output of `to_json`. Raises KeyRingError, whose text contains no secret."""
        check_type("data", data, (bytes, str), "bytes or str")
        try:
            document = json.loads(data)
        except (ValueError, RecursionError):  # RecursionError: brackets nested thousands deep
            raise KeyRingError("this is not a key ring: not JSON") from None
        document = _parse_object(document, "the key ring", {"format", "version", "hosts", "keys"})
        if document["format"] != _FORMAT:
            raise KeyRingError(f"this is not a key ring: format {document['format']!r}")
        if document["version"] != _VERSION or isinstance(document["version"], bool):
            raise KeyRingError(f"key ring version {document['version']!r} is unknown; a newer Linkweir may read it")
        keys, hosts = document["keys"], document["hosts"]
        if not isinstance(keys, list) or not keys:
            raise KeyRingError("the key ring: `keys` is not a list of keys")
        if not isinstance(hosts, list) or not all(isinstance(host, str) for host in hosts):
            raise KeyRingError("the key ring: `hosts` is not a list of texts")
        return cls(tuple(_parse_key(entry, position) for position, entry in enumerate(keys)), tuple(hosts))


def _parse_object(value: Any, what: str, names: set[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise KeyRingError(f"{what} is not a JSON object")
    if value.keys() != names:
        odd = sorted(names ^ value.keys())
        raise KeyRingError(f"{what}: missing or unknown fields: {', '.join(odd)}")
    return value


def _parse_key(entry: Any, position: int) -> Key:
    what = f"key number {position + 1} of the ring"
    entry = _parse_object(entry, what, {"id", "secret", "created", "retired"})
    try:
        secret = base64.b64decode(entry["secret"], validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise KeyRingError(f"{what}: the secret is not base64") from None
    retired = entry["retired"]
    return Key(
        entry["id"],
        secret,
        _parse_time(entry["created"], what),
        None if retired is None else _parse_time(retired, what),
    )


def _format_time(time: datetime) -> str:
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _parse_time(text: Any, what: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise KeyRingError(f"{what}: {text!r} is not an RFC 3339 time") from None

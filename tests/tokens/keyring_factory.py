"""Key rings with fixed secrets, so that tokens in tests are always the same."""

from __future__ import annotations

from datetime import UTC, datetime

from linkweir.tokens import Key, KeyRing

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
BASE_URL = "https://t.example.com"


def make_keyring(key_id: int, *, hosts: tuple[str, ...] = ()) -> KeyRing:
    """A ring whose only key has this id and the bytes 0 to 31 as secret."""
    return KeyRing((Key(key_id, bytes(range(32)), NOW),), hosts)


RING = make_keyring(1)

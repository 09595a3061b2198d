"""Key rings: what they hold, how they are written, and what they refuse to read."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from linkweir.errors import BadSwitch, KeyRingError
from linkweir.tokens import Key, KeyRing
from tests.tokens.keyring_factory import NOW, RING

SECRET = bytes(range(32))


def make_document(**changes: Any) -> bytes:
    """The JSON of the fixed ring with some members of the whole changed."""
    return json.dumps(json.loads(RING.to_json()) | changes).encode()


def make_key_document(**changes: Any) -> bytes:
    """The JSON of the fixed ring with some members of its key changed."""
    keys = json.loads(RING.to_json())["keys"]
    return make_document(keys=[keys[0] | changes])


def test_a_new_ring_has_one_random_key() -> None:
    """Two new rings have different secrets of 32 bytes, one current key with id 1 each."""
    one, other = KeyRing.generate(NOW), KeyRing.generate(NOW)
    assert one.current.secret != other.current.secret
    assert (one.current.id, len(one.current.secret), one.current.created, len(one.keys)) == (1, 32, NOW, 1)


def test_rotation_retires_the_current_key() -> None:
    """Rotating adds a key with the next id and keeps the old one, retired; earlier retirements stay."""
    later = NOW + timedelta(days=1)
    ring = KeyRing.generate(NOW).rotate(NOW).rotate(later)
    assert [(key.id, key.retired) for key in ring.keys] == [(1, NOW), (2, later), (3, None)]
    assert ring.current.created == later
    assert ring.find(2) == ring.keys[1]
    assert ring.find(9) is None


def test_json_round_trips() -> None:
    """A ring with retired keys and hosts is read back equal."""
    ring = KeyRing.generate(NOW).rotate(NOW).with_host("https://T.example.com").with_host("http://c.example/x")
    assert KeyRing.from_json(ring.to_json()) == ring
    assert ring.hosts == ("https://t.example.com/", "http://c.example/x/")


def test_hosts_are_stored_once_and_checked() -> None:
    """A host that is known already is not added again; one that cannot be a base URL is refused."""
    ring = RING.with_host("https://t.example.com").with_host("https://T.EXAMPLE.com/")
    assert ring.hosts == ("https://t.example.com/",)
    with pytest.raises(BadSwitch, match="base URL"):
        ring.with_host("t.example.com")
    with pytest.raises(KeyRingError, match="base URL"):
        KeyRing(RING.keys, ("nowhere",))


def test_secrets_do_not_show() -> None:
    """The repr of a ring holds ids and times but no secret."""
    assert "id=1" in repr(RING)
    assert "x00" not in repr(RING)
    assert "secret" not in repr(RING)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[1]", "not a JSON object"),
        (b"{}", "format, hosts, keys, version"),
        (make_document(more=1), "unknown fields: more"),
        (make_document(format="ring"), "format 'ring'"),
        (make_document(version=2), "version 2 is unknown"),
        (make_document(version=True), "version True"),
        (make_document(keys=[]), "not a list of keys"),
        (make_document(keys=[5]), "key number 1 of the ring is not a JSON object"),
        (make_document(keys=json.loads(RING.to_json())["keys"] * 2), r"ascending and unique, not \[1, 1\]"),
        (make_document(hosts="x"), "`hosts`"),
        (make_document(hosts=[1]), "`hosts`"),
        (make_document(hosts=["x"]), "base URL 'x'"),
        (make_key_document(id=0), "key id 0"),
        (make_key_document(id=2**32), "key id 4294967296"),
        (make_key_document(id="1"), "key id '1'"),
        (make_key_document(id=True), "key id True"),
        (make_key_document(**{"secret": "AAAA"}), "key 1: the secret is not 32 bytes"),
        (make_key_document(**{"secret": "*"}), "the secret is not base64"),
        (make_key_document(secret=None), "the secret is not base64"),
        (make_key_document(created="yesterday"), "'yesterday' is not an RFC 3339 time"),
        (make_key_document(created=None), "None is not an RFC 3339 time"),
        (make_key_document(created="2026-01-01T00:00:00"), "no time zone"),
        (make_key_document(retired="2026-01-01T00:00:00Z"), "exactly one key must be current"),
        (make_key_document(note=1), "unknown fields: note"),
    ],
)  # fmt: skip
def test_bad_rings_are_refused_by_name(data: bytes, words: str) -> None:
    """Each fault of a ring's JSON is a KeyRingError that names it and shows no secret."""
    with pytest.raises(KeyRingError, match=words) as caught:
        KeyRing.from_json(data)
    assert "AAECAwQ" not in str(caught.value)


def test_rings_that_cannot_be_are_refused() -> None:
    """Two current keys, no key, falling ids and times without zone are refused when made, too."""
    one, two = Key(1, SECRET, NOW), Key(2, SECRET, NOW)
    for keys in ((), (one, two), (Key(2, SECRET, NOW, NOW), one)):
        with pytest.raises(KeyRingError):
            KeyRing(keys)
    with pytest.raises(KeyRingError, match="time zone"):
        Key(1, SECRET, datetime(2026, 1, 1))

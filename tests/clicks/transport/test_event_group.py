"""A group of events on its way: the same events come out, and nobody on the way reads them."""

import zlib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkweir.clicks.click_event import FIELD_NAMES, encode_event
from linkweir.clicks.transport.event_group import open_group, seal_group
from linkweir.errors import VaultError
from linkweir.vault import Vault
from tests.clicks.event_factory import make_event


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Vault:
    """A vault with a key of its own."""
    return Vault(tmp_path_factory.mktemp("vault") / "vault.key")


@given(st.lists(st.tuples(st.integers(0, 40_000), st.text(max_size=20)), max_size=300))
def test_the_same_events_come_out(vault: Vault, made: list[tuple[int, str]]) -> None:
    """Whatever is in them, in their order."""
    events = [make_event(position, user_agent=agent) for position, agent in made]
    assert open_group(seal_group(events, vault), vault) == events


def test_nothing_can_be_read_or_changed_on_the_way(vault: Vault, tmp_path: Path) -> None:
    """No address is in the data, a changed byte is found, and so is another key."""
    sealed = seal_group([make_event(1, ip="198.51.100.77", user_agent="Reader/1")] * 50, vault)
    assert b"198.51.100.77" not in sealed
    assert b"Reader/1" not in sealed
    with pytest.raises(VaultError):
        open_group(sealed[:-9] + b"A" + sealed[-8:], vault)
    with pytest.raises(VaultError):
        open_group(sealed, Vault(tmp_path / "another.key"))


def test_a_group_of_another_release_is_understood(vault: Vault) -> None:
    """A field that is not known here is dropped; data that is no group is refused."""
    event = make_event(7)
    values = [*msgspec.msgpack.decode(encode_event(event)), "new"]
    content = msgspec.msgpack.encode(([*FIELD_NAMES, "of_tomorrow"], [msgspec.msgpack.encode(values)]))
    assert open_group(vault.seal(zlib.compress(content)), vault) == [event]
    for wrong in (b"", b"x", zlib.compress(b"x"), zlib.compress(msgspec.msgpack.encode((["id"], [b"\xc1"])))):
        with pytest.raises(ValueError, match="not a"):
            open_group(vault.seal(wrong), vault)

"""The list of known networks: what comes along, and what an operator may put in its place."""

import re
import tomllib
from importlib import resources
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkweir.clicks.known_networks import BUNDLED_FILE, KnownNetwork, KnownNetworks
from linkweir.errors import SettingsError

RANGES = {
    "198.51.100.0/24": KnownNetwork("wide", certain=False),
    "198.51.100.64/26": KnownNetwork("narrow", certain=True),
    "192.0.2.0/25": KnownNetwork("half", certain=False),
    "2001:db8::/32": KnownNetwork("six", certain=True),
    "2001:db8:5::/48": KnownNetwork("small six", certain=False),
}
ADDRESSES = st.one_of(
    st.integers(int(ip_address("192.0.1.250")), int(ip_address("192.0.2.255"))).map(ip_address),
    st.integers(int(ip_address("198.51.99.200")), int(ip_address("198.51.101.9"))).map(ip_address),
    st.integers(int(ip_address("2001:db7:ffff::")), int(ip_address("2001:db9:1::"))).map(ip_address),
    st.sampled_from(["2001:db8:5::1", "2001:db8:6::1", "198.51.100.100"]).map(ip_address),
)


@given(ADDRESSES)
def test_the_smallest_network_counts(address: object) -> None:
    """The lookup finds the smallest range with the address, as looking at every range one by one does."""
    text = str(address)
    holding = [one for one in map(ip_network, RANGES) if ip_address(text) in one]
    expected = RANGES[str(max(holding, key=lambda one: one.prefixlen))] if holding else None
    assert KnownNetworks(RANGES).lookup(text) == expected


@pytest.mark.parametrize("text", ["", "unknown", "192.0.2", "192.0.2.1:80"])
def test_what_is_no_address_is_in_no_network(text: str) -> None:
    """Anything that is no address is unknown and no error."""
    assert KnownNetworks(RANGES).lookup(text) is None


def test_the_list_that_comes_along_can_be_read() -> None:
    """It names certain and probable networks, and none of the addresses that are nobody's."""
    result = KnownNetworks.load()
    assert result.lookup("40.92.0.1") == KnownNetwork("Exchange Online", certain=True)
    assert result.lookup("2a01:111:f400::1") == KnownNetwork("Exchange Online", certain=True)
    assert result.lookup("67.231.144.1") == KnownNetwork("Proofpoint", certain=False)
    assert result.lookup("52.0.0.1") == KnownNetwork("Amazon Web Services", certain=False)
    assert result.is_certain("Exchange Online")
    assert not result.is_certain("Amazon Web Services")
    assert not result.is_certain(None)
    assert all(result.lookup(ip) is None for ip in ("127.0.0.1", "10.1.2.3", "192.0.2.1", "2001:db8::1"))


def test_every_entry_names_its_source() -> None:
    """Each entry has a note and a source; the source of a certain one is dated."""
    entries = tomllib.loads((resources.files("linkweir.clicks") / BUNDLED_FILE).read_text("utf-8"))["network"]
    assert all(entry["note"] and entry["source"] for entry in entries)
    dated = [re.search(r"; 20\d\d-\d\d-\d\d$", entry["source"]) for entry in entries if entry["class"] == "certain"]
    assert dated
    assert all(dated)


def test_an_operator_replaces_it(tmp_path: Path) -> None:
    """With a file of one's own nothing is left of the one that comes along."""
    path = tmp_path / "mine.toml"
    path.write_text('[[network]]\nname = "gate"\nclass = "certain"\nranges = ["192.0.2.0/24"]\n', "utf-8")
    result = KnownNetworks.load(path)
    assert result.lookup("192.0.2.9") == KnownNetwork("gate", certain=True)
    assert result.lookup("67.231.144.1") is None


@pytest.mark.parametrize(
    "text",
    [
        "networks = 1",
        "[[network]]\nclass = 'certain'\nranges = []",
        "[[network]]\nname = 'x'\nclass = 'perhaps'\nranges = []",
        "[[network]]\nname = 'x'\nclass = 'certain'\nranges = '192.0.2.0/24'",
        "[[network]]\nname = 'x'\nclass = 'certain'\nranges = ['192.0.2.1/24']",
        "[[network]]\nname = 'x'\nclass = 'certain'\nranges = ['example.com']",
        "network = 'x'",
        "[[",
    ],
)
def test_a_list_that_cannot_be_used_is_refused(tmp_path: Path, text: str) -> None:
    """A mistake in the file is an error that names the setting and the file, and no silent gap."""
    path = tmp_path / "mine.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(SettingsError, match=r"LINKWEIR_NETWORKS: .*mine\.toml"):
        KnownNetworks.load(path)


def test_a_list_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """So is a file that does not exist."""
    with pytest.raises(SettingsError, match="LINKWEIR_NETWORKS"):
        KnownNetworks.load(tmp_path / "none.toml")

"""Tests of linkweir.clicks.published_networks."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from linkweir.clicks.known_networks import KnownNetworks
from linkweir.clicks.published_networks import format_entries, load_entries, load_published, merge_entries
from linkweir.errors import SettingsError

AWS = {
    "createDate": "2026-11-20-10-00-00",
    "prefixes": [
        {"ip_prefix": "3.80.0.0/13", "service": "EC2"},
        {"ip_prefix": "3.88.0.0/13", "service": "EC2"},
        {"ip_prefix": "99.0.0.0/24", "service": "S3"},
    ],
    "ipv6_prefixes": [{"ipv6_prefix": "2600:1f00::/24", "service": "EC2"}],
}
AZURE = {"changeNumber": 1, "values": [{"name": "AzureCloud", "properties": {"addressPrefixes": ["4.145.0.0/20"]}}]}
GOOGLE = {"creationTime": "2026-11-01T09:00:00", "prefixes": [{"ipv4Prefix": "34.1.208.0/20"}]}
ORACLE = {"last_updated_timestamp": "2026-10-05T00:00:00", "regions": [{"cidrs": [{"cidr": "129.91.0.0/16"}]}]}


def write_json(folder: Path, document: Any) -> Path:
    """A provider's file."""
    path = folder / "published.json"
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize(
    ("document", "name", "ranges", "made"),
    [
        (AWS, "Amazon Web Services", ["3.80.0.0/12", "2600:1f00::/24"], date(2026, 11, 20)),
        (AZURE, "Microsoft Azure", ["4.145.0.0/20"], None),
        (GOOGLE, "Google Cloud", ["34.1.208.0/20"], date(2026, 11, 1)),
        (ORACLE, "Oracle Cloud", ["129.91.0.0/16"], date(2026, 10, 5)),
    ],
    ids=["aws", "azure", "google", "oracle"],
)
def test_each_provider_is_read(tmp_path: Path, document: Any, name: str, ranges: list[str], made: date | None) -> None:
    """The four formats are told apart, adjacent ranges join, and the date is the file's own where it has one."""
    entry = load_published(write_json(tmp_path, document))
    assert (entry.name, entry.network_class, list(entry.ranges)) == (name, "probable", ranges)
    assert made is None or entry.made == made


@pytest.mark.parametrize("document", [{}, [], {"prefixes": []}, {"values": [{"name": "a"}]}, {"regions": 3}])
def test_anything_else_is_refused(tmp_path: Path, document: Any) -> None:
    """A file of another form, or without a range, is an error that names it, in words and not as an exception."""
    with pytest.raises(SettingsError, match=r"published\.json") as caught:
        load_published(write_json(tmp_path, document))
    assert "Error(" not in str(caught.value)


def test_a_published_list_takes_the_place_of_ours(tmp_path: Path) -> None:
    """What is merged is a list that the service reads: the provider's ranges for its name, the others as they were."""
    merged = merge_entries(load_entries(None), [load_published(write_json(tmp_path, AWS))])
    path = tmp_path / "networks.toml"
    path.write_text(format_entries(merged))
    networks = KnownNetworks.load(path)
    found = networks.lookup("3.81.0.1")
    assert found is not None
    assert found.name == "Amazon Web Services"
    assert networks.lookup("54.161.0.1") is None  # of the included list's
    exchange = networks.lookup("40.107.1.1")
    assert exchange is not None
    assert exchange.certain
    assert load_entries(path)[-1].age_days(date(2026, 11, 29)) == 9

"""Tests of linkweir.tracking_keyring: how many hosts customers can add."""

import contextlib
import io
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from linkweir import tracking_keyring
from linkweir.accounts import domains
from linkweir.db import domains_table
from linkweir.errors import KeyRingError, ValidationError
from linkweir.html.switches import Switches
from linkweir.key_rollout import KeyRollout
from linkweir.mail.draft import OperatorDefaults
from linkweir.service_secrets import KeyRingFile
from linkweir.tokens import keyring_file
from linkweir.tracking_keyring import TrackingKeyRing
from linkweir.web.structured_logging import make_logger
from tests.db.sample_database import NOW_US, SampleDatabase
from tests.tokens.keyring_factory import RING

BASE_URL = "https://t.example/c"


@dataclass
class Hosts:
    """The key ring of a database."""

    sample: SampleDatabase
    path: Path
    keyring: TrackingKeyRing

    def set(self, domain: str, subdomain: str | None, account: uuid.UUID | None = None) -> None:
        """Do as a customer does whose domain is proven."""
        with self.sample.database.write() as connection:
            add, account = self.keyring.add_host, account or self.sample.account
            domains.set_tracking_host(connection, account, domain, subdomain, NOW_US, add_tracking_host=add)
            domains_table.mark_all_proven(connection, NOW_US)
            domains.set_tracking_host(connection, account, domain, subdomain, NOW_US, add_tracking_host=add)

    def list(self) -> list[str]:
        """The hosts but the first, as a new process reads them."""
        return [base_url.split("/")[2] for base_url in keyring_file.load(self.path).hosts[1:]]


@pytest.fixture
def hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hosts]:
    """A ring that has room for eight hosts."""
    monkeypatch.setattr(tracking_keyring, "MAX_HOSTS", 8)
    sample = SampleDatabase(tmp_path)
    defaults = OperatorDefaults(BASE_URL, Switches(), "sealed")
    keyring = TrackingKeyRing(
        KeyRingFile(tmp_path / "keys.json"),
        sample.database,
        defaults,
        make_logger("error", io.StringIO()),
        KeyRollout(("host", str(tmp_path)), is_shared=False),
    )
    keyring.load()
    yield Hosts(sample, tmp_path / "keys.json", keyring)
    sample.database.close()


def test_changed_hosts_do_not_outgrow_the_ring(hosts: Hosts) -> None:
    """However often one customer changes a host, no host is removed, what is one too many is refused, hosts that are
    there can be chosen again, and the service starts with what is there.
    """
    hosts.set("b.example", "go", hosts.sample.other_account)
    for number in range(20):
        with contextlib.suppress(ValidationError):
            hosts.set("a.example", f"h{number}")
    assert hosts.list() == ["go.b.example", *(f"h{number}.a.example" for number in range(6))]
    hosts.set("a.example", "h0")
    hosts.set("b.example", None, hosts.sample.other_account)
    hosts.set("b.example", "go", hosts.sample.other_account)
    assert hosts.keyring.load().hosts[0] == f"{BASE_URL}/"
    assert len(hosts.list()) == 7


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("https://t.example/c/", "https://go.b.example/c/"),
        ("http://t.example:8587/c/", "http://go.b.example:8587/c/"),
        ("http://[2001:db8::1]:8587/", "http://go.b.example:8587/"),
        ("http://[2001:db8::1]/x/y/", "http://go.b.example/x/y/"),
    ],
)
def test_another_host_changes_nothing_but_the_name(base_url: str, expected: str) -> None:
    """A tracking host leads to the same service, so its links have the scheme, the port and the path of the others."""
    defaults = OperatorDefaults(base_url, Switches(), "sealed")
    assert (defaults.base_url_for("go.b.example"), defaults.base_url_for(None)) == (expected, base_url)


def test_a_full_ring_refuses_another_host(hosts: Hosts) -> None:
    """With as many hosts in use as there may be, the next one is an error that changes nothing."""
    for number in range(7):
        hosts.set(f"d{number}.example", "go")
    before = hosts.list()
    with pytest.raises(ValidationError, match=r"as many tracking hosts as it can have \(8\)"):
        hosts.set("late.example", "go", hosts.sample.other_account)
    assert hosts.list() == before
    with hosts.sample.database.read() as connection:
        assert len(domains.list_tracking_hosts(connection)) == 7


def test_an_account_has_so_many_domains(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another domain than the last one that an account may have is an error, for this account only."""
    monkeypatch.setattr(domains, "MAX_DOMAINS", 2)
    for number in range(2):
        hosts.set(f"d{number}.example", None)
    with pytest.raises(ValidationError, match="an account may have 2 domains"):
        hosts.set("d2.example", None)
    hosts.set("d2.example", None, hosts.sample.other_account)


def test_a_ring_that_cannot_be_loaded_is_not_saved(tmp_path: Path) -> None:
    """The largest ring there may be is loaded again; a larger one than fits into the file leaves it as it was."""
    path, label = tmp_path / "keys.json", "d" * 56
    keyring_file.create(path, RING)
    many = [f"https://h{number:04}.{label}.{label}.{label}.example" for number in range(6000)]
    largest = RING.with_host(*many[: tracking_keyring.MAX_HOSTS])
    keyring_file.save(path, largest)
    assert keyring_file.load(path) == largest
    with pytest.raises(KeyRingError, match="not written, for it would be over"):
        keyring_file.save(path, RING.with_host(*many))
    assert keyring_file.load(path) == largest

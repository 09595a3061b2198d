"""Two machines on one PostgreSQL: each answers readers and keeps their clicks, and any of them counts them."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from linkweir.db.schema import clicks
from linkweir.settings import Settings
from tests.database_proxy import DatabaseProxy
from tests.databases import make_database_url, use_dialect
from tests.web.running_service import BROWSER_HEADERS, RunningService, wait_until


@pytest.fixture
def url() -> Iterator[str]:
    """A database that both machines use."""
    with use_dialect("postgresql"):
        yield make_database_url()


def run_machine(folder: Path, url: str, **settings: object) -> RunningService:
    """A machine with a data folder of its own."""
    return RunningService(folder, database=url, click_transport="postgresql", **settings)


def copy_keys(source: Path, target: Path) -> None:
    """Give another machine the keys, as an operator does."""
    target.mkdir()
    for path in (Settings(data=source).key_path, Settings(data=source).vault_path):
        shutil.copy(path, target / path.name)


def count_clicks(service: RunningService) -> int:
    """How many clicks are stored."""
    with service.components.database.read() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(clicks)) or 0


def test_clicks_on_either_machine_are_counted_once(tmp_path: Path, url: str) -> None:
    """Links that one machine minted are followed on both; each click is stored once, whoever stores it, and the
    numbers of every hop add up.
    """
    with run_machine(tmp_path / "one", url) as one:
        (entry,) = one.send()
        link = urlsplit(one.delivered_links(entry["id"])[0]).path
        one.components.vault.seal(b"")  # which makes its key
        copy_keys(tmp_path / "one", tmp_path / "two")
        with run_machine(tmp_path / "two", url) as two:
            for number in range(20):
                machine = (one, two)[number % 2]
                assert machine.reader.get(link, headers={"User-Agent": f"Reader/{number}"}).status_code == 302
            wait_until(lambda: count_clicks(one) == 20)
            wait_until(lambda: sum(each.read_metric("linkweir_clicks_stored_total") for each in (one, two)) == 20)
            for each in (one, two):
                assert each.read_metric("linkweir_clicks_journaled_total") == 10
                assert each.read_metric("linkweir_clicks_carried_total") == 10
                assert each.read_metric("linkweir_clicks_repeated_total") == 0
                assert each.read_metric("linkweir_clicks_lost_total") == 0
            wait_until(lambda: one.read_metric("linkweir_inbox_clicks") == 0)
            assert 0 < one.get_message(entry["id"])["click_count"] <= 20


def test_events_that_come_twice_count_once(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A carrier that dies between the commit and the journal's acknowledgement brings its events again after the next
    start, and they are found to be stored.
    """
    with run_machine(tmp_path / "one", url) as one:
        (entry,) = one.send()
        link = urlsplit(one.delivered_links(entry["id"])[0]).path
        carrier = one.components.click_carrier
        assert carrier is not None
        monkeypatch.setattr(one.components.local_journal, "acknowledge", _fail)
        assert one.reader.get(link, headers=BROWSER_HEADERS).status_code == 302
        wait_until(lambda: carrier.failures > 0)
        wait_until(lambda: count_clicks(one) == 1)
    with run_machine(tmp_path / "one", url) as one:
        wait_until(lambda: one.components.local_journal.unacknowledged == 0)
        wait_until(lambda: one.components.click_worker.repeated > 0)
        assert count_clicks(one) == 1
        assert one.get_message(entry["id"])["click_count"] == 1


def _fail(_cursor: object) -> None:
    raise OSError("the disk is gone")


def test_a_database_that_is_away_loses_no_click(tmp_path: Path, url: str) -> None:
    """While the way to the database is cut, readers are redirected at once and their clicks stay on this machine; once
    it is mended all of them are counted.
    """
    settings = {"spool_retry": 0.2, "store_wait": 1.0}
    with DatabaseProxy(url) as proxy, run_machine(tmp_path / "one", proxy.url, **settings) as one:
        (entry,) = one.send()
        link = urlsplit(one.delivered_links(entry["id"])[0]).path
        with proxy.cut():
            for number in range(30):
                assert one.reader.get(link, headers={"User-Agent": f"Reader/{number}"}).status_code == 302
            wait_until(lambda: one.components.click_carrier is not None and one.components.click_carrier.failures > 0)
            assert one.components.local_journal.unacknowledged == 30
        wait_until(lambda: one.components.local_journal.unacknowledged == 0)
        wait_until(lambda: count_clicks(one) == 30)
        assert one.components.local_journal.lost == 0

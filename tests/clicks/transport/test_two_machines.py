"""Two machines on one PostgreSQL: each answers readers and keeps their clicks, and any of them counts them, whichever
transport brings them.
"""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from linkweir.db.schema import clicks
from linkweir.settings import Settings
from tests.cli.command_runner import CommandRunner
from tests.database_proxy import DatabaseProxy
from tests.databases import make_database_url, use_dialect
from tests.nats_server import NatsCluster, make_transport_settings, require_nats
from tests.web.running_service import BROWSER_HEADERS, RunningService, wait_until


@pytest.fixture(params=["postgresql", "jetstream"])
def shared(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """The settings of both machines: a database, and a transport."""
    with use_dialect("postgresql"):
        yield {"database": make_database_url(), **make_transport_settings(request.param)}


def copy_keys(source: Path, target: Path) -> None:
    """Give another machine the keys, as an operator does."""
    target.mkdir()
    for path in (Settings(data=source).key_path, Settings(data=source).vault_path):
        shutil.copy(path, target / path.name)


def count_clicks(service: RunningService) -> int:
    """How many clicks are stored."""
    with service.components.database.read() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(clicks)) or 0


def test_clicks_on_either_machine_are_counted_once(tmp_path: Path, shared: dict[str, Any]) -> None:
    """Links that one machine minted are followed on both; each click is stored once, whoever stores it, and the
    numbers of every hop add up.
    """
    with RunningService(tmp_path / "one", **shared) as one:
        (entry,) = one.send()
        link = urlsplit(one.delivered_links(entry["id"])[0]).path
        one.components.vault.seal(b"")  # which makes its key
        copy_keys(tmp_path / "one", tmp_path / "two")
        with RunningService(tmp_path / "two", **shared) as two:
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


def test_events_that_come_twice_count_once(
    tmp_path: Path, shared: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A carrier that dies between the transport's answer and the journal's acknowledgement brings its events again,
    also in a group with later ones, and they are found to be stored.
    """
    with RunningService(tmp_path / "one", **shared) as one:
        (entry,) = one.send()
        link = urlsplit(one.delivered_links(entry["id"])[0]).path
        carrier = one.components.click_carrier
        assert carrier is not None
        monkeypatch.setattr(one.components.local_journal, "acknowledge", _fail)
        assert one.reader.get(link, headers=BROWSER_HEADERS).status_code == 302
        wait_until(lambda: carrier.failures > 0)
        wait_until(lambda: count_clicks(one) == 1)
        assert one.reader.get(link, headers={"User-Agent": "Reader/2"}).status_code == 302
        wait_until(lambda: count_clicks(one) == 2)
        wait_until(lambda: one.components.click_worker.repeated > 0)
    with RunningService(tmp_path / "one", **shared) as one:
        wait_until(lambda: one.components.local_journal.unacknowledged == 0)
        wait_until(lambda: one.read_metric("linkweir_inbox_clicks") == 0)
        assert count_clicks(one) == 2


def _fail(_cursor: object) -> None:
    raise OSError("the disk is gone")


def test_a_database_that_is_away_loses_no_click(tmp_path: Path, shared: dict[str, Any]) -> None:
    """While the way to the database is cut, readers are redirected at once and their clicks stay on this machine, or in
    the stream; once it is mended all of them are counted.
    """
    with (
        DatabaseProxy(shared["database"]) as proxy,
        RunningService(tmp_path / "one", **{**shared, "database": proxy.url, "store_wait": 10.0}) as one,
    ):
        (entry,) = one.send()
        link = urlsplit(one.delivered_links(entry["id"])[0]).path
        with proxy.cut():
            for number in range(30):
                assert one.reader.get(link, headers={"User-Agent": f"Reader/{number}"}).status_code == 302
            if shared["click_transport"] == "jetstream":
                wait_until(lambda: one.read_metric("linkweir_inbox_clicks") == 30)
            else:
                carrier = one.components.click_carrier
                wait_until(lambda: carrier is not None and carrier.failures > 0)
                assert one.components.local_journal.unacknowledged == 30
        wait_until(lambda: one.components.local_journal.unacknowledged == 0)
        wait_until(lambda: count_clicks(one) == 30)
        assert one.components.local_journal.lost == 0


def test_servers_of_a_stream_that_are_away_lose_no_click(tmp_path: Path) -> None:
    """While they are, from the start on, readers are redirected and their clicks stay on this machine, which says so;
    what the servers had before they were killed and what came meanwhile is counted when they are back.
    """
    require_nats()
    cluster = NatsCluster(1)
    (server,) = cluster.servers
    try:
        with use_dialect("postgresql"), contextlib.ExitStack() as stack:
            shared = {"database": make_database_url(), **cluster.settings()}
            server.kill()
            one = stack.enter_context(RunningService(tmp_path / "one", **shared))
            (entry,) = one.send()
            link = urlsplit(one.delivered_links(entry["id"])[0]).path

            def click(numbers: range) -> None:
                for number in numbers:
                    assert one.reader.get(link, headers={"User-Agent": f"Reader/{number}"}).status_code == 302

            def read_checks() -> dict[str, str]:
                checks: dict[str, str] = one.reader.get("/readyz").json()["checks"]
                return checks

            click(range(10))
            wait_until(lambda: "clicks stay on this machine: NATS" in read_checks()["carrier"])
            assert one.components.local_journal.unacknowledged == 10
            server.start()
            wait_until(lambda: count_clicks(one) == 10)
            wait_until(lambda: one.reader.get("/readyz").status_code == 200)
            server.kill()
            click(range(10, 30))
            wait_until(lambda: "NATS" in read_checks()["carrier"] and "NATS" in read_checks()["clicks"])
            server.start()
            wait_until(lambda: count_clicks(one) == 30)
            wait_until(lambda: one.components.local_journal.unacknowledged == 0)
            assert one.components.local_journal.lost == 0
    finally:
        cluster.stop()


def test_an_operator_is_told_of_servers_that_do_not_flush(tmp_path: Path) -> None:
    """Clicks go through them; `/readyz` warns, and `linkweir status` shows a machine that is not well."""
    require_nats()
    cluster = NatsCluster(1, "max_file_store: 100MB")
    try:
        with use_dialect("postgresql"):
            shared = {"database": make_database_url(), **cluster.settings()}
            with RunningService(tmp_path / "one", **shared) as one:
                warning = "sync_interval is not always"
                wait_until(lambda: warning in one.reader.get("/readyz").json().get("warnings", {}).get("transport", ""))
                wait_until(lambda: one.reader.get("/readyz").status_code == 200)
                linkweir = CommandRunner(home=tmp_path, work=tmp_path)

                def read_status() -> str:
                    return linkweir("status", stdin=b"", LINKWEIR_DATABASE=shared["database"]).out.decode()

                wait_until(lambda: "NOT WELL" in read_status() and warning in read_status())
    finally:
        cluster.stop()

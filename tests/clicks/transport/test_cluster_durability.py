"""LINKWEIR_CLICK_DURABLE=cluster: a reader is sent on when other machines can count the click, within a bound."""

import http.client
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from linkweir.clicks.transport.inbox import ClickInbox
from linkweir.db.schema import clicks
from linkweir.tokens import Tracker
from tests.database_proxy import DatabaseProxy
from tests.databases import make_database_url, use_dialect
from tests.machine_process import MachineProcess
from tests.test_service_secrets import make_master_key
from tests.web.running_service import BROWSER_HEADERS, WAIT_SECONDS, RunningService, wait_until

BASE_URL = "https://t.example.com/c/"


@pytest.fixture
def url() -> Iterator[str]:
    """A database that all machines use."""
    with use_dialect("postgresql"):
        yield make_database_url()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_click_outlives_the_machine_that_answered_it(tmp_path: Path, url: str, workers: int) -> None:
    """While readers click, all processes of the machine that redirects are killed, and its disk is thrown away: each
    click that was answered is stored by another machine, once.
    """
    key = make_master_key()
    others = ("api", "dashboard", "smtp", "filter", "deliver", "count", "notify", "housekeeping")
    shared = {"database": url, "master_key": key, "base_url": BASE_URL, "click_transport": "postgresql"}
    with RunningService(tmp_path / "counting", roles=others, **shared) as counting:
        environment = {f"LINKWEIR_{name.upper()}": value for name, value in shared.items()}
        environment |= {"LINKWEIR_CLICK_DURABLE": "cluster", "LINKWEIR_CLICK_WAIT": str(WAIT_SECONDS)}
        words = ("--role", "redirect", "--workers", str(workers))
        machine = MachineProcess(tmp_path / "redirecting", *words, **environment)
        ring = counting.components.keyring
        answered: set[int] = set()
        killed = threading.Event()

        def click(first: int) -> None:
            for number in range(first, 1 << 30, 8):
                link = Tracker(ring, BASE_URL, message="load").mint("https://example.com/", number)
                try:
                    if machine.get(link.removeprefix("https://t.example.com")) == 302:
                        answered.add(number)
                except (OSError, http.client.HTTPException):
                    if killed.is_set():
                        return

        readers = [threading.Thread(target=click, args=(first,)) for first in range(8)]
        for reader in readers:
            reader.start()
        wait_until(lambda: len(answered) >= 200)
        killed.set()
        machine.kill()
        for reader in readers:
            reader.join()

        def list_stored() -> list[int]:
            with counting.components.database.read() as connection:
                return list(connection.scalars(sa.select(clicks.c.position)))

        wait_until(lambda: answered <= set(list_stored()))
        assert len(list_stored()) == len(set(list_stored()))


@pytest.mark.parametrize("direct", [True, False])
def test_the_wait_is_bounded(tmp_path: Path, url: str, direct: bool) -> None:
    """While the way to the database is cut, a reader is sent on when LINKWEIR_CLICK_WAIT has passed; that is counted
    and logged, and the click is stored when the way is mended. Before and after that nobody is late. So it is in the
    server's own reader of requests and in the application behind it.
    """
    settings = {"spool_retry": 0.2, "store_wait": 1.0, "click_transport": "postgresql", "click_durable": "cluster"}
    with (
        DatabaseProxy(url) as proxy,
        RunningService(tmp_path, database=proxy.url, click_wait=5.0, direct_redirects=direct, **settings) as one,
    ):
        (entry,) = one.send()
        link = one.delivered_links(entry["id"])[0]
        journal = one.components.local_journal

        def count_late() -> float:
            return one.read_metric("linkweir_clicks_late_total")

        def is_prompt() -> bool:
            late = count_late()
            assert one.reader.get(link, headers=BROWSER_HEADERS).status_code == 302
            return count_late() == late

        wait_until(is_prompt)  # unless the machine is very busy, the first time
        late = count_late()
        with proxy.cut():
            began = time.monotonic()
            assert one.reader.get(link, headers=BROWSER_HEADERS).status_code == 302
            assert time.monotonic() - began >= 5.0
            assert count_late() == late + 1
            assert journal.unacknowledged == 1
            assert [line["level"] for line in one.logs if line["event"] == "click.late"][-1] == "error"
        wait_until(lambda: journal.unacknowledged == 0)
        wait_until(is_prompt)
        assert journal.lost == 0


def test_an_answered_click_is_in_the_inbox(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader waits while the carrier brings the click, and is sent on although the journal was not told yet."""
    begun, go_on = threading.Event(), threading.Event()
    send = ClickInbox.send

    def send_slowly(inbox: ClickInbox, events: object) -> None:
        begun.set()
        assert go_on.wait(WAIT_SECONDS)
        send(inbox, events)  # type: ignore[arg-type]

    settings = {"click_transport": "postgresql", "click_durable": "cluster", "click_wait": WAIT_SECONDS}
    with RunningService(tmp_path, database=url, **settings) as one:
        (entry,) = one.send()
        link = one.delivered_links(entry["id"])[0]
        monkeypatch.setattr(ClickInbox, "send", send_slowly)
        answers: list[int] = []
        reader = threading.Thread(target=lambda: answers.append(one.reader.get(link).status_code))
        reader.start()
        assert begun.wait(WAIT_SECONDS)
        assert one.components.local_journal.durable == 1
        assert answers == []
        go_on.set()
        reader.join()
        assert answers == [302]

"""Erasure where several machines keep journals: it waits for all of them, and says when one did not answer."""

import io
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import func, insert, select

from linkweir import machine_status, privacy_requests
from linkweir.clicks.journal.dead_letters import DeadLetterFile
from linkweir.clock import DAY_US, now
from linkweir.db.portable_sql import read_clock
from linkweir.db.schema import clicks, machines, messages, verdict_memory
from linkweir.settings import Settings
from linkweir.web.structured_logging import make_logger
from tests.cli.command_runner import CommandRunner
from tests.databases import make_database, make_database_url, use_dialect
from tests.nats_server import make_transport_settings
from tests.test_service_secrets import make_master_key
from tests.web.running_service import BROWSER_HEADERS, RunningService, wait_until


@pytest.mark.parametrize("transport", ["postgresql", "jetstream"])
def test_an_erasure_waits_for_the_journals_of_all_machines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, transport: str
) -> None:
    """A click that another machine has just recorded is erased with the others; a machine that is silent is named, and
    the erasure is not done.
    """
    with use_dialect("postgresql"):
        shared = {"database": make_database_url(), "master_key": make_master_key()}
        shared |= make_transport_settings(transport)
        with (
            RunningService(tmp_path / "one", **shared) as one,
            RunningService(tmp_path / "two", roles=("redirect",), **shared) as two,
        ):
            (entry,) = one.send(recipients=[{"email": "grace@example.org"}])
            link = urlsplit(one.delivered_links(entry["id"])[0]).path
            assert two.reader.get(link, headers=BROWSER_HEADERS).status_code == 302
            erased = one.request_when_allowed("DELETE", f"{one.account_path}/recipients/grace@example.org").json()
            assert (erased["pending_machines"], erased["rows"]["clicks"]) == ([], 1)
            with one.components.database.write() as connection:
                connection.execute(insert(machines).values(**make_silent_machine()))
            monkeypatch.setattr(privacy_requests, "DRAIN_SECONDS", 0.5)
            (entry,) = one.send(recipients=[{"email": "grace@example.org"}])
            erased = one.request_when_allowed("DELETE", f"{one.account_path}/recipients/grace@example.org").json()
            assert (erased["messages"], erased["overwritten"]) == (1, False)
            assert "far.example:/data" in erased["pending_machines"]
            with one.components.database.read() as connection:
                assert connection.scalar(select(func.count()).select_from(clicks)) == 0


def test_what_verdicts_remember_of_the_person_is_erased(tmp_path: Path) -> None:
    """Machines share what they remember by the messages of all people; an erasure deletes what is of the person."""
    with use_dialect("postgresql"), RunningService(tmp_path, database=make_database_url()) as service:
        for email in ("grace@example.org", "ada@example.org"):
            (entry,) = service.send(recipients=[{"email": email}])
            service.reader.get(service.delivered_links(entry["id"])[0], headers=BROWSER_HEADERS)
        service.wait_until_ingested()

        def count_messages() -> int:
            with service.components.database.read() as connection:
                return connection.scalar(select(func.count(verdict_memory.c.message.distinct()))) or 0

        assert count_messages() == 2
        service.request_when_allowed("DELETE", f"{service.account_path}/recipients/grace@example.org")
        assert count_messages() == 1


def make_silent_machine(silence: int = 3_600_000_000, **changed: object) -> dict[str, object]:
    """The row of one that redirects and was last heard of an hour, or so many microseconds, ago."""
    long_ago = now() - silence
    values = {"clicks_waiting": 3, "clicks_lost": 0, "version": "1", "problems": {}, "roles": ["redirect"]}
    times = {"started_at": long_ago, "seen_at": long_ago, "drained_until_at": long_ago}
    return {"host": "far.example", "folder": "/data", **values, **times, **changed}


def test_a_machine_that_is_gone_is_pending_until_it_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long a machine that redirects, or has clicks in its journal, is silent: it is named until a command
    forgets it, which a machine that is alive refuses. One that never had clicks is forgotten by itself.
    """
    monkeypatch.setattr(privacy_requests, "DRAIN_SECONDS", 0.5)
    linkweir = CommandRunner(home=tmp_path, work=tmp_path)
    with use_dialect("postgresql"):
        url, key = make_database_url(), make_master_key()
        month = 30 * DAY_US
        with RunningService(tmp_path / "one", database=url, master_key=key, click_transport="postgresql") as one:
            with one.components.database.write() as connection:
                connection.execute(insert(machines).values(**make_silent_machine(month)))
                stopped = {"host": "stopped.example", "roles": ["api"]}
                connection.execute(insert(machines).values(**make_silent_machine(month, **stopped)))
                mailer = {"host": "mailer.example", "roles": ["api"], "clicks_waiting": 0}
                connection.execute(insert(machines).values(**make_silent_machine(month, **mailer)))
                alive = make_silent_machine(-month, host="alive.example")
                connection.execute(insert(machines).values(**alive))

            def list_hosts() -> set[str]:
                with one.components.database.read() as connection:
                    return set(connection.scalars(select(machines.c.host)))

            wait_until(lambda: "mailer.example" not in list_hosts() and len(list_hosts()) == 4)

            def erase() -> dict[str, Any]:
                path = f"{one.account_path}/recipients/grace@example.org"
                answer: dict[str, Any] = one.request_when_allowed("DELETE", path).json()
                return answer

            assert erase()["pending_machines"] == ["far.example:/data", "stopped.example:/data"]
            refused = linkweir("status", "--forget", "alive.example:/data", stdin=b"", LINKWEIR_DATABASE=url)
            assert (refused.code, "stop it first" in refused.err) == (2, True)
            unknown = linkweir("status", "--forget", "nobody:/data", stdin=b"", LINKWEIR_DATABASE=url)
            assert (unknown.code, "no machine nobody:/data" in unknown.err) == (2, True)
            for name in erase()["pending_machines"]:
                done = linkweir("status", "--forget", name, stdin=b"", LINKWEIR_DATABASE=url)
                assert (done.code, b"Its journal held 3 clicks then" in done.out) == (0, True)
            assert erase()["pending_machines"] == []


def test_a_clock_that_is_ahead_hides_no_click(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a machine says of its journal counts by the database's clock: an hour ahead, it would pass for one that has
    handed over what is still to come.
    """
    with use_dialect("postgresql"):
        database = make_database(tmp_path)
        with database.read() as connection:
            before = read_clock(connection)
        monkeypatch.setattr(machine_status, "now", lambda: now() + 3_600_000_000)
        settings = Settings(data=tmp_path, database="postgresql://localhost/unused")
        heartbeat = machine_status.MachineHeartbeat(database, settings)
        heartbeat.write({}, key_id=1, clicks_waiting=0, clicks_lost=0, drained_until_at=now() + 3_599_000_000)
        with database.read() as connection:
            row, after = connection.execute(select(machines)).one(), read_clock(connection)
        assert before <= row.seen_at <= after
        assert before - 600_000_000 <= row.drained_until_at <= after - 900_000


def test_what_another_machine_has_set_aside_is_erased_too(tmp_path: Path) -> None:
    """Dead letters of an erased message are overwritten on a machine that only redirects as well, and so are those that
    lay there for longer than anything is stored.
    """
    with use_dialect("postgresql"):
        shared: dict[str, Any] = {"database": make_database_url(), "master_key": make_master_key()}
        shared |= {"click_transport": "postgresql", "retention_seconds": 0.2}
        folder = tmp_path / "two"
        old = DeadLetterFile(folder / "spool", make_logger("error", io.StringIO()))
        old.path.parent.mkdir(parents=True)
        old.path.write_bytes(b'{"set_aside_at": 1, "ip": "192.0.2.66"}\n')
        with (
            RunningService(tmp_path / "one", **shared) as one,
            RunningService(folder, roles=("redirect",), **shared) as two,
        ):
            wait_until(lambda: b"192.0.2.66" not in old.path.read_bytes())
            one.send(recipients=[{"email": "grace@example.org"}])
            with one.components.database.read() as connection:
                number = connection.scalar(select(messages.c.number))
            assert number is not None
            two.components.dead_letters.append({"fact": {"number": number, "ip": "192.0.2.77"}})
            two.components.dead_letters.append({"fact": {"number": number + 1, "ip": "192.0.2.88"}})
            one.request_when_allowed("DELETE", f"{one.account_path}/recipients/grace@example.org")
            wait_until(lambda: b"192.0.2.77" not in old.path.read_bytes())
            assert b"192.0.2.88" in old.path.read_bytes()

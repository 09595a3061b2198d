"""`/readyz` while something is broken, and what is accepted then; threads that end; SQLite's files taken away."""

import ctypes
import os
import re
import signal
import socket
import sqlite3
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import httpx
import pytest

from linkweir import background
from linkweir.background import DEAD_SECONDS, Heartbeat
from linkweir.clicks.classify import Classification
from linkweir.clicks.classify.traffic_history import MIN_PEOPLE
from linkweir.web.health import write_heartbeat
from tests.clicks.classify.hit_factory import make_hit
from tests.faults.test_full_disk import mount
from tests.server.test_supervisor import is_answering, list_children
from tests.test_app import run_service
from tests.web.running_service import BROWSER_HEADERS, WAIT_SECONDS, RunningService, html_body, make_request, wait_until


def get_checks(served: RunningService) -> dict[str, str]:
    """What /readyz says, which is 200 when all of it is ok."""
    answer = served.reader.get("/readyz")
    result: dict[str, str] = answer.json()["checks"]
    assert answer.status_code == (200 if set(result.values()) == {"ok"} else 503)
    return result


def test_a_full_disk(tmp_path: Path) -> None:
    """With hardly any room left the service is not ready, and says where; with room again it is."""
    with mount(tmp_path / "disk", "16m") as disk, RunningService(disk / "data", spool=tmp_path / "spool") as served:
        assert set(get_checks(served).values()) == {"ok"}
        (disk / "large").write_bytes(bytes(10 << 20))
        assert re.search(r"data: \d+ KB are free", get_checks(served)["disk"])
        (disk / "large").unlink()
        assert set(get_checks(served).values()) == {"ok"}


def test_a_database_that_cannot_be_written(tmp_path: Path) -> None:
    """A database that another program holds locked makes the service not ready, though it can be read."""
    with RunningService(tmp_path, store_wait=2.0) as served:
        blocker = sqlite3.connect(tmp_path / "linkweir.db", isolation_level=None, timeout=20)
        blocker.execute("BEGIN IMMEDIATE")
        wait_until(lambda: "linkweir.db: database is locked" in get_checks(served)["database"])
        blocker.close()
        wait_until(lambda: set(get_checks(served).values()) == {"ok"})


def test_a_proxy_that_hides_evidence(tmp_path: Path) -> None:
    """Where most readers' requests come as HTTP/1.0 the service is ready and warns, to other processes as well."""
    with RunningService(tmp_path) as served:
        assert "warnings" not in served.reader.get("/readyz").json()
        baseline = served.components.classifier.history.baseline
        for number in range(MIN_PEOPLE):
            hit = make_hit(number, signals=("old-http",))
            baseline.observe(hit, Classification(hit.id, "human", 0.9, (), "human"))
        answer = served.reader.get("/readyz")
        assert answer.status_code == 200
        assert "old-http" in answer.json()["warnings"]["clicks"]
        write_heartbeat(served.components)
        assert served.components.heartbeat.read_warnings() == answer.json()["warnings"]


def test_a_malformed_database(tmp_path: Path) -> None:
    """Damage that anything finds makes the service not ready, though the page that is looked at is whole."""
    with RunningService(tmp_path) as served:
        served.send()
        wait_until(lambda: served.read_metric("linkweir_messages_delivered_total") == 1)
        assert served.components.database.truncate_wal()
        with sqlite3.connect(tmp_path / "linkweir.db") as database:
            (page,) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'contents'").fetchone()
            (size,) = database.execute("PRAGMA page_size").fetchone()
        database.close()
        served.components.database.close()
        with (tmp_path / "linkweir.db").open("r+b") as file:
            file.seek((page - 1) * size)
            file.write(b"\xff" * size)
        assert served.post_message(make_request()).status_code == 503
        assert "malformed" in get_checks(served)["database"]


def test_clicks_that_cannot_be_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While clicks stay in the journal, for whatever reason, the service is not ready and says why; then it is."""
    with RunningService(tmp_path) as served:
        worker = served.components.click_worker
        with monkeypatch.context() as patch:
            patch.setattr(worker, "_source", None)
            wait_until(lambda: "cannot be stored: AttributeError" in get_checks(served)["clicks"])
        wait_until(lambda: set(get_checks(served).values()) == {"ok"})


def test_the_background_process_cannot_read_the_database(tmp_path: Path) -> None:
    """What keeps the process that delivers from the database is told by the others, who can read it."""
    with RunningService(tmp_path) as served:
        away = tmp_path / "away"
        away.mkdir()
        (tmp_path / "linkweir.db").rename(away / "linkweir.db")
        write_heartbeat(served.components)
        told = served.components.heartbeat.read_latest()[1]
        (away / "linkweir.db").rename(tmp_path / "linkweir.db")
        assert "the database file is gone" in told["database"]


def test_a_key_ring_that_is_gone(tmp_path: Path) -> None:
    """A key file removed under the service is said: links go on working, until the next start."""
    with RunningService(tmp_path) as served:
        (tmp_path / "keys.json").rename(tmp_path / "away")
        assert "keys.json is gone" in get_checks(served)["keys"]
        (tmp_path / "away").rename(tmp_path / "keys.json")
        assert get_checks(served)["keys"] == "ok"


THREAD_NAMES = ["linkweir-refresh", "linkweir-journal", "linkweir-delivery", "linkweir-webhooks", "linkweir-clicks"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_ends_is_started_again(tmp_path: Path) -> None:
    """Whichever thread ends, by whatever, there is another one soon: mail is delivered and clicks are counted."""
    with RunningService(tmp_path, smtp_port=0) as served:
        for name in [*THREAD_NAMES, "linkweir-smtp"]:
            (old,) = [item for item in threading.enumerate() if item.name == name]
            assert ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(old.ident or 0), ctypes.py_object(SystemExit)
            )
            if name == "linkweir-smtp":  # it looks up when somebody comes
                socket.create_connection(served.components.smtp_servers[0].address).close()
            wait_until(lambda old=old: not old.is_alive())
        wait_until(lambda: {*THREAD_NAMES, "linkweir-smtp"} <= {item.name for item in threading.enumerate()})
        assert served.read_metric("linkweir_thread_restarts_total") == len(THREAD_NAMES) + 1
        said = [line["name"] for line in served.logs if line["event"] == "thread.ended"]
        assert sorted(said) == ["clicks", "journal", "refresh", "smtp-0", "webhooks", "worker"]
        message = served.send()[0]["id"]
        link = re.findall(r'href="([^"]+)"', html_body(served.wait_for_mail(message)))[0]
        assert served.reader.get(link, headers=BROWSER_HEADERS).status_code == 302
        assert served.click_count(message) == 1
        wait_until(lambda: set(get_checks(served).values()) == {"ok"})


@pytest.mark.parametrize("names", [["-wal"], ["-shm"], ["-wal", "-shm"]])
def test_sqlites_files_are_taken_away(tmp_path: Path, names: list[str]) -> None:
    """With SQLite's log or its index removed the service says and counts it; what was accepted is there for others.

    Whose transaction runs while another one finds the loss is refused, and may try again.
    """
    with RunningService(tmp_path) as served:
        before = [served.send()[0]["id"] for _ in range(3)]
        for name in names:
            (tmp_path / f"linkweir.db{name}").unlink(missing_ok=True)  # SQLite's last connection removes them itself
        after: list[str] = []
        while len(after) < 3:
            answer = served.post_message(make_request())
            assert answer.status_code in (202, 503), answer.text
            after += [entry["id"] for entry in answer.json().get("data", ())]
        for message in before + after:
            served.wait_for_mail(message)
        with sqlite3.connect(f"file:{tmp_path / 'linkweir.db'}?mode=ro", uri=True) as database:
            assert database.execute("SELECT count(*) FROM messages").fetchone() == (6,)
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        database.close()
        assert served.read_metric("linkweir_store_log_losses_total") >= 1
        assert [line for line in served.logs if line["event"] == "database.log_removed"]


def find_log_users(supervisor: int) -> list[int]:
    """The processes that have noted which file SQLite's log is, and hold it."""
    users = []
    for pid in list_children(supervisor):
        with suppress(OSError):
            files = [os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir() if path.is_symlink()]
            users += [pid] if any("/.linkweir.db-wal." in file for file in files) else []
    return users


def test_sqlites_files_are_taken_from_many_processes(tmp_path: Path) -> None:
    """With three processes every mail that is answered 202 is in the database for others, however often the files go,
    and once they are gone for good the service refuses mail and is not ready, both.
    """
    with run_service(tmp_path, "--workers", "2", "--smtp-port", "-1") as process:
        account, key = process.wait_for_match(r"Account +(\S+)"), process.wait_for_match(r"API key +(linkweir-sk-\w+)")
        wait_until(lambda: is_answering(process.url))
        wait_until(lambda: httpx.get(process.url + "/readyz", timeout=WAIT_SECONDS).status_code == 200)
        base, headers = f"{process.url}/v2/accounts/{account}/messages", {"Authorization": f"Bearer {key}"}
        accepted = set()
        wait_until(lambda: len(find_log_users(process.process.pid)) == 3)
        for removed in [["-wal"], ["-shm"], ["-wal", "-shm"]]:
            for name in removed:
                (tmp_path / f"linkweir.db{name}").unlink(missing_ok=True)
            for _ in range(8):
                answer = httpx.post(base, json=make_request(), headers=headers, timeout=WAIT_SECONDS)
                if answer.status_code == 202:
                    accepted.add(answer.json()["data"][0]["id"].strip("<>"))
            wait_until(lambda: httpx.get(process.url + "/readyz", timeout=WAIT_SECONDS).status_code == 200)
        assert len(accepted) > 12
        with closing(sqlite3.connect(f"file:{tmp_path / 'linkweir.db'}?mode=ro", uri=True)) as database:
            assert {row[0] for row in database.execute("SELECT message_id FROM messages")} >= accepted
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        wait_until(lambda: len(find_log_users(process.process.pid)) == 3)  # again: none is opening it just now
        for path in (tmp_path / "linkweir.db-wal", *tmp_path.glob(".linkweir.db-wal.*")):
            path.unlink()
        for _ in range(5):
            answers = (
                httpx.get(process.url + "/readyz", timeout=WAIT_SECONDS),
                httpx.post(base, json=make_request(), headers=headers, timeout=WAIT_SECONDS),
            )
            assert [answer.status_code for answer in answers] == [503, 503]
            assert "linkweir.db-wal was removed" in answers[0].json()["checks"]["database"]
        assert process.stop(signal.SIGTERM) == 0
    with closing(sqlite3.connect(tmp_path / "linkweir.db")) as database:
        assert {row[0] for row in database.execute("SELECT message_id FROM messages")} >= accepted


def stop_between_transactions(pid: int, database: Path) -> None:
    """Stop a process while it does not hold the database locked, as it does now and then for a moment."""
    with closing(sqlite3.connect(database, isolation_level=None, timeout=0.2)) as connection:
        while True:
            os.kill(pid, signal.SIGSTOP)
            try:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
                return
            except sqlite3.OperationalError:
                os.kill(pid, signal.SIGCONT)
                time.sleep(0.1)


def test_a_stopped_background_process(tmp_path: Path) -> None:
    """While the process that delivers is stopped the others are not ready, and say since when; later they refuse mail,
    and when it goes on, all is well.
    """
    with run_service(tmp_path, "--workers", "2", "--smtp-port", "-1") as process:
        account, key = process.wait_for_match(r"Account +(\S+)"), process.wait_for_match(r"API key +(linkweir-sk-\w+)")
        wait_until(lambda: is_answering(process.url))
        wait_until(lambda: httpx.get(process.url + "/readyz", timeout=WAIT_SECONDS).status_code == 200)
        *others, stopped = sorted(
            list_children(process.process.pid), key=lambda pid: os.getpriority(os.PRIO_PROCESS, pid)
        )
        niceness = [os.getpriority(os.PRIO_PROCESS, pid) for pid in (*others, stopped)]
        assert niceness[-1] > max(niceness[:-1])
        stop_between_transactions(stopped, tmp_path / "linkweir.db")
        began = time.monotonic()
        wait_until(
            lambda: (
                "no sign of life for"
                in httpx.get(process.url + "/readyz", timeout=WAIT_SECONDS).json()["checks"]["background"]
            )
        )
        base, headers = f"{process.url}/v2/accounts/{account}/messages", {"Authorization": f"Bearer {key}"}
        accepted = httpx.post(base, json=make_request(), headers=headers, timeout=WAIT_SECONDS).status_code == 202
        assert accepted or time.monotonic() - began > DEAD_SECONDS / 2  # a busy machine came too late
        wait_until(
            lambda: httpx.post(base, json=make_request(), headers=headers, timeout=WAIT_SECONDS).status_code == 503
        )
        os.kill(stopped, signal.SIGCONT)
        wait_until(
            lambda: httpx.post(base, json=make_request(), headers=headers, timeout=WAIT_SECONDS).status_code == 202
        )
        wait_until(lambda: httpx.get(process.url + "/readyz", timeout=WAIT_SECONDS).status_code == 200)
        assert process.stop(signal.SIGTERM) == 0


def test_a_heartbeat(tmp_path: Path) -> None:
    """Its age is that of the last word, no more than one has listened, and a file of before a restart says nothing."""
    beat = Heartbeat(tmp_path)
    beat.write({"worker": "ok"})
    time.sleep(0.05)
    age, said = beat.read_latest()
    assert 0.05 <= age < background.STALE_SECONDS
    assert said == {"worker": "ok"}
    (tmp_path / background.HEARTBEAT_FILE_NAME).write_text('{"at": 1e12, "checks": {"worker": "ok"}}')
    assert beat.read_latest()[1] == {}
    (tmp_path / background.HEARTBEAT_FILE_NAME).write_text('{"at": -1e12, "checks": {"worker": "ok"}}')
    assert beat.read_latest()[0] < 60
    (tmp_path / background.HEARTBEAT_FILE_NAME).write_text("half a")
    assert beat.read_latest()[1] == {}


@pytest.mark.parametrize("how", ["cut to nothing", "cut in half", "removed"])
def test_journal_files_that_are_taken_away(tmp_path: Path, how: str) -> None:
    """Journal files cut or removed under the service end nothing: it is said and counted, and later clicks are kept."""
    with RunningService(tmp_path) as served:
        message = served.send()[0]["id"]
        link = re.findall(r'href="([^"]+)"', html_body(served.wait_for_mail(message)))[0]
        assert served.reader.get(link, headers=BROWSER_HEADERS).status_code == 302
        assert served.click_count(message) == 1
        for path in (tmp_path / "spool").glob("*.journal"):
            if how == "removed":
                path.unlink()
            else:
                os.truncate(path, 0 if how == "cut to nothing" else path.stat().st_size // 2)
        for _ in range(5):
            assert served.reader.get(link, headers=BROWSER_HEADERS).status_code == 302
            time.sleep(0.3)
        wait_until(lambda: served.click_count(message) == 6)
        assert served.read_metric("linkweir_journal_files_gone_total") == 1
        events = [line["event"] for line in served.logs]
        assert "journal.file_gone" in events
        assert "click.worker_bug" not in events
        assert served.read_metric("linkweir_clicks_lost_total") == 0

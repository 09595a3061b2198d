"""Tests of linkweir.server.process_supervisor and of `linkweir serve --workers`."""

import contextlib
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.test_app import ServeProcess, run_service
from tests.web.running_service import (
    BROWSER_HEADERS,
    WAIT_SECONDS,
    find_free_port,
    make_request,
    read_maildir,
    wait_until,
)

SLOW_PARENT_SCRIPT = """
import io, os, signal, socket, sys, time
from linkweir.web.structured_logging import make_logger
from linkweir.server.process_supervisor import ProcessSupervisor
listener = socket.create_server(("127.0.0.1", 0))
def begin():
    time.sleep(0.02)  # a service takes long to begin, and until then knows nothing of signals
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while True: time.sleep(0.1)
def stuck():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True: time.sleep(0.1)
work = {"begin": begin, "stuck": stuck}[sys.argv[1]]
print(listener.getsockname()[1], flush=True)
sys.exit(ProcessSupervisor({name: work for name in "abc"}, make_logger("error", io.StringIO())).run())
"""
SUPERVISOR_SCRIPT = """
import io, os, signal, sys, time
from linkweir.web.structured_logging import make_logger
from linkweir.server.process_supervisor import ProcessSupervisor
def stay():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print("up", os.getpid(), flush=True)
    while True: time.sleep(0.1)
def fail(): return 3
works = {"a": stay, "b": fail if sys.argv[1] == "fail" else stay}
sys.exit(ProcessSupervisor(works, make_logger("error", io.StringIO())).run())
"""


def list_children(pid: int) -> list[int]:
    """The processes that a process has started."""
    return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def ignores_sigterm(pid: int) -> bool:
    """Does a process ignore SIGTERM?"""
    (mask,) = re.findall(r"^SigIgn:\t([0-9a-f]+)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return bool(int(mask, 16) >> (signal.SIGTERM - 1) & 1)


def is_alive(pid: int) -> bool:
    """Is there such a process, and not only what is left of it?"""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_all_end_together(number: int) -> None:
    """A signal to the parent ends every child, and the exit code is 0."""
    parent = subprocess.Popen([sys.executable, "-c", SUPERVISOR_SCRIPT, "run"], stdout=subprocess.DEVNULL)  # noqa: S603 - our own
    wait_until(lambda: len(list_children(parent.pid)) == 2)
    time.sleep(0.5)
    result = list_children(parent.pid)
    parent.send_signal(number)
    assert parent.wait(20) == 0
    assert not any(map(is_alive, result))


def test_children_follow_a_killed_parent() -> None:
    """When the parent is killed without a word its children end by themselves."""
    parent = subprocess.Popen([sys.executable, "-c", SUPERVISOR_SCRIPT, "run"], stdout=subprocess.DEVNULL)  # noqa: S603 - our own
    wait_until(lambda: len(list_children(parent.pid)) == 2)
    time.sleep(0.5)
    result = list_children(parent.pid)
    parent.kill()
    parent.wait()
    wait_until(lambda: not any(map(is_alive, result)))


def list_session_processes(session: int) -> list[int]:
    """The processes of a session, wherever their parents are."""
    result = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            result.append(int(path.parent.name))
    return result


def is_port_free(port: int) -> bool:
    """Can somebody else listen there?"""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def run_slow_parent(kind: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A parent that is about to fork, and the port that it listens on; nothing of it is left at the end."""
    command = [sys.executable, "-c", SLOW_PARENT_SCRIPT, kind]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)  # noqa: S603 - ours
    try:
        assert parent.stdout is not None
        port = int(parent.stdout.readline())
        parent.stdout.close()
        yield parent, port
    finally:
        for pid in list_session_processes(parent.pid):
            with contextlib.suppress(ProcessLookupError):  # it ends by itself, only a little later
                os.kill(pid, signal.SIGKILL)
        parent.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_child_outlives_its_parent_whenever_that_ends(number: int) -> None:
    """Signalled at any moment around its forks, the parent leaves no process and no port; SIGTERM is never lost."""
    for turn in range(12):
        with run_slow_parent("begin") as (parent, port):
            time.sleep(turn * 0.0025)
            parent.send_signal(number)
            assert parent.wait(15) in (0, -number)
            wait_until(lambda session=parent.pid: not list_session_processes(session), 60)
            wait_until(lambda where=port: is_port_free(where))


def test_a_child_that_is_stopped_ends_with_its_parent() -> None:
    """A child that SIGSTOP holds, and that heeds no SIGTERM, is gone too when its parent is killed."""
    with run_slow_parent("stuck") as (parent, port):
        wait_until(lambda: len(list_children(parent.pid)) == 3)
        wait_until(lambda: all(map(ignores_sigterm, list_children(parent.pid))))  # they run what they were forked for
        os.kill(list_children(parent.pid)[0], signal.SIGSTOP)
        parent.kill()
        parent.wait()
        wait_until(lambda: not list_session_processes(parent.pid))
        wait_until(lambda: is_port_free(port))


def test_a_killed_child_is_started_again() -> None:
    """A child that dies is replaced; the others go on."""
    parent = subprocess.Popen([sys.executable, "-c", SUPERVISOR_SCRIPT, "run"], stdout=subprocess.DEVNULL)  # noqa: S603 - our own
    wait_until(lambda: len(list_children(parent.pid)) == 2)
    first, second = list_children(parent.pid)
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: len(list_children(parent.pid)) == 2 and first not in list_children(parent.pid))
    assert second in list_children(parent.pid)
    parent.terminate()
    assert parent.wait(20) == 0


def test_what_cannot_start_ends_all() -> None:
    """A child that fails by itself at the start ends the others, and the exit code is 1."""
    parent = subprocess.Popen([sys.executable, "-c", SUPERVISOR_SCRIPT, "fail"], stdout=subprocess.DEVNULL)  # noqa: S603 - our own
    assert parent.wait(30) == 1


def test_a_service_in_three_processes(tmp_path: Path) -> None:
    """With two workers mail is accepted, delivered and clicked, SMTP listens once, and a stop is clean."""
    with run_service(tmp_path, "--workers", "2") as process:
        account, key = process.wait_for_match(r"Account +(\S+)"), process.wait_for_match(r"API key +(linkweir-sk-\w+)")
        assert process.wait_for_match(r"SMTP +127.0.0.1 port (\d+)")
        assert len(re.findall("(?m)^SMTP ", process.output)) == 1
        headers = {"Authorization": f"Bearer {key}"}
        base = f"{process.url}/v2/accounts/{account}/messages"
        answer = httpx.post(base, json=make_request(), headers=headers, timeout=WAIT_SECONDS)
        assert answer.status_code == 202
        one = f"{base}/{answer.json()['data'][0]['id'].strip('<>')}"
        wait_until(lambda: httpx.get(one, headers=headers, timeout=WAIT_SECONDS).json()["status"] == "Delivered")
        (mail,) = read_maildir(tmp_path / "outbox").values()
        link = re.findall(r'href="([^"]+)"', mail.get_content())[0]
        for _ in range(10):
            assert httpx.get(link, headers=BROWSER_HEADERS, timeout=WAIT_SECONDS).status_code == 302
        wait_until(lambda: httpx.get(one, headers=headers, timeout=WAIT_SECONDS).json()["click_count"] == 10)
        wait_until(
            lambda: 'result="sent",status="302"} 10.0' in httpx.get(process.url + "/metrics", timeout=WAIT_SECONDS).text
        )
        assert process.stop(signal.SIGTERM) == 0
        events = [json.loads(line)["event"] for line in process.error_output.splitlines()]
        assert events.count("service.started") == events.count("service.stopped") == 3


def test_a_database_that_is_busy_at_the_start_ends_nothing(tmp_path: Path) -> None:
    """A worker that dies right after the start while the database is locked is started until it can: the service stays,
    and is complete again once the lock is gone.
    """
    with run_service(tmp_path, "--workers", "2", store_wait="0.2") as process:
        process.wait_for_match(r"SMTP +127.0.0.1 port (\d+)")
        first = list_children(process.process.pid)
        with contextlib.closing(sqlite3.connect(tmp_path / "linkweir.db", timeout=30)) as other:
            other.execute("BEGIN IMMEDIATE")
            for pid in first:
                os.kill(pid, signal.SIGKILL)
            wait_until(lambda: process.error_output.count("service.cannot_start") >= 2)
        wait_until(lambda: httpx.get(process.url + "/readyz", timeout=WAIT_SECONDS).status_code == 200)
        assert process.process.poll() is None
        assert not set(first) & set(list_children(process.process.pid))


def test_no_workers_make_no_sense(tmp_path: Path) -> None:
    """Less than one worker is refused in one line."""
    process = ServeProcess(tmp_path, "--workers", "0")
    assert process.wait_for_exit() == 1
    assert process.error_output == "linkweir serve: --workers needs at least 1, not 0\n"


def list_folder_processes(data: Path) -> list[int]:
    """The processes that were started with this data folder, alive or hanging."""
    result = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if str(data).encode() in path.read_bytes().split(b"\0"):
                result.append(int(path.parent.name))
    return result


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_service_ends_whole_whenever_it_ends(tmp_path: Path, number: int) -> None:
    """Signalled at any moment from its forks on, `serve --workers` leaves no process, and both its ports are free."""
    port, smtp = find_free_port(), find_free_port()
    for turn in range(6):
        words = ("--workers", "2", "--smtp-port", str(smtp))
        with run_service(tmp_path, *words, port=port) as process:
            assert process.wait_for_match(r"Account +(\S+)")
            wait_until(lambda parent=process.process.pid: list_children(parent))
            time.sleep(turn * turn * 0.02)
            assert process.stop(number) in (0, -number)
        wait_until(lambda: not list_folder_processes(tmp_path))
        wait_until(lambda: is_port_free(port) and is_port_free(smtp), 60)
        assert "Traceback" not in process.error_output


def test_a_closed_terminal_ends_the_service(tmp_path: Path) -> None:
    """SIGHUP, which a terminal that is closed sends, is a clean stop; under `nohup` it is nothing."""
    for words in (["--workers", "1"], ["--workers", "2"]):
        with run_service(tmp_path, "--smtp-port", "-1", *words) as process:
            wait_until(lambda url=process.url: is_answering(url))
            assert process.stop(signal.SIGHUP) == 0
            assert json.loads(process.error_output.splitlines()[-1])["event"] == "service.stopped"
    ignoring = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does, and children inherit it
    try:
        process = ServeProcess(tmp_path, "--smtp-port", "-1", "--workers", "2")
    finally:
        signal.signal(signal.SIGHUP, ignoring)
    wait_until(lambda: is_answering(process.url))
    process.process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    assert is_answering(process.url)
    assert process.stop(signal.SIGTERM) == 0


def is_answering(url: str) -> bool:
    """Does the service answer at all?"""
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(url + "/healthz", timeout=WAIT_SECONDS).status_code == 200
    return False


@pytest.mark.parametrize("words", [["--workers", "1"], ["--workers", "2"]])
def test_requests_in_progress_are_answered(tmp_path: Path, words: list[str]) -> None:
    """At a SIGTERM whoever has connected is answered, whose body is still coming and who has just come."""
    with run_service(tmp_path, "--smtp-port", "-1", *words) as process:
        account, key = process.wait_for_match(r"Account +(\S+)"), process.wait_for_match(r"API key +(linkweir-sk-\w+)")
        wait_until(lambda: is_answering(process.url))
        body = json.dumps(make_request()).encode()
        head = (
            f"POST /v2/accounts/{account}/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode()
        address = ("127.0.0.1", int(process.url.rpartition(":")[2]))
        waiting = [socket.create_connection(address, timeout=WAIT_SECONDS) for _ in range(8)]
        for item in waiting:
            item.sendall(head + body[:20])
        time.sleep(1)
        with ThreadPoolExecutor(8) as pool:
            come = [pool.submit(send_until_closed, address, head + body) for _ in range(8)]
            time.sleep(1)
            process.process.send_signal(signal.SIGTERM)
            assert sum(done.result() for done in come) > 0
        for item in waiting:
            item.sendall(body[20:])
        for item in waiting:
            assert item.recv(4096).startswith(b"HTTP/1.1 202")
            item.close()
        assert process.wait_for_exit() == 0


def send_until_closed(address: tuple[str, int], whole: bytes) -> int:
    """Send requests, each on a connection of its own, until nobody listens any more; how many were answered."""
    for answered in range(100_000):
        try:
            connection = socket.create_connection(address, timeout=WAIT_SECONDS)
        except ConnectionRefusedError:
            return answered
        with connection:
            connection.sendall(whole)
            assert connection.recv(4096).startswith(b"HTTP/1.1 202")
    raise AssertionError("it did not end")

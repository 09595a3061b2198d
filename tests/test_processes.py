"""Tests of linkweir.processes and of `linkweir serve --workers`."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.edge.serving import BROWSER, mails, request, wait_until
from tests.test_app import Process, serving

SCRIPT = """
import io, os, signal, sys, time
from linkweir.edge.logs import make_logger
from linkweir.processes import Processes
def stay():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print("up", os.getpid(), flush=True)
    while True: time.sleep(0.1)
def fail(): return 3
works = {"a": stay, "b": fail if sys.argv[1] == "fail" else stay}
sys.exit(Processes(works, make_logger("error", io.StringIO())).run())
"""


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pid: int) -> bool:
    """Is there such a process, and not only what is left of it?"""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_all_end_together(number: int) -> None:
    """A signal to the parent ends every child, and the exit code is 0."""
    parent = subprocess.Popen([sys.executable, "-c", SCRIPT, "run"], stdout=subprocess.DEVNULL)  # noqa: S603 - our own
    wait_until(lambda: len(children(parent.pid)) == 2)
    time.sleep(0.5)
    found = children(parent.pid)
    parent.send_signal(number)
    assert parent.wait(20) == 0
    assert not any(map(alive, found))


def test_children_follow_a_killed_parent() -> None:
    """When the parent is killed without a word its children end by themselves."""
    parent = subprocess.Popen([sys.executable, "-c", SCRIPT, "run"], stdout=subprocess.DEVNULL)  # noqa: S603 - our own
    wait_until(lambda: len(children(parent.pid)) == 2)
    time.sleep(0.5)
    found = children(parent.pid)
    parent.kill()
    parent.wait()
    wait_until(lambda: not any(map(alive, found)))


def test_a_killed_child_is_started_again() -> None:
    """A child that dies is replaced; the others go on."""
    parent = subprocess.Popen([sys.executable, "-c", SCRIPT, "run"], stdout=subprocess.DEVNULL)  # noqa: S603 - our own
    wait_until(lambda: len(children(parent.pid)) == 2)
    first, second = children(parent.pid)
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: len(children(parent.pid)) == 2 and first not in children(parent.pid))
    assert second in children(parent.pid)
    parent.terminate()
    assert parent.wait(20) == 0


def test_what_cannot_start_ends_all() -> None:
    """A child that fails by itself at the start ends the others, and the exit code is 1."""
    parent = subprocess.Popen([sys.executable, "-c", SCRIPT, "fail"], stdout=subprocess.DEVNULL)  # noqa: S603 - our own
    assert parent.wait(30) == 1


def test_a_service_in_three_processes(tmp_path: Path) -> None:
    """With two workers mail is accepted, delivered and clicked, SMTP listens once, and a stop is clean."""
    with serving(tmp_path, "--workers", "2") as process:
        account, key = process.found(r"Account +(\S+)"), process.found(r"API key +(linkweir-sk-\w+)")
        assert process.found(r"SMTP +127.0.0.1 port (\d+)")
        assert len(re.findall("SMTP ", process.text)) == 1
        headers = {"Authorization": f"Bearer {key}"}
        base = f"{process.url}/v2/accounts/{account}/messages"
        answer = httpx.post(base, json=request(), headers=headers)
        assert answer.status_code == 202
        one = f"{base}/{answer.json()['data'][0]['id'].strip('<>')}"
        wait_until(lambda: httpx.get(one, headers=headers).json()["status"] == "Delivered")
        (mail,) = mails(tmp_path / "outbox").values()
        link = re.findall(r'href="([^"]+)"', mail.get_content())[0]
        for _ in range(10):
            assert httpx.get(link, headers=BROWSER).status_code == 302
        wait_until(lambda: httpx.get(one, headers=headers).json()["click_count"] == 10)
        wait_until(lambda: 'result="sent",status="302"} 10.0' in httpx.get(process.url + "/metrics").text)
        assert process.end(signal.SIGTERM) == 0
        events = [json.loads(line)["event"] for line in process.errors.splitlines()]
        assert events.count("service.started") == events.count("service.stopped") == 3


@pytest.mark.parametrize("words", [["--workers", "0"], ["--workers", "2", "--demo"]])
def test_workers_that_make_no_sense(tmp_path: Path, words: list[str]) -> None:
    """No workers, or a demo in several processes, is told in one line."""
    process = Process(tmp_path, *words)
    assert process.closed() == 1
    assert "--workers needs" in process.errors

"""Sending with two web processes and one for SMTP, on a full disk and with a locked database: what is answered 202 or
250 is there, and nothing else is.
"""

import contextlib
import smtplib
import sqlite3
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx

from tests.faults.test_full_disk import mount
from tests.faults.test_kill_during_delivery import DeliveryProcess
from tests.web.running_service import WAIT_SECONDS, find_free_port

PAGE = '<a href="https://example.com/">x</a>' + "x" * 100_000
CLIENTS = 4  # at once, each with connections of its own: both web processes get some


@contextlib.contextmanager
def run_service(data: Path, spool: Path) -> Iterator[DeliveryProcess]:
    """The service with two web processes; its relay is not there, so that every mail stays in the queue."""
    settings = {"LINKWEIR_SPOOL": str(spool), "LINKWEIR_STORE_WAIT": "2"}
    process = DeliveryProcess(data, find_free_port(), workers=2, **settings)
    try:
        yield process
    finally:
        process.kill()


def post(process: DeliveryProcess, mark: str) -> int:
    """Send to two recipients; the status."""
    body = {
        "from": {"email": "a@example.com"},
        "recipients": [{"email": "b@example.org"}, {"email": "c@example.org"}],
        "subject": mark,
        "html_content": PAGE,
        "tracking": {"click": True},
    }
    headers = {"Authorization": "Bearer " + "k" * 40}
    url = f"{process.url}/v2/accounts/{process.account}/messages"
    return httpx.post(url, json=body, headers=headers, timeout=WAIT_SECONDS, trust_env=False).status_code


def bring(process: DeliveryProcess, data: Path, mark: str) -> int:
    """Bring a mail over SMTP; the reply's code."""
    context = ssl.create_default_context(cafile=str(data / "smtp-selfsigned.pem"))
    mail = f"From: a@example.com\r\nSubject: {mark}\r\nContent-Type: text/html\r\n\r\n" + "<p>x</p>\r\n" * 10_000
    assert process.credential is not None
    with smtplib.SMTP("localhost", process.smtp, timeout=WAIT_SECONDS) as client:
        client.starttls(context=context)
        client.login(*process.credential)
        client.mail("a@example.com")
        client.rcpt("b@example.org")
        return client.data(mail)[0]


def send_by_all(process: DeliveryProcess, data: Path, name: str, mails: int) -> dict[str, int]:
    """The status or reply of each of the mails that several clients bring at once, half of them over SMTP."""
    answers: dict[str, int] = {}

    def run(client: int) -> None:
        for number in range(mails):
            mark = f"{name}-{client}-{number}"
            answers[mark] = bring(process, data, mark) if client % 2 else post(process, mark)

    clients = [threading.Thread(target=run, args=(client,)) for client in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert len(answers) == mails * CLIENTS
    return answers


def read_stored(data: Path) -> dict[str, int]:
    """How many messages with a mail are stored under each mark."""
    query = (
        "SELECT subject, count(raw) FROM messages JOIN contents ON contents.message_id = messages.id GROUP BY subject"
    )
    with contextlib.closing(sqlite3.connect(data / "linkweir.db")) as connection:
        assert connection.execute("SELECT count(*) FROM messages").fetchone() == (
            connection.execute("SELECT count(*) FROM contents JOIN queue USING (message_id)").fetchone()
        )
        return dict(connection.execute(query).fetchall())


def count_accepted(answers: dict[str, int]) -> dict[str, int]:
    """How many messages were accepted under each mark: two by the API, one by SMTP."""
    return {mark: {202: 2, 250: 1}[code] for mark, code in answers.items() if code in (202, 250)}


def test_a_full_disk(tmp_path: Path) -> None:
    """With no room left both ways refuse for now (503, 451), and what they accepted is all there."""
    with mount(tmp_path / "disk", "24m") as disk, run_service(disk / "data", tmp_path / "spool") as process:
        first = send_by_all(process, disk / "data", "first", 2)
        assert set(first.values()) == {202, 250}
        filler = disk / "filler"
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        then = send_by_all(process, disk / "data", "then", 3)
        assert {503, 451} <= set(then.values()) <= {202, 250, 503, 451}
        filler.unlink()
        last = send_by_all(process, disk / "data", "last", 1)
        assert set(last.values()) == {202, 250}
        process.kill()
        assert read_stored(disk / "data") == count_accepted({**first, **then, **last})


def test_a_locked_database(tmp_path: Path) -> None:
    """While somebody else holds the database both ways refuse for now; they accept as soon as it is free."""
    data = tmp_path / "data"
    with run_service(data, tmp_path / "spool") as process:
        with contextlib.closing(sqlite3.connect(data / "linkweir.db", isolation_level=None)) as other:
            other.execute("PRAGMA busy_timeout=30000")
            other.execute("BEGIN IMMEDIATE")
            locked = send_by_all(process, data, "locked", 1)
            other.execute("ROLLBACK")
        assert set(locked.values()) == {503, 451}
        free = send_by_all(process, data, "free", 1)
        assert set(free.values()) == {202, 250}
        process.kill()
        assert read_stored(data) == count_accepted(free)

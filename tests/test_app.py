"""Tests of linkweir.app and `linkweir serve`: alone, mounted in another application, killed and stopped."""

import contextlib
import json
import os
import re
import signal
import socket
import sqlite3
import stat
import subprocess
import threading
import uuid
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Mount, Route

from linkweir.accounts import account_settings, api_keys
from linkweir.app import create_app, linkweir_lifespan
from linkweir.db.schema_upgrade import open_database
from linkweir.errors import LinkweirError, NotFound, ValidationError
from linkweir.server.serve import DEMO_KEY_LABEL
from linkweir.settings import Settings
from linkweir.web.services import AppServices
from tests.preloaded_command import start_command
from tests.web.running_service import (
    BROWSER_HEADERS,
    WAIT_SECONDS,
    RunningService,
    UvicornThread,
    find_free_port,
    make_request,
    read_maildir,
    wait_until,
)

SETTINGS_PREFIXES = ("LINKWEIR_",)


class ServeProcess:
    """`linkweir serve` as a user starts it; what it prints is read until the logs begin.

    In one process unless `words` say otherwise; `workers` None: in as many as it takes by itself.
    """

    def __init__(self, data: Path, *words: str, port: int = 0, workers: int | None = 1, **settings: str) -> None:
        environment = {name: text for name, text in os.environ.items() if not name.startswith(SETTINGS_PREFIXES)}
        environment |= {"LINKWEIR_" + name.upper(): text for name, text in settings.items()}
        ports = ["--port", str(port), *(["--smtp-port", "0"] if port else [])]  # with a free one the other is free too
        if workers is not None and "--workers" not in words:
            words = ("--workers", str(workers), *words)
        command = ["serve", "--data", str(data), *ports, *words]
        self.process = start_command(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )
        self._output_lines: list[str] = []
        self._error_lines: list[str] = []
        self._threads = [
            threading.Thread(target=self._collect_output, args=pair, daemon=True)
            for pair in ((self.process.stdout, self._output_lines), (self.process.stderr, self._error_lines))
        ]
        for thread in self._threads:
            thread.start()

    @staticmethod
    def _collect_output(stream: Any, lines: list[str]) -> None:
        lines.extend(stream)  # extend takes them one by one, so they can be seen as they come

    @property
    def output(self) -> str:
        """Standard output so far."""
        return "".join(self._output_lines)

    @property
    def error_output(self) -> str:
        """Standard error so far."""
        return "".join(self._error_lines)

    def wait_for_match(self, pattern: str) -> str:
        """What the first group of a pattern matches in the output, once it does."""
        wait_until(lambda: re.search(pattern, self.output) or self.process.poll() is not None)
        match = re.search(pattern, self.output)
        assert match, self.output + self.error_output
        return match[1]

    @property
    def url(self) -> str:
        """Where it listens."""
        return self.wait_for_match(r"listens on (http://\S+);")

    def stop(self, number: int) -> int:
        """Send a signal and give the exit code."""
        self.process.send_signal(number)
        return self.wait_for_exit()

    def wait_for_exit(self) -> int:
        """Wait for the end; the exit code."""
        code = self.process.wait(WAIT_SECONDS)
        for thread in self._threads:
            thread.join(10)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream
            stream.close()
        return code


@contextlib.contextmanager
def run_service(data: Path, *words: str, **settings: Any) -> Iterator[ServeProcess]:
    """A process that is gone at the end, whatever happened."""
    process = ServeProcess(data, *words, **settings)
    try:
        yield process
    finally:
        if process.process.poll() is None:
            process.process.kill()
        process.wait_for_exit()


def test_the_printed_commands_work(tmp_path: Path) -> None:
    """What the first start prints can be pasted into a shell: a message is sent, read, and its link clicked, in as many
    processes as it takes by itself.
    """
    with run_service(tmp_path / "data", workers=None) as process:
        account, key = process.wait_for_match(r"Account +(\S+)"), process.wait_for_match(r"API key +(linkweir-sk-\w+)")
        curl = process.wait_for_match(r"(?s)Send a message:\n\n(curl .*?\n)\nGet the message")
        answer = run_shell(curl)
        message_id = answer["data"][0]["id"].strip("<>")
        read = process.wait_for_match(r"(?s)(curl -sS \S+/messages/ID .*?)\n\n").replace("/ID ", f"/{message_id} ")
        wait_until(lambda: run_shell(read)["status"] == "Delivered")
        (mail,) = read_maildir(tmp_path / "data" / "outbox").values()
        link = re.search(r'href="([^"]+)"', mail.get_content())
        assert link
        assert (
            httpx.get(link[1], headers=BROWSER_HEADERS, timeout=WAIT_SECONDS).headers["location"]
            == "https://example.com/news?id=1"
        )
        wait_until(lambda: run_shell(read)["click_count"] == 1)
        assert account in read
        assert process.stop(signal.SIGTERM) == 0
        assert key not in process.error_output


def run_shell(command: str) -> Any:
    """What a pasted curl command answers."""
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=True, timeout=WAIT_SECONDS)  # noqa: S603
    return json.loads(done.stdout)


def test_secrets_are_for_the_owner_only(tmp_path: Path) -> None:
    """Key ring, database and folders of a new data folder can be read by nobody else."""
    with RunningService(tmp_path / "data") as service:
        service.wait_for_mail(service.send()[0]["id"])
        for path in [tmp_path / "data", *(tmp_path / "data").rglob("*")]:
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_later_start_shows_no_key(tmp_path: Path) -> None:
    """The key is printed once; later starts say so, and --new-api-key prints another that works beside the first."""
    with run_service(tmp_path) as process:
        first = process.wait_for_match(r"API key +(linkweir-sk-\w+)")
        account = process.wait_for_match(r"Account +(\S+)")
        process.stop(signal.SIGTERM)
    with run_service(tmp_path) as process:
        assert "--new-api-key" in process.wait_for_match(r"API key +(.*)")
        assert process.wait_for_match(r"Account +(\S+)") == account
        process.stop(signal.SIGTERM)
    with run_service(tmp_path, "--new-api-key") as process:
        second = process.wait_for_match(r"API key +(linkweir-sk-\w+)")
        for key in (first, second):
            answer = httpx.get(
                f"{process.url}/v2/accounts/{account}", headers={"Authorization": f"Bearer {key}"}, timeout=WAIT_SECONDS
            )
            assert answer.status_code == 200
        process.stop(signal.SIGTERM)


def test_a_stop_is_clean(tmp_path: Path) -> None:
    """SIGTERM and SIGINT end the process with 0, without a traceback, and every log line is JSON."""
    for number in (signal.SIGTERM, signal.SIGINT):
        with run_service(tmp_path / str(number)) as process:
            httpx.get(process.url + "/healthz", timeout=WAIT_SECONDS).raise_for_status()
            assert process.stop(number) == 0
            events = [json.loads(line)["event"] for line in process.error_output.splitlines()]
            assert events[0] == "service.started"
            assert events[-1] == "service.stopped"


def test_what_was_accepted_survives_kill_9(tmp_path: Path) -> None:
    """Killed right after answering 202 and started again, the service delivers every message once."""
    accepted: list[str] = []
    with run_service(tmp_path, claim_seconds="0.5") as process:
        account, key = process.wait_for_match(r"Account +(\S+)"), process.wait_for_match(r"API key +(linkweir-sk-\w+)")
        with httpx.Client(
            base_url=process.url, headers={"Authorization": f"Bearer {key}"}, timeout=WAIT_SECONDS
        ) as client:
            for _ in range(20):
                body = make_request(recipients=[{"email": f"r{n}@example.org"} for n in range(5)])
                answer = client.post(f"/v2/accounts/{account}/messages", json=body)
                assert answer.status_code == 202
                accepted += [entry["id"] for entry in answer.json()["data"]]
            assert process.stop(signal.SIGKILL) == -signal.SIGKILL
    with run_service(tmp_path, claim_seconds="0.5") as process:
        wait_until(lambda: len(list((tmp_path / "outbox" / "new").glob("*"))) >= len(accepted))
        process.stop(signal.SIGTERM)
    assert set(read_maildir(tmp_path / "outbox")) == set(accepted)


def test_what_could_not_be_delivered_is_delivered_after_kill_9(tmp_path: Path) -> None:
    """A message that waits because the outbox is broken is delivered by the next process, with the same Message-ID."""
    (tmp_path / "file").write_text("")
    with run_service(tmp_path / "d", maildir=str(tmp_path / "file" / "box"), retry_seconds="0.2") as process:
        account, key = process.wait_for_match(r"Account +(\S+)"), process.wait_for_match(r"API key +(linkweir-sk-\w+)")
        headers = {"Authorization": f"Bearer {key}"}
        base = f"{process.url}/v2/accounts/{account}/messages"
        message_id = httpx.post(base, json=make_request(), headers=headers, timeout=WAIT_SECONDS).json()["data"][0][
            "id"
        ]
        one = f"{base}/{message_id.strip('<>')}"
        wait_until(lambda: httpx.get(one, headers=headers, timeout=WAIT_SECONDS).json()["status"] == "Deferred")
        process.stop(signal.SIGKILL)
    with run_service(tmp_path / "d", claim_seconds="0.5") as process:
        wait_until(lambda: list((tmp_path / "d" / "outbox" / "new").glob("*")))
        process.stop(signal.SIGTERM)
    assert list(read_maildir(tmp_path / "d" / "outbox")) == [message_id]


def count_stored_clicks(data: Path) -> int:
    """How many clicks the database holds, whatever was thought of them."""
    with contextlib.closing(sqlite3.connect(data / "linkweir.db")) as database:
        (count,) = database.execute("SELECT count(*) FROM clicks WHERE method = 'GET'").fetchone()
        return int(count)


def test_a_click_that_was_answered_survives_kill_9(tmp_path: Path) -> None:
    """Every click whose redirect arrived is counted after the process was killed under load."""
    answered = 0
    with run_service(tmp_path) as process:
        account, key = process.wait_for_match(r"Account +(\S+)"), process.wait_for_match(r"API key +(linkweir-sk-\w+)")
        headers = {"Authorization": f"Bearer {key}"}
        base = f"{process.url}/v2/accounts/{account}/messages"
        accepted = httpx.post(base, json=make_request(), headers=headers, timeout=WAIT_SECONDS).json()["data"][0]
        one = f"{base}/{accepted['id'].strip('<>')}"
        wait_until(lambda: httpx.get(one, headers=headers, timeout=WAIT_SECONDS).json()["status"] == "Delivered")
        (mail,) = read_maildir(tmp_path / "outbox").values()
        link = re.findall(r'href="([^"]+)"', mail.get_content())[0]

        def click(_: int) -> int:
            done = 0
            with contextlib.suppress(httpx.HTTPError), httpx.Client(timeout=WAIT_SECONDS) as client:
                while done < 1000 and client.get(link).status_code == 302:
                    done += 1
            return done

        with ThreadPoolExecutor(4) as pool:
            counts = pool.map(click, range(4))
            wait_until(lambda: count_stored_clicks(tmp_path) > 20)
            process.stop(signal.SIGKILL)
            answered = sum(counts)
    with run_service(tmp_path) as process:
        wait_until(lambda: count_stored_clicks(tmp_path) >= answered)
        process.stop(signal.SIGTERM)  # a clean stop stores what the journal still holds
    assert answered <= count_stored_clicks(tmp_path) <= answered + 4


def test_the_demo_prints_links_that_work(tmp_path: Path) -> None:
    """`--demo-exit` sends the sample newsletter over HTTP, prints each link with its destination, and stops with 0, in
    several processes as well.
    """
    with run_service(tmp_path / "data", "--demo-exit", "--workers", "2") as process:
        assert process.wait_for_exit() == 0
    assert "why links break: https://example.com/articles/why-links-break?utm_source=weir&issue=1" in process.output
    assert re.search(
        r"sample campaigns, which were never sent, are in the dashboard:\n  http://\S+/dashboard/\n", process.output
    )
    assert "https://example.net/shop/item.php?id=7&copy=2" in process.output
    assert "Unsubscribe: left as it was" in process.output
    links = re.findall(r"^ {4}(http\S+)$", process.output, re.MULTILINE)
    assert len(links) == 3
    assert re.search(r"^  http\S+/dashboard/messages/[0-9a-f-]{36}$", process.output, re.MULTILINE)
    with run_service(tmp_path / "data") as process:
        answer = httpx.get(process.url + "/c/" + links[0].rpartition("/")[2], timeout=WAIT_SECONDS)
        assert answer.headers["location"].startswith("https://example.com/articles/")
        process.stop(signal.SIGTERM)


def test_what_is_printed_is_at_the_api_host(tmp_path: Path) -> None:
    """Where only named hosts serve dashboard and API, addresses of both are printed with the first of them, since this
    machine's own would be answered 404; the demo reaches the API all the same.
    """
    hosts = {"api_hosts": "mail.example.com", "base_url": "https://t.example.com/c/"}
    with run_service(tmp_path / "data", "--demo-exit", **hosts) as process:
        assert process.wait_for_exit() == 0
    assert "Dashboard     https://mail.example.com/dashboard/\n" in process.output
    assert re.search(r"^  https://mail\.example\.com/dashboard/messages/[0-9a-f-]{36}$", process.output, re.MULTILINE)
    assert set(re.findall(r"curl -sS (\S+?)/v2/", process.output)) == {"https://mail.example.com"}


def test_each_demo_replaces_the_key_of_the_last(tmp_path: Path) -> None:
    """However often the demo runs, there is one key for it, and the one shown first stays."""
    for _ in range(2):
        with run_service(tmp_path / "data", "--demo-exit") as process:
            assert process.wait_for_exit() == 0
    with open_database(Settings(data=tmp_path / "data")) as database, database.read() as connection:
        account = account_settings.require_default_account(connection)
        keys = api_keys.list_all_api_keys(connection, account)
        assert [row["label"] for row in keys] == ["first", DEMO_KEY_LABEL]


def test_mistakes_are_reported_in_one_line(tmp_path: Path) -> None:
    """A port in use, an unknown setting, a key file that others can read: exit 1 and a plain sentence."""
    with socket.create_server(("127.0.0.1", 0)) as busy, run_service(tmp_path, port=busy.getsockname()[1]) as process:
        assert process.wait_for_exit() == 1
        assert "cannot listen on 127.0.0.1" in process.error_output
    with run_service(tmp_path, colour="red") as process:
        assert process.wait_for_exit() == 1
        assert "LINKWEIR_COLOUR: there is no such setting" in process.error_output
    with RunningService(tmp_path / "data"):
        pass
    (tmp_path / "data" / "keys.json").chmod(0o644)
    with run_service(tmp_path / "data") as process:
        assert process.wait_for_exit() == 1
        assert "chmod 600" in process.error_output
        assert "Traceback" not in process.error_output


def make_host_app(tmp_path: Path, listener: socket.socket, *, with_lifespan: bool) -> tuple[Starlette, AppServices]:
    """Somebody else's application with Linkweir under /mail, given a place in its lifespan or not."""
    settings = Settings(
        data=tmp_path / "data",
        base_url=f"http://127.0.0.1:{listener.getsockname()[1]}/mail/c/",
        click_path="/c/",
        api_key="k" * 40,
    )
    inner = create_app(settings)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with linkweir_lifespan(inner):
            yield

    def home(_: Any) -> PlainTextResponse:
        return PlainTextResponse("home")

    outer = Starlette(routes=[Route("/", home), Mount("/mail", inner)], lifespan=lifespan if with_lifespan else None)
    return outer, inner.state.linkweir


@pytest.mark.parametrize("with_lifespan", [True, False])
def test_mounted_under_a_prefix(tmp_path: Path, with_lifespan: bool) -> None:
    """Mounted in another application, sending, delivery and clicking work, whether its lifespan knows us or not."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        outer, service = make_host_app(tmp_path, listener, with_lifespan=with_lifespan)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with UvicornThread(outer, listener), httpx.Client(base_url=url + "/mail", timeout=WAIT_SECONDS) as client:
            assert client.get(url).text == "home"
            assert service.local_journal.alive is with_lifespan
            assert client.get("/readyz").status_code == 200
            client.headers["Authorization"] = "Bearer " + "k" * 40
            base = f"/v2/accounts/{service.account}/messages"
            message_id = client.post(base, json=make_request()).json()["data"][0]["id"].strip("<>")
            wait_until(lambda: client.get(f"{base}/{message_id}").json()["status"] == "Delivered")
            (mail,) = read_maildir(tmp_path / "data" / "outbox").values()
            link = re.findall(r'href="([^"]+)"', mail.get_content())[0]
            assert link.startswith(url + "/mail/c/")
            assert client.get(link, headers=BROWSER_HEADERS).headers["location"] == "https://example.com/a?x=1&y=2"
            wait_until(lambda: client.get(f"{base}/{message_id}").json()["click_count"] == 1)
        assert service.local_journal.alive is not with_lifespan
    service.stop()
    assert not service.local_journal.alive
    assert not service.delivery_worker.alive


def test_a_host_sends_without_http(tmp_path: Path) -> None:
    """`app.send` starts the service, gives the entries of API v2 and its errors in the same words, takes bytes as
    attachments, and refuses an account that does not exist.
    """
    requests: list[dict[str, Any]] = [
        make_request(substitutions={"n": "1"}, subject="{{ n }}"),
        make_request(recipients=[{"email": "ada@example.org"}, {"email": "no address"}]),
        make_request(schedule={"first_attempt": (datetime.now(UTC) + timedelta(days=1)).isoformat()}),
        make_request(recipients=[]),
        make_request(**{"from": {"email": "nobody"}}),
        make_request(html_content=None),
        make_request(tags=[17]),
    ]
    inner = create_app(Settings(data=tmp_path / "data", api_key="k" * 40))
    with pytest.raises(LinkweirError, match="once the service has started"):
        _ = inner.account_id

    async def send(request: Request) -> JSONResponse:
        try:
            return JSONResponse(await inner.send(await request.json()))
        except ValidationError as error:
            return JSONResponse({"message": str(error)}, 400)

    async def attach(_: Request) -> JSONResponse:
        attachment = {"data": b"\x00\xff", "content_type": "image/png", "file_name": "a.png"}
        with pytest.raises(NotFound, match="no such account"):
            await inner.send(make_request(), account_id=uuid.uuid4())
        with pytest.raises(ValidationError, match="cannot be written as JSON"):
            await inner.send(make_request(subject=object()))
        return JSONResponse(await inner.send(make_request(attachments=[attachment])))

    outer = Starlette(routes=[Route("/send", send, methods=["POST"]), Route("/attach", attach), Mount("/mail", inner)])
    with socket.create_server(("127.0.0.1", 0)) as listener, UvicornThread(outer, listener):
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with httpx.Client(base_url=url, timeout=WAIT_SECONDS) as client:
            for body in requests:
                done = client.post("/send", json=body)
                api = f"/mail/v2/accounts/{inner.account_id}/messages"
                expected = client.post(api, json=body, headers={"Authorization": "Bearer " + "k" * 40})
                assert (done.status_code == 200) == (expected.status_code == 202)
                if done.status_code == 200:
                    entries, others = done.json(), expected.json()["data"]
                    assert [{**each, "id": None} for each in entries] == [{**each, "id": None} for each in others]
                    assert all((each["id"] is None) == (each["status"] == "error") for each in entries)
                else:
                    assert done.json() == expected.json()
            (sent,) = client.get("/attach").json()
        maildir = tmp_path / "data" / "outbox"
        wait_until(lambda: sent["id"] in read_maildir(maildir))
        (part,) = read_maildir(maildir)[sent["id"]].iter_attachments()
        assert part.get_content() == b"\x00\xff"
        inner.services.stop()


def test_many_first_requests_start_once(tmp_path: Path) -> None:
    """When the first requests arrive together, without any lifespan, one start serves them all."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        outer, service = make_host_app(tmp_path, listener, with_lifespan=False)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/mail/readyz"
        with UvicornThread(outer, listener), ThreadPoolExecutor(20) as pool:
            assert set(pool.map(lambda _: httpx.get(url, timeout=WAIT_SECONDS).status_code, range(20))) == {200}
        names = [thread.name for thread in threading.enumerate()]
        assert names.count("linkweir-journal") == names.count("linkweir-delivery") == 1
        service.stop()


def test_two_services_live_side_by_side(tmp_path: Path) -> None:
    """Two applications in one process share nothing: figures, keys and data are each one's own."""
    with RunningService(tmp_path / "one") as one, RunningService(tmp_path / "two") as two:
        one.send()
        assert one.read_metric("linkweir_messages_accepted_total") == 1
        assert two.read_metric("linkweir_messages_accepted_total") == 0
        assert two.client.get(one.account_path).status_code == 401


def test_a_service_that_cannot_start_is_reported(tmp_path: Path) -> None:
    """Without a place for its data a mounted service answers 503 and starts as soon as it can."""
    (tmp_path / "data").write_text("in the way")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        outer, service = make_host_app(tmp_path, listener, with_lifespan=False)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/mail/healthz"
        with UvicornThread(outer, listener):
            assert httpx.get(url, timeout=WAIT_SECONDS).status_code == 503
            (tmp_path / "data").unlink()
            assert httpx.get(url, timeout=WAIT_SECONDS).status_code == 200
        service.stop()


def test_a_start_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    """With the filter's port in use the service does not start, runs no thread and holds no port; later it starts."""
    port = find_free_port()
    with socket.create_server(("127.0.0.1", 0)) as busy:
        ways: dict[str, Any] = {"filter_listen": f"127.0.0.1:{busy.getsockname()[1]}", "filter_return": "127.0.0.1:1"}
        service: AppServices = create_app(Settings(data=tmp_path, smtp_port=port, **ways)).state.linkweir
        before = {thread.name for thread in threading.enumerate()}
        for _ in range(2):
            with pytest.raises(LinkweirError, match="cannot listen"):
                service.start()
        assert {thread.name for thread in threading.enumerate()} == before
        socket.create_server(("127.0.0.1", port)).close()
    service.start()
    service.stop()


def test_starting_and_stopping_twice_is_harmless(tmp_path: Path) -> None:
    """Start and stop may be called again; after a stop the data is there for the next start."""
    service: AppServices = create_app(Settings(data=tmp_path)).state.linkweir
    for _ in range(2):
        service.start()
        service.start()
        assert service.local_journal.alive
        service.stop()
        service.stop()
        assert not service.local_journal.alive


def test_a_second_service_on_a_folder_names_the_first(tmp_path: Path) -> None:
    """Two may share a data folder; the second says so, and when the first has ended the next one is alone again."""
    with run_service(tmp_path, "--smtp-port", "-1") as first:
        assert first.url
        with run_service(tmp_path, "--smtp-port", "-1") as second:
            assert second.url
            assert "Another `linkweir serve` uses this data folder" in second.output
        assert "Another" not in first.output
        assert first.stop(signal.SIGTERM) == 0
    with run_service(tmp_path, "--smtp-port", "-1") as third:
        assert f"linkweir user list --data {tmp_path}" in third.wait_for_match(r"(?s)(.*API key)")
        assert "Another" not in third.output


def test_workers_with_a_mail_port_in_use_end_with_one_sentence(tmp_path: Path) -> None:
    """With --workers and the SMTP port taken: exit code 1, the sentence that names port and option, no traceback, and
    nothing that is shown only once.
    """
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        with run_service(tmp_path, "--workers", "2", "--smtp-port", str(port)) as process:
            assert process.wait_for_exit() == 1
            said = [line for line in process.error_output.splitlines() if line.startswith("linkweir serve: ")]
            reason = f"cannot listen for SMTP on 127.0.0.1 port {port}: Address already in use"
            assert said == [f"linkweir serve: {reason}; --smtp-port takes another one"]
            assert "Store these now" not in process.output
            assert "Traceback" not in process.error_output


def test_a_second_demo_reports_existing_data(tmp_path: Path) -> None:
    """Started again on its folder, the demo adds nothing, and says that this is why."""
    for expected in (
        "sample campaigns, which were never sent",
        "sample traffic of an earlier start is there; none was added",
    ):
        with run_service(tmp_path, "--smtp-port", "-1", "--demo-exit") as process:
            assert process.wait_for_match(r"(Demo: .*)\n").startswith(
                f"Demo: {'the ' * ('earlier' in expected)}{expected}"
            )
            assert process.wait_for_exit() == 0


def test_a_key_from_the_settings_is_not_reported_as_shown(tmp_path: Path) -> None:
    """With LINKWEIR_API_KEY the first start says where the key is, without printing it; the key opens the API."""
    key = "k" * 40
    with run_service(tmp_path, "--smtp-port", "-1", api_key=key) as process:
        shown = process.wait_for_match(r"API key +(.*)")
        assert shown == "is the one in LINKWEIR_API_KEY; --new-api-key creates another"
        assert key not in process.output
        account = process.wait_for_match(r"Account +(\S+)")
        path = f"{process.url}/v2/accounts/{account}/messages"
        assert httpx.get(path, headers={"Authorization": f"Bearer {key}"}, timeout=WAIT_SECONDS).status_code == 200

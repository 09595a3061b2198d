"""`Idempotency-Key`: which answers are remembered, for how long, and which are not."""

import contextlib
import hashlib
import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, func, select, update

from linkweir.accounts import idempotency
from linkweir.clock import DAY_US, SECOND_US, now
from linkweir.db import idempotency_table, schema
from linkweir.errors import DatabaseUnavailable, RequestInProgress
from linkweir.mail import retention_job
from linkweir.process_lock import ProcessLock
from tests.database_proxy import DatabaseProxy
from tests.databases import make_database_url, use_dialect
from tests.web.running_service import WAIT_SECONDS, RunningService, make_request, random_uuid

BEGIN_SCRIPT = """
import sys, uuid
from pathlib import Path
from linkweir.accounts.idempotency import IdempotentRequest
from linkweir.db.schema_upgrade import create_database
from linkweir.process_lock import ProcessLock
from linkweir.settings import Settings
from linkweir.vault import Vault
data, account, key = Path(sys.argv[1]), uuid.UUID(sys.argv[2]), sys.argv[3]
lock = ProcessLock(data)
lock.acquire()
database = create_database(Settings(data=data, database=sys.argv[5], store_wait=20))
request = IdempotentRequest(
    database, Vault(data / "vault.key"), lock, account=account, key=key, fingerprint=bytes.fromhex(sys.argv[4])
)
print(request.start(), flush=True)
sys.stdin.read()
with database.write() as connection:
    request.store_response(connection, 202, b"{}")
"""


@contextlib.contextmanager
def begin_elsewhere(service: RunningService, key: str, fingerprint: bytes) -> Iterator[subprocess.Popen[str]]:
    """Another process that has begun a request, and stores its response when its standard input ends."""
    arguments = [str(service.settings.data), service.account, key, fingerprint.hex(), service.settings.database]
    process = subprocess.Popen(  # noqa: S603 - our own script
        [sys.executable, "-c", BEGIN_SCRIPT, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "None\n"
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def service(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """One service for this file."""
    with RunningService(tmp_path_factory.mktemp("idempotency") / "data") as service:
        yield service


def post_with_key(
    service: RunningService, path: str, key: str, body: dict[str, Any], client: httpx.Client | None = None
) -> str:
    """POST with an Idempotency-Key: the status, and `again` when the answer is a remembered one."""
    headers = {"Idempotency-Key": key}
    answer = (client or service.client).post(f"{service.account_path}/{path}", json=body, headers=headers)
    return f"{answer.status_code}{' again' if answer.headers.get('idempotent-replayed') == 'true' else ''}"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("messages", make_request(), "202"),
        ("messages", make_request(recipients=[]), "400"),
        ("webhooks", {"name": "x", "url": "ftp://x", "scope": "global"}, "400"),
        ("domains", {"domain": "kept.example"}, "201"),
    ],
)
def test_responses_that_depend_on_the_request_only_are_replayed(
    service: RunningService, path: str, body: dict[str, Any], status: str
) -> None:
    """A success, and an error that the request itself is the reason of, are answered again as they were."""
    key = random_uuid()
    assert [post_with_key(service, path, key, body) for _ in range(2)] == [status, status + " again"]


def test_a_conflict_is_not_remembered(service: RunningService) -> None:
    """A domain that exists is 409, and once it is gone the same request with the same key is carried out."""
    key, body = random_uuid(), {"domain": "busy.example"}
    assert post_with_key(service, "domains", random_uuid(), body) == "201"
    assert [post_with_key(service, "domains", key, body) for _ in range(2)] == ["409", "409"]
    service.client.delete(f"{service.account_path}/domains/busy.example").raise_for_status()
    assert post_with_key(service, "domains", key, body) == "201"


def test_what_a_key_may_not_do_is_not_remembered(service: RunningService) -> None:
    """A sender's domain outside the key's scopes is 403, and 202 with the same Idempotency-Key when it may."""
    created = {"label": "x", "scopes": ["messages:send:{other.example}"]}
    shown = service.client.post(f"{service.account_path}/api-keys", json=created).json()
    with httpx.Client(
        base_url=service.url, headers={"Authorization": f"Bearer {shown['secret_key']}"}, timeout=WAIT_SECONDS
    ) as client:
        key = random_uuid()
        assert post_with_key(service, "messages", key, make_request(), client) == "403"
        wider = {"scopes": ["messages:send:{example.com}"]}
        service.client.put(f"{service.account_path}/api-keys/{shown['id']}", json=wider).raise_for_status()
        assert post_with_key(service, "messages", key, make_request(), client) == "202"
        client.headers["Authorization"] = "Bearer nobody"
        assert post_with_key(service, "messages", key, make_request(), client) == "401"


def test_a_server_error_is_not_replayed(service: RunningService, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a 500 the same request with the same key is carried out."""
    key = random_uuid()

    def broken(*_: object, **_names: object) -> None:
        raise RuntimeError("a bug")

    with monkeypatch.context() as patch:
        patch.setattr(service.components.submitter, "submit", broken)
        assert post_with_key(service, "messages", key, make_request()) == "500"
    assert post_with_key(service, "messages", key, make_request()) == "202"


def test_a_dry_run_can_be_repeated(service: RunningService) -> None:
    """A check that carries a key is answered each time: it makes nothing."""
    key, body = random_uuid(), {"html_content": "x"}
    assert [post_with_key(service, "check", key, body) for _ in range(2)] == ["200", "200"]


@pytest.mark.parametrize(
    ("path", "body", "seconds"),
    [
        ("messages", make_request(), 86_400),
        ("api-keys", {"label": "x", "scopes": ["accounts:read"]}, 300),
        ("smtp-credentials", {"name": "x", "scope": "global"}, 300),
        ("webhooks", {"name": "x", "url": "https://example.com/", "scope": "global"}, 300),
    ],
)
def test_answers_are_forgotten_in_time(
    service: RunningService, monkeypatch: pytest.MonkeyPatch, path: str, body: dict[str, Any], seconds: int
) -> None:
    """An answer is given again for a day, one that holds a secret for five minutes; then its row goes, unasked."""
    key = random_uuid()
    first = post_with_key(service, path, key, body)
    monkeypatch.setattr(service.components.database, "now", lambda: now() + (seconds - 30) * SECOND_US)
    assert post_with_key(service, path, key, body) == first + " again"
    monkeypatch.setattr(service.components.database, "now", lambda: now() + (seconds + 30) * SECOND_US)
    assert post_with_key(service, path, key, body) == first
    retention_job.delete_expired(service.components.database, now() + 3 * 86_400 * SECOND_US, service.components.log)
    with service.components.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(schema.idempotency)) == 0


def create_client(service: RunningService, *scopes: str) -> httpx.Client:
    """A client with a new key of these scopes."""
    created = service.client.post(
        f"{service.account_path}/api-keys", json={"label": "x", "scopes": list(scopes)}
    ).json()
    headers = {"Authorization": f"Bearer {created['secret_key']}"}
    return httpx.Client(base_url=service.url, headers=headers, timeout=WAIT_SECONDS)


@pytest.mark.parametrize(
    ("path", "body", "scopes"),
    [
        ("messages", make_request(), ["messages:send:{other.example}"]),
        ("api-keys", {"label": "x", "scopes": ["accounts:write"]}, ["api-keys:write", "messages:send:all"]),
        ("webhooks", {"name": "x", "url": "https://example.com/", "scope": "global"}, ["messages:send:all"]),
    ],
)
def test_a_repeat_needs_the_scope_too(
    service: RunningService, path: str, body: dict[str, Any], scopes: list[str]
) -> None:
    """Who could not have made the first request is not given its answer: 403, and who could is."""
    key = random_uuid()
    first = post_with_key(service, path, key, body)
    with create_client(service, *scopes) as client:
        assert post_with_key(service, path, key, body, client) == "403"
    assert post_with_key(service, path, key, body) == first + " again"


def test_a_refused_request_is_refused_again(service: RunningService) -> None:
    """A request that cannot be read is remembered as such, also where its scope could not be looked at."""
    key, bad = random_uuid(), {"label": "x", "scopes": ["fly"]}
    assert [post_with_key(service, "api-keys", key, bad) for _ in range(2)] == ["400", "400 again"]


def test_an_empty_key_is_none(service: RunningService) -> None:
    """Requests with an empty Idempotency-Key, as some clients send, are each carried out."""
    assert [post_with_key(service, "messages", "", make_request()) for _ in range(2)] == ["202", "202"]


def make_fingerprint(service: RunningService, body: bytes) -> bytes:
    """What tells a request to send a message from others with the same key."""
    return hashlib.sha256(f"POST {service.account_path}/messages\n".encode() + body).digest()


def test_what_a_dead_process_had_begun_is_done_at_once(service: RunningService) -> None:
    """While the other process lives the request is 409; as soon as it was killed it is carried out, once."""
    key, body = random_uuid(), json.dumps(make_request()).encode()
    headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
    with begin_elsewhere(service, key, make_fingerprint(service, body)) as process:
        running = service.client.post(f"{service.account_path}/messages", content=body, headers=headers)
        assert (running.status_code, running.headers["idempotent-replayed"]) == (409, "false")
        process.kill()
        process.wait()
        answers = [
            service.client.post(f"{service.account_path}/messages", content=body, headers=headers) for _ in range(2)
        ]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].content == answers[1].content
    assert answers[1].headers["idempotent-replayed"] == "true"


def test_what_a_process_had_done_when_it_died_is_not_done_again(service: RunningService) -> None:
    """A response that was stored before the death is answered again."""
    key, body = random_uuid(), json.dumps(make_request()).encode()
    headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
    with begin_elsewhere(service, key, make_fingerprint(service, body)) as process:
        process.communicate("")
        answer = service.client.post(f"{service.account_path}/messages", content=body, headers=headers)
    assert (answer.status_code, answer.json()) == (202, {})
    assert answer.headers["idempotent-replayed"] == "true"


def test_what_failed_with_the_database_may_be_made_again(tmp_path: Path) -> None:
    """A request whose lease could not be ended, since the database went away, may be made again of the same process as
    soon as the database is back; another process, which cannot know, waits for the end of the lease.
    """
    with (
        use_dialect("postgresql"),
        DatabaseProxy(make_database_url()) as proxy,
        RunningService(tmp_path / "data", database=proxy.url) as service,
    ):
        parts = service.components

        def make(process: ProcessLock = parts.process_lock) -> idempotency.IdempotentRequest:
            account = uuid.UUID(service.account)
            return idempotency.IdempotentRequest(
                parts.database, parts.vault, process, account=account, key="k", fingerprint=b"f"
            )

        first = make()
        assert first.start() is None
        with proxy.cut(), pytest.raises(DatabaseUnavailable):
            first.release()
        elsewhere = make(ProcessLock(tmp_path)).start()
        assert elsewhere is not None
        assert elsewhere["status"] == 0
        assert make().start() is None


def test_what_outlived_its_lease_is_not_carried_out_twice(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that was made again after its lease had ended, while the first was still at work, is carried out once:
    the first one's transaction is rolled back.
    """
    parts, key = service.components, random_uuid()
    slow, again = (
        idempotency.IdempotentRequest(
            parts.database,
            parts.vault,
            parts.process_lock,
            account=uuid.UUID(service.account),
            key=key,
            fingerprint=b"f",
        )
        for _ in range(2)
    )
    assert slow.start() is None
    monkeypatch.setattr(parts.database, "now", lambda: now() + 2 * idempotency.LEASE_US)
    assert again.start() is None
    website = update(schema.accounts).where(schema.accounts.c.id == uuid.UUID(service.account))

    def carry_out(connection: Connection) -> None:
        connection.execute(website.values(website="https://slow.example/"))
        slow.store_response(connection, 202, b"{}")

    with pytest.raises(RequestInProgress):
        parts.database.write_together(carry_out)
    with parts.database.write() as connection:
        again.store_response(connection, 202, b"{}")
    assert again.is_stored
    assert not slow.is_stored
    assert service.client.get(service.account_path).json()["website"] != "https://slow.example/"


@pytest.mark.both_databases
def test_a_start_forgets_what_dead_processes_had_begun(tmp_path: Path) -> None:
    """After a restart there is neither the claim of a process that was killed nor its lock."""
    with RunningService(tmp_path / "data") as service:
        with begin_elsewhere(service, "k", b"f" * 32):
            pass
        service.components.stop()
    with RunningService(tmp_path / "data") as service:
        with service.components.database.read() as connection:
            assert connection.scalar(select(func.count()).select_from(schema.idempotency)) == 0
        assert service.components.process_lock.list_dead() == []
        assert len(list((tmp_path / "data" / "processes").iterdir())) == 1
        service.components.stop()


def test_a_lease_of_a_clock_that_was_ahead_is_over(service: RunningService) -> None:
    """A request that was begun while the clock was a day ahead is carried out when it is made again."""
    key, body = random_uuid(), json.dumps(make_request()).encode()
    ahead = now() + DAY_US
    with service.components.database.write() as connection:
        idempotency_table.start(
            connection,
            uuid.UUID(service.account),
            key,
            fingerprint=make_fingerprint(service, body),
            now=ahead,
            until=ahead + idempotency.LEASE_US,
        )
    assert post_with_key(service, "messages", key, make_request()) == "202"

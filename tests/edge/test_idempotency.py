"""`Idempotency-Key`: which answers are remembered, for how long, and which are not."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from linkweir.edge import idempotency
from linkweir.edge.parts import now
from linkweir.mail import retention
from linkweir.store import tables
from tests.edge.serving import Served, request, some_uuid

SECOND = 1_000_000


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One service for this file."""
    with Served(tmp_path_factory.mktemp("idempotency") / "data") as service:
        yield service


def post(served: Served, path: str, key: str, body: dict[str, Any], client: httpx.Client | None = None) -> str:
    """POST with an Idempotency-Key: the status, and `again` when the answer is a remembered one."""
    headers = {"Idempotency-Key": key}
    answer = (client or served.client).post(f"{served.base}/{path}", json=body, headers=headers)
    return f"{answer.status_code}{' again' if answer.headers.get('idempotent-replayed') == 'true' else ''}"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("messages", request(), "202"),
        ("messages", request(recipients=[]), "400"),
        ("webhooks", {"name": "x", "url": "ftp://x", "scope": "global"}, "400"),
        ("domains", {"domain": "kept.example"}, "201"),
    ],
)
def test_what_follows_from_the_request_alone_is_remembered(
    served: Served, path: str, body: dict[str, Any], status: str
) -> None:
    """A success, and an error that the request itself is the reason of, are answered again as they were."""
    key = some_uuid()
    assert [post(served, path, key, body) for _ in range(2)] == [status, status + " again"]


def test_a_conflict_is_not_remembered(served: Served) -> None:
    """A domain that exists is 409, and once it is gone the same request with the same key is carried out."""
    key, body = some_uuid(), {"domain": "busy.example"}
    assert post(served, "domains", some_uuid(), body) == "201"
    assert [post(served, "domains", key, body) for _ in range(2)] == ["409", "409"]
    served.client.delete(f"{served.base}/domains/busy.example").raise_for_status()
    assert post(served, "domains", key, body) == "201"


def test_what_a_key_may_not_do_is_not_remembered(served: Served) -> None:
    """A sender's domain outside the key's scopes is 403, and 202 with the same Idempotency-Key when it may."""
    made = {"label": "x", "scopes": ["messages:send:{other.example}"]}
    shown = served.client.post(f"{served.base}/api-keys", json=made).json()
    with httpx.Client(base_url=served.url, headers={"Authorization": f"Bearer {shown['secret_key']}"}) as client:
        key = some_uuid()
        assert post(served, "messages", key, request(), client) == "403"
        wider = {"scopes": ["messages:send:{example.com}"]}
        served.client.put(f"{served.base}/api-keys/{shown['id']}", json=wider).raise_for_status()
        assert post(served, "messages", key, request(), client) == "202"
        client.headers["Authorization"] = "Bearer nobody"
        assert post(served, "messages", key, request(), client) == "401"


def test_a_failure_of_ours_is_not_remembered(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a 500 the same request with the same key is carried out."""
    key = some_uuid()

    def broken(*_: object, **_names: object) -> None:
        raise RuntimeError("a bug")

    with monkeypatch.context() as patch:
        patch.setattr(served.service.submitter, "submit", broken)
        assert post(served, "messages", key, request()) == "500"
    assert post(served, "messages", key, request()) == "202"


def test_a_dry_run_can_be_repeated(served: Served) -> None:
    """A check that carries a key is answered each time: it makes nothing."""
    key, body = some_uuid(), {"html_content": "x"}
    assert [post(served, "check", key, body) for _ in range(2)] == ["200", "200"]


@pytest.mark.parametrize(
    ("path", "body", "seconds"),
    [
        ("messages", request(), 86_400),
        ("api-keys", {"label": "x", "scopes": ["accounts:read"]}, 300),
        ("smtp-credentials", {"name": "x", "scope": "global"}, 300),
        ("webhooks", {"name": "x", "url": "https://example.com/", "scope": "global"}, 300),
    ],
)
def test_answers_are_forgotten_in_time(
    served: Served, monkeypatch: pytest.MonkeyPatch, path: str, body: dict[str, Any], seconds: int
) -> None:
    """An answer is given again for a day, one that holds a secret for five minutes; then its row goes, unasked."""
    key = some_uuid()
    first = post(served, path, key, body)
    monkeypatch.setattr(idempotency, "now", lambda: now() + (seconds - 30) * SECOND)
    assert post(served, path, key, body) == first + " again"
    monkeypatch.setattr(idempotency, "now", lambda: now() + (seconds + 30) * SECOND)
    assert post(served, path, key, body) == first
    retention.sweep(served.service.store, now() + 3 * 86_400 * SECOND, served.service.log)
    with served.service.store.read() as connection:
        assert connection.scalar(select(func.count()).select_from(tables.idempotency)) == 0


def with_key(served: Served, *scopes: str) -> httpx.Client:
    """A client with a new key of these scopes."""
    made = served.client.post(f"{served.base}/api-keys", json={"label": "x", "scopes": list(scopes)}).json()
    headers = {"Authorization": f"Bearer {made['secret_key']}"}
    return httpx.Client(base_url=served.url, headers=headers, timeout=20)


@pytest.mark.parametrize(
    ("path", "body", "scopes"),
    [
        ("messages", request(), ["messages:send:{other.example}"]),
        ("api-keys", {"label": "x", "scopes": ["accounts:write"]}, ["api-keys:write", "messages:send:all"]),
        ("webhooks", {"name": "x", "url": "https://example.com/", "scope": "global"}, ["messages:send:all"]),
    ],
)
def test_a_repeat_needs_the_scope_too(served: Served, path: str, body: dict[str, Any], scopes: list[str]) -> None:
    """Who could not have made the first request is not given its answer: 403, and who could is."""
    key = some_uuid()
    first = post(served, path, key, body)
    with with_key(served, *scopes) as client:
        assert post(served, path, key, body, client) == "403"
    assert post(served, path, key, body) == first + " again"


def test_a_refused_request_is_refused_again(served: Served) -> None:
    """A request that cannot be read is remembered as such, also where its scope could not be looked at."""
    key, bad = some_uuid(), {"label": "x", "scopes": ["fly"]}
    assert [post(served, "api-keys", key, bad) for _ in range(2)] == ["400", "400 again"]


def test_an_empty_key_is_none(served: Served) -> None:
    """Requests with an empty Idempotency-Key, as some clients send, are each carried out."""
    assert [post(served, "messages", "", request()) for _ in range(2)] == ["202", "202"]

"""Tests of accounts, keys, ping, and the operator's pages against a running service."""

import contextlib
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from linkweir.db.database import WriteMode
from tests.databases import open_again
from tests.web.running_service import RunningService, random_uuid


@pytest.fixture(scope="module")
def service(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """One service for the whole file."""
    with RunningService(tmp_path_factory.mktemp("service"), store_wait=0.5) as running:
        yield running


def test_an_account_starts_with_tracking_off(service: RunningService) -> None:
    """Both kinds of tracking are off until somebody turns them on."""
    account = service.client.get(service.account_path).json()
    assert (account["object"], account["id"]) == ("account", service.account)
    assert (account["track_clicks"], account["track_opens"]) == (False, False)


def test_a_change_is_partial(service: RunningService) -> None:
    """PUT changes what it names, keeps the rest, and answers with the whole account."""
    before = service.client.get(service.account_path).json()
    answer = service.client.put(
        service.account_path, json={"name": "Weir & Co", "website": "https://example.com", "x": 1}
    )
    assert answer.status_code == 200
    changed = {"name": "Weir & Co", "website": "https://example.com", "updated_at": answer.json()["updated_at"]}
    assert answer.json() == {**before, **changed}
    assert service.client.get(service.account_path).json() == answer.json()
    assert service.client.put(service.account_path, json={}).json() == answer.json()


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"track_clicks": "yes"}, 400, "track_clicks"),
        ({"track_clicks": None}, 400, "track_clicks"),
        ({"name": ""}, 400, "name"),
        ({"message_metadata_retention": 0}, 400, "message_metadata_retention"),
        ({"message_metadata_retention": 31}, 400, "message_metadata_retention"),
        ({"message_data_retention": -1}, 400, "message_data_retention"),
        ({"message_data_retention": 1.5}, 400, "message_data_retention"),
    ],
)
def test_bad_changes_change_nothing(service: RunningService, change: dict[str, Any], status: int, field: str) -> None:
    """A value out of range or of another type is refused by name."""
    before = service.client.get(service.account_path).json()
    answer = service.client.put(service.account_path, json={"about": "changed", **change})
    assert answer.status_code == status
    assert field in answer.json()["message"]
    assert service.client.get(service.account_path).json() == before


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer wrong",
        "Basic KEY",
        "KEY",
        "Bearer KEYx",
        "Bearer kEY",
        "Bearer " + "x" * 5000,
    ],
)
def test_keys_that_are_refused(service: RunningService, header: str | None) -> None:
    """A missing, malformed, unknown or altered key is 401 everywhere, with one and the same answer."""
    key = service.key
    sent = {} if header is None else {"Authorization": header.replace("KEY", key).replace("kEY", key.swapcase())}
    answers = [
        service.reader.get(service.account_path, headers=sent),
        service.reader.put(service.account_path, json={"name": "mine"}, headers=sent),
        service.reader.post(f"{service.account_path}/messages", json={}, headers=sent),
        service.reader.get(f"{service.account_path}/messages/{random_uuid()}", headers=sent),
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert {answer.text for answer in answers} == {'{"message":"the API key is missing or not valid here"}'}
    assert answers[0].headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("account", ["x", "00000000-0000-0000-0000-000000000000", "..", "%2e%2e"])
def test_another_account_is_refused_like_a_wrong_key(service: RunningService, account: str) -> None:
    """A key opens its own account only; whether another one exists cannot be told."""
    answer = service.client.post(f"/v2/accounts/{account}/messages", json={})
    assert answer.status_code in (401, 404)
    assert answer.status_code == 401 or ".." in account or "%2e" in account


def test_keys_are_stored_as_hashes(service: RunningService) -> None:
    """The key itself is in no file of the data folder."""
    for path in service.settings.data.rglob("*"):
        assert not path.is_file() or service.key.encode() not in path.read_bytes()


def test_ping(service: RunningService) -> None:
    """Ping needs no key, but a wrong one is told so, since clients try their keys with it."""
    assert service.reader.get("/v2/ping").json() == {"message": "pong"}
    assert service.client.get("/v2/ping").json() == {"message": "pong"}
    assert service.reader.get("/v2/ping", headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_what_is_not_there_is_json_too(service: RunningService) -> None:
    """Unknown paths and methods are `{"message": text}`, and no trailing slash redirects anywhere."""
    for method, path, status in [
        ("GET", "/nothing", 404),
        ("GET", "/v2/ping/", 404),
        ("POST", "/v2/ping", 405),
        ("DELETE", service.account_path, 405),
    ]:
        answer = service.client.request(method, path)
        assert answer.status_code == status
        assert answer.json().keys() == {"message"}


def test_health_and_figures(service: RunningService) -> None:
    """/healthz and /readyz answer 200, and /metrics names the figures that an alarm is made of, and each
    operation of the API by its id.
    """
    assert service.client.get(service.account_path).status_code == 200
    assert service.reader.get("/healthz").json() == {"status": "ok"}
    ready = service.reader.get("/readyz")
    assert ready.status_code == 200
    assert set(ready.json()["checks"].values()) == {"ok"}
    text = service.reader.get("/metrics").text
    for name in ("linkweir_clicks_lost_total", "linkweir_queue_messages", "linkweir_clicks_waiting"):
        assert f"\n{name} 0.0\n" in text
    assert 'linkweir_http_responses_total{endpoint="healthz",status="200"}' in text
    assert 'linkweir_http_responses_total{endpoint="get__v2_accounts_account_id",status="200"}' in text


def test_readyz_names_what_is_missing(service: RunningService) -> None:
    """Without its spool folder the service is not ready, and says so."""
    shutil.rmtree(service.settings.spool_path)
    answer = service.reader.get("/readyz")
    assert answer.status_code == 503
    assert "missing" in answer.json()["checks"]["spool"]
    service.settings.spool_path.mkdir()
    assert service.reader.get("/readyz").status_code == 200


def test_a_locked_database_is_503(service: RunningService) -> None:
    """A send that cannot be stored is 503 with Retry-After, and nothing of it is accepted."""
    other = open_again(service.components.database)
    with contextlib.closing(other), other.write(WriteMode.EXCLUSIVE):
        answer = service.client.put(service.account_path, json={"name": "x"})
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert answer.json().keys() == {"message"}

"""That nobody finds out what is there by trying: what belongs to somebody else is answered as what does not exist."""

import uuid
from collections.abc import Iterator

import httpx
import pytest

from linkweir.accounts import api_keys
from linkweir.clock import now
from linkweir.db import accounts_table
from tests.web.running_service import WAIT_SECONDS, RunningService

WEBHOOK = {"name": "n", "url": "https://h.example/", "scope": "global", "enabled": False}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service whose first account has something of everything."""
    with RunningService(tmp_path_factory.mktemp("data") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def stranger(service: RunningService) -> Iterator[tuple[httpx.Client, str]]:
    """Somebody with every right in another account: a client, and that account's path."""
    account = uuid.uuid4()
    with service.components.database.write() as connection:
        accounts_table.create(connection, account, "Other", now())
        _, key = api_keys.create_api_key(connection, account, "other", now())
    with httpx.Client(base_url=service.url, headers={"Authorization": f"Bearer {key}"}, timeout=WAIT_SECONDS) as client:
        yield client, f"/v2/accounts/{account}"


def create_resource(service: RunningService, kind: str, **body: object) -> str:
    """The id of something new of the first account."""
    answer = service.client.post(f"{service.account_path}/{kind}", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def test_what_belongs_to_somebody_else_does_not_exist(
    service: RunningService, stranger: tuple[httpx.Client, str]
) -> None:
    """Whoever has a key of another account gets the very same answer for an id that exists here and for one that exists
    nowhere, whatever they try to do with it.
    """
    client, base = stranger
    (entry,) = service.send()
    message = service.get_message(entry["id"])["id"]
    ids = {
        "messages/{}": message,
        "messages/{}/clicks": message,
        "messages/{}/links": message,
        "messages/{}/cancel": message,
        "domains/{}": "there.example",
        "webhooks/{}": create_resource(service, "webhooks", **WEBHOOK),
        "smtp-credentials/{}": create_resource(service, "smtp-credentials", name="n", sandbox=False, scope="global"),
        "api-keys/{}": create_resource(service, "api-keys", label="n", scopes=["messages:send:all"]),
    }
    create_resource(service, "domains", domain="there.example")
    for path, there in ids.items():
        nowhere = "nowhere.example" if path.startswith("domains") else str(uuid.uuid4())
        assert service.client.get(f"{service.account_path}/{path.format(there)}").status_code in (200, 405), path
        for method in ("GET", "DELETE", "PUT"):
            answers = [
                client.request(method, f"{base}/{path.format(key)}", json={"name": "n"} if method == "PUT" else None)
                for key in (there, nowhere)
            ]
            told = [
                (one.status_code, one.text.replace(key, "")) for one, key in zip(answers, (there, nowhere), strict=True)
            ]
            assert told[0] == told[1], (method, path)
            assert told[0][0] in (400, 404, 405), (method, path)
    assert service.get_message(entry["id"])["id"] == message  # it was neither cancelled nor removed


def test_an_account_that_exists_is_as_closed_as_one_that_does_not(
    service: RunningService, stranger: tuple[httpx.Client, str]
) -> None:
    """A key opens the paths of its own account; another one's, and one of no account, are 401 in the same words."""
    client, _ = stranger
    answers = [client.get(path) for path in (service.account_path, f"/v2/accounts/{uuid.uuid4()}", "/v2/accounts/x")]
    assert {(answer.status_code, answer.text) for answer in answers} == {(401, answers[0].text)}


def test_a_recipient_of_somebody_else_is_unknown(service: RunningService, stranger: tuple[httpx.Client, str]) -> None:
    """Export and erasure answer for an address that another account has written to as for one that nobody knows."""
    client, base = stranger
    (entry,) = service.send(recipients=[{"email": "known@example.org"}])
    for method in ("GET", "DELETE"):
        told = [
            client.request(method, f"{base}/recipients/{name}@example.org").text.replace(name, "")
            for name in ("known", "nobody")
        ]
        assert told[0] == told[1]
    assert service.get_message(entry["id"])["recipient"] == "known@example.org"

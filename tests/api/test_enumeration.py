"""That nobody finds out what is there by trying: what belongs to somebody else is answered as what does not exist."""

import uuid
from collections.abc import Iterator

import httpx
import pytest

from linkweir.accounts import api_keys
from linkweir.clock import now
from linkweir.db import accounts_table, domains_table
from linkweir.html.document import scan
from tests.db.sample_database import list_webhook_requests
from tests.web.running_service import WAIT_SECONDS, RunningService, html_body, make_request, read_maildir, wait_until

WEBHOOK = {"name": "n", "url": "https://h.example/", "scope": "global", "enabled": False}


@pytest.fixture(scope="module")
def service(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
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


def test_the_domain_of_another_account_gives_nothing_of_it(
    service: RunningService, stranger: tuple[httpx.Client, str]
) -> None:
    """Who adds the domain of another account has its own key, settings and host for it: mail from it goes out without
    the other's signature and host, and nothing that the other sends from it is told, counted or shown. What becomes of
    the one changes nothing of the other.
    """
    client, base = stranger
    first = create_resource(service, "domains", domain="both.example", dkim="generate", tracking_subdomain="go")
    answer = client.post(f"{base}/domains", json={"domain": "both.example"})
    assert (answer.status_code, answer.json()["tracking_subdomain"], answer.json()["dkim_selector"]) == (
        201,
        None,
        None,
    )
    assert answer.json()["id"] != first
    with service.components.database.write() as connection:  # as the DNS of both would; now there are two accounts
        domains_table.mark_all_proven(connection, now())
    hook = {**WEBHOOK, "scope": "scoped", "domains": ["both.example"], "on_reception": True, "enabled": True}
    webhook = client.post(f"{base}/webhooks", json=hook).json()["id"]

    sender = {"email": "news@both.example"}
    (ours,) = service.send(**{"from": sender})
    assert "DKIM-Signature" in service.wait_for_mail(ours["id"])
    assert all("//go.both.example" in link for link in service.delivered_links(ours["id"]))
    theirs_body = make_request(**{"from": sender, "tracking": {"click": True}})
    theirs = client.post(f"{base}/messages", json=theirs_body).json()["data"][0]
    wait_until(lambda: theirs["id"] in read_maildir(service.settings.maildir_path))
    mail = read_maildir(service.settings.maildir_path)[theirs["id"]]
    assert "DKIM-Signature" not in mail
    links = [link.destination or "" for link in scan(html_body(mail))]
    assert any(link.startswith(service.settings.base_url) for link in links)
    assert not any("go.both.example" in link for link in links)

    for path in ("messages", "messages?sender=news@both.example"):
        listed = client.get(f"{base}/{path}").json()["data"]
        assert [message["id"] for message in listed] == [theirs["id"].strip("<>").partition("@")[0]]
    service.reader.get(service.delivered_links(ours["id"])[0].replace("//go.both.example", "//127.0.0.1"))
    service.wait_until_ingested()
    rows = client.get(f"{base}/statistics/clicks?sender_domain=both.example").json()["data"]
    assert [row["total"] for row in rows if row.get("total")] == []
    with service.components.database.read() as connection:
        told = list_webhook_requests(connection, uuid.UUID(webhook))
    assert len(told) == 1
    assert theirs["id"].strip("<>").encode() in told[0]["body"]

    assert client.delete(f"{base}/domains/both.example").status_code == 200
    kept = service.client.get(f"{service.account_path}/domains/both.example").json()
    assert (kept["id"], kept["tracking_subdomain"]) == (first, "go")
    (again,) = service.send(**{"from": sender})
    assert "DKIM-Signature" in service.wait_for_mail(again["id"])

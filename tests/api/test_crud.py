"""Everything around sending: keys and scopes, limits, lists, domains, credentials, statistics, the dry run, API v1."""

import re
import smtplib
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from linkweir.accounts import scopes, webhook_settings
from linkweir.api.openapi_document import build_document
from linkweir.db import idempotency_table
from linkweir.db.schema import api_keys
from linkweir.tokens.opener import open_link
from tests.web.running_service import WAIT_SECONDS, RunningService, html_body, make_request, random_uuid, wait_until


@pytest.fixture(scope="module")
def service(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """One service for this file, that lets a client ask often."""
    roomy = {"statistics_rate": 1e6, "statistics_burst": 10**6, "smtp_port": 0}
    with RunningService(tmp_path_factory.mktemp("resources") / "data", **roomy) as service:
        yield service


def create_resource(service: RunningService, path: str, **body: Any) -> dict[str, Any]:
    """POST, expect 201, and give the answer."""
    answer = service.client.post(f"{service.account_path}/{path}", json=body)
    assert answer.status_code == 201, answer.text
    result: dict[str, Any] = answer.json()
    return result


def create_client(service: RunningService, *scopes: str) -> httpx.Client:
    """A client with a new key of these scopes."""
    key = create_resource(service, "api-keys", label="test", scopes=list(scopes))
    return httpx.Client(
        base_url=service.url, headers={"Authorization": f"Bearer {key['secret_key']}"}, timeout=WAIT_SECONDS
    )


def test_a_key_is_limited_to_its_scopes(service: RunningService) -> None:
    """A key for one domain sends from it and from no other, and does nothing else: 403."""
    with create_client(service, "messages:send:{example.com}") as client:
        send = f"{service.account_path}/messages"
        assert client.post(send, json=make_request()).status_code == 202
        assert client.post(send, json=make_request(**{"from": {"email": "a@other.example"}})).status_code == 403
        assert client.get(send).status_code == 403
        assert client.get(f"{service.account_path}/api-keys").status_code == 403


def test_nobody_grants_more_than_they_hold(service: RunningService) -> None:
    """A key that may make keys cannot make one that may do more than itself."""
    with create_client(service, "api-keys:write", "messages:send:all") as client:
        path = f"{service.account_path}/api-keys"
        assert client.post(path, json={"label": "x", "scopes": ["accounts:write"]}).status_code == 403
        assert client.post(path, json={"label": "x", "scopes": ["messages:send:{a.example}"]}).status_code == 201


def test_nobody_changes_a_key_that_may_do_more(service: RunningService) -> None:
    """A key changes those alone whose scopes, before and after, are among its own: 403 for others, and they stay."""
    more = create_resource(service, "api-keys", label="more", scopes=["accounts:write", "messages:send:all"])
    less = create_resource(service, "api-keys", label="less", scopes=["messages:send:{a.example}"])
    with create_client(service, "api-keys:write", "api-keys:read", "messages:send:all") as client:
        for key, body, status in (
            (more, {"scopes": ["messages:send:all"]}, 403),
            (more, {"label": "mine"}, 403),
            (less, {"scopes": ["accounts:write"]}, 403),
            (less, {"scopes": ["messages:send:{b.example}"]}, 200),
        ):
            assert client.put(f"{service.account_path}/api-keys/{key['id']}", json=body).status_code == status
        shown = client.get(f"{service.account_path}/api-keys/{more['id']}").json()
    assert shown["label"] == "more"
    assert [item["scope"] for item in shown["scopes"]] == ["accounts:write", "messages:send:all"]


@pytest.mark.parametrize(
    "scope",
    ["fly", "", "*", "messages:send", "messages:send:", "messages:fly:all", "domains:write:all", "accounts:read:{a.b}"]
    + [f"{thing}:{deed}:{{example.com}}" for thing in ("webhooks", "smtp-credentials") for deed in ("read", "write")]
    + ["webhooks:delete:{example.com}", "suppressions:read", "routes:read:all", "messages:send:{*}"],
)
def test_a_scope_that_opens_nothing_is_not_granted(service: RunningService, scope: str) -> None:
    """400 names the scope that opens nothing here, and the known ones, on making a key and on changing one."""
    key = create_resource(service, "api-keys", label="x", scopes=["accounts:read"])
    for method, path in (("POST", "api-keys"), ("PUT", f"api-keys/{key['id']}")):
        body = {"label": "x", "scopes": ["messages:send:all", scope]}
        answer = service.client.request(method, f"{service.account_path}/{path}", json=body)
        assert answer.status_code == 400
        assert answer.json()["message"].startswith(f"scopes[1]: there is no scope {scope!r}; known are accounts:read, ")
        assert "messages:send:{example.com}" in answer.json()["message"]


def test_every_scope_that_is_granted_opens_something(service: RunningService) -> None:
    """Each known scope lets its key do something that a key without it may not: no 403, where others get one."""
    key, hook = random_uuid(), random_uuid()
    messages = f"messages/{random_uuid()}"
    opens: dict[str, tuple[str, str]] = {
        "accounts:read": ("GET", ""),
        "accounts:write": ("PUT", ""),
        "domains:read": ("GET", "/domains"),
        "domains:write": ("POST", "/domains"),
        "domains:delete": ("DELETE", "/domains/nowhere.example"),
        "api-keys:read": ("GET", "/api-keys"),
        "api-keys:write": ("POST", "/api-keys"),
        "api-keys:delete": ("DELETE", f"/api-keys/{key}"),
        "recipients:read": ("GET", "/recipients/nobody@example.org"),
        "recipients:delete": ("DELETE", "/recipients/nobody@example.org"),
        "messages:send": ("POST", "/messages"),
        "messages:read": ("GET", "/messages"),
        "messages:cancel": ("DELETE", f"/{messages}/cancel"),
        "statistics-transactional:read": (
            "GET",
            "/statistics/transactional/deliverability?sender_domain=example.com",
        ),
        "webhooks:read": ("GET", "/webhooks"),
        "webhooks:write": ("POST", "/webhooks"),
        "webhooks:delete": ("DELETE", f"/webhooks/{hook}"),
        "corrections:read": ("GET", "/corrections"),
        "corrections:write": ("POST", "/corrections"),
        "corrections:delete": ("DELETE", f"/corrections/{hook}"),
        "smtp-credentials:read": ("GET", "/smtp-credentials"),
        "smtp-credentials:write": ("POST", "/smtp-credentials"),
        "smtp-credentials:delete": ("DELETE", f"/smtp-credentials/{hook}"),
    }
    for scope in scopes.ALL_SCOPES:
        method, path = opens[scope.removesuffix(":all").removesuffix(":{example.com}")]
        other = "accounts:read" if scope != "accounts:read" else "domains:read"
        result = []
        for item in (scope, other):
            with create_client(service, item) as client:
                body: dict[str, Any] = {"content": "{}"} if method in ("POST", "PUT") else {}
                result.append(client.request(method, service.account_path + path, **body).status_code)
        assert result[0] in (200, 400, 404), scope
        assert result[1] == 403, scope


def test_a_deleted_key_opens_nothing(service: RunningService) -> None:
    """After DELETE the key is refused, and the list no longer has it."""
    key = create_resource(service, "api-keys", label="gone", scopes=["accounts:read"])
    headers = {"Authorization": f"Bearer {key['secret_key']}"}
    assert httpx.get(service.url + service.account_path, headers=headers, timeout=WAIT_SECONDS).status_code == 200
    assert service.client.delete(f"{service.account_path}/api-keys/{key['id']}").status_code == 200
    assert httpx.get(service.url + service.account_path, headers=headers, timeout=WAIT_SECONDS).status_code == 401
    assert service.client.get(f"{service.account_path}/api-keys/{key['id']}").status_code == 404


def test_secrets_are_shown_once(service: RunningService) -> None:
    """Keys, passwords and webhook secrets stand in the answer to their making and nowhere else."""
    hook = create_resource(service, "webhooks", name="x", url="https://example.com/", scope="global")
    credential = create_resource(service, "smtp-credentials", name="x", scope="global")
    key = create_resource(service, "api-keys", label="x", scopes=["accounts:read"])
    shown = "".join(
        service.client.get(f"{service.account_path}/{name}").text
        for name in ("webhooks", "smtp-credentials", "api-keys")
    )
    for secret in (hook["secret"], credential["password"], key["secret_key"]):
        assert secret
        assert secret not in shown


def test_a_list_comes_in_pages(service: RunningService) -> None:
    """Cursors lead through all messages in both directions, each once, while others are added."""
    tag = random_uuid()
    ids = [service.send(tags=[tag])[0]["id"] for _ in range(5)]
    seen: list[str] = []
    after = None
    while True:
        query = {"tags": tag, "limit": "2", **({"after": after} if after else {})}
        page = service.client.get(f"{service.account_path}/messages", params=query).json()
        seen += [item["message_id"] for item in page["data"]]
        service.send()
        after = page["pagination"].get("next_cursor")
        if not page["pagination"]["has_more"]:
            break
        back = page["pagination"]["next_cursor"]
    assert sorted(seen) == sorted(ids)
    before = service.client.get(
        f"{service.account_path}/messages", params={"tags": tag, "limit": "2", "before": back}
    ).json()
    assert [item["message_id"] for item in before["data"]] == seen[1:3]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "after=!", "after=YQ==&before=YQ==", "from_time=now"]
)
def test_a_bad_query_is_400(service: RunningService, query: str) -> None:
    """What a list cannot be asked for is named."""
    answer = service.client.get(f"{service.account_path}/messages?{query}")
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(query.partition("=")[0])


def test_messages_are_searched_by_each_field(service: RunningService) -> None:
    """Each filter finds the message and spares the others; wildcards in a subject are text."""
    (entry,) = service.send(subject="100% _rare_", recipients=[{"email": "rare@example.org"}], tags=["rare"])
    service.send(subject="100 x rare")
    now = datetime.now(UTC)
    filters = [
        {"recipient": "RARE@example.org"},
        {"subject": "% _RARE"},
        {"tags": "other,rare"},
        {"message_id_header": entry["id"]},
        {"sender": "news@example.com", "recipient": "rare@example.org", "from_time": (now - timedelta(1)).isoformat()},
    ]
    for query in filters:
        result = service.client.get(f"{service.account_path}/messages", params=query).json()["data"]
        assert [item["message_id"] for item in result] == [entry["id"]], query
    old = {"recipient": "rare@example.org", "to_time": (now - timedelta(1)).isoformat()}
    assert service.client.get(f"{service.account_path}/messages", params=old).json()["data"] == []


def test_a_scheduled_message_can_be_cancelled_once(service: RunningService) -> None:
    """DELETE …/cancel takes it back; a second time, and for one that was sent, it is 409."""
    first = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    (entry,) = service.send(schedule={"first_attempt": first})
    path = f"{service.account_path}/messages/{entry['id'].strip('<>').partition('@')[0]}/cancel"
    assert [service.client.delete(path).status_code for _ in range(2)] == [200, 409]
    assert service.get_message(entry["id"])["status"] == "Cancelled"
    (sent,) = service.send()
    service.wait_for_mail(sent["id"])
    assert (
        service.client.delete(
            f"{service.account_path}/messages/{sent['id'].strip('<>').partition('@')[0]}/cancel"
        ).status_code
        == 409
    )


def test_a_message_is_shown_taken_apart(service: RunningService) -> None:
    """`content_parsed` has the texts, the attachments in base64, and the headers."""
    file = {"data": "aGk=", "base64": True, "content_type": "text/csv", "file_name": "a.csv"}
    (entry,) = service.send(text_content="plain", attachments=[file], headers={"X-Mine": "yes"})
    parsed = service.get_message(entry["id"])["content_parsed"]
    assert [part["content_type"] for part in parsed["parts"]] == ["text/plain", "text/html"]
    assert [(item["filename"], item["content"]) for item in parsed["attachments"]] == [("a.csv", "aGk=")]
    assert parsed["headers"]["X-Mine"] == ["yes"]


def test_a_domains_links_live_on_its_own_host(service: RunningService) -> None:
    """With a tracking_subdomain links are on that host, open here, and are recognised as tracked."""
    domain = create_resource(service, "domains", domain="Shop.example", tracking_subdomain="click", track_clicks=True)
    assert domain["domain"] == "shop.example"
    html = '<a href="https://example.com/x">x</a>'
    (entry,) = service.send(**{"from": {"email": "a@shop.example"}}, tracking=None, html_content=html)
    (link,) = service.delivered_links(entry["id"])
    assert link.startswith(f"http://click.shop.example:{service.settings.port}/c/")
    assert open_link(service.components.keyring, link).destination == "https://example.com/x"
    assert service.reader.get("/c/" + link.rpartition("/")[2]).headers["location"] == "https://example.com/x"
    page = html_body(service.wait_for_mail(entry["id"]))
    (again,) = service.send(html_content=page)
    assert service.delivered_links(again["id"]) == [link]
    assert service.client.post(f"{service.account_path}/domains", json={"domain": "shop.example"}).status_code == 409
    assert service.client.delete(f"{service.account_path}/domains/shop.example").status_code == 200


def test_policy_goes_from_account_over_domain_to_message(service: RunningService) -> None:
    """The domain's wish wins over the account's, the message's over both, and the strictest privacy stays."""
    html = '<a href="https://example.com/reset">x</a> <a href="https://example.com/y">y</a>'
    base = {"from": {"email": "a@strict.example"}, "html_content": html, "tracking": None}
    create_resource(
        service, "domains", domain="strict.example", track_clicks=True, privacy="pseudonymous", skip=["/reset"]
    )
    (entry,) = service.send(**base, privacy="full")
    skipped, link = service.delivered_links(entry["id"])
    assert skipped == "https://example.com/reset"
    assert open_link(service.components.keyring, link).privacy == "pseudonymous"
    (entry,) = service.send(**{**base, "tracking": {"click": False}})
    assert service.delivered_links(entry["id"]) == ["https://example.com/reset", "https://example.com/y"]


def test_an_account_has_a_policy(service: RunningService) -> None:
    """PUT of a policy field is kept, shown, and taken back by null."""
    answer = service.client.put(service.account_path, json={"utm": {"source": "weir"}, "privacy": "anonymous"})
    assert (answer.json()["utm"], answer.json()["privacy"]) == ({"source": "weir"}, "anonymous")
    wish = {"source": "weir", "hosts": ["example.com"]}
    assert service.client.put(service.account_path, json={"utm": wish}).json()["utm"] == wish
    answer = service.client.put(service.account_path, json={"utm": None, "privacy": None})
    assert (answer.json()["utm"], answer.json()["privacy"]) == (None, None)


@pytest.mark.parametrize(
    ("credential", "status"),
    [
        ({"scope": "global"}, 403),
        ({"scope": "scoped", "domains": ["example.org"]}, 403),
        ({"scope": "scoped", "domains": ["example.com", "example.org"]}, 403),
        ({"scope": "scoped", "domains": ["sub.example.com"]}, 403),
        ({"scope": "scoped", "domains": ["EXAMPLE.com"]}, 201),
    ],
)
def test_nobody_sends_more_by_a_credential(service: RunningService, credential: dict[str, Any], status: int) -> None:
    """A key that may send from one domain makes SMTP credentials for that one alone."""
    scopes = ["smtp-credentials:write:all", "messages:send:{example.com}"]
    key = create_resource(service, "api-keys", label="x", scopes=scopes)["secret_key"]
    headers = {"Authorization": f"Bearer {key}"}
    answer = httpx.post(
        f"{service.url}{service.account_path}/smtp-credentials",
        json={"name": "x", **credential},
        headers=headers,
        timeout=WAIT_SECONDS,
    )
    assert answer.status_code == status, answer.text


def test_a_credential_from_the_api_signs_in(service: RunningService) -> None:
    """A scoped credential sends from its domain, and for another the mail is refused."""
    credential = create_resource(service, "smtp-credentials", name="x", scope="scoped", domains=["example.com"])
    context = ssl.create_default_context(cafile=str(service.settings.data / "smtp-selfsigned.pem"))
    with smtplib.SMTP("localhost", service.components.smtp_servers[0].address[1]) as client:
        client.starttls(context=context)
        client.login(credential["username"], credential["password"])
        client.sendmail("a@example.com", ["b@example.org"], b"From: a@example.com\r\nSubject: x\r\n\r\nx\r\n")
        with pytest.raises(smtplib.SMTPResponseException, match="may not send"):
            client.sendmail("a@other.example", ["b@example.org"], b"From: a@other.example\r\nSubject: x\r\n\r\nx\r\n")


def test_statistics_count_messages(service: RunningService) -> None:
    """Reception, delivery and the first click of a message count in their period; sandbox mail does not."""
    domain = "counted.example"
    sender = {"from": {"email": f"a@{domain}"}}
    (entry,) = service.send(**sender)
    service.send(**sender, sandbox=True)
    link, _ = service.delivered_links(entry["id"])
    for _ in range(3):
        service.reader.get(link)
    wait_until(lambda: service.click_count(entry["id"]) == 3)
    path = f"{service.account_path}/statistics/transactional/deliverability"
    rows = service.client.get(path, params={"sender_domain": domain, "group_by": "month"}).json()["data"]
    totals = {name: sum(row[name] for row in rows) for name in rows[0] if name.endswith("_count")}
    assert (totals["reception_count"], totals["delivered_count"], totals["clicked_count"]) == (1, 1, 1)
    far = {"from_time": "9999-12-30T00:00:00Z", "to_time": "9999-12-31T23:59:59Z"}
    for query in ({"group_by": "year"}, far, {"from_time": "1980-01-01T00:00:00Z", "group_by": "hour"}):
        assert service.client.get(path, params=query).status_code == 400


def test_corrections_are_enabled_separately(service: RunningService) -> None:
    """`on_click_corrected` is ours and off until somebody turns it on; other switches leave it alone."""
    hook = {"name": "x", "url": "https://hooks.example.com/", "scope": "global", "on_clicked": True}
    created = service.client.post(f"{service.account_path}/webhooks", json=hook).json()
    assert (created["on_clicked"], created["on_click_corrected"]) == (True, False)
    path = f"{service.account_path}/webhooks/{created['id']}"
    assert service.client.put(path, json={"on_click_corrected": True}).json()["on_click_corrected"] is True
    assert service.client.put(path, json={"on_opened": True}).json()["on_click_corrected"] is True


def test_the_dry_run_predicts_outcomes(service: RunningService) -> None:
    """POST …/check gives each link's outcome and reason, and stores nothing."""
    html = '<a href="https://example.com/">a</a><a href="www.example.com">b</a>'
    before = len(service.client.get(f"{service.account_path}/messages").json()["data"])
    answer = service.client.post(
        f"{service.account_path}/check", json={"html_content": html, "tracking": {"click": True}}
    )
    assert answer.status_code == 200
    assert [(item["outcome"], item["looks_trackable"]) for item in answer.json()["data"]] == [
        ("tracked", False),
        ("not-http", True),
    ]
    assert answer.json()["track_clicks"] is True
    assert len(service.client.get(f"{service.account_path}/messages").json()["data"]) == before


def test_a_deterministic_error_is_replayed(service: RunningService) -> None:
    """A 400 with an Idempotency-Key is answered again; the same key with another body is 422."""
    key = {"Idempotency-Key": random_uuid()}
    bad = make_request(subject=7)
    first, again = (service.post_message(bad, **key) for _ in range(2))
    assert (first.status_code, again.status_code, first.content) == (400, 400, again.content)
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert service.post_message(make_request(), **key).status_code == 422


def test_a_replayed_secret_is_sealed_in_the_database(service: RunningService) -> None:
    """A repeated making of a key gives the same secret, which the database file does not show."""
    key, body = {"Idempotency-Key": random_uuid()}, {"label": "x", "scopes": ["accounts:read"]}
    first, again = (service.client.post(f"{service.account_path}/api-keys", json=body, headers=key) for _ in range(2))
    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"
    stored = b"".join(path.read_bytes() for path in service.settings.data.glob("linkweir.db*"))
    assert first.json()["secret_key"].encode() not in stored


@pytest.mark.both_databases
def test_too_many_requests_are_429(tmp_path: Path) -> None:
    """Past the burst an account is told when to come back, and then served again."""
    with RunningService(tmp_path / "data", rate_limit=1.0, rate_burst=3) as service:
        answers = [service.client.get(service.account_path)]
        while answers[-1].status_code == 200 and len(answers) < 100:
            answers.append(service.client.get(service.account_path))
        assert len(answers) > 3
        assert answers[-1].status_code == 429
        assert int(answers[-1].headers["retry-after"]) >= 1
        assert answers[-1].json() == {"message": "too many requests"}
        wait_until(lambda: service.client.get(service.account_path).status_code == 200)


def test_api_v1_sends(service: RunningService) -> None:
    """The older request is answered 201 with counts, tracks by its header, and names who was refused."""
    body = {
        "from": {"email": "news@example.com", "name": "News"},
        "recipients": [{"email": "v1@example.org"}, {"email": "no address"}],
        "content": {
            "subject": "Old",
            "html_body": '<a href="https://example.com/v1">x</a>',
            "headers": {"ahasend-track-clicks": "true"},
        },
    }
    answer = service.reader.post("/v1/email/send", json=body, headers={"X-Api-Key": service.key})
    assert answer.status_code == 201
    shown = answer.json()
    assert (shown["success_count"], shown["fail_count"]) == (1, 1)
    assert shown["failed_recipients"] == [{"email": "no address", "name": None}]
    assert shown["errors"][0].startswith("no address: ")
    result = service.client.get(f"{service.account_path}/messages", params={"recipient": "v1@example.org"}).json()[
        "data"
    ]
    page = html_body(service.wait_for_mail(result[0]["message_id"]))
    assert re.search(r'href="http://127', page)


def test_api_v1_errors_are_its_own(service: RunningService) -> None:
    """A bad key is 403 and a bad body 400, both as `status`."""
    bad = service.reader.post("/v1/email/send", json={}, headers={"X-Api-Key": "nobody"})
    assert (bad.status_code, list(bad.json())) == (403, ["status"])
    bad = service.reader.post("/v1/email/send", json={"from": {}}, headers={"X-Api-Key": service.key})
    assert (bad.status_code, list(bad.json())) == (400, ["status"])


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"subject": "x"}, "content.text_body"),
        ({"subject": "a\nb", "html_body": "x"}, None),
        ({"subject": "x", "html_body": "x", "headers": {"To": "x"}}, "content.headers.'To'"),
        ({"subject": "x", "html_body": "x", "reply_to": {"email": "x"}}, "content.reply_to.email"),
        ({"subject": "x", "html_body": 1}, "content.html_body"),
    ],
)
def test_api_v1_names_fields_as_it_knows_them(
    service: RunningService, content: dict[str, Any], field: str | None
) -> None:
    """An error of the older request names its own field, not the newer one's; a recipient's own is in `errors`."""
    body = {"from": {"email": "a@example.com"}, "recipients": [{"email": "b@example.org"}], "content": content}
    answer = service.reader.post("/v1/email/send", json=body, headers={"X-Api-Key": service.key})
    if field is None:
        assert (answer.status_code, answer.json()["fail_count"]) == (201, 1)
    else:
        assert (answer.status_code, answer.json()["status"].partition(": ")[0]) == (400, field)


def test_a_request_that_outlives_its_lease_is_not_carried_out(service: RunningService) -> None:
    """When the same request was made again meanwhile, the late one's transaction comes to nothing."""
    account, key = service.components.account, random_uuid()
    assert account is not None
    begin: dict[str, Any] = {"fingerprint": b"x" * 32}
    with service.components.database.write() as connection:
        assert idempotency_table.start(connection, account, key, now=1, until=2, **begin) is None
        assert idempotency_table.start(connection, account, key, now=3, until=1 << 60, **begin) is None
        idempotency_table.discard(connection, account, key, 1)
        late: dict[str, Any] = {"status": 202, "body": b"", "expires_at": 1 << 60}
        assert not idempotency_table.complete(connection, account, key, begun_at=1, **late)
        assert idempotency_table.complete(connection, account, key, begun_at=3, **late)


def test_a_locked_database_can_still_be_read(service: RunningService) -> None:
    """Reading needs no turn among the writers."""
    with service.components.database.write() as connection:
        connection.execute(update(api_keys).values(last_used_at=None))
    with service.components.database.write():
        assert service.client.get(service.account_path).status_code == 200


@pytest.mark.parametrize(
    "url",
    [
        *("http://:secret@h.example/", "http://@h.example/", "http://u@h.example/", "file:///etc/passwd", "//h/"),
        *("http://h.example/\r\nX: y", "http://h.example:0/", "http://[::1", "http:///x", "gopher://h/", "http://ü/"),
    ],
)
def test_a_webhook_goes_to_a_plain_web_address(service: RunningService, url: str) -> None:
    """No user, no password, no control, no other scheme: 400 naming the field."""
    asked = {"name": "x", "url": url, "scope": "global"}
    answer = service.client.post(f"{service.account_path}/webhooks", json=asked)
    assert (answer.status_code, answer.json()["message"].partition(":")[0]) == (400, "url")


def test_what_cannot_be_stored_is_named(service: RunningService) -> None:
    """A text with U+0000, which PostgreSQL cannot hold, is 400 naming its field on every database, wherever it would be
    stored; nothing has such a name.
    """
    webhook = {"name": "x\0", "url": "https://h.example/", "scope": "global"}
    for method, path, body, field in (
        *(("put", "", {name: "x\0y"}, name) for name in ("name", "website", "about")),
        ("put", "", {"skip": ["x\0y"]}, "skip"),
        ("put", "", {"utm": {"source": "x\0y"}}, "utm.source"),
        ("post", "/webhooks", webhook, "name"),
        ("post", "/api-keys", {"label": "x\0", "scopes": ["accounts:read"]}, "label"),
        ("post", "/smtp-credentials", {"name": "x\0", "scope": "global"}, "name"),
        ("post", "/messages", make_request(tags=["a", "x\0"]), "tags"),
        *(
            ("post", "/messages", make_request(recipients=[{"email": "a@example.org", **more}]), "recipients[0]")
            for more in ({"variant": "\0"}, {"attributes": {"plan": "x\0"}}, {"attributes": {"x\0": "y"}})
        ),
    ):
        answer = service.client.request(method, f"{service.account_path}{path}", json=body)
        assert (answer.status_code, answer.json()["message"].startswith(field)) == (400, True), (path, answer.text)
    assert service.client.get(f"{service.account_path}/domains/x%00y").status_code == 404


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("subject", "x" * 20_000), ("recipient", "x" * 20_000), ("tags", "a," * 2000), ("status", "a," * 2000)),
        *((name, "a\0b") for name in ("subject", "sender", "recipient", "message_id_header", "tags", "status")),
    ],
)
def test_a_filter_has_an_end(service: RunningService, name: str, value: str) -> None:
    """What the database could not look for, or only with great effort, is 400 naming the filter."""
    answer = service.client.get(f"{service.account_path}/messages", params={name: value})
    assert (answer.status_code, answer.json()["message"].partition(":")[0]) == (400, name)


def test_a_cursor_is_after_by_its_older_name(service: RunningService) -> None:
    """`cursor` leads to the next page as `after` does, on every list, and goes together with neither other: 400;
    `before` leads back.
    """
    for _ in range(3):
        create_resource(service, "domains", domain=f"{random_uuid()}.example")
        create_resource(service, "webhooks", name="x", url="https://example.com/", scope="global", enabled=False)
        create_resource(service, "api-keys", label="x", scopes=["accounts:read"])
        create_resource(service, "smtp-credentials", name="x", scope="global")
        urls = {"destination": f"https://example.com/{random_uuid()}", "replacement": "https://example.com/new"}
        create_resource(service, "corrections", **urls)
        service.send()
    for name in ("corrections", "domains", "webhooks", "api-keys", "smtp-credentials", "messages"):
        path = f"{service.account_path}/{name}"
        first = service.client.get(path, params={"limit": 1}).json()
        cursor = first["pagination"]["next_cursor"]
        pages = [service.client.get(path, params={"limit": 1, by: cursor}).json() for by in ("cursor", "after")]
        assert pages[0] == pages[1]
        assert pages[0]["data"] != first["data"]
        before = pages[0]["pagination"]["previous_cursor"]
        assert service.client.get(path, params={"limit": 1, "before": before}).json()["data"] == first["data"]
        for other in ("after", "before"):
            both = {"cursor": cursor, other: cursor}
            assert service.client.get(path, params=both).status_code == 400
        answer = service.client.get(path, params={"cursor": "x"})
        assert answer.json()["message"].startswith("cursor: ")


def test_webhooks_are_filtered(service: RunningService) -> None:
    """`enabled` and each `on_*` let those through that are so, together, and a wrong value is 400."""
    events = ["reception", "delivered", "transient_error", "failed", "bounced", "suppressed", "opened", "clicked"]
    ids: dict[str, str] = {}
    for kind in (*events, "click_corrected"):
        fields = {"name": kind, "url": "https://example.com/", "scope": "global", "enabled": kind == "opened"}
        ids[kind] = create_resource(service, "webhooks", **fields, **{f"on_{kind}": True})["id"]

    def found(**query: str) -> set[str]:
        answer = service.client.get(f"{service.account_path}/webhooks", params=query)
        assert answer.status_code == 200
        return {item["id"] for item in answer.json()["data"]} & set(ids.values())

    for kind, item in ids.items():
        assert found(**{f"on_{kind}": "true"}) == {item}
        assert found(**{f"on_{kind}": "false"}) == set(ids.values()) - {item}
    assert found(enabled="true") == {ids["opened"]}
    assert found(enabled="false") == set(ids.values()) - {ids["opened"]}
    assert found(enabled="true", on_clicked="true") == set()
    assert found(on_dns_error="true") == found(on_suppression_created="true") == set()
    assert found(on_dns_error="false", mood="good") == set(ids.values())
    for name in ("enabled", "on_clicked"):
        answer = service.client.get(f"{service.account_path}/webhooks", params={name: "maybe"})
        assert (answer.status_code, answer.json()) == (400, {"message": f"{name}: must be true or false"})


def test_domains_are_filtered(service: RunningService) -> None:
    """`dns_valid` lets those through that are shown so."""
    create_resource(service, "domains", domain=f"{random_uuid()}.example")
    for text, valid in (("true", True), ("false", False)):
        shown = service.client.get(f"{service.account_path}/domains", params={"dns_valid": text}).json()["data"]
        every = service.client.get(f"{service.account_path}/domains").json()["data"]
        assert shown == [item for item in every if item["dns_valid"] is valid]
    assert service.client.get(f"{service.account_path}/domains", params={"dns_valid": "x"}).status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        {"status": "Received,Delivered,Deferred"},
        {"sender": "Sender.Of@example.com"},
        {"recipient": "only@example.org"},
        {"subject": "needle 50%"},
        {"tags": "TAG"},
        {"from_time": "FROM"},
        {"to_time": "TO", "tags": "TAG"},
        {"message_id_header": "ID"},
    ],
)
def test_messages_are_filtered(service: RunningService, query: dict[str, str]) -> None:
    """Each filter of messages lets one through that it fits, and another value of it does not."""
    tag = random_uuid()
    start = datetime.now(UTC)
    (entry,) = service.send(
        **{"from": {"email": "sender.of@example.com"}},
        recipients=[{"email": "only@example.org"}],
        subject="a needle 50% off",
        tags=[tag],
    )
    later = datetime.now(UTC) + timedelta(seconds=60)
    names = {"TAG": tag, "FROM": start.isoformat(), "TO": later.isoformat(), "ID": entry["id"]}
    other = {
        "status": "Bounced",
        "sender": "x@example.com",
        "recipient": "x@example.org",
        "subject": "needle 50x",
        "tags": random_uuid(),
        "from_time": later.isoformat(),
        "to_time": start.isoformat(),
        "message_id_header": "<x@example.com>",
    }
    path = f"{service.account_path}/messages"
    fits = {name: names.get(value, value) for name, value in query.items()}
    result = service.client.get(path, params=fits).json()["data"]
    assert entry["id"] in [item["message_id"] for item in result]
    name = next(iter(query))
    missed = service.client.get(path, params={**fits, name: other[name]}).json()["data"]
    assert entry["id"] not in [item["message_id"] for item in missed]


def test_every_filter_is_in_the_document() -> None:
    """The OpenAPI document names the filters and page parameters of each list."""

    def named(path: str) -> set[str]:
        operation = build_document()["paths"][f"/v2/accounts/{{account_id}}/{path}"]["get"]
        return {item["name"] for item in operation["parameters"] if item["in"] == "query"}

    pages = {"limit", "after", "before", "cursor"}
    kinds = ("reception", "delivered", "transient_error", "failed", "bounced", "suppressed", "opened", "clicked")
    assert {*pages, "enabled", *(f"on_{kind}" for kind in kinds)} <= named("webhooks")
    assert {*pages, "dns_valid"} == named("domains")
    of_messages = ("status", "sender", "recipient", "subject", "message_id_header", "tags", "from_time", "to_time")
    assert {*pages, *of_messages} == named("messages")


def test_a_restriction_is_not_ignored(service: RunningService) -> None:
    """Domains of an SMTP credential that would not hold, since its scope is global, are 400; an empty list is none."""
    for domains, status in ((["a.example"], 400), ([], 201), (None, 201)):
        body = {"name": "x", "scope": "global", "domains": domains}
        assert service.client.post(f"{service.account_path}/smtp-credentials", json=body).status_code == status


def test_an_account_has_so_many_webhooks(service: RunningService, monkeypatch: pytest.MonkeyPatch) -> None:
    """One webhook more than an account may have is refused: accepting a mail would take all others' time."""
    monkeypatch.setattr(webhook_settings, "MAX_WEBHOOKS", len(list_webhooks(service)) + 1)
    body = {"name": "n", "url": "https://h.example/", "scope": "global"}
    key = create_resource(service, "webhooks", **body)["id"]
    answer = service.client.post(f"{service.account_path}/webhooks", json=body)
    assert (answer.status_code, "already has" in answer.json()["message"]) == (400, True)
    assert service.client.delete(f"{service.account_path}/webhooks/{key}").status_code == 200
    create_resource(service, "webhooks", **body)


def list_webhooks(service: RunningService) -> list[dict[str, Any]]:
    """The webhooks of the account."""
    result: list[dict[str, Any]] = service.client.get(f"{service.account_path}/webhooks").json()["data"]
    return result

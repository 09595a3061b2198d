"""Tests of corrections on a running service: which links they lead elsewhere, and what is kept of it."""

import sqlite3
import uuid
from typing import Any

import httpx
import pytest

from linkweir.clicks.correction_index import CorrectionLoader
from linkweir.clock import now
from linkweir.db import accounts_table, corrections_table, retention_queries
from linkweir.db.schema import messages
from linkweir.tokens import Privacy
from tests.web.running_service import RunningService, wait_until
from tests.web.test_blocklist_and_confirmation import block_and_wait, require_confirmation
from tests.web.test_redirect import list_events, mint_link, send_and_get_link

WRONG, RIGHT, OTHER = "https://example.com/a?x=1&y=2", "https://example.com/right", "https://example.net/other"


def correct(service: RunningService, destination: str = WRONG, replacement: str = RIGHT, **scope: str) -> str:
    """Correct a destination, and wait until the redirect knows; the id."""
    answer = post(service, destination, replacement, **scope)
    assert answer.status_code == 201, answer.text
    wait_until_known(service, len(list_in_force(service)))
    return str(answer.json()["id"])


def post(service: RunningService, destination: str, replacement: str, **scope: str) -> httpx.Response:
    """POST …/corrections."""
    body = {"destination": destination, "replacement": replacement, **scope}
    return service.client.post(f"{service.account_path}/corrections", json=body)


def list_in_force(service: RunningService) -> list[dict[str, Any]]:
    """What the API lists as in force."""
    answer = service.client.get(f"{service.account_path}/corrections", params={"in_force": "true"})
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["data"]
    return rows


def wait_until_known(service: RunningService, count: int) -> None:
    """Wait until the redirect holds so many corrections."""

    def is_known() -> bool:
        corrections = service.components.link_policy.policy.corrections
        return sum(map(len, corrections.by_destination.values()) if corrections else ()) == count

    wait_until(is_known)


def location(service: RunningService, link: str) -> str:
    """Where a link leads."""
    answer = service.reader.get(link)
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


@pytest.mark.parametrize("style", ["sealed", "short"])
def test_a_sent_link_leads_elsewhere_and_both_addresses_are_kept(service: RunningService, style: str) -> None:
    """From the correction on, the link leads to the new address, also with HEAD; its clicks count for the old one and
    name the new one, in the list, in statistics and in the message's events. Removed, it leads back; the record stays.
    """
    message_id, link = send_and_get_link(service, link_style=style, tags=["spring"])
    assert location(service, link) == WRONG
    key = correct(service)
    assert location(service, link) == service.reader.head(link).headers["location"] == RIGHT
    assert location(service, service.delivered_links(message_id)[1]) == "https://example.org/b"
    stored = sorted(
        (hit["destination"], hit["corrected_destination"] or "", hit["method"]) for hit in list_events(service)
    )
    assert stored == [
        (WRONG, "", "GET"),
        (WRONG, RIGHT, "GET"),
        (WRONG, RIGHT, "HEAD"),
        ("https://example.org/b", "", "GET"),
    ]
    for dimension, values in (
        ("destination", {WRONG: 3, "https://example.org/b": 1}),
        ("corrected_destination", {RIGHT: 2}),
    ):
        answer = service.request_when_allowed("GET", f"{service.account_path}/statistics/clicks?group_by={dimension}")
        assert {row["value"]: row["total"] for row in answer.json()["data"]} == values
    events = [event["data"] for event in service.get_message(message_id)["events"]]
    assert {(data["url"], data.get("corrected_url")) for data in events if "url" in data} == {
        (WRONG, None),
        (WRONG, RIGHT),
        ("https://example.org/b", None),
    }
    assert service.client.delete(f"{service.account_path}/corrections/{key}").status_code == 200
    wait_until_known(service, 0)
    assert location(service, link) == WRONG
    (row,) = service.client.get(f"{service.account_path}/corrections").json()["data"]
    assert (row["created_by"], row["removed_by"]) == ("API key test", "API key test")
    assert row["created_at"] <= row["removed_at"]


def test_the_closest_correction_applies_once(service: RunningService) -> None:
    """One of the message goes before one of its campaign, and that before one of the account; a second one of the same
    scope takes the place of the first, and where one leads is not corrected again.
    """
    first, link = send_and_get_link(service, tags=["spring"])
    _, sibling = send_and_get_link(service, tags=["other", "spring"])
    _, stranger = send_and_get_link(service)
    anonymous = [send_and_get_link(service, tags=tags, privacy="anonymous")[1] for tags in (["spring"], ["other"])]
    correct(service, replacement="https://example.com/account")
    correct(service, replacement="https://example.com/first", campaign="spring")
    correct(service, replacement="https://example.com/campaign", campaign="spring")
    correct(service, replacement="https://example.com/message", message_id=first)
    assert [location(service, each) for each in (link, sibling, stranger, *anonymous)] == [
        "https://example.com/message",
        "https://example.com/campaign",
        "https://example.com/account",
        "https://example.com/campaign",
        "https://example.com/account",
    ]
    assert {hit["corrected_destination"] for hit in list_events(service) if hit["privacy"] == "anonymous"} == {None}
    _, other = send_and_get_link(service, html_content='<a href="https://example.com/campaign">x</a>', tags=["spring"])
    assert post(service, "https://example.com/campaign", OTHER, campaign="spring").status_code == 400
    assert location(service, other) == "https://example.com/campaign"


@pytest.mark.parametrize(
    ("destination", "replacement", "field"),
    [
        ("example.com/a", RIGHT, "destination"),
        (WRONG, "javascript:alert(1)", "replacement"),
        (WRONG, "https:///x", "replacement"),
        (WRONG, "https://example.com/{{ name }}", "replacement"),
        (WRONG, "https://user:word@evil.example/", "replacement"),
        (WRONG, "https://a@b.c/", "replacement"),
        (WRONG, "https://example.com/?to=ada%40example.org", "replacement"),
        ("https://example.com/?to=ada@example.org", RIGHT, "destination"),
        (WRONG, WRONG, "replacement"),
        (WRONG, "https://example.com/" + "x" * 7990, "replacement"),
        (WRONG, "https://www.phishing.example/", "replacement"),
        (WRONG, "https://example.com/unsubscribe/1", "replacement"),
        (WRONG, "https://chain.example/1", "replacement"),
        ("https://chain.example/2", RIGHT, "destination"),
        (WRONG, "own link", "replacement"),
    ],
)
def test_what_no_link_may_lead_to_is_refused(
    service: RunningService, destination: str, replacement: str, field: str
) -> None:
    """The rules of links, the account's skip patterns and the blocklist hold for replacements; a tracking link, an
    address of a person and a second step are refused; the answer names the field, and nothing is in force.
    """
    assert service.client.put(service.account_path, json={"skip": ["/unsubscribe/"]}).status_code == 200
    block_and_wait(service, "phishing.example")
    assert post(service, "https://chain.example/1", "https://chain.example/2").status_code == 201
    if replacement == "own link":
        replacement = mint_link(service, OTHER, message=1)
    answer = post(service, destination, replacement)
    assert (answer.status_code, answer.json()["message"].partition(":")[0]) == (400, field)
    assert len(list_in_force(service)) == 1


def test_a_correction_outlives_the_database_and_the_message(service: RunningService) -> None:
    """Messages whose retention is over, links made in bulk, and links while the database is away are corrected as
    before; a blocked new address leads nowhere, and one that the account wants confirmed asks.
    """
    expired, link = send_and_get_link(service, tags=["spring"])
    correct(service, campaign="spring")
    correct(service, destination=OTHER)
    with service.components.database.write() as connection:
        connection.execute(messages.update().values(retain_until_at=1))
    wait_until(lambda: _delete_messages(service) == 0)
    service.components.link_policy._corrections = CorrectionLoader()  # as in a process that was started since
    service.components.link_policy.refresh()
    assert service.client.get(f"{service.account_path}/messages/{expired}").status_code == 404
    bulk = mint_link(service, OTHER, message="order-7")
    assert (location(service, link), location(service, bulk)) == (RIGHT, RIGHT)
    require_confirmation(service, "right")
    assert RIGHT in service.reader.get(link).text
    service.settings.sqlite_path.rename(service.settings.sqlite_path.with_suffix(".gone"))
    assert RIGHT in service.reader.get(link).text
    service.settings.sqlite_path.with_suffix(".gone").rename(service.settings.sqlite_path)
    block_and_wait(service, RIGHT)
    assert service.reader.get(link).status_code == 410


def _delete_messages(service: RunningService) -> int:
    with service.components.database.write() as connection:
        return retention_queries.delete_messages(connection, now(), 100)


def test_no_account_corrects_the_links_of_another(service: RunningService) -> None:
    """With a second account, a correction of one leaves the same destination in mails of the other as it is, and so in
    links that do not say whose they are.
    """
    _, link = send_and_get_link(service)
    _, unnamed = send_and_get_link(service, privacy="anonymous", tags=["spring"])
    other = uuid.uuid4()
    with service.components.database.write() as connection:
        accounts_table.create(connection, other, "other", now())
        values = {"id": uuid.uuid4(), "account_id": other, "campaign": None, "number": None, "destination": WRONG}
        made = {"replacement": "https://evil.example/", "created_at": now(), "created_by": "ben@example.com"}
        corrections_table.add(connection, {**values, **made})
    wait_until_known(service, 1)
    assert (location(service, link), location(service, unnamed)) == (WRONG, WRONG)
    assert list_in_force(service) == []
    correct_and_count = post(service, WRONG, RIGHT)
    assert correct_and_count.status_code == 201
    wait_until_known(service, 2)
    assert (location(service, link), location(service, unnamed)) == (RIGHT, WRONG)
    assert location(service, mint_link(service, WRONG, Privacy.FULL, message="order-7")) == RIGHT


def test_only_keys_with_the_scope_correct(service: RunningService) -> None:
    """A key that may send and change the account may not correct, nor remove; it may read if it says so."""
    scopes = ["messages:send:all", "accounts:write", "domains:write", "corrections:read"]
    made = service.client.post(f"{service.account_path}/api-keys", json={"label": "sender", "scopes": scopes}).json()
    key = correct(service)
    headers = {"Authorization": f"Bearer {made['secret_key']}"}
    with httpx.Client(base_url=service.url, headers=headers) as limited:
        path = f"{service.account_path}/corrections"
        assert limited.post(path, json={"destination": OTHER, "replacement": RIGHT}).status_code == 403
        assert limited.delete(f"{path}/{key}").status_code == 403
        assert limited.get(f"{path}/{key}").json()["replacement"] == RIGHT
    database = sqlite3.connect(service.settings.sqlite_path)
    assert database.execute("SELECT count(*), count(removed_at) FROM corrections").fetchone() == (1, 0)
    database.close()

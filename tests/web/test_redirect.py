"""Tests of the redirect against a running service: where it leads, what it records, what it refuses."""

import os
import shutil
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from linkweir.db import clicks_table
from linkweir.settings import PARSERS
from linkweir.tokens import KeyRing, Privacy, Tracker, keyring_file
from tests.web.running_service import BROWSER_HEADERS, WAIT_SECONDS, RunningService, wait_until


def list_events(service: RunningService) -> list[dict[str, Any]]:
    """Every stored hit of the account."""
    account = service.components.account
    assert account is not None
    service.wait_until_ingested()
    with service.components.database.read() as connection:
        return [dict(row) for row in clicks_table.list_for_account(connection, account)]


def send_and_get_link(service: RunningService, **fields: Any) -> tuple[str, str]:
    """A sent message's id and its first tracking link."""
    (entry,) = service.send(**fields)
    return entry["id"], service.delivered_links(entry["id"])[0]


def mint_link(service: RunningService, destination: str, privacy: Privacy = Privacy.FULL, **who: Any) -> str:
    """A link made with the service's keys but without the service, as in bulk."""
    return Tracker(service.components.keyring, service.settings.base_url, privacy=privacy, **who).mint(destination, 4)


def test_headers_of_the_redirect(service: RunningService) -> None:
    """302 to the exact destination, never cached, not indexed, and no referrer."""
    _, link = send_and_get_link(service)
    answer = service.reader.get(link)
    assert answer.status_code == 302
    assert answer.headers["location"] == "https://example.com/a?x=1&y=2"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-robots-tag"] == "noindex"


def test_the_fact_holds_what_the_contract_names(service: RunningService) -> None:
    """Time, address, user agent, destination, message and link are stored before the answer arrives."""
    message_id, link = send_and_get_link(service)
    before = time.time_ns() // 1000
    service.reader.get(link, headers={b"User-Agent": "Reader/1 (ü)".encode("latin-1")})
    (fact,) = list_events(service)
    assert before <= fact["at"] <= time.time_ns() // 1000
    assert (fact["ip"], fact["user_agent"], fact["method"]) == ("127.0.0.1", "Reader/1 (ü)", "GET")
    assert fact["destination"] == "https://example.com/a?x=1&y=2"
    assert str(fact["message_id"]) == service.get_message(message_id)["id"]
    assert (fact["position"], fact["campaign"]) == (0, None)


def test_head_gets_the_same_and_never_counts(service: RunningService) -> None:
    """HEAD is answered like GET and kept as a hit, but click_count does not move."""
    (message_id, link), (other_id, other) = (
        send_and_get_link(service),
        send_and_get_link(service),
    )  # GET after HEAD is a machine's way
    get, head = service.reader.get(link), service.reader.head(other)
    for item in (get, head):
        item.headers.pop("date")
    assert (head.status_code, head.headers, head.content) == (302, get.headers, b"")
    assert (service.click_count(message_id), service.click_count(other_id)) == (1, 0)
    assert sorted(fact["method"] for fact in list_events(service)) == ["GET", "HEAD"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods_follow_nothing(service: RunningService, method: str) -> None:
    """Only GET and HEAD follow a link."""
    message_id, link = send_and_get_link(service)
    answer = service.reader.request(method, link)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    assert service.click_count(message_id) == 0


@pytest.mark.parametrize(
    "path",
    [
        "x",
        "https://evil.example/",
        "https:%2F%2Fevil.example",
        "//evil.example/",
        "%2F%2Fevil.example",
        "?url=https://evil.example/",
        "TOKEN?url=https://evil.example/",
        "TOKEN&url=https://evil.example/",
        "TOKEN/https://evil.example/",
        "TOKEN%0d%0aLocation:%20https://evil.example/",
        "TOKEN@evil.example",
        "\\evil.example",
        "..%2f..%2fv2/ping",
        "%00",
        "%ff",
        "A" * 20000,
    ],
)
def test_no_url_chooses_the_destination(service: RunningService, path: str) -> None:
    """Nothing in the URL but a verified token decides where a reader goes: the rest is 404 or is ignored."""
    token = mint_link(service, "https://example.com/mine", message=1).rpartition("/")[2]
    answer = service.reader.get(service.settings.base_url + path.replace("TOKEN", token))
    assert answer.headers.get("location") in (None, "https://example.com/mine")
    assert answer.status_code == (302 if "location" in answer.headers else 404)
    assert "evil" not in answer.text


def test_a_page_for_unknown_links_reveals_little(service: RunningService) -> None:
    """A token that does not verify gets a short page that holds neither the token nor the reason, and no fact."""
    _, link = send_and_get_link(service)
    forged = link[:-1] + ("A" if link[-1] != "A" else "B")
    answers = [
        service.reader.get(forged),
        service.reader.get(link[:-4]),
        service.reader.get(service.settings.base_url + "x"),
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1
    assert len(answers[0].text) < 500
    assert answers[0].headers["content-type"] == "text/html; charset=utf-8"
    assert list_events(service) == []


def test_every_single_changed_character_is_refused(service: RunningService) -> None:
    """No character of a token can be exchanged."""
    token = mint_link(service, "https://example.com/", message=1).rpartition("/")[2]
    for index, character in enumerate(token):
        other = "A" if character != "A" else "B"
        answer = service.reader.get(service.settings.base_url + token[:index] + other + token[index + 1 :])
        assert answer.status_code == 404


def test_keys_of_somebody_else_open_nothing(service: RunningService) -> None:
    """A well-formed link of another key ring is 404, sealed and short."""
    ring = KeyRing.generate(datetime.now(UTC))
    sealed = Tracker(ring, service.settings.base_url, message=1)
    short = Tracker(ring, service.settings.base_url, message=1, style="short")
    for tracker in (sealed, short):
        assert service.reader.get(tracker.mint("https://evil.example/", 0)).status_code == 404


def test_short_links_of_unknown_messages_are_404(service: RunningService) -> None:
    """A short link that verifies but whose message or link this database does not know leads nowhere."""
    for message in (1, 2**64 - 1, "sale"):
        tracker = Tracker(service.components.keyring, service.settings.base_url, message=message, style="short")
        assert service.reader.get(tracker.mint("https://example.com/", 0)).status_code == 404


@pytest.mark.parametrize(
    ("destination", "location"),
    [
        ("https://bücher.example/ü?ü#ü", "https://xn--bcher-kva.example/%C3%BC?%C3%BC#%C3%BC"),
        ('https://example.com/a "b"<c>%41', "https://example.com/a%20%22b%22%3Cc%3E%41"),
    ],
)
def test_destinations_reach_the_location_exactly(service: RunningService, destination: str, location: str) -> None:
    """Non-ASCII and what must be encoded is, what was encoded stays, and the stored destination is the original."""
    answer = service.reader.get(mint_link(service, destination, message=5))
    assert answer.headers["location"] == location
    assert list_events(service)[0]["destination"] == destination


def test_links_minted_in_bulk_count_for_the_keys_owner(service: RunningService) -> None:
    """A message that the database does not know is kept by its name, for the account that owns the key."""
    for who in ("spring-sale", 77):
        assert service.reader.get(mint_link(service, "https://example.com/", message=who)).status_code == 302
    assert [(fact["message_ref"], fact["message_id"]) for fact in list_events(service)] == [
        ("spring-sale", None),
        ("77", None),
    ]
    assert service.client.get(service.account_path).json()["click_count"] == 2


def test_pseudonymous_links_record_no_person(service: RunningService) -> None:
    """The click counts for the message; address and user agent are nowhere in the database files."""
    message_id, link = send_and_get_link(service, privacy="pseudonymous")
    service.reader.get(link, headers={"User-Agent": "VerySpecialBrowser"})
    (fact,) = list_events(service)
    assert (fact["ip"], fact["user_agent"]) == (None, None)
    assert service.click_count(message_id) == 1
    for path in service.settings.data.glob("linkweir.db*"):
        assert b"VerySpecialBrowser" not in path.read_bytes()


def test_anonymous_links_are_tied_to_no_message(service: RunningService) -> None:
    """The reader is redirected, campaign and link are recorded, and click_count does not move."""
    message_id, link = send_and_get_link(service, privacy="anonymous", tags=["spring"])
    assert service.reader.get(link).headers["location"] == "https://example.com/a?x=1&y=2"
    (fact,) = list_events(service)
    assert (fact["campaign"], fact["position"], fact["privacy"]) == ("spring", 0, "anonymous")
    assert {fact[name] for name in ("message_id", "message_ref", "ip", "user_agent", "destination")} == {None}
    assert service.click_count(message_id) == 0


def test_privacy_none_means_no_tracking_links(service: RunningService) -> None:
    """In mode `none` links are left as they are."""
    (entry,) = service.send(privacy="none")
    assert service.delivered_links(entry["id"]) == ["https://example.com/a?x=1&y=2", "https://example.org/b"]


def test_many_clicks_at_once_are_counted_exactly(service: RunningService) -> None:
    """Three hundred clicks of thirty readers at the same time are three hundred."""
    message_id, link = send_and_get_link(service)

    def read(_: int) -> int:
        with httpx.Client(headers=BROWSER_HEADERS, timeout=WAIT_SECONDS) as client:
            return sum(client.get(link).status_code == 302 for _ in range(10))

    with ThreadPoolExecutor(30) as pool:
        assert sum(pool.map(read, range(30))) == 300
    assert service.click_count(message_id) == 300


def test_a_locked_database_delays_nobody_and_loses_nothing(service: RunningService) -> None:
    """While another connection holds the database every reader is sent on, and each click is counted afterwards."""
    message_id, link = send_and_get_link(service)
    lock = sqlite3.connect(service.settings.sqlite_path, isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    assert {service.reader.get(link).status_code for _ in range(10)} == {302}  # and nobody but we can end the lock
    wait_until(lambda: service.read_metric("linkweir_clicks_journaled_total") == 10)
    assert service.read_metric("linkweir_clicks_waiting") == 10
    wait_until(lambda: service.read_metric("linkweir_click_store_failures_total") >= 1)
    assert [line for line in service.logs if line["event"] == "click.store_failed"]
    lock.execute("ROLLBACK")
    lock.close()
    wait_until(lambda: service.click_count(message_id) == 10)
    assert service.read_metric("linkweir_clicks_waiting") == 0
    assert service.click_count(message_id) == 10


def test_readers_are_redirected_when_the_data_folder_is_gone(service: RunningService) -> None:
    """With the whole data folder removed sealed links lead on and the clicks wait; put back, they are counted."""
    message_id, link = send_and_get_link(service)
    aside = service.settings.data.with_name("aside")
    os.rename(service.settings.data, aside)
    assert {service.reader.get(link).status_code for _ in range(3)} == {302}
    ready = service.reader.get("/readyz")
    assert ready.status_code == 503
    assert "gone" in ready.json()["checks"]["database"]
    response = service.post_message({"from": {"email": "a@example.com"}})
    assert response.status_code == 503
    assert service.reader.get("/healthz").status_code == 200
    for path in aside.iterdir():
        if path.name == "spool":
            shutil.rmtree(path)
        else:
            os.rename(path, service.settings.data / path.name)
    wait_until(lambda: service.click_count(message_id) == 3)
    assert service.reader.get("/readyz").status_code == 200


def test_readers_are_redirected_when_nothing_can_be_written(service: RunningService, tmp_path: Path) -> None:
    """With a file in the place of the data folder even the spool fails: readers go on, and the loss is reported."""
    _, link = send_and_get_link(service)
    shutil.rmtree(service.settings.data)
    service.settings.data.write_text("in the way")
    assert {service.reader.get(link).status_code for _ in range(3)} == {302}
    assert service.read_metric("linkweir_clicks_lost_total") == 3
    assert [line for line in service.logs if line["event"] == "click.lost" and line["level"] == "error"]


def test_a_short_link_waits_for_no_request_to_the_api(tmp_path: Path) -> None:
    """While all threads of the API wait for a locked database, a short link is looked up and answered."""
    with RunningService(tmp_path / "data", threads=1, store_wait=20.0) as served, ThreadPoolExecutor(1) as pool:
        _, link = send_and_get_link(served, link_style="short")
        with sqlite3.connect(served.settings.sqlite_path, isolation_level=None) as database:
            database.execute("BEGIN IMMEDIATE")
            sending = pool.submit(served.send)
            time.sleep(0.3)  # until it waits; a wait too short would prove less, and fail nothing
            assert served.reader.get(link).status_code == 302
            assert not sending.done()
            database.execute("ROLLBACK")
        assert sending.result()


def test_a_short_link_without_the_database_gets_503(service: RunningService) -> None:
    """A short link needs the database: without it the answer is 503 with Retry-After, not a wrong 404."""
    _, link = send_and_get_link(service, link_style="short")
    shutil.rmtree(service.settings.data)
    answer = service.reader.get(link)
    assert answer.status_code == 503
    assert answer.headers["retry-after"]


def test_rotated_keys_are_noticed_while_running(service: RunningService) -> None:
    """After a rotation of the key file old links work, and links of the new key open without a restart."""
    _, old = send_and_get_link(service)
    ring = keyring_file.load(service.settings.key_path).rotate(datetime.now(UTC))
    keyring_file.save(service.settings.key_path, ring)
    new = Tracker(ring, service.settings.base_url, message="later").mint("https://example.com/new", 0)
    wait_until(lambda: service.reader.get(new).status_code == 302)
    assert service.reader.get(old).status_code == 302
    assert {fact["key_id"] for fact in list_events(service)} == {1, 2}


@pytest.mark.parametrize(("proxies", "expected"), [("", "127.0.0.1"), ("127.0.0.1", "203.0.113.9")])
def test_forwarded_addresses_need_a_configured_proxy(tmp_path: Path, proxies: str, expected: str) -> None:
    """By default `X-Forwarded-For` changes nothing, not even in the server; from a configured proxy it counts."""
    with RunningService(tmp_path / "data", trusted_proxies=PARSERS["trusted_proxies"](proxies)) as served:
        link = mint_link(served, "https://example.com/", message=1)
        served.reader.get(link, headers={"X-Forwarded-For": "203.0.113.9"})
        assert list_events(served)[0]["ip"] == expected


@pytest.mark.parametrize("level", ["info", "debug"])
def test_no_token_key_or_address_is_logged(tmp_path: Path, level: str) -> None:
    """The logs of sending, clicking and failing hold no token, no key, no address and no body, at any level."""
    proxies = PARSERS["trusted_proxies"]("127.0.0.0/8")
    with RunningService(tmp_path / "data", log_level=level, trusted_proxies=proxies) as served:
        message_id, link = send_and_get_link(served)
        reader = {"X-Forwarded-For": "203.0.113.5", "User-Agent": "Reader of secrets"}
        for method, path in (("GET", link), ("HEAD", link), ("GET", link[:-2]), ("POST", link)):
            served.reader.request(method, path, headers=reader)
        served.client.get("/v2/accounts/x", headers={"Authorization": "Bearer wrong-secret-key"})
        served.wait_until_ingested()
        text = str(served.logs)
        secrets = (link.rpartition("/")[2], link[:-2].rpartition("/")[2], served.key, "wrong-secret-key", "ada@")
        for secret in (*secrets, reader["X-Forwarded-For"], reader["User-Agent"], "example.com/a"):
            assert secret not in text
        assert message_id.strip("<>").partition("@")[0] in text
        assert ("'event': 'redirect'" in text) is (level == "debug")


@pytest.mark.parametrize("end", ["/c/", "/c/token/", "/c//token", "/c/a/b"])
def test_a_mangled_link_gets_the_page_for_readers(service: RunningService, end: str) -> None:
    """What mail software made of a link is answered for people, not with the API's JSON."""
    answer = service.reader.get(end)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "Link not found" in answer.text

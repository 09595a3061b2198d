"""Switches on the redirect: what is blocked, confirmed, erased; app links and the question of TLS proxies."""

import sqlite3
from pathlib import Path

import pytest

from linkweir.clicks.blocklist import parse_target
from linkweir.db import blocklist_table
from linkweir.errors import SettingsError
from linkweir.html import scan
from linkweir.settings import Settings
from tests.web.running_service import RunningService, wait_until
from tests.web.test_redirect import list_events, mint_link, send_and_get_link

HOSTILE_URL = "https://example.com/\"><script>alert(1)</script>?a=1&b='2'"


def block_and_wait(service: RunningService, text: str) -> None:
    """Block it, and wait until the service has noticed."""
    kind, value = parse_target(text)
    with service.components.database.write() as connection:
        blocklist_table.add(connection, kind, value, "phishing", 1)
    wait_until(
        lambda: (
            value
            in service.components.link_policy.policy.blocked_hosts
            | service.components.link_policy.policy.blocked_destinations
        )
    )


def require_confirmation(service: RunningService, *patterns: str) -> None:
    """Have the account ask its readers, and wait until the service has noticed."""
    answer = service.client.put(service.account_path, json={"confirm": list(patterns)})
    assert answer.status_code == 200, answer.text
    assert answer.json()["confirm"] == list(patterns)
    wait_until(lambda: bool(service.components.link_policy.policy.confirm) is bool(patterns))


@pytest.mark.parametrize("what", ["example.com", "https://example.com/a?x=1&y=2"])
def test_nobody_is_sent_to_what_is_blocked(service: RunningService, what: str) -> None:
    """A blocked host or destination answers 410 with a page that does not lead there, and is no click; others go on."""
    message_id, link = send_and_get_link(service)
    other = service.delivered_links(message_id)[1]
    block_and_wait(service, what)
    for answer in (service.reader.get(link), service.reader.head(link)):
        assert answer.status_code == 410
        assert "location" not in answer.headers
        assert "example.com" not in answer.text
    assert service.reader.get(other).status_code == 302
    assert service.click_count(message_id) == 1


def test_what_was_blocked_stays_blocked_without_the_database(service: RunningService) -> None:
    """While the database is locked or gone the blocked host stays blocked and all others are open."""
    _, link = send_and_get_link(service)
    block_and_wait(service, "example.com")
    lock = sqlite3.connect(service.settings.sqlite_path, isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    service.settings.sqlite_path.rename(service.settings.sqlite_path.with_suffix(".gone"))
    wait_until(lambda: [line for line in service.logs if line["event"] == "link_policy.database_unavailable"])
    assert service.reader.get(link).status_code == 410
    assert service.reader.get(mint_link(service, "https://example.org/", message=1)).status_code == 302
    lock.close()


def test_a_marked_link_requires_confirmation(service: RunningService) -> None:
    """A destination that the account wants confirmed gets a page with the way on, and counts as a click."""
    message_id, link = send_and_get_link(service)
    require_confirmation(service, r"example\.com/a")
    answer = service.reader.get(link)
    assert answer.status_code == 200
    assert [item.destination for item in scan(answer.text)] == ["https://example.com/a?x=1&y=2"]
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert service.click_count(message_id) == 1
    assert service.reader.get(service.delivered_links(message_id)[1]).status_code == 302
    require_confirmation(service)
    assert service.reader.get(link).status_code == 302


def test_accounts_with_confirmation_can_still_send(service: RunningService) -> None:
    """An account with patterns to confirm sends messages and checks them as before."""
    require_confirmation(service, "/forms/")
    message_id, link = send_and_get_link(service)
    assert message_id
    assert service.reader.get(link).status_code == 302
    answer = service.client.post(
        f"{service.account_path}/check", json={"html_content": '<a href="https://example.com/">x</a>'}
    )
    assert answer.status_code == 200, answer.text


def test_nothing_can_be_put_into_the_page(service: RunningService) -> None:
    """A destination full of markup stands in the page as text and as one link, encoded as a `Location` is."""
    require_confirmation(service, "script")
    text = service.reader.get(mint_link(service, HOSTILE_URL, message=1)).text
    assert "<script" not in text
    assert [item.destination for item in scan(text)] == [
        "https://example.com/%22%3E%3Cscript%3Ealert(1)%3C/script%3E?a=1&b=%272%27"
    ]


def test_the_page_needs_no_database(service: RunningService) -> None:
    """Without the database the marked link still asks, and the fact waits in the journal."""
    _, link = send_and_get_link(service)
    require_confirmation(service, r"example\.com/a")
    service.wait_until_ingested()
    service.settings.sqlite_path.rename(service.settings.sqlite_path.with_suffix(".gone"))
    assert service.reader.get(link).status_code == 200
    assert service.components.local_journal.unacknowledged == 1


def test_bad_patterns_are_refused(service: RunningService) -> None:
    """What is no regular expression is a 400 that names it, and nothing changes."""
    answer = service.client.put(service.account_path, json={"confirm": ["("]})
    assert answer.status_code == 400
    assert service.client.get(service.account_path).json()["confirm"] == []


@pytest.mark.parametrize("style", ["sealed", "short"])
def test_links_of_erased_people(service: RunningService, style: str) -> None:
    """A short link of an erased person answers 410; a sealed one leads on, for its destination is in itself."""
    message_id, link = send_and_get_link(service, link_style=style)
    database = sqlite3.connect(service.settings.sqlite_path)
    with database:
        database.execute("INSERT INTO erased SELECT number, 1 FROM messages")
    database.close()
    answer = service.reader.get(link)
    assert answer.status_code == (302 if style == "sealed" else 410)
    assert service.click_count(message_id) == (1 if style == "sealed" else 0)


def test_app_links_are_the_operators_files(tmp_path: Path) -> None:
    """Both files are served as JSON exactly as they are; without one the answer is 404."""
    apple = tmp_path / "apple"
    apple.write_bytes(b'{"applinks": {"details": []}}\n')
    with RunningService(tmp_path / "data", apple_app_links=apple) as served:
        answer = served.reader.get("/.well-known/apple-app-site-association")
        assert (answer.status_code, answer.content) == (200, apple.read_bytes())
        assert answer.headers["content-type"] == "application/json"
        assert served.reader.get("/.well-known/assetlinks.json").status_code == 404


def test_app_links_that_are_no_json_stop_the_start(tmp_path: Path) -> None:
    """A file that phones could not read is told at the start."""
    (tmp_path / "android").write_text("[")
    served = RunningService(tmp_path / "data", android_app_links=tmp_path / "android")
    with pytest.raises(SettingsError, match="app links"):
        served.components.start()
    served._listener.close()


def check_tls_host(service: RunningService, domain: str) -> int:
    """The answer to a front proxy's question."""
    return service.reader.get("/tls/ask", params={"domain": domain}).status_code


def test_certificates_for_tracking_hosts_only(service: RunningService) -> None:
    """200 for the hosts that tracking links live on, whatever their case; 404 for everything else."""
    answer = service.client.post(
        f"/v2/accounts/{service.account}/domains", json={"domain": "shop.example", "tracking_subdomain": "go"}
    )
    assert answer.status_code == 201, answer.text
    for ours in ("127.0.0.1", "go.shop.example", "GO.shop.example."):
        assert check_tls_host(service, ours) == 200
    for other in ("", "shop.example", "x.go.shop.example", "go.shop.example.evil.example", "evil.example", "*"):
        assert check_tls_host(service, other) == 404
    assert service.reader.get("/tls/ask").status_code == 404


@pytest.mark.parametrize(("header", "value"), [("Sec-GPC", "1"), ("DNT", "1")])
@pytest.mark.parametrize("heeded", [True, False])
def test_objections_are_heeded(tmp_path: Path, header: str, value: str, heeded: bool) -> None:
    """A browser that objects is counted for the campaign only, unless the operator has turned that off."""
    with RunningService(tmp_path / "data", heed_objections=heeded) as served:
        _, link = send_and_get_link(served)
        served.reader.get(link, headers={header: value})
        (fact,) = list_events(served)
        assert (fact["message_id"] is None, fact["ip"] is None) == (heeded, heeded)


def test_addresses_can_be_truncated(tmp_path: Path) -> None:
    """With the setting only the network of an address is recorded."""
    with RunningService(tmp_path / "data", shorten_addresses=True) as served:
        served.reader.get(mint_link(served, "https://example.com/", message=1))
        assert list_events(served)[0]["ip"] == "127.0.0.0"


def test_settings_have_their_defaults() -> None:
    """Objections are heeded, addresses kept whole, and a hundred thousand facts have room."""
    result = Settings(data=Path("x"))
    assert (result.heed_objections, result.shorten_addresses, result.journal_facts) == (True, False, 100_000)


@pytest.mark.parametrize(
    ("tags", "counted"),
    [
        (["Spring sale"], "Spring sale"),
        (["Frühling"], "Frühling"),
        (["ada@example.org", "b"], "b"),
        (["2.0.1.5"], None),
    ],
)
@pytest.mark.parametrize("objects", [False, True])
def test_anonymous_clicks_count_for_their_campaign(
    service: RunningService, tags: list[str], counted: str | None, objects: bool
) -> None:
    """A click on an anonymous link, and one of a reader who objects, count for the same tag, however it is written; an
    address is never taken into a link.
    """
    _, link = send_and_get_link(service, tags=tags, privacy="full" if objects else "anonymous")
    service.reader.get(link, headers={"DNT": "1"} if objects else {})
    (fact,) = list_events(service)
    assert fact["privacy"] == "anonymous"
    assert fact["campaign"] == counted
    (row,) = service.client.get(f"{service.account_path}/statistics/clicks", params={"group_by": "day"}).json()["data"][
        -1:
    ]
    assert row["total"] == 1

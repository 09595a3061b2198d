"""Switches on the redirect: what is blocked, confirmed, erased; app links and the question of TLS proxies."""

import sqlite3
from pathlib import Path

import pytest

from linkweir.blocking import kind_and_value
from linkweir.errors import SettingsError
from linkweir.html import scan
from linkweir.settings import Settings
from linkweir.store import blocked
from tests.edge.serving import Served, wait_until
from tests.edge.test_redirect import facts, link_of, minted

HOSTILE = "https://example.com/\"><script>alert(1)</script>?a=1&b='2'"


def block(served: Served, text: str) -> None:
    """Block it, and wait until the service has noticed."""
    kind, value = kind_and_value(text)
    with served.service.store.write() as connection:
        blocked.add(connection, kind, value, "phishing", 1)
    wait_until(lambda: value in served.service.gate.gate.hosts | served.service.gate.gate.destinations)


def confirm(served: Served, *patterns: str) -> None:
    """Have the account ask its readers, and wait until the service has noticed."""
    answer = served.client.put(served.base, json={"confirm": list(patterns)})
    assert answer.status_code == 200, answer.text
    assert answer.json()["confirm"] == list(patterns)
    wait_until(lambda: bool(served.service.gate.gate.confirm) is bool(patterns))


@pytest.mark.parametrize("what", ["example.com", "https://example.com/a?x=1&y=2"])
def test_nobody_is_sent_to_what_is_blocked(served: Served, what: str) -> None:
    """A blocked host or destination answers 410 with a page that does not lead there, and is no click; others go on."""
    message_id, link = link_of(served)
    other = served.links(message_id)[1]
    block(served, what)
    for answer in (served.reader.get(link), served.reader.head(link)):
        assert answer.status_code == 410
        assert "location" not in answer.headers
        assert "example.com" not in answer.text
    assert served.reader.get(other).status_code == 302
    assert served.clicks(message_id) == 1


def test_what_was_blocked_stays_blocked_without_the_store(served: Served) -> None:
    """While the database is locked or gone the blocked host stays blocked and all others are open."""
    _, link = link_of(served)
    block(served, "example.com")
    lock = sqlite3.connect(served.settings.database, isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    served.settings.database.rename(served.settings.database.with_suffix(".gone"))
    wait_until(lambda: [line for line in served.logs if line["event"] == "gate.store_unavailable"])
    assert served.reader.get(link).status_code == 410
    assert served.reader.get(minted(served, "https://example.org/", message=1)).status_code == 302
    lock.close()


def test_a_marked_link_asks_first(served: Served) -> None:
    """A destination that the account wants confirmed gets a page with the way on, and counts as a click."""
    message_id, link = link_of(served)
    confirm(served, r"example\.com/a")
    answer = served.reader.get(link)
    assert answer.status_code == 200
    assert [one.destination for one in scan(answer.text)] == ["https://example.com/a?x=1&y=2"]
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert served.clicks(message_id) == 1
    assert served.reader.get(served.links(message_id)[1]).status_code == 302
    confirm(served)
    assert served.reader.get(link).status_code == 302


def test_who_asks_for_confirmation_can_still_send(served: Served) -> None:
    """An account with patterns to confirm sends messages and checks them as before."""
    confirm(served, "/forms/")
    message_id, link = link_of(served)
    assert message_id
    assert served.reader.get(link).status_code == 302
    answer = served.client.post(f"{served.base}/check", json={"html_content": '<a href="https://example.com/">x</a>'})
    assert answer.status_code == 200, answer.text


def test_nothing_can_be_put_into_the_page(served: Served) -> None:
    """A destination full of markup stands in the page as text and as one link, encoded as a `Location` is."""
    confirm(served, "script")
    text = served.reader.get(minted(served, HOSTILE, message=1)).text
    assert "<script" not in text
    assert [one.destination for one in scan(text)] == [
        "https://example.com/%22%3E%3Cscript%3Ealert(1)%3C/script%3E?a=1&b=%272%27"
    ]


def test_the_page_needs_no_store(served: Served) -> None:
    """Without the database the marked link still asks, and the fact waits in the journal."""
    _, link = link_of(served)
    confirm(served, r"example\.com/a")
    served.settle()
    served.settings.database.rename(served.settings.database.with_suffix(".gone"))
    assert served.reader.get(link).status_code == 200
    assert served.service.embedded.waiting == 1


def test_bad_patterns_are_refused(served: Served) -> None:
    """What is no regular expression is a 400 that names it, and nothing changes."""
    answer = served.client.put(served.base, json={"confirm": ["("]})
    assert answer.status_code == 400
    assert served.client.get(served.base).json()["confirm"] == []


@pytest.mark.parametrize("style", ["sealed", "short"])
def test_links_of_erased_people(served: Served, style: str) -> None:
    """A short link of an erased person answers 410; a sealed one leads on, for its destination is in itself."""
    message_id, link = link_of(served, link_style=style)
    database = sqlite3.connect(served.settings.database)
    with database:
        database.execute("INSERT INTO erased SELECT number, 1 FROM messages")
    database.close()
    answer = served.reader.get(link)
    assert answer.status_code == (302 if style == "sealed" else 410)
    assert served.clicks(message_id) == (1 if style == "sealed" else 0)


def test_app_links_are_the_operators_files(tmp_path: Path) -> None:
    """Both files are served as JSON exactly as they are; without one the answer is 404."""
    apple = tmp_path / "apple"
    apple.write_bytes(b'{"applinks": {"details": []}}\n')
    with Served(tmp_path / "data", apple_app_links=apple) as served:
        answer = served.reader.get("/.well-known/apple-app-site-association")
        assert (answer.status_code, answer.content) == (200, apple.read_bytes())
        assert answer.headers["content-type"] == "application/json"
        assert served.reader.get("/.well-known/assetlinks.json").status_code == 404


def test_app_links_that_are_no_json_stop_the_start(tmp_path: Path) -> None:
    """A file that phones could not read is told at the start."""
    (tmp_path / "android").write_text("[")
    served = Served(tmp_path / "data", android_app_links=tmp_path / "android")
    with pytest.raises(SettingsError, match="app links"):
        served.service.start()
    served._listener.close()


def asked(served: Served, domain: str) -> int:
    """The answer to a front proxy's question."""
    return served.reader.get("/tls/ask", params={"domain": domain}).status_code


def test_certificates_for_tracking_hosts_only(served: Served) -> None:
    """200 for the hosts that tracking links live on, whatever their case; 404 for everything else."""
    answer = served.client.post(
        f"/v2/accounts/{served.account}/domains", json={"domain": "shop.example", "tracking_subdomain": "go"}
    )
    assert answer.status_code == 201, answer.text
    for ours in ("127.0.0.1", "go.shop.example", "GO.shop.example."):
        assert asked(served, ours) == 200
    for other in ("", "shop.example", "x.go.shop.example", "go.shop.example.evil.example", "evil.example", "*"):
        assert asked(served, other) == 404
    assert served.reader.get("/tls/ask").status_code == 404


@pytest.mark.parametrize(("header", "value"), [("Sec-GPC", "1"), ("DNT", "1")])
@pytest.mark.parametrize("heeded", [True, False])
def test_objections_are_heeded(tmp_path: Path, header: str, value: str, heeded: bool) -> None:
    """A browser that objects is counted for the campaign only, unless the operator has turned that off."""
    with Served(tmp_path / "data", heed_objections=heeded) as served:
        _, link = link_of(served)
        served.reader.get(link, headers={header: value})
        (fact,) = facts(served)
        assert (fact["message_id"] is None, fact["ip"] is None) == (heeded, heeded)


def test_addresses_can_be_kept_short(tmp_path: Path) -> None:
    """With the setting only the network of an address is recorded."""
    with Served(tmp_path / "data", shorten_addresses=True) as served:
        served.reader.get(minted(served, "https://example.com/", message=1))
        assert facts(served)[0]["ip"] == "127.0.0.0"


def test_settings_have_their_defaults() -> None:
    """Objections are heeded, addresses kept whole, and a hundred thousand facts have room."""
    found = Settings(data=Path("x"))
    assert (found.heed_objections, found.shorten_addresses, found.journal_facts) == (True, False, 100_000)


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
    served: Served, tags: list[str], counted: str | None, objects: bool
) -> None:
    """A click on an anonymous link, and one of a reader who objects, count for the same tag, however it is written; an
    address is never taken into a link.
    """
    _, link = link_of(served, tags=tags, privacy="full" if objects else "anonymous")
    served.reader.get(link, headers={"DNT": "1"} if objects else {})
    (fact,) = facts(served)
    assert fact["privacy"] == "anonymous"
    assert fact["campaign"] == counted
    (row,) = served.client.get(f"{served.base}/statistics/clicks", params={"group_by": "day"}).json()["data"][-1:]
    assert row["total"] == 1

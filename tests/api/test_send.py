"""What a request may ask for beside the mail itself, and what becomes of it."""

import email
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from linkweir.clicks.ingest.rebuild_worker import rebuild_aggregates
from linkweir.db import schema
from linkweir.db.time_buckets import ALL_TIME
from linkweir.html.document import scan
from linkweir.tokens import PIXEL_INDEX
from linkweir.tokens.opener import open_link
from tests.db.aggregate_statements import select_with_values
from tests.web.running_service import RunningService, html_body, make_request, wait_until


@pytest.fixture(scope="module")
def service(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """One service for this file."""
    with RunningService(tmp_path_factory.mktemp("sending") / "data") as service:
        yield service


def test_an_open_is_tracked_on_request(service: RunningService) -> None:
    """With `tracking.open` a pixel of the same token family stands before `</body>`, and nothing else changes."""
    (entry,) = service.send(html_content="<body><p>Hello</p></BODY>", tracking={"open": True})
    page = html_body(service.wait_for_mail(entry["id"]))
    match = re.fullmatch(r'<body><p>Hello</p><img src="([^"]+)" width="1" height="1" border="0" alt=""></BODY>', page)
    assert match is not None
    assert open_link(service.components.keyring, match[1]).index == PIXEL_INDEX


def test_a_header_applies_as_in_smtp_and_the_field_wins(service: RunningService) -> None:
    """`ahasend-track-opens` inside `headers` asks for the pixel unless the `tracking` field says otherwise."""
    asked = {"headers": {"AhaSend-Track-Opens": " TRUE "}}
    (entry,) = service.send(**asked, tracking=None)
    assert "<img" in html_body(service.wait_for_mail(entry["id"]))
    (entry,) = service.send(**asked, tracking={"open": False})
    assert "<img" not in html_body(service.wait_for_mail(entry["id"]))


def test_utm_goes_before_the_fragment_and_never_twice(service: RunningService) -> None:
    """Campaign parameters are added to the tracked destination, but for those that it has already."""
    html = '<a href="https://example.com/?utm_source=mine#top">x</a>'
    (entry,) = service.send(html_content=html, utm={"source": "weir", "campaign": "a b"})
    (link,) = service.delivered_links(entry["id"])
    destination = open_link(service.components.keyring, link).destination
    assert destination == "https://example.com/?utm_source=mine&utm_campaign=a%20b#top"


def test_utm_works_without_tracking(service: RunningService) -> None:
    """With tracking off the campaign parameters stand in the href itself, escaped for it."""
    html = '<a href="https://example.com/?a=1">x</a>'
    (entry,) = service.send(html_content=html, utm={"source": "weir"}, tracking={"click": False})
    assert (
        html_body(service.wait_for_mail(entry["id"])) == '<a href="https://example.com/?a=1&amp;utm_source=weir">x</a>'
    )


@pytest.mark.parametrize("wishes", [{}, {"link_style": "short"}, {"tracking": {"click": False}}], ids=str)
def test_utm_excludes_signed_addresses_other_hosts_and_marked_tags(
    service: RunningService, wishes: dict[str, Any]
) -> None:
    """Parameters go to hosts of the list only, never to a signed address, nor where the tag says `data-no-utm`."""
    spared = [
        "https://www.example.com/a.pdf?expires=1&signature=0a",
        "https://other.example/",
        "https://example.com/marked",
        "https://example.com/marked/too",
    ]
    marks = ["", "", "DATA-NO-UTM", "data-no-utm='no'"]
    html = '<a href="https://go.example.com/x">0</a>' + "".join(
        f'<a {mark} href="{link}">x</a>'.replace("&", "&amp;") for link, mark in zip(spared, marks, strict=True)
    )
    (entry,) = service.send(html_content=html, utm={"source": "weir", "hosts": ["Example.com"]}, **wishes)
    links = service.delivered_links(entry["id"])
    if not wishes.get("tracking"):
        links = [service.reader.get("/c/" + link.rpartition("/")[2]).headers["location"] for link in links]
    assert links == ["https://go.example.com/x?utm_source=weir", *spared]


@pytest.mark.parametrize("host", ["", "https://example.com", "example.com:80", "a@b", "*.example.com", "a..b"])
def test_utm_hosts_are_hosts(service: RunningService, host: str) -> None:
    """What is no host name is refused, named by its field."""
    answer = service.client.post(
        f"{service.account_path}/messages", json=make_request(utm={"source": "a", "hosts": [host]})
    )
    assert (answer.status_code, "utm.hosts" in answer.text) == (400, True)


def test_an_amp_part_goes_along_untouched(service: RunningService) -> None:
    """`amp_content` is an alternative before the HTML, with its links as they were."""
    amp = '<html amp4email><a href="https://example.com/">x</a></html>'
    (entry,) = service.send(text_content="Hello", amp_content=amp)
    mail = service.wait_for_mail(entry["id"])
    kinds = [part.get_content_type() for part in mail.iter_parts()]
    assert kinds == ["text/plain", "text/x-amp-html", "text/html"]
    part = list(mail.iter_parts())[1]
    assert part.get_payload(decode=True) == amp.encode()


@pytest.mark.parametrize(
    ("result", "status"),
    [
        (None, "Sandbox Delivered"),
        ("bounce", "Sandbox Bounced"),
        ("defer", "Sandbox Deferred"),
        ("fail", "Sandbox Failed"),
        ("suppress", "Sandbox Suppressed"),
    ],
)
def test_a_sandbox_mail_never_leaves(service: RunningService, result: str | None, status: str) -> None:
    """A message in the sandbox comes to the result that was asked for, and to no outbox."""
    (entry,) = service.send(sandbox=True, sandbox_result=result)
    wait_until(lambda: service.get_message(entry["id"])["status"] == status)
    uuid = entry["id"][1:].partition("@")[0].replace("-", "")
    assert not list(service.settings.maildir_path.glob(f"*/*{uuid}*"))


@pytest.mark.both_databases
def test_clicks_in_the_sandbox_count_nowhere(tmp_path: Path) -> None:
    """Whatever the privacy mode, and whether the reader objects or not, statistics have the clicks on mail that was
    sent, and none of those on the same mail in the sandbox; also when the sums are made anew.
    """
    with RunningService(tmp_path / "data") as served:

        def followed(**fields: Any) -> int:
            """How many links were followed, half of them by somebody who objects."""
            (entry,) = served.send(tags=["trial"], retention={"data": 1}, **fields)
            wait_until(lambda: served.get_message(entry["id"])["status"].endswith("Delivered"))
            parts = served.get_message(entry["id"])["content_parsed"]["parts"]
            (html,) = (part["content"] for part in parts if part["content_type"] == "text/html")
            links = list(scan(html))
            for index, link in enumerate(links):
                path = urlsplit(link.destination or "").path
                headers = {"Sec-GPC": "1"} if index % 2 else {}
                assert served.reader.get(path, headers=headers, follow_redirects=False).status_code == 302
            return len(links)

        def counted() -> list[int]:
            with served.components.database.read() as connection:
                rows = connection.execute(select_with_values(schema.click_aggregates)).mappings().all()
            whole = [row for row in rows if row["dimension"] == "" and row["hours"] == ALL_TIME]
            return sorted(row["human"] + row["unsure"] + row["machine"] + row["prefetch"] for row in whole)

        modes = ("full", "pseudonymous", "anonymous")
        tried = sum(followed(privacy=mode, sandbox=True) for mode in modes)
        served.wait_until_ingested()
        assert counted() == []
        sent = sum(followed(privacy=mode) for mode in modes)
        served.wait_until_ingested()
        before = counted()
        assert (tried, max(before)) == (sent, sent)
        rebuild_aggregates(served.components.database, 1, lambda _what, _count: True)
        assert counted() == before


def test_retention_is_the_messages_own(service: RunningService) -> None:
    """`retention` wins over the account's days."""
    (entry,) = service.send(retention={"metadata": 3, "data": 2})
    message = service.get_message(entry["id"])
    kept = datetime.fromisoformat(message["retain_until"]) - datetime.fromisoformat(message["created_at"])
    assert kept == timedelta(days=3)


def test_a_schedule_is_returned(service: RunningService) -> None:
    """A message for later is `scheduled`, with its times in the answer."""
    first = (datetime.now(UTC) + timedelta(hours=2)).replace(microsecond=0)
    (entry,) = service.send(schedule={"first_attempt": first.isoformat()})
    assert entry["status"] == "scheduled"
    assert datetime.fromisoformat(entry["schedule"]["first_attempt"]) == first


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"retention": {"metadata": 0}}, "retention.metadata"),
        ({"retention": {"data": 31}}, "retention.data"),
        ({"sandbox_result": "explode"}, "sandbox_result"),
        ({"utm": {"source": ""}}, "utm.source"),
        ({"skip": ["("]}, "skip"),
        ({"skip": ["(" * 1000]}, "skip"),
        ({"skip": ["(?=a)b"]}, "skip"),
        ({"skip": ["a{1000}{1000}"]}, "skip"),
        ({"skip": ["a"] * 51}, "skip: has more than 50"),
        ({"opt_out": ["a"] * 51}, "opt_out: has more than 50"),
        ({"recipients": [{"email": "a@example.org", "attributes": {"a": 1}}]}, "recipients[0].attributes"),
    ],
)
def test_an_invalid_preference_is_named(service: RunningService, change: dict[str, object], field: str) -> None:
    """What cannot be used is 400 with the name of the field."""
    answer = service.post_message(make_request(**change))
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(field.partition("[")[0])


def test_an_unknown_tracking_header_is_noted(service: RunningService) -> None:
    """A header that is not understood is ignored, and the message's events say so."""
    (entry,) = service.send(headers={"ahasend-track-clicks": "maybe"})
    events = service.get_message(entry["id"])["events"]
    assert any(event["kind"] == "header-ignored" for event in events)


def test_the_mail_parses(tmp_path: Path, service: RunningService) -> None:
    """What lies in the outbox is one mail that the standard library reads without a defect."""
    (entry,) = service.send(text_content="Hello", tracking={"open": True, "click": True})
    raw = service.wait_for_mail(entry["id"]).as_bytes()
    assert not email.message_from_bytes(raw).defects


def test_no_pattern_stops_the_service(service: RunningService) -> None:
    """A pattern that Python's engine would brood over for ever is matched at once, in a message and in a dry run."""
    page = '<a href="https://example.com/' + "a" * 60 + '!">x</a>'
    (entry,) = service.send(skip=["(a+)+$"], html_content=page)
    assert service.delivered_links(entry["id"])[0].startswith(service.settings.base_url)
    answer = service.client.post(f"{service.account_path}/check", json={"html_content": page, "skip": ["(a|a)+$"]})
    assert answer.json()["data"][0]["outcome"] == "tracked"

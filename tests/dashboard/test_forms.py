"""Tests of what can be done on the dashboard: settings, webhooks, checking, looking through messages."""

import hashlib
import re
import socket
import threading
import uuid
from collections import Counter
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from linkweir.html.lint import TEXT_IS_OTHER_URL, TEXT_IS_URL
from tests.dashboard.browser_client import FIREFOX_HEADERS, DashboardClient, add_user, find_value
from tests.web.running_service import RunningService, wait_until


def test_settings_hold_for_the_next_message(service: RunningService, dashboard_client: DashboardClient) -> None:
    """What is saved is what the API says, and what the next message is tracked by; saved again, it is taken back."""
    dashboard_client.signed_in_client()
    fields = {
        "track_clicks": "on",
        "privacy": "pseudonymous",
        "opt_out": "vendors\ndata-quiet\n\n",
        "skip": "one-time",
        "outlook": "on",
        "message_data_retention": "3",
        "message_metadata_retention": "20",
    }
    assert dashboard_client.post("/settings", fields).headers["location"].endswith("saved=yes")
    account = service.client.get(service.account_path).json()
    assert (account["track_clicks"], account["track_opens"], account["privacy"]) == (True, False, "pseudonymous")
    assert account["opt_out"] == ["vendors", "data-quiet"]
    assert (account["skip"], account["outlook"], account["message_data_retention"]) == (["one-time"], True, 3)
    html = '<a href="https://a.example/">a</a> <a data-quiet href="https://b.example/">b</a>'
    (entry,) = service.send(tracking=None, html_content=html)
    first, second = service.delivered_links(entry["id"])
    assert first.startswith(service.settings.base_url)
    assert second == "https://b.example/"
    page = dashboard_client.get("/settings")
    assert "data-quiet" in page
    days = {"message_data_retention": "3", "message_metadata_retention": "20"}
    assert dashboard_client.post("/settings", days).status_code == 303
    account = service.client.get(service.account_path).json()
    assert (account["track_clicks"], account["privacy"], account["opt_out"]) == (False, None, [])


@pytest.mark.parametrize(
    "fields",
    [
        {"skip": "("},
        {"privacy": "loud"},
        {"message_data_retention": "31"},
        {"message_metadata_retention": "x"},
        {"message_metadata_retention": "9" * 5000},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_settings_that_cannot_be_are_refused(
    service: RunningService, dashboard_client: DashboardClient, fields: dict[str, str]
) -> None:
    """A broken pattern, an unknown mode and days out of range are answered 400 with the reason at the field, beside all
    that was typed; nothing changes.
    """
    before = service.client.get(service.account_path).json()
    typed = {"track_clicks": "on", "confirm": "/typed/\n/forms/", **fields}
    answer = dashboard_client.signed_in_client().post("/settings", typed)
    assert answer.status_code == 400
    assert "Nothing was changed" in answer.text
    (name,) = fields
    assert re.findall(r'role="alert" id="([a-z_]+)-wrong"', answer.text) == [name]
    assert find_value(answer.text, "confirm") == typed["confirm"]
    if name == "skip":
        assert find_value(answer.text, name) == "("
        assert "Line 1: " in dashboard_client.post("/settings", {"internal_networks": "10.0.0.0/33"}).text
    assert service.client.get(service.account_path).json() == before


def test_a_domain_gets_its_tracking_host(service: RunningService, dashboard_client: DashboardClient) -> None:
    """A domain is made or changed with the subdomain that its links live on; the next mail has them there, and a link
    made before is still ours.
    """
    dashboard_client.signed_in_client()
    assert dashboard_client.post("/settings/host", {"domain": "Example.com", "subdomain": "go"}).status_code == 303
    assert "go.example.com" in dashboard_client.get("/settings")
    (entry,) = service.send()
    first, _ = service.delivered_links(entry["id"])
    assert first.startswith(f"http://go.example.com:{service.settings.port}/c/")
    assert dashboard_client.post("/settings/host", {"domain": "example.com", "subdomain": ""}).status_code == 303
    (result,) = service.client.get(f"{service.account_path}/domains").json()["data"]
    assert (result["domain"], result["tracking_subdomain"]) == ("example.com", None)
    checked = dashboard_client.post("/check", {"html": f'<a href="{first}">x</a>'}).text
    assert "already-tracked" in checked


@pytest.mark.parametrize(
    "fields", [("", "go"), ("localhost", "go"), ("example.com", "-"), ("example.com", "a b"), ("x..y", "")]
)
def test_hosts_that_cannot_be_are_refused(
    service: RunningService, dashboard_client: DashboardClient, fields: tuple[str, str]
) -> None:
    """What is no domain or no subdomain is answered 400, and no domain is made."""
    answer = dashboard_client.signed_in_client().post("/settings/host", {"domain": fields[0], "subdomain": fields[1]})
    assert answer.status_code == 400
    assert 'domain-wrong"' in answer.text
    assert f'value="{fields[0]}"' in answer.text
    assert service.client.get(f"{service.account_path}/domains").json()["data"] == []


class RecordingReceiver:
    """A webhook's other end: answers with `status`, and keeps the ids that came."""

    def __init__(self) -> None:
        self.status, self.ids = 500, []  # type: int, list[str]
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                outer.ids.append(self.headers["webhook-id"])
                self.send_response(outer.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()


@pytest.mark.both_databases
def test_a_delivery_is_sent_again(tmp_path: Path) -> None:
    """A request that failed for good is sent again by a button, with the same id, once the webhook is on; it shows."""
    receiver = RecordingReceiver()
    with RunningService(
        tmp_path / "data", webhook_networks=(ip_network("127.0.0.0/8"),), webhook_retry_seconds=0.001
    ) as house:
        add_user(house)
        body = {"name": "crm", "url": receiver.url, "scope": "global", "on_delivered": True}
        hook = house.client.post(f"{house.account_path}/webhooks", json=body).json()["id"]
        house.wait_for_mail(house.send()[0]["id"])
        with DashboardClient(house) as visitor:
            visitor.signed_in_client()
            wait_until(lambda: ">failed<" in visitor.get(f"/webhooks/{hook}"))
            assert len(receiver.ids) == 6
            request = visitor.get(f"/webhooks/{hook}").partition('name="request" value="')[2].partition('"')[0]
            receiver.status = 204
            assert visitor.post(f"/webhooks/{hook}/switch", {"enabled": "false"}).status_code == 303
            assert visitor.post(f"/webhooks/{hook}/again", {"request": request}).status_code == 409
            assert visitor.post(f"/webhooks/{hook}/switch", {"enabled": "true"}).status_code == 303
            assert visitor.post(f"/webhooks/{hook}/again", {"request": request}).status_code == 303
            wait_until(lambda: ">succeeded<" in visitor.get(f"/webhooks/{hook}"))
            assert visitor.post(f"/webhooks/{hook}/again", {"request": "none"}).status_code == 404
    assert receiver.ids == [request] * 7
    receiver.server.shutdown()
    receiver.server.server_close()


def test_messages_are_searched_and_paginated(service: RunningService, dashboard_client: DashboardClient) -> None:
    """Filters narrow the list; Older and Newer lead through all of it and back."""
    for number in range(2):
        recipients = [{"email": f"r{number}-{n}@example.org"} for n in range(30)]
        service.send(subject=f"Batch {number}", tags=[f"t{number}"], recipients=recipients)
    dashboard_client.signed_in_client()
    assert dashboard_client.get("/messages?tag=t1").count("Batch 1") == 30
    assert dashboard_client.get("/messages?q=r0-3@example.org").count(">Batch") == 1
    first = dashboard_client.get("/messages")
    assert first.count("Batch") == 50
    older = first.partition('href="/dashboard/messages?')[2]
    link = next(part.partition('"')[0] for part in first.split('href="/dashboard') if "after=" in part)
    second = dashboard_client.get(link.replace("&amp;", "&"))
    assert second.count("Batch") == 10
    back = next(part.partition('"')[0] for part in second.split('href="/dashboard') if "before=" in part)
    assert dashboard_client.get(back.replace("&amp;", "&")).count("Batch") == 50
    assert older


@pytest.mark.parametrize("at", ["-5", "9" * 26, "9" * 5000, "x"])
def test_an_invalid_cursor_is_the_first_page(
    service: RunningService, dashboard_client: DashboardClient, at: str
) -> None:
    """An address made by hand, whatever number it holds, shows the newest messages."""
    service.send(subject="Newest")
    dashboard_client.signed_in_client()
    for direction in ("after", "before"):
        assert dashboard_client.get(f"/messages?{direction}={at}.{uuid.uuid4().hex}").count("Newest") == 1


def test_readers_confirm_where_the_settings_require_it(
    service: RunningService, dashboard_client: DashboardClient
) -> None:
    """A pattern of destinations on the settings page puts a question before them, also in mails that were sent before;
    taken back, readers go straight on. A pattern that is none is refused.
    """
    (entry,) = service.send()
    first, second = service.delivered_links(entry["id"])
    days = {"message_data_retention": "3", "message_metadata_retention": "20"}
    assert (
        dashboard_client.signed_in_client().post("/settings", {**days, "confirm": "example.com/a\n"}).status_code == 303
    )
    wait_until(lambda: service.reader.get(first).status_code == 200)
    assert service.reader.get(second).status_code == 302
    assert ">example.com/a</textarea>" in dashboard_client.get("/settings")
    refused = dashboard_client.post("/settings", {**days, "confirm": "("})
    assert refused.status_code == 400
    assert "confirm" in refused.text
    assert service.client.get(service.account_path).json()["confirm"] == ["example.com/a"]
    assert dashboard_client.post("/settings", {**days, "confirm": ""}).status_code == 303
    wait_until(lambda: service.reader.get(first).status_code == 302)


def test_compared_campaigns_stay_chosen_and_show_their_variants(
    service: RunningService, dashboard_client: DashboardClient
) -> None:
    """Another time is looked at with the same campaigns; one that was sent in variants has these side by side."""
    people = [{"email": f"r{number}@example.org", "variant": "AB"[number % 2]} for number in range(4)]
    service.send(recipients=people, tags=["one"])
    service.send(tags=["two"])
    service.wait_until_ingested()
    page = dashboard_client.signed_in_client().get("/compare?tag=one&tag=two")
    assert "?tag=one&amp;tag=two&amp;period=7" in page or "?tag=two&amp;tag=one&amp;period=7" in page
    assert "A/B test in one" in page
    assert "A/B test inside two" not in page


def test_short_links_show_where_they_lead(service: RunningService, dashboard_client: DashboardClient) -> None:
    """Links in the short style have their destinations on the pages of message and campaign before anybody clicks."""
    place = "https://example.com/somewhere"
    (entry,) = service.send(html_content=f'<a href="{place}">x</a>', link_style="short", tags=["short"])
    service.wait_until_ingested()
    dashboard_client.signed_in_client()
    key = entry["id"].strip("<>").partition("@")[0]
    for page in (f"/messages/{key}", "/campaign?tag=short"):
        assert place in dashboard_client.get(page), page


def test_a_page_shows_that_the_mail_was_deleted(service: RunningService, dashboard_client: DashboardClient) -> None:
    """When retention has removed the mail the page says so, keeps the counts of its links, and has no frame."""
    (entry,) = service.send()
    first, _ = service.delivered_links(entry["id"])
    service.reader.get(first, headers=FIREFOX_HEADERS)
    wait_until(lambda: service.click_count(entry["id"]) == 1)
    key = entry["id"].strip("<>").partition("@")[0]
    assert "<iframe" in dashboard_client.signed_in_client().get(f"/messages/{key}")
    with service.components.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM contents")
    page = dashboard_client.get(f"/messages/{key}")
    assert "The mail is no longer stored." in page
    assert "<iframe" not in page
    assert "https://example.com/a?x=1&amp;y=2" in page
    assert dashboard_client.http.get(f"/messages/{key}/mail").status_code == 404


def test_a_form_may_be_too_large_or_odd(service: RunningService, dashboard_client: DashboardClient) -> None:
    """A form over the limit is answered 413, a thousand fields 400, and the service goes on."""
    dashboard_client.signed_in_client()
    assert dashboard_client.post("/check", {"html": "x" * (2 * 1024 * 1024 + 1)}).status_code == 413
    assert dashboard_client.post("/check", {f"f{n}": "" for n in range(1000)}).status_code == 400
    assert dashboard_client.http.request("DELETE", "/settings").status_code in (404, 405)
    with socket.create_connection(("127.0.0.1", service.settings.port), 5) as raw:
        raw.sendall(b"GET /dashboard/ HTTP/1.0\r\nCookie: linkweir_session=\xff\xfe\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 303")


def test_times_are_the_reader_s(service: RunningService, dashboard_client: DashboardClient) -> None:
    """A browser that was given a time zone sees its times; another sees UTC; what is no zone is refused."""
    (entry,) = service.send()
    key = entry["id"].strip("<>").partition("@")[0]
    dashboard_client.signed_in_client()
    with service.components.database.write() as connection:
        connection.exec_driver_sql("UPDATE messages SET created_at = 1767268800000000")  # 12:00 UTC
    assert "1 Jan 2026, 12:00:00" in dashboard_client.get(f"/messages/{key}")
    assert dashboard_client.post("/settings/zone", {"zone": "Asia/Kolkata"}).status_code == 303
    assert "1 Jan 2026, 17:30:00" in dashboard_client.get(f"/messages/{key}")
    assert 'datetime="2026-01-01T12:00:00Z"' in dashboard_client.get(f"/messages/{key}")
    assert "Times are in Asia/Kolkata" in dashboard_client.get("/")
    assert dashboard_client.post("/settings/zone", {"zone": "../etc/passwd"}).status_code == 400
    dashboard_client.http.cookies.set("linkweir_zone", "nonsense", path="/dashboard")
    assert dashboard_client.http.get("/", headers={"Cookie": "linkweir_zone=../../x"}).status_code == 303


def test_a_text_that_is_another_address_is_named_wherever_links_are(
    service: RunningService, dashboard_client: DashboardClient
) -> None:
    """Of three links the tracked one whose text is an address has the warning: in the API and on both pages, before
    sending and after.
    """
    html = (
        '<a href="https://www.example.com/offers">www.example.com</a> <a href="https://example.com/b">Offers</a> '
        '<a data-as-no-track href="https://example.com/c">example.com</a> '
        '<a href="https://shop.example.net/login">https://bank.example.com/login</a>'
    )
    other = TEXT_IS_OTHER_URL.format(shown="bank.example.com", host="shop.example.net")
    (entry,) = service.send(html_content=html)
    checked = service.client.post(f"{service.account_path}/check", json={"html_content": html}).json()["data"]
    sent = service.client.get(f"{service.account_path}/messages/{entry['id']}/links").json()["data"]
    for result in (checked, sent):
        assert [item["warning"] for item in result] == [TEXT_IS_URL, None, None, other]
    dashboard_client.signed_in_client()
    number = entry["id"].strip("<>").partition("@")[0]
    pages = (dashboard_client.post("/check", {"html": html}).text, dashboard_client.get(f"/messages/{number}"))
    for warning in (TEXT_IS_URL, other):
        assert [page.count(warning.replace("'", "&#39;")) for page in pages] == [1, 1]


def test_the_check_page_applies_the_senders_domain(service: RunningService, dashboard_client: DashboardClient) -> None:
    """With a sender the page goes by the domain's switches and host of links, as the API and sending do; without one by
    the account's and the service's.
    """
    domain = f"{'a' * 60}.{'b' * 60}.example"
    expected = {"domain": domain, "tracking_subdomain": "t", "opt_out": ["data-quiet"]}
    assert service.client.post(f"{service.account_path}/domains", json=expected).status_code == 201
    noise = "".join(chr(0x4E00 + byte) for byte in hashlib.shake_256(b"").digest(2500))  # no packing makes it short
    html = "".join(f'<a href="https://e.example/{noise[:size]}">x</a>' for size in range(1700, 1800, 4))
    html += '<a data-quiet href="https://e.example/">x</a>'
    dashboard_client.signed_in_client()
    result = []
    for sender in (None, {"email": f"news@{domain}"}):
        asked = {"html_content": html, **({"from": sender} if sender else {})}
        answer = service.client.post(f"{service.account_path}/check", json=asked).json()["data"]
        page = dashboard_client.post("/check", {"html": html, "from": sender["email"] if sender else ""}).text
        outcomes = re.findall(r'class="state o[nf]+">([a-z-]+)<', page)
        assert outcomes == [item["outcome"] for item in answer]
        result.append(Counter(outcomes))
    (entry,) = service.send(html_content=html, **{"from": {"email": f"news@{domain}"}})
    sent = service.client.get(f"{service.account_path}/messages/{entry['id']}/links").json()["data"]
    assert Counter(item["outcome"] for item in sent) == result[1]
    assert result[0]["too-long-destination"] < result[1]["too-long-destination"] < 25
    assert (result[0]["opted-out"], result[1]["opted-out"]) == (0, 1)
    assert dashboard_client.post("/check", {"html": html, "from": "a@b c"}).status_code == 400

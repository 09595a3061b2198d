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

from linkweir.html.check import TEXT_IS_ADDRESS
from tests.edge.dashboard.browsing import FIREFOX, Visitor, add_user
from tests.edge.serving import Served, wait_until


def test_settings_hold_for_the_next_message(house: Served, visitor: Visitor) -> None:
    """What is saved is what the API says, and what the next message is tracked by; saved again, it is taken back."""
    visitor.entered()
    fields = {
        "track_clicks": "on",
        "privacy": "pseudonymous",
        "opt_out": "vendors\ndata-quiet\n\n",
        "skip": "one-time",
        "outlook": "on",
        "message_data_retention": "3",
        "message_metadata_retention": "20",
    }
    assert visitor.post("/settings", fields).headers["location"].endswith("saved=yes")
    account = house.client.get(house.base).json()
    assert (account["track_clicks"], account["track_opens"], account["privacy"]) == (True, False, "pseudonymous")
    assert account["opt_out"] == ["vendors", "data-quiet"]
    assert (account["skip"], account["outlook"], account["message_data_retention"]) == (["one-time"], True, 3)
    html = '<a href="https://a.example/">a</a> <a data-quiet href="https://b.example/">b</a>'
    (entry,) = house.send(tracking=None, html_content=html)
    first, second = house.links(entry["id"])
    assert first.startswith(house.settings.base_url)
    assert second == "https://b.example/"
    page = visitor.get("/settings")
    assert "data-quiet" in page
    days = {"message_data_retention": "3", "message_metadata_retention": "20"}
    assert visitor.post("/settings", days).status_code == 303
    account = house.client.get(house.base).json()
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
def test_settings_that_cannot_be_are_refused(house: Served, visitor: Visitor, fields: dict[str, str]) -> None:
    """A broken pattern, an unknown mode and days out of range are answered 400 with the reason; nothing changes."""
    before = house.client.get(house.base).json()
    answer = visitor.entered().post("/settings", {"track_clicks": "on", **fields})
    assert answer.status_code == 400
    assert "Nothing was changed" in answer.text
    assert house.client.get(house.base).json() == before


def test_a_domain_gets_its_tracking_host(house: Served, visitor: Visitor) -> None:
    """A domain is made or changed with the subdomain that its links live on; the next mail has them there, and a link
    made before is still ours.
    """
    visitor.entered()
    assert visitor.post("/settings/host", {"domain": "Example.com", "subdomain": "go"}).status_code == 303
    assert "go.example.com" in visitor.get("/settings")
    (entry,) = house.send()
    first, _ = house.links(entry["id"])
    assert first.startswith("http://go.example.com/c/")
    assert visitor.post("/settings/host", {"domain": "example.com", "subdomain": ""}).status_code == 303
    (found,) = house.client.get(f"{house.base}/domains").json()["data"]
    assert (found["domain"], found["tracking_subdomain"]) == ("example.com", None)
    checked = visitor.post("/check", {"html": f'<a href="{first}">x</a>'}).text
    assert "already-tracked" in checked


@pytest.mark.parametrize(
    "fields", [("", "go"), ("localhost", "go"), ("example.com", "-"), ("example.com", "a b"), ("x..y", "")]
)
def test_hosts_that_cannot_be_are_refused(house: Served, visitor: Visitor, fields: tuple[str, str]) -> None:
    """What is no domain or no subdomain is answered 400, and no domain is made."""
    answer = visitor.entered().post("/settings/host", {"domain": fields[0], "subdomain": fields[1]})
    assert answer.status_code == 400
    assert house.client.get(f"{house.base}/domains").json()["data"] == []


class Receiver:
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


def test_a_delivery_is_sent_again(tmp_path: Path) -> None:
    """A request that failed for good is sent again by a button, with the same id, once the webhook is on; it shows."""
    receiver = Receiver()
    with Served(tmp_path / "data", webhook_networks=(ip_network("127.0.0.0/8"),), webhook_retry_seconds=0.001) as house:
        add_user(house)
        body = {"name": "crm", "url": receiver.url, "scope": "global", "on_delivered": True}
        hook = house.client.post(f"{house.base}/webhooks", json=body).json()["id"]
        house.delivered(house.send()[0]["id"])
        with Visitor(house) as visitor:
            visitor.entered()
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


def test_messages_are_found_and_turned_over(house: Served, visitor: Visitor) -> None:
    """Filters narrow the list; Older and Newer lead through all of it and back."""
    for number in range(2):
        recipients = [{"email": f"r{number}-{n}@example.org"} for n in range(30)]
        house.send(subject=f"Batch {number}", tags=[f"t{number}"], recipients=recipients)
    visitor.entered()
    assert visitor.get("/messages?tag=t1").count("Batch 1") == 30
    assert visitor.get("/messages?recipient=r0-3@example.org").count("Batch") == 1
    first = visitor.get("/messages")
    assert first.count("Batch") == 50
    older = first.partition('href="/dashboard/messages?')[2]
    link = next(part.partition('"')[0] for part in first.split('href="/dashboard') if "after=" in part)
    second = visitor.get(link.replace("&amp;", "&"))
    assert second.count("Batch") == 10
    back = next(part.partition('"')[0] for part in second.split('href="/dashboard') if "before=" in part)
    assert visitor.get(back.replace("&amp;", "&")).count("Batch") == 50
    assert older


@pytest.mark.parametrize("at", ["-5", "9" * 26, "9" * 5000, "x"])
def test_a_place_that_no_page_named_is_the_beginning(house: Served, visitor: Visitor, at: str) -> None:
    """An address made by hand, whatever number it holds, shows the newest messages."""
    house.send(subject="Newest")
    visitor.entered()
    for direction in ("after", "before"):
        assert visitor.get(f"/messages?{direction}={at}.{uuid.uuid4().hex}").count("Newest") == 1


def test_readers_are_asked_where_the_settings_say_so(house: Served, visitor: Visitor) -> None:
    """A pattern of destinations on the settings page puts a question before them, also in mails that were sent before;
    taken back, readers go straight on. A pattern that is none is refused.
    """
    (entry,) = house.send()
    first, second = house.links(entry["id"])
    days = {"message_data_retention": "3", "message_metadata_retention": "20"}
    assert visitor.entered().post("/settings", {**days, "confirm": "example.com/a\n"}).status_code == 303
    wait_until(lambda: house.reader.get(first).status_code == 200)
    assert house.reader.get(second).status_code == 302
    assert ">example.com/a</textarea>" in visitor.get("/settings")
    refused = visitor.post("/settings", {**days, "confirm": "("})
    assert refused.status_code == 400
    assert "confirm" in refused.text
    assert house.client.get(house.base).json()["confirm"] == ["example.com/a"]
    assert visitor.post("/settings", {**days, "confirm": ""}).status_code == 303
    wait_until(lambda: house.reader.get(first).status_code == 302)


def test_compared_campaigns_stay_chosen_and_show_their_variants(house: Served, visitor: Visitor) -> None:
    """Another time is looked at with the same campaigns; one that was sent in variants has these side by side."""
    people = [{"email": f"r{number}@example.org", "variant": "AB"[number % 2]} for number in range(4)]
    house.send(recipients=people, tags=["one"])
    house.send(tags=["two"])
    house.settle()
    page = visitor.entered().get("/compare?tag=one&tag=two")
    assert "?tag=one&amp;tag=two&amp;days=7" in page or "?tag=two&amp;tag=one&amp;days=7" in page
    assert "A/B test inside one" in page
    assert "A/B test inside two" not in page


def test_short_links_say_where_they_lead(house: Served, visitor: Visitor) -> None:
    """Links in the short style have their destinations on the pages of message and campaign before anybody clicks."""
    place = "https://example.com/somewhere"
    (entry,) = house.send(html_content=f'<a href="{place}">x</a>', link_style="short", tags=["short"])
    house.settle()
    visitor.entered()
    key = entry["id"].strip("<>").partition("@")[0]
    for page in (f"/messages/{key}", "/campaign?tag=short"):
        assert place in visitor.get(page), page


def test_a_page_says_when_the_mail_is_gone(house: Served, visitor: Visitor) -> None:
    """When retention has removed the mail the page says so, keeps the counts of its links, and has no frame."""
    (entry,) = house.send()
    first, _ = house.links(entry["id"])
    house.reader.get(first, headers=FIREFOX)
    wait_until(lambda: house.clicks(entry["id"]) == 1)
    key = entry["id"].strip("<>").partition("@")[0]
    assert "<iframe" in visitor.entered().get(f"/messages/{key}")
    with house.service.store.write() as connection:
        connection.exec_driver_sql("DELETE FROM contents")
    page = visitor.get(f"/messages/{key}")
    assert "The mail is no longer kept." in page
    assert "<iframe" not in page
    assert "https://example.com/a?x=1&amp;y=2" in page
    assert visitor.client.get(f"/messages/{key}/mail").status_code == 404


def test_a_form_may_be_too_large_or_odd(house: Served, visitor: Visitor) -> None:
    """A form over the limit is answered 413, a thousand fields 400, and the service goes on."""
    visitor.entered()
    assert visitor.post("/check", {"html": "x" * (2 * 1024 * 1024 + 1)}).status_code == 413
    assert visitor.post("/check", {f"f{n}": "" for n in range(1000)}).status_code == 400
    assert visitor.client.request("DELETE", "/settings").status_code in (404, 405)
    with socket.create_connection(("127.0.0.1", house.settings.port), 5) as raw:
        raw.sendall(b"GET /dashboard/ HTTP/1.0\r\nCookie: linkweir_session=\xff\xfe\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 303")


def test_times_are_the_reader_s(house: Served, visitor: Visitor) -> None:
    """A browser that was given a time zone sees its times; another sees UTC; what is no zone is refused."""
    (entry,) = house.send()
    key = entry["id"].strip("<>").partition("@")[0]
    visitor.entered()
    with house.service.store.write() as connection:
        connection.exec_driver_sql("UPDATE messages SET created_at = 1767268800000000")  # 12:00 UTC
    assert "1 Jan 2026, 12:00:00" in visitor.get(f"/messages/{key}")
    assert visitor.post("/settings/zone", {"zone": "Asia/Kolkata"}).status_code == 303
    assert "1 Jan 2026, 17:30:00" in visitor.get(f"/messages/{key}")
    assert 'datetime="2026-01-01T12:00:00Z"' in visitor.get(f"/messages/{key}")
    assert "those of Asia/Kolkata" in visitor.get("/")
    assert visitor.post("/settings/zone", {"zone": "../etc/passwd"}).status_code == 400
    visitor.client.cookies.set("linkweir_zone", "nonsense", path="/dashboard")
    assert visitor.client.get("/", headers={"Cookie": "linkweir_zone=../../x"}).status_code == 303


def test_a_text_that_is_another_address_is_named_wherever_links_are(house: Served, visitor: Visitor) -> None:
    """Of three links the tracked one whose text is an address has the warning: in the API and on both pages, before
    sending and after.
    """
    html = (
        '<a href="https://www.example.com/offers">www.example.com</a> <a href="https://example.com/b">Offers</a> '
        '<a data-as-no-track href="https://example.com/c">example.com</a>'
    )
    (entry,) = house.send(html_content=html)
    checked = house.client.post(f"{house.base}/check", json={"html_content": html}).json()["data"]
    sent = house.client.get(f"{house.base}/messages/{entry['id']}/links").json()["data"]
    for found in (checked, sent):
        assert [one["warning"] for one in found] == [TEXT_IS_ADDRESS, None, None]
    visitor.entered()
    shown = TEXT_IS_ADDRESS.replace("'", "&#39;")
    assert visitor.post("/check", {"html": html}).text.count(shown) == 1
    number = entry["id"].strip("<>").partition("@")[0]
    assert visitor.get(f"/messages/{number}").count(shown) == 1


def test_the_check_page_judges_as_the_sender_s_domain(house: Served, visitor: Visitor) -> None:
    """With a sender the page goes by the domain's switches and host of links, as the API and sending do; without one by
    the account's and the service's.
    """
    domain = f"{'a' * 60}.{'b' * 60}.example"
    wanted = {"domain": domain, "tracking_subdomain": "t", "opt_out": ["data-quiet"]}
    assert house.client.post(f"{house.base}/domains", json=wanted).status_code == 201
    noise = "".join(chr(0x4E00 + byte) for byte in hashlib.shake_256(b"").digest(2500))  # no packing makes it short
    html = "".join(f'<a href="https://e.example/{noise[:size]}">x</a>' for size in range(1700, 1800, 4))
    html += '<a data-quiet href="https://e.example/">x</a>'
    visitor.entered()
    found = []
    for sender in (None, {"email": f"news@{domain}"}):
        asked = {"html_content": html, **({"from": sender} if sender else {})}
        answer = house.client.post(f"{house.base}/check", json=asked).json()["data"]
        page = visitor.post("/check", {"html": html, "from": sender["email"] if sender else ""}).text
        outcomes = re.findall(r'class="state o[nf]+">([a-z-]+)<', page)
        assert outcomes == [one["outcome"] for one in answer]
        found.append(Counter(outcomes))
    (entry,) = house.send(html_content=html, **{"from": {"email": f"news@{domain}"}})
    sent = house.client.get(f"{house.base}/messages/{entry['id']}/links").json()["data"]
    assert Counter(one["outcome"] for one in sent) == found[1]
    assert found[0]["too-long-destination"] < found[1]["too-long-destination"] < 25
    assert (found[0]["opted-out"], found[1]["opted-out"]) == (0, 1)
    assert visitor.post("/check", {"html": html, "from": "a@b c"}).status_code == 400

"""Tests of API v2's messages against a running service."""

import base64
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from linkweir.api.v2 import send_endpoints as v2_sending
from linkweir.db import delivery_queue_table
from linkweir.db.schema import messages
from linkweir.mail import submission
from tests.web.running_service import (
    HTML,
    RunningService,
    html_body,
    make_request,
    random_uuid,
    read_maildir,
    wait_until,
)

LIST_KEYS = {"object", "data"}


def test_the_answer_has_the_contracts_shape(service: RunningService) -> None:
    """202 with a list of messages: id in angle brackets at the sender's domain, recipient, status, no error."""
    response = service.post_message(
        make_request(recipients=[{"email": "ada@example.org", "name": "Ada", "substitutions": {"x": 1}}])
    )
    assert response.status_code == 202
    assert response.json().keys() == LIST_KEYS
    (entry,) = response.json()["data"]
    assert entry["object"] == "message"
    assert entry["id"].startswith("<")
    assert entry["id"].endswith("@example.com>")
    assert entry["recipient"] == {"email": "ada@example.org", "name": "Ada", "substitutions": {"x": 1}}
    assert (entry["status"], entry["error"]) == ("queued", None)


def test_every_recipient_gets_a_message_of_their_own(service: RunningService) -> None:
    """A hundred recipients are a hundred mails with one address each, own ids and own links."""
    entries = service.send(recipients=[{"email": f"r{n}@example.org"} for n in range(100)])
    assert len({entry["id"] for entry in entries}) == 100
    service.wait_for_mail(entries[-1]["id"])
    wait_until(lambda: len(read_maildir(service.settings.maildir_path)) == 100)
    result = read_maildir(service.settings.maildir_path)
    assert [result[entry["id"]]["to"] for entry in entries] == [f"r{n}@example.org" for n in range(100)]
    assert len({html_body(mail) for mail in result.values()}) == 100


def test_one_bad_recipient_does_not_stop_the_others(service: RunningService) -> None:
    """A recipient that cannot be mailed to is an entry with an error; the rest are sent."""
    entries = service.send(
        subject="{{ s }}",
        substitutions={"s": "fine"},
        recipients=[
            {"email": "not an address"},
            {"email": "b@example.org"},
            {"email": "c@example.org", "substitutions": {"s": "x\r\nBcc: eve@example.org"}},
            {"email": "d@example.org", "name": "x\ny"},
        ],
    )
    assert [entry["status"] for entry in entries] == ["error", "queued", "error", "error"]
    assert [entry["id"] is None for entry in entries] == [True, False, True, True]
    assert "subject" in entries[2]["error"]
    assert service.wait_for_mail(entries[1]["id"])["subject"] == "fine"
    assert len(read_maildir(service.settings.maildir_path)) == 1


def test_unknown_fields_are_tolerated(service: RunningService) -> None:
    """Fields that nobody knows do not matter, at any depth."""
    service.send(later={"x": 1}, **{"from": {"email": "a@example.com", "mood": "good"}})


def test_substitutions_of_the_recipient_win(service: RunningService) -> None:
    """Global values fill what the recipient's do not name; subject and text are not escaped, HTML is."""
    entries = service.send(
        subject="{{ a }}{{ b }}",
        text_content="{{ a }}/{{ b }}",
        html_content='<p>{{ a }}{{ b }} <a href="https://example.com/{{ b }}">x</a>',
        substitutions={"a": "<g>", "b": "global"},
        recipients=[{"email": "a@example.org"}, {"email": "b@example.org", "substitutions": {"b": "mine"}}],
        tracking={"click": False},
    )
    first, second = (service.wait_for_mail(entry["id"]) for entry in entries)
    assert [mail["subject"] for mail in (first, second)] == ["<g>global", "<g>mine"]
    part = second.get_body(("plain",))
    assert part is not None
    assert part.get_content().strip() == "<g>/mine"
    assert html_body(first) == '<p>&lt;g&gt;global <a href="https://example.com/global">x</a>'


def test_without_substitutions_text_is_literal(service: RunningService) -> None:
    """With no values at all nothing is a template: markers, even broken ones, arrive as they are."""
    html = "<p>{{ name }} {% broken {{"
    (entry,) = service.send(subject="{{ x }} {%", html_content=html, substitutions={})
    mail = service.wait_for_mail(entry["id"])
    assert mail["subject"] == "{{ x }} {%"
    assert html_body(mail) == html


def test_links_are_replaced_after_substitution(service: RunningService) -> None:
    """A whole URL from a value is tracked, and the reader gets exactly that URL."""
    (entry,) = service.send(
        html_content='<a href="{{ url }}">x</a>', substitutions={"url": "https://example.com/?a=1&b='2'"}
    )
    (link,) = service.delivered_links(entry["id"])
    assert service.reader.get(link).headers["location"] == "https://example.com/?a=1&b=%272%27"


@pytest.mark.parametrize(
    ("account", "message", "header", "tracked"),
    [
        (False, None, None, False),
        (True, None, None, True),
        (False, {"click": True}, None, True),
        (True, {"click": False}, None, False),
        (True, {"click": None}, None, True),
        (True, {}, None, True),
        (False, None, "true", True),
        (True, None, " FALSE ", False),
        (True, None, "maybe", True),
        (True, {"click": True}, "false", True),
    ],
)
def test_tracking_is_off_unless_somebody_wants_it(
    service: RunningService, account: bool, message: dict[str, Any] | None, header: str | None, tracked: bool
) -> None:
    """`tracking.click` wins over the header, the header over the account, and the account's default is off."""
    if account:
        service.client.put(service.account_path, json={"track_clicks": True}).raise_for_status()
    headers = {"Ahasend-Track-Clicks": header} if header else {}
    (entry,) = service.send(tracking=message, headers=headers)
    mail = service.wait_for_mail(entry["id"])
    assert (service.settings.base_url in html_body(mail)) is tracked
    assert tracked or html_body(mail) == HTML
    assert not [name for name in mail if name.lower().startswith("ahasend")]


def test_plain_text_is_never_tracked(service: RunningService) -> None:
    """A link in text stays as it is."""
    (entry,) = service.send(html_content=None, text_content="see https://example.com/\n")
    assert service.wait_for_mail(entry["id"]).get_content().strip() == "see https://example.com/"


def test_headers_tags_reply_to_and_files_go_along(service: RunningService) -> None:
    """Own headers, reply-to and attachments arrive; tags are kept with the message."""
    data = base64.b64encode(b"\x00\xff").decode()
    (entry,) = service.send(
        headers={"X-Campaign": "spring", "Message-ID": "<mine@example.com>"},
        reply_to={"email": "re@example.com", "name": "Re"},
        tags=["spring", "Sale"],
        attachments=[
            {"data": data, "base64": True, "content_type": "application/zip", "file_name": "a.zip"},
            {"data": "hällo", "content_type": "text/plain", "file_name": "b.txt"},
        ],
    )
    mail = service.wait_for_mail(entry["id"])
    assert mail["x-campaign"] == "spring"
    assert mail["message-id"] == entry["id"]
    assert mail["reply-to"].addresses[0].addr_spec == "re@example.com"
    files = [part.get_payload(decode=True) for part in mail.iter_attachments()]
    assert files == [b"\x00\xff", "hällo".encode()]
    assert service.get_message(entry["id"])["tags"] == ["spring", "Sale"]


def test_a_file_with_an_id_is_inline(service: RunningService) -> None:
    """With a `content_id`, with or without <...>, a file is part of the HTML, unless it is said to be an attachment;
    without one it goes along.
    """
    file = {"data": "aGk=", "base64": True, "content_type": "image/png", "file_name": "a.png"}
    wishes = [
        {"content_id": "<a@x>"},
        {"content_id": "b@x"},
        {"content_id": "logo.png"},  # as a framework's bridge sends it
        {"content_id": "mein Bild.png"},
        {"content_id": "<c@x>", "content_disposition": "attachment"},
        {"content_id": "d@x", "content_disposition": "attachment"},
        {"content_id": ""},
        {"content_disposition": "inline"},
    ]
    (entry,) = service.send(attachments=[{**file, **wish} for wish in wishes])
    parts = [part for part in service.wait_for_mail(entry["id"]).walk() if part.get_content_type() == "image/png"]
    assert [(part.get_content_disposition(), part["content-id"]) for part in parts] == [
        ("inline", "<a@x>"),
        ("inline", "<b@x>"),
        ("inline", "<logo.png>"),
        ("inline", "<mein%20Bild.png>"),
        ("attachment", "<c@x>"),
        ("attachment", "<d@x>"),
        ("attachment", None),
        ("attachment", None),
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", " ", "\t"])
def test_base64_may_have_lines(service: RunningService, end: str) -> None:
    """Base64 as encoders for mail write it, in lines, is the same file as without them."""
    data = bytes(range(256)) * 20
    text = base64.encodebytes(data).decode().replace("\n", end)
    file = {"data": text, "base64": True, "content_type": "image/png", "file_name": "a.png"}
    (entry,) = service.send(attachments=[file])
    (part,) = service.wait_for_mail(entry["id"]).iter_attachments()
    assert part.get_payload(decode=True) == data


def test_headers_of_a_framework_are_taken(service: RunningService) -> None:
    """Cc is shown in the mail and sent to nobody, Sender and Date are the request's, folded and encoded as mail
    libraries write them; Bcc and Return-Path are left out with a warning among the message's events.
    """
    (entry,) = service.send(
        headers={
            "Cc": '=?utf-8?Q?J=C3=BCrgen=2C_X?= <j@example.org>,\r\n "Doe, J" <doe@example.org>,\r\n k@example.org',
            "Sender": "Office <office@example.com>",
            "Date": "Tue, 31 Mar 2026 10:00:00 +0200",
            "Bcc": "secret@example.org",
            "Return-Path": "<bounce@example.com>",
            "X-Long": "a\r\n b",
        }
    )
    mail = service.wait_for_mail(entry["id"])
    shown = [(address.display_name, address.addr_spec) for address in mail["cc"].addresses]
    assert shown == [("Jürgen, X", "j@example.org"), ("Doe, J", "doe@example.org"), ("", "k@example.org")]
    assert str(mail["sender"]) == "Office <office@example.com>"
    assert mail["date"].datetime.isoformat() == "2026-03-31T10:00:00+02:00"
    assert len(mail.get_all("date", [])) == 1
    assert mail["x-long"] == "a b"
    assert (mail["bcc"], mail["return-path"]) == (None, None)
    message = service.get_message(entry["id"])
    warnings = [address["data"]["text"] for address in message["events"] if address["kind"] == "header-ignored"]
    assert sorted(text.partition(" ")[0] for text in warnings) == ["Bcc", "Return-Path"]
    assert "secret@" not in str(message)
    assert len(read_maildir(service.settings.maildir_path)) == 1


@pytest.mark.parametrize(("sender", "status"), [("a@example.com", 202), ("a@other.example", 403)])
def test_a_sender_is_covered_by_the_scope(service: RunningService, sender: str, status: int) -> None:
    """A key for one domain names no Sender of another, over either API."""
    scoped = {"label": "x", "scopes": ["messages:send:{example.com}"]}
    key = service.client.post(f"{service.account_path}/api-keys", json=scoped).json()["secret_key"]
    headers = {"Authorization": f"Bearer {key}", "X-Api-Key": key}
    sent = service.client.post(
        f"{service.account_path}/messages", json=make_request(headers={"sender": sender}), headers=headers
    )
    assert sent.status_code == status
    content = {"subject": "s", "text_body": "t", "headers": {"Sender": f"Other <{sender}>"}}
    older = {"from": {"email": "a@example.com"}, "recipients": [{"email": "b@example.org"}], "content": content}
    sent = service.client.post("/v1/email/send", json=older, headers=headers)
    assert sent.status_code == {202: 201}.get(status, status)


@pytest.mark.parametrize(
    "query",
    [
        "recipient=a%2Bb@xn--mller-kva.example",
        "recipient=a+b@xn--mller-kva.example",
        "recipient=a+b@m%C3%BCller.example",
        "recipient=A%2BB@M%C3%9CLLER.EXAMPLE",
    ],
)
def test_a_recipient_is_matched_in_any_spelling(service: RunningService, query: str) -> None:
    """A plus in an address is a plus, percent-encoded or not, and a domain is found in its own script and in ASCII."""
    (entry,) = service.send(recipients=[{"email": "a+b@müller.example"}])
    service.send(recipients=[{"email": "a@xn--mller-kva.example"}])
    result = service.client.get(f"{service.account_path}/messages?{query}").json()["data"]
    assert [item["message_id"] for item in result] == [entry["id"]]


def test_a_message_can_be_read(service: RunningService) -> None:
    """GET by `<uuid@domain>` and by bare UUID give the contract's fields."""
    (entry,) = service.send()
    service.wait_for_mail(entry["id"])
    shown = service.get_message(entry["id"])
    assert shown == service.get_message(shown["id"])
    assert shown["message_id"] == entry["id"]
    assert (shown["sender"], shown["recipient"], shown["subject"]) == ("news@example.com", "ada@example.org", "Hello")
    assert (shown["status"], shown["click_count"], shown["num_attempts"]) == ("Delivered", 0, 1)
    assert shown["delivery_attempts"][0]["status"] == "Delivered"
    created = datetime.fromisoformat(shown["created_at"])
    assert abs(datetime.now(UTC) - created) < timedelta(minutes=1)
    assert shown["delivered_at"] >= shown["created_at"]
    assert "Content-Type: text/html" in shown["content"]


@pytest.mark.parametrize("wanted", ["x", "%3Cx%40y%3E", "0" * 32, "%3C" + "0" * 32 + "%40example.com%3E", "-" * 36])
def test_unknown_messages_are_404(service: RunningService, wanted: str) -> None:
    """An id that nothing has, and an id that is none, are 404 with a message."""
    response = service.client.get(f"{service.account_path}/messages/{wanted}")
    assert response.status_code == 404
    assert response.json().keys() == {"message"}


def test_a_scheduled_message_waits(service: RunningService) -> None:
    """A message with a first attempt in the future is accepted as scheduled and delivered no earlier."""
    first = datetime.now(UTC) + timedelta(seconds=1.5)
    (entry,) = service.send(schedule={"first_attempt": first.isoformat()})
    assert entry["status"] == "scheduled"
    service.wait_for_mail(entry["id"])
    assert datetime.fromisoformat(service.get_message(entry["id"])["delivered_at"]) >= first


def test_a_repeated_request_is_not_carried_out_again(service: RunningService) -> None:
    """The same Idempotency-Key with the same request gets the first answer and sends nothing; another is 422."""
    first = service.post_message(make_request(), **{"Idempotency-Key": "k1"})
    again = service.post_message(make_request(), **{"Idempotency-Key": "k1"})
    other = service.post_message(make_request(subject="other"), **{"Idempotency-Key": "k1"})
    assert (first.status_code, again.status_code, other.status_code) == (202, 202, 422)
    assert first.content == again.content
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    service.wait_for_mail(first.json()["data"][0]["id"])
    assert len(read_maildir(service.settings.maildir_path)) == 1


def test_repeats_at_the_same_moment_send_once(service: RunningService) -> None:
    """Ten equal requests with one key that arrive together make one message; while it is made, the others are 409."""
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: service.post_message(make_request(), **{"Idempotency-Key": "k"}), range(10)))
    done = [answer for answer in answers if answer.status_code == 202]
    busy = [answer for answer in answers if answer.status_code == 409]
    assert len(done) + len(busy) == 10
    assert len({answer.content for answer in done}) == 1
    assert all(answer.headers["idempotent-replayed"] == "false" for answer in busy)
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in busy)
    service.wait_for_mail(done[0].json()["data"][0]["id"])
    assert len(read_maildir(service.settings.maildir_path)) == 1


def test_short_links_are_short_and_have_the_same_destination(service: RunningService) -> None:
    """With link_style "short" the destination comes from the database."""
    (entry,) = service.send(link_style="short")
    links = service.delivered_links(entry["id"])
    assert max(map(len, links)) - len(service.settings.base_url) < 35
    assert [service.reader.get(link).headers["location"] for link in links] == [
        "https://example.com/a?x=1&y=2",
        "https://example.org/b",
    ]
    (entry,) = service.send(link_style="short")  # another one: both links at once are a machine's way
    service.reader.get(service.delivered_links(entry["id"])[0])
    assert service.click_count(entry["id"]) == 1


def test_another_accounts_message_is_404(service: RunningService) -> None:
    """The id of an account that the key does not belong to is refused like an unknown key."""
    (entry,) = service.send()
    response = service.client.get(f"/v2/accounts/{random_uuid()}/messages/{entry['id'].strip('<>')}")
    assert response.status_code == 401


@pytest.mark.parametrize("style", ["sealed", "short"])
def test_a_destination_beyond_all_limits_stays_as_it_was(service: RunningService, style: str) -> None:
    """A link whose destination no token can carry is left alone, and the links beside it are tracked."""
    long = "https://example.com/" + "x" * 20_000
    (entry,) = service.send(
        html_content=f'<a href="{long}">a</a><a href="https://example.com/">b</a>', link_style=style
    )
    first, second = service.delivered_links(entry["id"])
    assert first == long
    assert service.reader.get(second).headers["location"] == "https://example.com/"


def test_a_long_destination_is_followed(service: RunningService) -> None:
    """The longest destination that a token carries still fits a request line."""
    long = "https://example.com/" + "".join(f"{n:x}-" for n in range(1700))[:7900]
    (entry,) = service.send(html_content=f'<a href="{long}">a</a>')
    (link,) = service.delivered_links(entry["id"])
    assert link.startswith(service.settings.base_url)
    assert service.reader.get(link).headers["location"] == long


def test_a_bug_is_500_without_details(service: RunningService, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected exception is a plain 500; the log has its traceback without any local values."""

    def broken(*_: object, **_names: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(service.components.submitter, "submit", broken)
    answer = service.post_message(make_request())
    assert (answer.status_code, answer.json()) == (500, {"message": "internal error"})
    (line,) = [line for line in service.logs if line["event"] == "request.bug"]
    assert "RuntimeError" in str(line)
    assert service.key not in str(service.logs)
    assert "ada@" not in str(service.logs)


def test_what_cannot_be_answered_is_not_sent(service: RunningService, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reply that cannot be written is an error before anything was stored."""

    def cannot(_results: object) -> bytes:
        raise TypeError("cannot be written")

    monkeypatch.setattr(v2_sending, "_response_body", cannot)
    assert service.post_message(make_request()).status_code == 500
    with service.components.database.read() as connection:
        assert delivery_queue_table.count_waiting(connection) == 0
    assert read_maildir(service.settings.maildir_path) == {}


def test_values_may_be_nested_and_come_back(service: RunningService) -> None:
    """Values 32 levels deep are still taken, and stand in the answer as they were sent."""
    values: dict[str, Any] = {"a": 1}
    for _ in range(31):
        values = {"a": values}
    (entry,) = service.send(recipients=[{"email": "ada@example.org", "substitutions": values}])
    assert entry["recipient"]["substitutions"] == values


def test_an_address_in_rfc_2047_syntax_harms_nobody_else(service: RunningService) -> None:
    """A recipient whose address mail software would decode is an entry with an error; the others get theirs."""
    bad, good = service.send(recipients=[{"email": "=?utf-8?q?x?=@b.example"}, {"email": "ada@example.org"}])
    assert (bad["status"], bad["id"]) == ("error", None)
    assert good["status"] == "queued"
    assert service.wait_for_mail(good["id"])["to"] == "ada@example.org"


def test_mails_that_are_too_much_together_are_refused(service: RunningService, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mails of one request have a total size that they may have; beyond it, nobody gets any."""
    monkeypatch.setattr(submission, "MAX_SUBMISSION_BYTES", 1024 * 1024)
    people = [{"email": f"r{n}@example.org"} for n in range(3)]
    refused = service.post_message(make_request(recipients=people, html_content="x" * 300_000))
    assert (refused.status_code, "recipients: together make more" in refused.text) == (400, True)
    assert len(service.send(recipients=people, html_content="x" * 200_000)) == 3
    with service.components.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(messages)) == 3


def test_a_client_that_goes_away_is_no_bug(service: RunningService) -> None:
    """A connection that ends within its request's body is noted, and not as an error."""
    address = ("127.0.0.1", service.settings.port)
    with socket.create_connection(address) as connection:
        head = f"POST {service.account_path}/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {service.key}\r\n"
        connection.sendall(f"{head}Content-Length: 1000\r\n\r\n{{".encode())
        time.sleep(0.2)
    wait_until(lambda: any(line["event"] == "request.disconnected" for line in service.logs))
    assert not [line for line in service.logs if line["level"] == "error"]

"""Fields of messages, of the older API, of domains, accounts, keys and credentials: what each of them changes."""

import base64
import smtplib
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy import select

from linkweir.clock import DAY_US
from linkweir.db.schema import contents, queue
from tests.smtp.submission_service import MAIL, SubmissionService
from tests.web.running_service import RunningService, html_body, random_uuid, read_maildir, wait_until


@pytest.fixture(scope="module")
def service(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SubmissionService]:
    """One service for this file."""
    with SubmissionService(tmp_path_factory.mktemp("fields") / "data") as service:
        yield service


def stored_value(service: RunningService, message_id: str, column: Any) -> int:
    """What the database has of a message in one column."""
    with service.components.database.read() as connection:
        key = uuid.UUID(message_id.strip("<>").partition("@")[0])
        result = connection.scalar(select(column).where(column.table.c.message_id == key))
    assert isinstance(result, int)
    return result


def retention_days(service: RunningService, **fields: Any) -> tuple[int, int]:
    """For how many days a message's metadata and its content are kept."""
    (entry,) = service.send(**fields)
    message = service.get_message(entry["id"])
    created = datetime.fromisoformat(message["created_at"])
    metadata = datetime.fromisoformat(message["retain_until"]) - created
    until = stored_value(service, entry["id"], contents.c.keep_until_at)
    return metadata.days, (until - int(created.timestamp() * 1_000_000) + 10) // DAY_US


def test_retention_goes_from_account_to_message(service: SubmissionService) -> None:
    """Both of the account's retentions hold for a message, until the message's own say otherwise, each by itself."""
    account = {"message_metadata_retention": 7, "message_data_retention": 4}
    assert service.client.put(service.account_path, json=account).json().items() >= account.items()
    assert retention_days(service) == (7, 4)
    assert retention_days(service, retention={"metadata": 9}) == (9, 4)
    assert retention_days(service, retention={"data": 2}) == (7, 2)


def test_a_schedule_has_two_ends(service: SubmissionService) -> None:
    """`first_attempt` and `expires` are answered, and are when the message is tried first and given up."""
    first, last = (datetime.now(UTC).replace(microsecond=0) + timedelta(hours=hours) for hours in (2, 5))
    times = {"first_attempt": first.isoformat(), "expires": last.isoformat()}
    (entry,) = service.send(schedule=times)
    assert {name: datetime.fromisoformat(at) for name, at in entry["schedule"].items()} == {
        "first_attempt": first,
        "expires": last,
    }
    (other,) = service.send(schedule={"first_attempt": times["first_attempt"]})
    for column, at in ((queue.c.due_at, first), (queue.c.expires_at, last)):
        assert stored_value(service, entry["id"], column) == int(at.timestamp()) * 1_000_000
    assert stored_value(service, other["id"], queue.c.expires_at) > int(last.timestamp()) * 1_000_000


def test_a_sandbox_result_by_itself_is_no_sandbox(service: SubmissionService) -> None:
    """Only `sandbox` keeps a mail from leaving; without it `sandbox_result` is nothing."""
    (entry,) = service.send(sandbox_result="bounce")
    service.wait_for_mail(entry["id"])


def test_every_field_of_a_message_that_is_read(service: SubmissionService) -> None:
    """A delivered message says what was sent, by whom, when, and what became of it."""
    created = service.client.post(f"{service.account_path}/domains", json={"domain": "shown.example"}).json()
    (entry,) = service.send(
        **{"from": {"email": "a@shown.example"}}, subject="Shown", tags=["x"], tracking={"click": True, "open": True}
    )
    page = html_body(service.wait_for_mail(entry["id"]))
    service.reader.get(page.partition('src="')[2].partition('"')[0])
    assert service.click_count(entry["id"]) == 0
    shown = service.get_message(entry["id"])
    times = {name: datetime.fromisoformat(shown[name]) for name in ("created_at", "sent_at", "delivered_at")}
    assert (
        times["created_at"] <= times["sent_at"] <= times["delivered_at"] <= datetime.fromisoformat(shown["updated_at"])
    )
    (attempt,) = shown["delivery_attempts"]
    assert (attempt["status"], attempt["time"][:13], bool(attempt["log"])) == ("Delivered", shown["sent_at"][:13], True)
    assert {item["kind"] for item in shown["events"]} >= {"reception", "delivered"}
    assert "Subject: Shown" in shown["content"]
    known = {
        **{"object": "message", "message_id": entry["id"], "account_id": service.account, "domain_id": created["id"]},
        **{"direction": "outbound", "is_bounce_notification": False, "bounce_classification": ""},
        **{"subject": "Shown", "tags": ["x"], "sender": "a@shown.example", "recipient": "ada@example.org"},
        **{"num_attempts": 1, "click_count": 0, "open_count": 1, "status": "Opened"},
    }
    assert {name: shown[name] for name in known} == known
    listed = service.client.get(f"{service.account_path}/messages", params={"sender": "a@shown.example"}).json()["data"]
    extra = ("events", "content", "content_parsed")
    assert listed == [{name: value for name, value in shown.items() if name not in extra}]


def test_an_account_shows_its_changes(service: SubmissionService) -> None:
    """Each plain field of the account is kept and shown, and the others stay."""
    before = service.client.get(service.account_path).json()
    told = {"name": "N", "website": "https://w.example/", "about": "A", "confirm": ["/forms/"]}
    for name, value in told.items():
        before = {**before, name: value}
        answer = service.client.put(service.account_path, json={name: value}).json()
        assert {**answer, "updated_at": ""} == {**before, "updated_at": ""}
    assert service.client.get(service.account_path).json() == answer


def test_every_field_of_the_older_api(service: SubmissionService) -> None:
    """Each field of API v1 is in the mail that it becomes."""
    body = {
        "from": {"email": "news@example.com", "name": "News"},
        "recipients": [{"email": "old@example.org", "name": "Old"}],
        "content": {
            **{"subject": "Of old", "text_body": "plain", "html_body": "<p>html</p>"},
            "reply_to": {"email": "re@example.com", "name": "Re"},
            "headers": {"X-Own": "yes"},
            "attachments": [
                {"data": "aGk=", "base64": True, "content_type": "text/csv", "file_name": "a.csv"},
                {"data": "aGk=", "content_type": "image/png", "file_name": "b.png", "content_id": "c@x"},
            ],
        },
    }
    answer = service.reader.post("/v1/email/send", json=body, headers={"X-Api-Key": service.key})
    assert answer.json() == {"success_count": 1, "fail_count": 0, "failed_recipients": [], "errors": []}
    (result,) = service.client.get(f"{service.account_path}/messages", params={"recipient": "old@example.org"}).json()[
        "data"
    ]
    mail = service.wait_for_mail(result["message_id"])
    names = {name: str(mail[name]) for name in ("from", "to", "subject", "reply-to", "x-own")}
    assert names == {
        **{"from": "News <news@example.com>", "to": "Old <old@example.org>", "subject": "Of old"},
        **{"reply-to": "Re <re@example.com>", "x-own": "yes"},
    }
    leaves = [part for part in mail.walk() if not part.is_multipart()]
    assert {part.get_content_type(): part.get_payload(decode=True) for part in leaves} == {
        **{"text/plain": b"plain\r\n", "text/html": b"<p>html</p>", "text/csv": b"hi", "image/png": b"aGk="},
    }
    assert [(part.get_filename(), part["content-id"]) for part in leaves[2:]] in (
        [("b.png", "<c@x>"), ("a.csv", None)],
        [("a.csv", None), ("b.png", "<c@x>")],
    )


def submit_mail(service: SubmissionService, credential: dict[str, Any], subject: str) -> EmailMessage | None:
    """Submit with this credential; the mail if it left, and None when it came to the sandbox."""
    message_id = f"<{subject}@example.com>"
    with smtplib.SMTP("localhost", service.port) as client:
        client.starttls(context=service.make_tls_context)
        client.login(credential["username"], credential["password"])
        client.sendmail("a@example.com", ["b@example.org"], MAIL.replace(b"<one@example.com>", message_id.encode()))
    query = {"message_id_header": message_id}

    def status() -> str:
        result = service.client.get(f"{service.account_path}/messages", params=query).json()["data"]
        return str(result[0]["status"]) if result else ""

    wait_until(lambda: status().endswith("Delivered"))
    return read_maildir(service.settings.maildir_path).get(message_id)


def test_a_credential_can_be_for_the_sandbox(service: SubmissionService) -> None:
    """Mail by a credential with `sandbox` never leaves, and mail by another one does; both are shown as made."""
    for sandbox in (True, False):
        asked = {"name": f"n{sandbox}", "scope": "global", "sandbox": sandbox}
        created = service.client.post(f"{service.account_path}/smtp-credentials", json=asked).json()
        assert (submit_mail(service, created, random_uuid()) is None) is sandbox
        shown = service.client.get(f"{service.account_path}/smtp-credentials/{created['id']}").json()
        assert shown.items() >= {**asked, "username": created["username"], "object": "credential_smtp"}.items()
        assert {**shown, "password": created["password"]} == created


def test_a_domain_can_bring_its_key(service: SubmissionService) -> None:
    """The DNS record of a domain made with `dkim_private_key` and `dkim_selector` is that key's, under that name."""
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    asked = {"domain": "own.example", "dkim_private_key": pem, "dkim_selector": "mine"}
    created = service.client.post(f"{service.account_path}/domains", json=asked).json()
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    (record,) = created["dns_records"]
    assert (record["type"], record["host"], record["required"]) == ("TXT", "mine._domainkey.own.example", False)
    assert base64.b64encode(public).decode() in record["content"].replace('" "', "")
    assert created["dkim_selector"] == "mine"
    (entry,) = service.send(**{"from": {"email": "a@own.example"}})
    signature = str(service.wait_for_mail(entry["id"])["dkim-signature"])
    assert "d=own.example" in signature
    assert "s=mine" in signature


def test_a_key_notes_its_use(service: SubmissionService) -> None:
    """A key shows its label, its scopes, the end of its secret at most, and when it was used last."""
    asked = {"label": "used", "scopes": ["accounts:read"]}
    created = service.client.post(f"{service.account_path}/api-keys", json=asked).json()
    path = f"{service.account_path}/api-keys/{created['id']}"
    assert created["last_used_at"] is None
    assert (created["label"], [item["scope"] for item in created["scopes"]]) == ("used", ["accounts:read"])
    assert created["secret_key"] not in created["public_key"]
    service.reader.get(
        service.account_path, headers={"Authorization": f"Bearer {created['secret_key']}"}
    ).raise_for_status()
    wait_until(lambda: service.client.get(path).json()["last_used_at"])
    used = datetime.fromisoformat(service.client.get(path).json()["last_used_at"])
    assert abs(datetime.now(UTC) - used) < timedelta(minutes=5)

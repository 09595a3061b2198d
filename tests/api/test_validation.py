"""Tests of what API v2 refuses. The service is the same for all: nothing of this may ever reach the outbox."""

import codecs
import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest

from tests.web.running_service import RunningService, make_request, read_maildir

pytestmark = pytest.mark.sqlite_only(reason="what is refused here is refused before a database is asked")


def make_nested_objects(levels: int) -> dict[str, Any]:
    """Objects inside each other."""
    return {"a": make_nested_objects(levels - 1)} if levels > 1 else {"a": 1}


@pytest.fixture(scope="module")
def service(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """One service for the whole file."""
    with RunningService(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"from": None}, "from"),
        ({"from": {"name": "x"}}, "from.email"),
        ({"from": {"email": 7}}, "from.email"),
        ({"from": {"email": "nobody"}}, "from.email"),
        ({"from": {"email": "a@example.com\r\nBcc: x@example.com"}}, "from.email"),
        ({"from": {"email": "a@example.com", "name": "a\r\nBcc: x@example.com"}}, "from.name"),
        ({"recipients": []}, "recipients"),
        ({"recipients": [{"email": f"r{n}@example.org"} for n in range(101)]}, "recipients"),
        ({"recipients": [{"email": "a@example.org"}, {"name": "x"}]}, "recipients[1].email"),
        ({"recipients": [{"email": "a@example.org", "substitutions": []}]}, "recipients[0].substitutions"),
        ({"recipients": "a@example.org"}, "recipients"),
        ({"subject": None}, "subject"),
        ({"subject": 1}, "subject"),
        ({"html_content": None}, "text_content"),
        ({"html_content": ""}, "text_content"),
        ({"html_content": ["x"]}, "html_content"),
        ({"tracking": {"click": "yes"}}, "tracking.click"),
        ({"tracking": "yes"}, "tracking"),
        ({"reply_to": {"email": "x"}}, "reply_to.email"),
        ({"tags": ["x"] * 11}, "tags"),
        ({"tags": ["x" * 65]}, "tags"),
        ({"headers": {"X-A": 1}}, "headers"),
        ({"headers": {"X-A": "a\r\nBcc: x@example.com"}}, "headers"),
        ({"headers": {"X-A\r\nBcc": "x@example.com"}}, "headers"),
        ({"html_content": "<a>" * 50_001}, "html_content: has more than 50000 links"),
        ({"headers": {"To": "x@example.com"}}, "headers.'To'"),
        ({"headers": {"Cc": "nobody"}}, "headers.'Cc'"),
        ({"headers": {"Cc": "a@example.com,\r\nBcc: b@example.com"}}, "headers.'Cc'"),
        ({"headers": {"Cc": "=?utf-8?q?a=0D=0ABcc=3A_x?= <a@example.com>"}}, "headers.'Cc'"),
        ({"headers": {"Sender": "a@example.com, b@example.com"}}, "headers.'Sender'"),
        ({"headers": {"Sender": ""}}, "headers.'Sender'"),
        ({"headers": {"Date": "today"}}, "headers.'Date'"),
        ({"headers": {"Resent-Sender": "a@example.com"}}, "headers.'Resent-Sender'"),
        ({"headers": {"reply-to": "x@example.com", "Reply-To": "y@example.com"}}, "headers.'Reply-To'"),
        ({"headers": {"Reply-To": "(" * 5000}}, "headers.'Reply-To'"),
        (
            {"attachments": [{"data": "", "content_type": "a/b", "file_name": "f"}] * 501},
            "attachments: must be at most",
        ),
        ({"subject": "ü " * 500_000}, "subject: is longer than"),
        ({"headers": {"reply-to": "x@example.com"}, "reply_to": {"email": "y@example.com"}}, "reply"),
        ({"attachments": [{"data": "x", "content_type": "text/plain"}]}, "attachments[0].file_name"),
        (
            {"attachments": [{"data": "?", "base64": True, "content_type": "a/b", "file_name": "f"}]},
            "attachments[0].data",
        ),
        ({"substitutions": {"a": 1}, "subject": "{% for"}, "subject"),
        ({"substitutions": {"a": 1}, "html_content": "{{ a"}, "html_content"),
        ({"substitutions": {"a": 1}, "html_content": "{{" + "-" * 24_000 + "1}}"}, "html_content"),
        ({"substitutions": make_nested_objects(33)}, "substitutions"),
        (
            {"recipients": [{"email": "a@example.org", "substitutions": make_nested_objects(300)}]},
            "recipients[0].substitutions",
        ),
        (
            {
                "recipients": [{"email": f"r{n}@example.org"} for n in range(60)],
                "attachments": [{"data": "x" * 8_000_000, "content_type": "text/plain", "file_name": "f"}],
            },
            "recipients: together make more than 256 MB",
        ),
        ({"privacy": "secret"}, "privacy"),
        ({"link_style": "tiny"}, "link_style"),
        ({"schedule": {"first_attempt": "tomorrow"}}, "schedule.first_attempt"),
        ({"schedule": {"first_attempt": "2026-01-01T00:00:00"}}, "schedule.first_attempt"),
        ({"schedule": {"first_attempt": "2999-01-01T00:00:00Z"}}, "schedule.first_attempt"),
        ({"schedule": {"expires": "2020-01-01T00:00:00Z"}}, "schedule.expires"),
    ],
)
def test_bad_input_is_400_and_names_the_field(service: RunningService, change: dict[str, Any], field: str) -> None:
    """Missing fields, wrong types and impossible values are refused by name, and nothing is sent to anybody."""
    response = service.post_message(make_request(**change))
    assert response.status_code == 400
    assert response.json().keys() == {"message"}
    assert field in response.json()["message"]
    assert read_maildir(service.settings.maildir_path) == {}


@pytest.mark.parametrize("missing", ["from", "recipients", "subject"])
def test_missing_fields_are_named(service: RunningService, missing: str) -> None:
    """A required field that is not there is named."""
    body = make_request()
    del body[missing]
    response = service.post_message(body)
    assert (response.status_code, response.json()["message"]) == (400, f"{missing}: is required")


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'"x"', b"\xff", b'{"from":' + b"[" * 5000, b'{"a":"\\ud800"}'])
def test_bodies_that_are_no_request(service: RunningService, data: bytes) -> None:
    """What is no JSON object is 400 with a message."""
    response = service.client.post(f"{service.account_path}/messages", content=data)
    assert response.status_code == 400
    assert response.json().keys() == {"message"}


def test_a_body_over_the_limit_is_413(service: RunningService) -> None:
    """More than 30 MB is refused, whether the length was announced or not."""
    large = b'{"x":"' + b"x" * (30 * 1024 * 1024) + b'"}'

    def chunks() -> Any:
        for start in range(0, len(large), 1 << 20):
            yield large[start : start + (1 << 20)]

    for content in (large, chunks()):
        try:
            response = service.client.post(f"{service.account_path}/messages", content=content)
        except (httpx.WriteError, httpx.RemoteProtocolError):
            continue  # the answer was there before the body had been sent
        assert response.status_code == 413
        assert response.json().keys() == {"message"}
    assert service.client.get(service.account_path).status_code == 200


@pytest.mark.parametrize("path", ["messages", "check", "api-keys", "domains", "webhooks", "smtp-credentials"])
@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "GZIP", "identity, gzip"])
def test_a_compressed_body_is_refused(service: RunningService, path: str, coding: str) -> None:
    """Content-Encoding is 415 wherever JSON is taken, before anything of it is read."""
    data = gzip.compress(orjson.dumps(make_request()))
    headers = {"Content-Encoding": coding, "Content-Type": "application/json"}
    answer = service.client.post(f"{service.account_path}/{path}", content=data, headers=headers)
    assert answer.status_code == 415
    assert answer.json()["message"].startswith("Content-Encoding: ")


@pytest.mark.parametrize("coding", ["", "identity", "Identity"])
def test_identity_is_no_compression(service: RunningService, coding: str) -> None:
    """A body that says that it is as it is, is taken."""
    data = orjson.dumps(make_request())
    assert service.client.post(
        f"{service.account_path}/messages", content=data, headers={"Content-Encoding": coding}
    ).is_success


def test_a_byte_order_mark_is_no_matter(service: RunningService) -> None:
    """JSON that some client has put a BOM in front of is read."""
    data = codecs.BOM_UTF8 + orjson.dumps(make_request())
    assert service.client.post(f"{service.account_path}/messages", content=data).status_code == 202
    assert service.client.put(service.account_path, content=codecs.BOM_UTF8 + b'{"about": "x"}').json()["about"] == "x"
    assert service.client.put(service.account_path, content=codecs.BOM_UTF8 * 2 + b"{}").status_code == 400


@pytest.mark.parametrize("seconds", [-86_400, -1])
def test_a_first_attempt_in_the_past_is_refused(service: RunningService, seconds: int) -> None:
    """A message cannot be scheduled for a time that is over."""
    first = datetime.now(UTC) + timedelta(seconds=seconds)
    answer = service.post_message(make_request(schedule={"first_attempt": first.isoformat()}))
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("schedule.first_attempt: must be in the future")

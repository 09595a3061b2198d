"""The redirect as raw bytes on a socket: old and odd HTTP, huge headers, and what no client library would send."""

import socket

import pytest

from tests.web.running_service import WAIT_SECONDS, RunningService
from tests.web.test_redirect import list_events, mint_link

DESTINATION = "https://example.com/landing?a=1"


def send_raw(service: RunningService, data: bytes) -> bytes:
    """What comes back until the server closes or, once it has begun to answer, falls silent for a second."""
    with socket.create_connection(("127.0.0.1", service.settings.port), timeout=WAIT_SECONDS) as connection:
        connection.sendall(data)
        answer = b""
        try:
            while part := connection.recv(65536):
                answer += part
                connection.settimeout(1.0)
        except TimeoutError:
            pass
        return answer


def make_link_path(service: RunningService) -> bytes:
    """The path of a link to DESTINATION."""
    return ("/c/" + mint_link(service, DESTINATION, message=7).rpartition("/")[2]).encode()


def test_http_1_0(service: RunningService) -> None:
    """Without a Host header and with HTTP/1.0 the reader is sent on and the connection closed."""
    answer = send_raw(service, b"GET " + make_link_path(service) + b" HTTP/1.0\r\n\r\n")
    assert answer.startswith((b"HTTP/1.0 302", b"HTTP/1.1 302"))
    assert b"location: https://example.com/landing?a=1\r\n" in answer.lower()
    assert "old-http" in list_events(service)[0]["signals"]


def test_head_on_a_persistent_connection(service: RunningService) -> None:
    """HEAD and GET one after the other on one connection: both are 302, neither has a body, and they do not mix."""
    path = make_link_path(service)
    head, get = (
        method + b" " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: " + end + b"\r\n\r\n"
        for method, end in ((b"HEAD", b"keep-alive"), (b"GET", b"close"))
    )
    answer = send_raw(service, head + get)
    assert answer.count(b"HTTP/1.1 302") == 2
    assert answer.lower().count(b"content-length: 0\r\n") == 2
    assert {event["method"] for event in list_events(service)} == {"GET", "HEAD"}


@pytest.mark.parametrize("scheme", [b"http", b"HTTPS"])
def test_a_whole_address_is_taken(service: RunningService, scheme: bytes) -> None:
    """A request line with the whole address, as it comes through some proxies, follows its link and reaches the API."""
    for path, status in (
        (make_link_path(service), b"302"),
        (b"/v2/ping", b"200"),
        (b"", b"200"),
        (b"/nowhere", b"404"),
    ):
        target = scheme + b"://t.example.com" + path
        answer = send_raw(service, b"GET " + target + b" HTTP/1.1\r\nHost: t.example.com\r\nConnection: close\r\n\r\n")
        assert answer[9:12] == status
    assert len(list_events(service)) == 1


@pytest.mark.parametrize("method", [b"BREW", b"PROPFIND", b"get", b"CONNECT"])
def test_odd_methods(service: RunningService, method: bytes) -> None:
    """A method that nobody has heard of is refused, follows nothing, and the service goes on."""
    answer = send_raw(
        service, method + b" " + make_link_path(service) + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    assert answer[9:12] in (b"405", b"400")
    assert b"\r\nlocation:" not in answer.lower()
    assert service.reader.get("/healthz").status_code == 200
    assert list_events(service) == []


def test_long_headers_are_taken_and_cut(service: RunningService) -> None:
    """A user agent of thirty thousand bytes changes nothing for the reader and is recorded in part."""
    header = b"User-Agent: " + b"x" * 30_000
    start = b"GET " + make_link_path(service) + b" HTTP/1.1\r\nHost: x\r\n"
    answer = send_raw(service, start + header + b"\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 302")
    assert list_events(service)[0]["user_agent"] == "x" * 1024


def test_huge_headers_are_refused(service: RunningService) -> None:
    """Headers without end are answered 4xx or cut off, memory stays bounded, and the service goes on."""
    with socket.create_connection(("127.0.0.1", service.settings.port), timeout=WAIT_SECONDS) as connection:
        answer = b""
        try:
            connection.sendall(b"GET " + make_link_path(service) + b" HTTP/1.1\r\nHost: x\r\n")
            for _ in range(200):
                connection.sendall(b"X-Filler: " + b"y" * 4000 + b"\r\n")
            answer = connection.recv(65536)
        except OSError:
            pass  # cut off while we were still sending
    assert answer == b"" or answer[9:10] == b"4"
    assert service.reader.get("/healthz").status_code == 200
    assert list_events(service) == []


@pytest.mark.parametrize("end", [b")", b".", b").", b"%29", b">", b",", b"%2E"])
def test_what_plain_text_viewers_append(service: RunningService, end: bytes) -> None:
    """A link with a bracket or stop of the sentence around it still leads where it should."""
    answer = send_raw(
        service, b"GET " + make_link_path(service) + end + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    assert b"\r\nlocation: https://example.com/landing?a=1\r\n" in answer.lower()


def test_a_percent_encoded_token(service: RunningService) -> None:
    """Every character of the token percent-encoded, as some gateways do, is the same token."""
    token = make_link_path(service).rpartition(b"/")[2]
    encoded = b"".join(b"%%%02X" % byte for byte in token)
    answer = send_raw(service, b"GET /c/" + encoded + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 302")


@pytest.mark.parametrize("keep", [1, 10, 20, -1])
def test_a_truncated_token(service: RunningService, keep: int) -> None:
    """A token that was cut anywhere is a 404 for people, and no fact."""
    token = make_link_path(service).rpartition(b"/")[2][:keep]
    answer = send_raw(service, b"GET /c/" + token + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 404")
    assert b"Link not found" in answer
    assert list_events(service) == []


def test_the_host_header_decides_nothing(service: RunningService) -> None:
    """A foreign Host, or one with a line in it, does not appear in the answer."""
    answer = send_raw(
        service, b"GET " + make_link_path(service) + b" HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
    )
    assert b"evil.example" not in answer
    assert answer.startswith(b"HTTP/1.1 302")

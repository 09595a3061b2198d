"""Requests whose end two servers may see in two places: one of them could be made to smuggle in another."""

import contextlib
import socket

import pytest

from linkweir.server.http_protocol import StrictHttpProtocol
from tests.web.running_service import WAIT_SECONDS, RunningService
from tests.web.test_raw_http import send_raw
from tests.web.test_redirect import mint_link

HEADERS = b"Host: x\r\nContent-Type: application/json\r\n"
SECOND_REQUEST = b"GET /v2/ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
EMPTY_CHUNKED_BODY = b"0\r\n\r\n"


def post_raw(
    service: RunningService, headers: bytes, body: bytes = EMPTY_CHUNKED_BODY, *, version: bytes = b"1.1"
) -> bytes:
    """What comes back for a request with these headers, and for one that follows it on the connection."""
    path = f"{service.account_path}/check".encode()
    key = f"Authorization: Bearer {service.key}\r\n".encode()
    return send_raw(
        service,
        b"POST " + path + b" HTTP/" + version + b"\r\n" + HEADERS + key + headers + b"\r\n" + body + SECOND_REQUEST,
    )


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        b"transfer-encoding: CHUNKED\r\nCONTENT-LENGTH: 5\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: 5\r\nContent-Length: 5\r\n",
        b"Content-Length: 5, 5\r\n",
        b"Content-Length: +5\r\n",
        b"Content-Length: 0x5\r\n",
        b"Content-Length: 5 5\r\n",
        b"Content-Length:\r\n",
        b"Content-Length: -1\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding: identity, chunked\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
        b"Transfer-Encoding: identity\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Content-Length : 5\r\n",
        b" Content-Length: 5\r\n",
        b"X: y\r\n Transfer-Encoding: chunked\r\n",
        b"X: y\r\n\tz\r\nContent-Length: 5\r\n",
        b"Transfer-Encoding:\r\n chunked\r\n",
        b"X: y\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 5\nX: y\r\n",
        b"X: y\rContent-Length: 5\r\n",
        b"X: \x00\r\nContent-Length: 5\r\n",
        b"Transfer-Encoding: chunked\n\n",
        b": y\r\nContent-Length: 5\r\n",
    ],
)
def test_a_body_of_two_lengths_is_refused(service: RunningService, headers: bytes) -> None:
    """400 in JSON, and the connection ends: what follows on it is answered to nobody."""
    answer = post_raw(service, headers)
    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"\r\nconnection: close\r\n" in answer.lower()
    assert answer.endswith(b'"}')


@pytest.mark.parametrize(
    "body",
    [
        b"0\r\n\n",
        b"0\r\nX: y\n\r\n",
        b"0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"0\n\r\n",
        b"0x0\r\n\r\n",
        b"+0\r\n\r\n",
        b"2;\nx\r\n{}\r\n0\r\n\r\n",
        b"2\r\n{}xx0\r\n\r\n",
    ],
)
def test_chunks_are_read_strictly(service: RunningService, body: bytes) -> None:
    """A body in chunks with odd lines or sizes is never followed by an answer to what stands behind it."""
    answer = post_raw(service, b"Transfer-Encoding: chunked\r\n", body)
    assert b'{"message":"pong"}' not in answer


def test_one_length_is_taken(service: RunningService) -> None:
    """A body with a length, and one in chunks, are read to their end, and the next request is answered."""
    good = b'{"html_content": ""}'
    chunked = b"%x;a=b\r\n%b\r\n0\r\nX: y\r\n\r\n" % (len(good), good)
    for headers, body in ((b"Content-Length: %d\r\n" % len(good), good), (b"Transfer-Encoding: chunked\r\n", chunked)):
        answer = post_raw(service, headers, body)
        assert answer.startswith(b"HTTP/1.1 200")
        assert answer.endswith(b'{"message":"pong"}')


def test_old_http_has_no_chunks(service: RunningService) -> None:
    """Transfer-Encoding in HTTP/1.0 is 400: proxies of that time did not know it."""
    assert post_raw(service, b"Transfer-Encoding: chunked\r\n", version=b"1.0").startswith(b"HTTP/1.1 400")


def test_too_many_fields_are_refused(service: RunningService) -> None:
    """A head of thousands of lines is 400 before each of them is looked at."""
    assert send_raw(service, b"GET /v2/ping HTTP/1.1\r\nHost: x\r\n" + b"a:\r\n" * 5000 + b"\r\n").startswith(
        b"HTTP/1.1 400"
    )


def test_many_chunks_are_read_to_the_end(service: RunningService) -> None:
    """A body in the smallest chunks, sent faster than it is read, is the same body; and so is what follows it."""
    text = b'{"html_content": "' + b"x" * 50_000 + b'"}'
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in text) + b"0\r\n\r\n"
    head = f"POST {service.account_path}/check HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {service.key}\r\n"
    answer = b""
    with socket.create_connection(("127.0.0.1", service.settings.port), timeout=WAIT_SECONDS) as connection:
        connection.sendall(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + SECOND_REQUEST)
        while part := connection.recv(65536):
            answer += part
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b'{"message":"pong"}')


@pytest.mark.parametrize("method", ["HEAD", "GET"])
@pytest.mark.parametrize("path", ["/readyz", "link"])
def test_what_follows_the_last_request_disturbs_nobody(service: RunningService, method: str, path: str) -> None:
    """Bytes behind a request that closes its connection are not read: it is answered itself, and so is everybody who
    comes with more than one read afterwards.
    """
    where = "/c/" + mint_link(service, "https://example.com/", message=7).rpartition("/")[2] if path == "link" else path
    last = f"{method} {where} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode() + b"x" * 3000
    address = ("127.0.0.1", service.settings.port)
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(socket.create_connection(address, timeout=WAIT_SECONDS)) for _ in range(8)]
        for connection in connections:
            connection.sendall(last)
        answers = [read_to_end(connection) for connection in connections]
    status = b"HTTP/1.1 302" if path == "link" else b"HTTP/1.1 200"
    assert all(answer.startswith(status) and answer.count(b"HTTP/1.1 ") == 1 for answer in answers), answers
    for _ in range(3):
        body = b'{"html_content": "' + b"x" * 50_000 + b'"}'
        sent = service.client.post(f"{service.account_path}/check", content=body)
        assert sent.status_code == 200


@pytest.mark.parametrize("read_bytes", [0, 5000])
def test_a_connection_that_fails_ends_alone(
    service: RunningService, monkeypatch: pytest.MonkeyPatch, read_bytes: int
) -> None:
    """An exception while one connection is read, at once or at its turn, closes that one; the others that wait for
    their turn have it.
    """
    head = f"POST {service.account_path}/check HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {service.key}\r\n"
    body = b'{"html_content": "' + b"x" * 50_000 + b'"}'
    good = head.encode() + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    address = ("127.0.0.1", service.settings.port)
    read_chunk = StrictHttpProtocol.read_chunk

    def fail_sometimes(protocol: StrictHttpProtocol) -> None:
        if b"FAIL" in protocol._received[: protocol._chunk_bytes]:
            raise RuntimeError("a bug")
        read_chunk(protocol)

    monkeypatch.setattr(StrictHttpProtocol, "read_chunk", fail_sometimes)
    with contextlib.ExitStack() as stack:
        bad, *others = [stack.enter_context(socket.create_connection(address, timeout=WAIT_SECONDS)) for _ in range(5)]
        for connection in (*others, bad):
            connection.sendall(good if connection is not bad else good[:read_bytes] + b"FAIL" * 5000)
        with contextlib.suppress(ConnectionResetError):
            assert read_to_end(bad) == b""
        assert all(read_to_end(connection).startswith(b"HTTP/1.1 200") for connection in others)


def read_to_end(connection: socket.socket) -> bytes:
    """What comes until the server closes, or resets what it has not read."""
    answer = b""
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(65536):
            answer += part
    return answer

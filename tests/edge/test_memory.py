"""Tests of linkweir.edge.memory: how much may be on its way in, over HTTP and SMTP together."""

import smtplib
import socket
from collections.abc import Iterator

import pytest

from linkweir.edge.memory import Incoming
from tests.edge.serving import request, wait_until
from tests.edge.smtp.submitting import MAIL, Submission

LARGEST = 300_000
ROOM = 700_000  # for one mail of the largest size, with its lines, and a little more
LINES = (b"x" * 98 + b"\r\n") * (LARGEST // 110)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Submission]:
    """A service with little room."""
    folder = tmp_path_factory.mktemp("memory") / "data"
    with Submission(folder, max_message=LARGEST, max_body=ROOM, max_incoming=ROOM) as service:
        yield service


def free(served: Submission) -> int:
    """The bytes that nothing holds."""
    return served.service.incoming._left


def announced(client: smtplib.SMTP, size: int | None) -> int:
    """What DATA is answered after a mail of this size was announced."""
    client.ehlo_or_helo_if_needed()
    client.mail("a@example.com", [] if size is None else [f"size={size}"])
    client.rcpt("ada@example.org")
    return client.docmd("DATA")[0]


def ended(client: smtplib.SMTP, mail: bytes) -> int:
    """What the end of a mail is answered."""
    client.send(mail + b".\r\n")
    return client.getreply()[0]


def test_what_is_booked_is_given_back() -> None:
    """Room that was booked is kept, what arrives beyond it is taken as it comes, and all of it is free afterwards."""
    incoming = Incoming(100)
    with incoming.hold() as one, incoming.hold() as other:
        assert one.book(60)
        assert not other.book(50)
        assert (one.add(50), one.add(20), other.add(30)) == (True, True, True)
        assert not other.add(1)
    assert incoming.take(100)


def test_a_mail_finds_room_or_is_told_to_come_again(served: Submission) -> None:
    """While one large mail arrives, another is 451 before it begins, and 250 when the first one is stored."""
    with served.connect() as first, served.connect() as second:
        assert announced(first, LARGEST) == 354
        assert announced(second, LARGEST) == 451
        assert ended(first, MAIL + LINES) == 250
        second.rset()
        assert announced(second, LARGEST) == 354
        assert ended(second, MAIL) == 250
    wait_until(lambda: free(served) == ROOM)


def test_a_mail_that_was_not_announced_ends_where_there_is_no_room(served: Submission) -> None:
    """A client that tells no size is cut off with 421 in the middle; the one that had booked gets its 250."""
    with served.connect() as first, served.connect() as second:
        assert announced(first, LARGEST) == 354
        assert announced(second, None) == 354
        second.send(MAIL + LINES)
        assert second.getreply()[0] == 421
        with pytest.raises(smtplib.SMTPServerDisconnected):
            second.noop()
        second.close()
        assert ended(first, MAIL + LINES) == 250
    wait_until(lambda: free(served) == ROOM)


def test_many_short_lines_count_for_what_they_take(served: Submission) -> None:
    """A mail of empty lines takes many times its size in memory, and is not taken when there is no room for that."""
    with served.connect() as client:
        assert announced(client, None) == 354
        client.send(b"\r\n" * 50_000)
        assert client.getreply()[0] == 421
        client.close()
    wait_until(lambda: free(served) == ROOM)


def test_a_request_finds_room_or_is_told_to_come_again(served: Submission) -> None:
    """While one large body arrives, another is 503 with Retry-After; when the first client is gone it is 202."""
    with socket.create_connection(("127.0.0.1", served.settings.port)) as slow:
        head = f"POST {served.base}/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {served.key}\r\n"
        slow.sendall(f"{head}Content-Length: {ROOM}\r\n\r\n".encode() + b" " * (ROOM - 10_000))
        wait_until(lambda: free(served) <= 10_000)
        answer = served.post(request(html_content="x" * 20_000))
        assert (answer.status_code, answer.json().keys()) == (503, {"message"})
        assert int(answer.headers["retry-after"]) >= 1
        assert served.client.get(served.base).status_code == 200
    wait_until(lambda: free(served) == ROOM)
    assert served.post(request(html_content="x" * 20_000)).status_code == 202

"""Tests of linkweir.web.memory_budget: how much may be on its way in, over HTTP and SMTP together."""

import smtplib
import socket
from collections.abc import Iterator

import pytest

from linkweir.web.memory_budget import MemoryBudget
from tests.smtp.submission_service import MAIL, SubmissionService
from tests.web.running_service import make_request, wait_until

MAX_MAIL_BYTES = 300_000
BUDGET_BYTES = 700_000  # for one mail of the largest size, with its lines, and a little more
SHORT_LINES = (b"x" * 98 + b"\r\n") * (MAX_MAIL_BYTES // 110)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SubmissionService]:
    """A service with little room."""
    folder = tmp_path_factory.mktemp("memory") / "data"
    with SubmissionService(
        folder, max_message=MAX_MAIL_BYTES, max_body=BUDGET_BYTES, max_incoming=BUDGET_BYTES
    ) as service:
        yield service


def free_bytes(service: SubmissionService) -> int:
    """The bytes that nothing holds."""
    return service.components.memory_budget._free


def announce_mail(client: smtplib.SMTP, size: int | None) -> int:
    """What DATA is answered after a mail of this size was announced."""
    client.ehlo_or_helo_if_needed()
    client.mail("a@example.com", [] if size is None else [f"size={size}"])
    client.rcpt("ada@example.org")
    return client.docmd("DATA")[0]


def finish_mail(client: smtplib.SMTP, mail: bytes) -> int:
    """What the end of a mail is answered."""
    client.send(mail + b".\r\n")
    return client.getreply()[0]


def test_what_is_booked_is_given_back() -> None:
    """Room that was booked is kept, what arrives beyond it is taken as it comes, and all of it is free afterwards."""
    incoming = MemoryBudget(100)
    with incoming.reserve() as one, incoming.reserve() as other:
        assert one.grow_to(60)
        assert not other.grow_to(50)
        assert (one.add(50), one.add(20), other.add(30)) == (True, True, True)
        assert not other.add(1)
    assert incoming.acquire(100)


def test_a_mail_over_the_budget_is_deferred(service: SubmissionService) -> None:
    """While one large mail arrives, another is 451 before it begins, and 250 when the first one is stored."""
    with service.connect() as first, service.connect() as second:
        assert announce_mail(first, MAX_MAIL_BYTES) == 354
        assert announce_mail(second, MAX_MAIL_BYTES) == 451
        assert finish_mail(first, MAIL + SHORT_LINES) == 250
        second.rset()
        assert announce_mail(second, MAX_MAIL_BYTES) == 354
        assert finish_mail(second, MAIL) == 250
    wait_until(lambda: free_bytes(service) == BUDGET_BYTES)


def test_a_mail_that_was_not_announced_ends_where_there_is_no_room(service: SubmissionService) -> None:
    """A client that tells no size is cut off with 421 in the middle; the one that had booked gets its 250."""
    with service.connect() as first, service.connect() as second:
        assert announce_mail(first, MAX_MAIL_BYTES) == 354
        assert announce_mail(second, None) == 354
        second.send(MAIL + SHORT_LINES)
        assert second.getreply()[0] == 421
        with pytest.raises(smtplib.SMTPServerDisconnected):
            second.noop()
        second.close()
        assert finish_mail(first, MAIL + SHORT_LINES) == 250
    wait_until(lambda: free_bytes(service) == BUDGET_BYTES)


def test_many_short_lines_take_no_more_than_their_bytes(service: SubmissionService) -> None:
    """A mail of empty lines takes the room of its bytes, since it is not kept line by line, and gives it back."""
    with service.connect() as client:
        assert announce_mail(client, None) == 354
        client.send(b"\r\n" * 50_000)
        wait_until(lambda: free_bytes(service) < BUDGET_BYTES)
        assert BUDGET_BYTES - free_bytes(service) <= 4 * 100_000
        client.close()
    wait_until(lambda: free_bytes(service) == BUDGET_BYTES)


def test_a_request_over_the_budget_gets_503(service: SubmissionService) -> None:
    """While one large body arrives, another is 503 with Retry-After; when the first client is gone it is 202."""
    with socket.create_connection(("127.0.0.1", service.settings.port)) as slow:
        head = f"POST {service.account_path}/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {service.key}\r\n"
        slow.sendall(f"{head}Content-Length: {BUDGET_BYTES}\r\n\r\n".encode() + b" " * (BUDGET_BYTES - 10_000))
        wait_until(lambda: free_bytes(service) <= 10_000)
        answer = service.post_message(make_request(html_content="x" * 20_000))
        assert (answer.status_code, answer.json().keys()) == (503, {"message"})
        assert int(answer.headers["retry-after"]) >= 1
        assert service.client.get(service.account_path).status_code == 200
    wait_until(lambda: free_bytes(service) == BUDGET_BYTES)
    assert service.post_message(make_request(html_content="x" * 20_000)).status_code == 202

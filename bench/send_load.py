"""What tracking costs a sender: messages a second through API v2, with tracking on and off, in one run.

`python -m bench.send_load [--rounds N]`. One service, one client, requests that differ only in `tracking.click`,
taken in turn. The body is the 100 KB newsletter. Both the time on the wall and the service's processor time are
compared, each the best and the median of the paired rounds; the ratio that is judged is the better-natured median
of processor time, since the disk's flushes drown everything on the wall. Every answer is checked: all accepted, and
the mail of one message of each kind has as many tracking links as it should. At the end the service is killed: every
message that was accepted must be in its database.

The peer is the standard library's `email`, which writes a mail with the same HTML for each recipient, in turn with the
requests: all that a sender needs at least who does without such a service. Mails go to nowhere, but through the queue.
"""

import argparse
import re
import statistics
import sys
import time
from dataclasses import dataclass
from email import message_from_string
from email.message import EmailMessage
from email.policy import default
from urllib.parse import quote

from bench.cases.catalogue import load_case
from bench.harness.service_process import ServiceProcess
from bench.ratios import Ratio
from linkweir.benchmark import WrongAnswerError

BODY_CASE = "newsletter 100 KB"
RECIPIENT_COUNTS = (1, 100)
REQUESTS_PER_ROUND = {1: 30, 100: 2}  # requests
COMPOSED_MAILS = 20


@dataclass(frozen=True, slots=True)
class SendCost:
    """Seconds per message with tracking on and off, one pair per round: on the wall and of the processor."""

    recipients: int
    wall: dict[bool, list[float]]
    cpu: dict[bool, list[float]]
    client: list[float]  # of the client's processor, with tracking
    composing: list[float]  # of the standard library for each mail

    def ratio(self, seconds: dict[bool, list[float]]) -> tuple[float, float]:
        """Tracking over none: best with best, and the median of the rounds."""
        paired = [on / off for on, off in zip(seconds[True], seconds[False], strict=True)]
        return min(seconds[True]) / min(seconds[False]), statistics.median(paired)


def measure(service: ServiceProcess, recipients: int, rounds: int) -> SendCost:
    """Send in turn with and without tracking."""
    cost = SendCost(recipients, {True: [], False: []}, {True: [], False: []}, [], [])
    body = load_case(BODY_CASE).document.decode()
    for on in (True, False):
        _check(service, _send(service, body, recipients, on), on)
    for turn in range(rounds):
        for on in (True, False) if turn % 2 else (False, True):
            requests = REQUESTS_PER_ROUND[recipients]
            began, worked, own = time.perf_counter(), service.cpu_seconds, time.process_time()
            for _ in range(requests):
                _send(service, body, recipients, on)
            cost.wall[on].append((time.perf_counter() - began) / requests / recipients)
            own = time.process_time() - own
            _wait_until_delivered(service)
            cost.cpu[on].append((service.cpu_seconds - worked) / requests / recipients)
            if on:
                cost.client.append(own / requests / recipients)
                cost.composing.append(_compose_with_stdlib(body))
    return cost


def _wait_until_delivered(service: ServiceProcess) -> None:
    """Wait until nothing of this load is left to do, so that none of it counts for the next one."""
    for _ in range(600):
        match = re.search(r"(?m)^linkweir_queue_messages (\S+)$", service.client.get("/metrics").text)
        if match is not None and float(match[1]) == 0:
            return
        time.sleep(0.05)
    raise WrongAnswerError("the mails are not delivered within half a minute")


def _compose_with_stdlib(body: str) -> float:
    """Seconds of processor for a mail; as many as a request has, at least ten."""
    began = time.process_time()
    for number in range(COMPOSED_MAILS):
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "news@example.com", f"reader{number}@example.org", "News"
        mail.set_content(body, subtype="html", cte="base64")
        assert len(mail.as_bytes()) > len(body)
    return (time.process_time() - began) / COMPOSED_MAILS


def compare_with_stdlib(recipients: int, rounds: int) -> Ratio:
    """Processor time from the request to the delivery to nowhere, in times of composing the mail, for the guard."""
    rounds = max(3, rounds // 12)
    with ServiceProcess() as service:
        cost = measure(service, recipients, rounds)
        _check_durability(service, 2 * recipients * (1 + rounds * REQUESTS_PER_ROUND[recipients]))
    paired = [ours / theirs for ours, theirs in zip(cost.cpu[True], cost.composing, strict=True)]
    detail = (
        f"{1 / min(cost.wall[True]):.0f} messages/s, {min(cost.cpu[True]) * 1e3:.1f} ms of processor time each; "
        f"composing takes {min(cost.composing) * 1e3:.1f} ms"
    )
    return Ratio(min(cost.cpu[True]) / min(cost.composing), statistics.median(paired), detail)


def _check_durability(service: ServiceProcess, messages: int) -> None:
    service.kill()
    if service.count_stored() != (messages, messages):
        raise WrongAnswerError(f"{messages} messages were accepted, and {service.count_stored()} are there")


def _send(service: ServiceProcess, body: str, recipients: int, on: bool) -> str:
    answer = service.client.post(
        f"{service.base}/messages",
        json={
            "from": {"email": "news@example.com"},
            "recipients": [{"email": f"reader{number}@example.org"} for number in range(recipients)],
            "subject": "News",
            "html_content": body,
            "tracking": {"click": on},
        },
    )
    assert answer.status_code == 202, answer.text
    entries = answer.json()["data"]
    assert len(entries) == recipients
    assert all(entry["id"] for entry in entries)
    return str(entries[-1]["id"])


def _check(service: ServiceProcess, message_id: str, on: bool) -> None:
    """The stored mail has a tracking link for every one that the case expects, or none."""
    seen = service.client.get(f"{service.base}/messages/{quote(message_id, safe='')}").json()
    mail = message_from_string(seen["content"], policy=default)
    page = mail.get_body(("html",))
    assert page is not None
    result = page.get_content().count(f'"{service.url}/c/')
    assert result == (len(load_case(BODY_CASE).destinations) if on else 0), result


def main(arguments: list[str]) -> int:
    """Print a line for each number of recipients."""
    parser = argparse.ArgumentParser(prog="python -m bench.send_load", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args(arguments).rounds
    print("API v2, 100 KB: messages a second with tracking (without); its cost in processor time and on the wall")
    with ServiceProcess() as service:
        accepted = 0
        for recipients in RECIPIENT_COUNTS:
            cost = measure(service, recipients, rounds)
            accepted += 2 * recipients * (1 + rounds * REQUESTS_PER_ROUND[recipients])
            speeds = [1 / min(cost.wall[on]) for on in (True, False)]
            cpu, wall = (cost.ratio(seconds) for seconds in (cost.cpu, cost.wall))
            print(
                f"{recipients:4} recipients: {speeds[0]:7.0f} ({speeds[1]:.0f})  processor best {cpu[0] - 1:+.1%} "
                f"median {cpu[1] - 1:+.1%}  wall best {wall[0] - 1:+.1%} median {wall[1] - 1:+.1%}\n"
                f"  processor time of a message: service {min(cost.cpu[True]) * 1e3:.2f} ms with its delivery to "
                f"nowhere, client {min(cost.client) * 1e3:.2f} ms; the standard library composes it in "
                f"{min(cost.composing) * 1e3:.2f} ms",
                flush=True,
            )
        _check_durability(service, accepted)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What tracking costs a sender: messages a second through API v2, with tracking on and off, in one run.

`python -m bench.send_load [--rounds N]`. One service, one client, requests that differ only in `tracking.click`,
taken in turn. The body is the 100 KB newsletter. Both the time on the wall and the service's processor time are
compared, each the best and the median of the paired rounds; the ratio that is judged is the better-natured median
of processor time, since the disk's flushes drown everything on the wall. Every answer is checked: all accepted, and
the mail of one message of each kind has as many tracking links as it should.
"""

import argparse
import statistics
import sys
import time
from dataclasses import dataclass
from email import message_from_string
from email.policy import default
from urllib.parse import quote

from bench.cases.catalogue import load_case
from bench.harness.service_process import ServiceProcess

BODY_CASE = "newsletter 100 KB"
RECIPIENT_COUNTS = (1, 100)
REQUESTS_PER_ROUND = {1: 30, 100: 2}  # requests


@dataclass(frozen=True, slots=True)
class SendCost:
    """Seconds per message with tracking on and off, one pair per round: on the wall and of the processor."""

    recipients: int
    wall: dict[bool, list[float]]
    cpu: dict[bool, list[float]]

    def ratio(self, seconds: dict[bool, list[float]]) -> tuple[float, float]:
        """Tracking over none: best with best, and the median of the rounds."""
        paired = [on / off for on, off in zip(seconds[True], seconds[False], strict=True)]
        return min(seconds[True]) / min(seconds[False]), statistics.median(paired)


def measure(service: ServiceProcess, recipients: int, rounds: int) -> SendCost:
    """Send in turn with and without tracking."""
    cost = SendCost(recipients, {True: [], False: []}, {True: [], False: []})
    body = load_case(BODY_CASE).document.decode()
    for on in (True, False):
        _check(service, _send(service, body, recipients, on), on)
    for turn in range(rounds):
        for on in (True, False) if turn % 2 else (False, True):
            requests = REQUESTS_PER_ROUND[recipients]
            began, worked = time.perf_counter(), service.cpu_seconds
            for _ in range(requests):
                _send(service, body, recipients, on)
            cost.wall[on].append((time.perf_counter() - began) / requests / recipients)
            cost.cpu[on].append((service.cpu_seconds - worked) / requests / recipients)
    return cost


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
    page = mail.get_body(("html",))  # type: ignore[attr-defined]
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
        for recipients in RECIPIENT_COUNTS:
            cost = measure(service, recipients, rounds)
            speeds = [1 / min(cost.wall[on]) for on in (True, False)]
            cpu, wall = (cost.ratio(seconds) for seconds in (cost.cpu, cost.wall))
            print(
                f"{recipients:4} recipients: {speeds[0]:7.0f} ({speeds[1]:.0f})  processor best {cpu[0] - 1:+.1%} "
                f"median {cpu[1] - 1:+.1%}  wall best {wall[0] - 1:+.1%} median {wall[1] - 1:+.1%}",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

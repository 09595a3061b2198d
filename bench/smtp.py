"""What tracking costs over SMTP, and what large mails cost in memory.

`python -m bench.smtp [--rounds N]`. One service, one signed-in connection, mails that differ only in
`ahasend-track-clicks`, taken in turn; compared as in `bench.sending`. Then mails of 20 MiB arrive over four connections
at once, and the service's resident memory is watched. Every mail must be answered 250.
"""

import argparse
import re
import smtplib
import statistics
import sys
import threading
import time

from bench.how.service import Service
from bench.what.cases import case

BODY = "newsletter 100 KB"
PER_ROUND = 30
LARGE = 195 * 1024 * 1024 // 10
AT_ONCE = 4


def connect(service: Service) -> smtplib.SMTP:
    """A connection that has signed in. The certificate signs itself, and the peer is this machine."""
    port = int(service.told(r"SMTP\s+\S+ port (\d+)"))
    username = service.told(r"username (\S+)")
    password = service.told(r"password (\S+)")
    client = smtplib.SMTP("127.0.0.1", port, timeout=60)
    client.starttls()
    client.login(username, password)
    return client


def mail(on: bool) -> bytes:
    """The newsletter with the wish to be tracked or not."""
    page = re.sub(rb"\r?\n", b"\r\n", case(BODY).document)
    wish = b"true" if on else b"false"
    head = b"From: a@example.com\r\nSubject: News\r\nContent-Transfer-Encoding: 8bit\r\nahasend-track-clicks: " + wish
    return head + b"\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + page


def speed(service: Service, rounds: int) -> None:
    """Print mails a second with and without tracking, and what tracking costs."""
    wall: dict[bool, list[float]] = {True: [], False: []}
    cpu: dict[bool, list[float]] = {True: [], False: []}
    mails = {on: mail(on) for on in (True, False)}
    with connect(service) as client:
        client.sendmail("a@example.com", ["b@example.org"], mails[True])
        for turn in range(rounds):
            for on in (True, False) if turn % 2 else (False, True):
                began, worked = time.perf_counter(), service.cpu_seconds
                for _ in range(PER_ROUND):
                    client.sendmail("a@example.com", ["b@example.org"], mails[on])
                wall[on].append((time.perf_counter() - began) / PER_ROUND)
                cpu[on].append((service.cpu_seconds - worked) / PER_ROUND)
    costs = [statistics.median(on / off for on, off in zip(one[True], one[False], strict=True)) for one in (cpu, wall)]
    best = min(cpu[True]) / min(cpu[False])
    print(
        f"SMTP, 100 KB: {1 / min(wall[True]):.0f} mails/s with tracking, {1 / min(wall[False]):.0f} without; "
        f"processor best {best - 1:+.1%} median {costs[0] - 1:+.1%}, wall median {costs[1] - 1:+.1%}",
        flush=True,
    )


def memory(service: Service) -> None:
    """Print by how much the service grows while large mails arrive."""
    large = mail(True) + b"\r\n<!-- " + (b"x" * 70 + b"\r\n") * (LARGE // 72) + b" -->\r\n"
    before, peak, done = service.resident, [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            peak[0] = max(peak[0], service.resident)

    def send() -> None:
        with connect(service) as client:
            client.sendmail("a@example.com", ["b@example.org"], large)

    watcher = threading.Thread(target=watch)
    senders = [threading.Thread(target=send) for _ in range(AT_ONCE)]
    for one in (watcher, *senders):
        one.start()
    for one in senders:
        one.join()
    done.set()
    watcher.join()
    grown = (peak[0] - before) / 2**20
    print(f"{AT_ONCE} mails of {len(large) / 2**20:.1f} MiB at once: {grown:.0f} MiB more ({grown / AT_ONCE:.0f} each)")


def main(arguments: list[str]) -> int:
    """Speed, then memory."""
    parser = argparse.ArgumentParser(prog="python -m bench.smtp", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args(arguments).rounds
    with Service() as service:
        speed(service, rounds)
        memory(service)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

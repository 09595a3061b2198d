"""What tracking costs over SMTP, and what large mails cost in memory.

`python -m bench.smtp_load [--rounds N]`. One service, one signed-in connection, mails that differ only in
`ahasend-track-clicks`, in turn; compared as in `bench.send_load`. Then mails of 20 MiB arrive over four connections
at once, and the service's resident memory is watched. Every mail must be answered 250.
"""

import argparse
import re
import smtplib
import statistics
import sys
import threading
import time

from bench.cases.catalogue import load_case
from bench.harness.service_process import ServiceProcess

BODY_CASE = "newsletter 100 KB"
MAILS_PER_ROUND = 30
LARGE_MAIL_BYTES = 195 * 1024 * 1024 // 10
CONCURRENT_MAILS = 4


def connect(service: ServiceProcess) -> smtplib.SMTP:
    """A connection that has signed in. The certificate signs itself, and the peer is this machine."""
    port = int(service.startup_value(r"SMTP\s+\S+ port (\d+)"))
    username = service.startup_value(r"username (\S+)")
    password = service.startup_value(r"password (\S+)")
    client = smtplib.SMTP("127.0.0.1", port, timeout=60)
    client.starttls()
    client.login(username, password)
    return client


def make_mail(on: bool) -> bytes:
    """The newsletter with the wish to be tracked or not."""
    page = re.sub(rb"\r?\n", b"\r\n", load_case(BODY_CASE).document)
    wish = b"true" if on else b"false"
    head = b"From: a@example.com\r\nSubject: News\r\nContent-Transfer-Encoding: 8bit\r\nahasend-track-clicks: " + wish
    return head + b"\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + page


def measure_speed(service: ServiceProcess, rounds: int) -> None:
    """Print mails a second with and without tracking, and what tracking costs."""
    wall: dict[bool, list[float]] = {True: [], False: []}
    cpu: dict[bool, list[float]] = {True: [], False: []}
    mails = {on: make_mail(on) for on in (True, False)}
    with connect(service) as client:
        client.sendmail("a@example.com", ["b@example.org"], mails[True])
        for turn in range(rounds):
            for on in (True, False) if turn % 2 else (False, True):
                began, worked = time.perf_counter(), service.cpu_seconds
                for _ in range(MAILS_PER_ROUND):
                    client.sendmail("a@example.com", ["b@example.org"], mails[on])
                wall[on].append((time.perf_counter() - began) / MAILS_PER_ROUND)
                cpu[on].append((service.cpu_seconds - worked) / MAILS_PER_ROUND)
    costs = [
        statistics.median(on / off for on, off in zip(item[True], item[False], strict=True)) for item in (cpu, wall)
    ]
    best = min(cpu[True]) / min(cpu[False])
    print(
        f"SMTP, 100 KB: {1 / min(wall[True]):.0f} mails/s with tracking, {1 / min(wall[False]):.0f} without; "
        f"processor best {best - 1:+.1%} median {costs[0] - 1:+.1%}, wall median {costs[1] - 1:+.1%}",
        flush=True,
    )


def measure_memory(service: ServiceProcess) -> None:
    """Print by how much the service grows while large mails arrive."""
    large = make_mail(True) + b"\r\n<!-- " + (b"x" * 70 + b"\r\n") * (LARGE_MAIL_BYTES // 72) + b" -->\r\n"
    before, peak, done = service.resident_bytes, [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            peak[0] = max(peak[0], service.resident_bytes)

    def send() -> None:
        with connect(service) as client:
            client.sendmail("a@example.com", ["b@example.org"], large)

    watcher = threading.Thread(target=watch)
    senders = [threading.Thread(target=send) for _ in range(CONCURRENT_MAILS)]
    for sender in (watcher, *senders):
        sender.start()
    for sender in senders:
        sender.join()
    done.set()
    watcher.join()
    grown = (peak[0] - before) / 2**20
    print(
        f"{CONCURRENT_MAILS} mails of {len(large) / 2**20:.1f} MiB at once: "
        f"{grown:.0f} MiB more ({grown / CONCURRENT_MAILS:.0f} each)"
    )


def main(arguments: list[str]) -> int:
    """Speed, then memory."""
    parser = argparse.ArgumentParser(prog="python -m bench.smtp_load", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args(arguments).rounds
    with ServiceProcess() as service:
        measure_speed(service, rounds)
        measure_memory(service)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

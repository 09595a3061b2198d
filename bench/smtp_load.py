"""SMTP: acceptance beside Postfix, what tracking costs, and what large mails cost in memory.

`python -m bench.smtp_load [--rounds N]`. First four connections of one client program bring mails of 100 KB to the
service and to a Postfix in turn; both demand STARTTLS and AUTH, and both give what they have queued to nobody. Then one
connection brings mails that differ only in `ahasend-track-clicks`; compared as in `bench.send_load`. Then mails of 20
MiB arrive over four connections at once, and the service's memory is watched (PSS of all its processes). Every mail
must be answered 250, and one of each kind is looked at. At the end the service is killed: every mail that was answered
must be in its database.
"""

import argparse
import json
import re
import smtplib
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass

from bench.cases.catalogue import load_case
from bench.harness.postfix_process import PostfixNotInstalledError, PostfixProcess
from bench.harness.service_process import ServiceProcess
from bench.harness.smtp_client import connect as connect_to
from bench.ratios import Ratio
from linkweir.benchmark import EngineNotInstalledError, WrongAnswerError

BODY_CASE = "newsletter 100 KB"
MAILS_PER_ROUND = 30
LARGE_MAIL_BYTES = 195 * 1024 * 1024 // 10
CONCURRENT_MAILS = 4


def credentials(service: ServiceProcess) -> tuple[int, str, str]:
    """Port, username and password, as the service has told them."""
    port, username, password = (r"SMTP\s+\S+ port (\d+)", r"username (\S+)", r"username \S+\s+password (\S+)")
    return int(service.startup_value(port)), service.startup_value(username), service.startup_value(password)


def connect(service: ServiceProcess) -> smtplib.SMTP:
    """A connection that has signed in."""
    return connect_to(*credentials(service))


def make_mail(on: bool) -> bytes:
    """The newsletter with the wish to be tracked or not."""
    page = re.sub(rb"\r?\n", b"\r\n", load_case(BODY_CASE).document)
    wish = b"true" if on else b"false"
    head = b"From: a@example.com\r\nSubject: News\r\nContent-Transfer-Encoding: 8bit\r\nahasend-track-clicks: " + wish
    return head + b"\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + page


def run_client(port: int, username: str, password: str, data: bytes, mails: int) -> dict[str, float]:
    """Seconds on the wall and of the client's processor for so many mails over four connections."""
    words = [str(port), username, password, str(CONCURRENT_MAILS), str(mails)]
    command = [sys.executable, "-m", "bench.harness.smtp_client", *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:  # noqa: S603 - our own
        assert client.stdin is not None
        assert client.stdout is not None
        client.stdin.write(b"%d\n" % len(data) + data)
        client.stdin.flush()
        assert client.stdout.readline() == b"ready\n"
        client.stdin.write(b"\n")
        client.stdin.close()
        taken: dict[str, float] = json.loads(client.stdout.readline())
    assert client.returncode == 0
    return taken


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Of each server and round: seconds on the wall, of the client's processor and of the server's, for all mails."""

    taken: dict[str, list[dict[str, float]]]

    @property
    def share(self) -> tuple[float, float]:
        """Of Postfix' rate: best with best, and the median of the rounds."""
        ours, theirs = ([each["wall"] for each in self.taken[name]] for name in ("Linkweir", "Postfix"))
        return min(theirs) / min(ours), statistics.median(b / a for a, b in zip(ours, theirs, strict=True))

    def __str__(self) -> str:
        mails, lines = MAILS_PER_ROUND * CONCURRENT_MAILS, []
        for name, each in self.taken.items():
            best, client, server = (min(item[kind] for item in each) for kind in ("wall", "processor", "server"))
            lines.append(
                f"{name}: {mails / best:.0f} mails/s of 100 KB over {CONCURRENT_MAILS} connections; processor time of a"
                f" mail: {server / mails * 1000:.2f} ms of the server, {client / mails * 1000:.2f} ms of the client"
            )
        return "\n".join(lines)


def measure_acceptance(service: ServiceProcess, rounds: int) -> Acceptance:
    """Bring mails to the service and to a Postfix in turn. Raises EngineNotInstalledError without a Postfix."""
    data = re.sub(rb"(?m)^\.", b"..", make_mail(True)) + b".\r\n"
    own = credentials(service)
    sides: dict[str, tuple[int, str, str]] = {"Linkweir": own}
    taken: dict[str, list[dict[str, float]]] = {"Linkweir": [], "Postfix": []}
    try:
        postfix = PostfixProcess(service.data / "smtp-selfsigned.pem")
    except PostfixNotInstalledError as reason:
        raise EngineNotInstalledError(str(reason)) from None
    with postfix:
        sides["Postfix"] = (postfix.port, postfix.username, postfix.password)
        for turn in range(rounds):
            for name in sorted(sides, reverse=bool(turn % 2)):
                server = service if name == "Linkweir" else postfix
                before = server.cpu_seconds
                result = run_client(*sides[name], data, MAILS_PER_ROUND * CONCURRENT_MAILS)
                taken[name].append({**result, "server": server.cpu_seconds - before})
    check_mail(service, make_mail(True))
    return Acceptance(taken)


def check_durability(service: ServiceProcess, mails: int) -> None:
    """Kill the service; so many mails must be in its database."""
    service.kill()
    if service.count_stored() != (mails, mails):
        raise WrongAnswerError(f"{mails} mails were answered 250, and {service.count_stored()} are there")


def compare_with_postfix(rounds: int) -> Ratio:
    """Mails a second as a share of Postfix', for the guard. Raises EngineNotInstalledError."""
    rounds = max(3, rounds // 12)
    with ServiceProcess() as service:
        acceptance = measure_acceptance(service, rounds)
        check_durability(service, rounds * MAILS_PER_ROUND * CONCURRENT_MAILS)
    return Ratio(*acceptance.share, str(acceptance).replace("\n", "; "))


def check_mail(service: ServiceProcess, sent: bytes) -> None:
    """The newest message has the bytes that were sent, but for our header and for its links, all of which are ours."""
    listed = service.client.get(f"{service.base}/messages?limit=1").json()["data"]
    content = service.client.get(f"{service.base}/messages/{listed[0]['id']}").json()["content"].encode()
    links = re.compile(rb'(<a\b[^>]*?\shref=")[^"]*(")')
    body = links.sub(rb"\1\2", sent.partition(b"\r\n\r\n")[2])
    assert links.sub(rb"\1\2", content.partition(b"\r\n\r\n")[2]) == body
    assert content.count(f'"{service.url}/c/'.encode()) == len(load_case(BODY_CASE).destinations)


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


def measure_memory(service: ServiceProcess) -> float:
    """By how many MiB the service grows while large mails arrive."""
    large = make_mail(True) + b"\r\n<!-- " + (b"x" * 70 + b"\r\n") * (LARGE_MAIL_BYTES // 72) + b" -->\r\n"
    before, peak, done = service.pss_bytes, [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            peak[0] = max(peak[0], service.pss_bytes)

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
    return (peak[0] - before) / 2**20


def measure_growth(_rounds: int) -> Ratio:
    """The same of a service that has taken small mails before, for the guard."""
    with ServiceProcess() as service:
        with connect(service) as client:
            for _ in range(10):
                client.sendmail("a@example.com", ["b@example.org"], make_mail(True))
        grown = measure_memory(service)
        check_durability(service, 10 + CONCURRENT_MAILS)
    return Ratio(grown, grown, f"{CONCURRENT_MAILS} mails of {LARGE_MAIL_BYTES / 2**20:.1f} MiB at once")


def main(arguments: list[str]) -> int:
    """Speed, then memory."""
    parser = argparse.ArgumentParser(prog="python -m bench.smtp_load", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args(arguments).rounds
    with ServiceProcess() as service:
        try:
            acceptance = measure_acceptance(service, rounds)
            print(
                f"{acceptance}\nshare {acceptance.share[0]:.2f}, median of pairs {acceptance.share[1]:.2f} (goal 0.4)"
            )
        except EngineNotInstalledError as reason:
            print(f"skipped: {reason}")
        measure_speed(service, rounds)
    result = measure_growth(rounds)
    print(f"{result.detail}: {result.value:.0f} MiB more (goal 200)")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

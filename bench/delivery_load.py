"""Delivery to a local SMTP sink: mails of 100 KB a second out of the queue, beside a plain client that only sends.

`python -m bench.delivery_load [--mails N] [--rounds N]`. The mails are accepted before and are all due at the same
moment, so that only delivery is measured: from the first mail that the sink has to the last. The plain peer is
aiosmtplib on one connection with one of these mails, in turn, to the same sink. Every mail must arrive once, with the
bytes that the service shows for it.
"""

import argparse
import asyncio
import hashlib
import statistics
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import aiosmtplib

from bench.cases.catalogue import load_case
from bench.harness.service_process import ServiceProcess
from bench.harness.smtp_sink import SmtpSink
from bench.ratios import Ratio
from linkweir.benchmark import WrongAnswerError

BODY_CASE = "newsletter 100 KB"
RECIPIENTS = 100  # of one request
MAX_DELAY_SECONDS = 120.0
CHECKED_MAILS = 5  # mails whose bytes are compared, of each round


@dataclass(frozen=True, slots=True)
class DeliveryLoad:
    """Mails a second of each round, and seconds of the service's processor for a mail."""

    delivered: list[float] = field(default_factory=list)
    plain: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    @property
    def share(self) -> tuple[float, float]:
        """Of the plain client's rate: best with best, and the median of the rounds."""
        pairs = [ours / theirs for ours, theirs in zip(self.delivered, self.plain, strict=True)]
        return max(self.delivered) / max(self.plain), statistics.median(pairs)


def measure(mails: int, rounds: int) -> DeliveryLoad:
    """Deliver and send in turn."""
    load = DeliveryLoad()
    with SmtpSink() as sink, ServiceProcess(LINKWEIR_TRANSPORT=f"smtp+plain://127.0.0.1:{sink.port}") as service:
        for _ in range(rounds):
            rate, cpu, raw = _measure_queue(service, sink, mails)
            load.delivered.append(rate)
            load.cpu.append(cpu)
            load.plain.append(mails / _measure_plain_client(sink.port, mails, raw))
    return load


def _measure_plain_client(port: int, mails: int, raw: bytes) -> float:
    """Seconds for a client that has nothing else to do."""

    async def send() -> float:
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as client:
            began = time.perf_counter()
            for _ in range(mails):
                await client.sendmail("a@example.com", "b@example.org", raw)
            return time.perf_counter() - began

    return asyncio.run(send())


def _measure_queue(service: ServiceProcess, sink: SmtpSink, mails: int) -> tuple[float, float, bytes]:
    """Mails a second, seconds of processor for each, and one of the mails."""
    before, delay = len(sink.list_mails()), 2.0 + mails / 50
    while True:
        due = time.monotonic() + delay
        keys = _accept(service, mails, datetime.now(UTC) + timedelta(seconds=delay))
        if time.monotonic() < due:
            break
        delay *= 2  # some were due before the last was accepted: once more
        if delay > MAX_DELAY_SECONDS:
            raise WrongAnswerError("acceptance takes minutes")
        before = _wait_for(sink, before + mails)
    worked = service.cpu_seconds
    total = _wait_for(sink, before + mails)
    time.sleep(0.5)
    worked = service.cpu_seconds - worked
    arrived = sink.list_mails()[before:]
    if len(arrived) != mails or total != before + mails or len({digest for _, digest in arrived}) != mails:
        raise WrongAnswerError(f"{len(arrived)} mails arrived of {mails}, or one twice")
    times = [at for at, _ in arrived]
    return (mails - 1) / (max(times) - min(times)), worked / mails, _check_bytes(service, keys, arrived)


def _wait_for(sink: SmtpSink, count: int) -> int:
    end = time.monotonic() + MAX_DELAY_SECONDS
    while (seen := len(sink.list_mails())) < count:
        if time.monotonic() > end:
            raise WrongAnswerError(f"{count - seen} mails are missing")
        time.sleep(0.1)
    return seen


def _accept(service: ServiceProcess, mails: int, due: datetime) -> list[str]:
    body: dict[str, Any] = {
        "from": {"email": "a@example.com"},
        "recipients": [{"email": f"r{number}@example.org"} for number in range(RECIPIENTS)],
        "subject": "x",
        "html_content": load_case(BODY_CASE).document.decode(),
        "tracking": {"click": True},
        "schedule": {"first_attempt": due.isoformat()},
    }
    keys: list[str] = []
    for _ in range(mails // RECIPIENTS):
        answer = service.client.post(f"{service.base}/messages", json=body)
        assert answer.status_code == 202, answer.text
        keys += [entry["id"] for entry in answer.json()["data"]]
    return keys


def _check_bytes(service: ServiceProcess, keys: list[str], arrived: list[tuple[float, str]]) -> bytes:
    """The sink has had what the service shows, with as many tracking links as there are links."""
    digests, raw = {digest for _, digest in arrived}, b""
    for key in keys[:: max(1, len(keys) // CHECKED_MAILS)]:
        raw = service.client.get(f"{service.base}/messages/{quote(key, safe='')}").json()["content"].encode()
        if hashlib.sha256(raw).hexdigest() not in digests:
            raise WrongAnswerError("a mail arrived with other bytes than the service shows")
    return raw


def compare_with_plain_client(rounds: int) -> Ratio:
    """Mails a second as a share of a plain client's, for the guard."""
    load = measure(RECIPIENTS, max(3, rounds // 12))
    best, paired = load.share
    detail = f"{max(load.delivered):.0f} mails/s of 100 KB, {min(load.cpu) * 1e3:.1f} ms of processor time each"
    return Ratio(best, paired, detail)


def main(arguments: list[str]) -> int:
    """Print both speeds."""
    parser = argparse.ArgumentParser(prog="python -m bench.delivery_load", description=__doc__)
    parser.add_argument("--mails", type=int, default=500, help=f"a multiple of {RECIPIENTS}")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    load = measure(options.mails, options.rounds)
    best, paired = load.share
    print(
        f"100 KB to a local sink: {max(load.delivered):.0f} mails/s delivered from the queue (goal 300), "
        f"{min(load.cpu) * 1e3:.2f} ms of the service's processor each; "
        f"{max(load.plain):.0f} mails/s by a plain client; share {best:.2f} (median of pairs {paired:.2f})"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

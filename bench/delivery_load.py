"""Delivery to a local SMTP sink: mails a second through the queue, beside a plain client that only sends.

`python -m bench.delivery_load [--mails N]`. The plain peer is aiosmtplib on one connection with the same mail, in the
same run. The sink counts: every mail must arrive once.
"""

import argparse
import asyncio
import socket
import sys
import time

import aiosmtplib
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from bench.cases.catalogue import load_case
from bench.harness.service_process import ServiceProcess


class SmtpSink:
    """Takes and counts."""

    def __init__(self) -> None:
        self.count = 0

    async def handle_DATA(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802
        """One more."""
        self.count += 1
        return "250 OK"


def measure_plain_client(port: int, mails: int, raw: bytes) -> float:
    """Seconds for a client that has nothing else to do."""

    async def send() -> None:
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as client:
            for _ in range(mails):
                await client.sendmail("a@example.com", "b@example.org", raw)

    began = time.perf_counter()
    asyncio.run(send())
    return time.perf_counter() - began


def measure_queue(port: int, mails: int, page: str, sink: SmtpSink) -> float:
    """Seconds from the first mail's acceptance until the sink has them all."""
    with ServiceProcess(LINKWEIR_TRANSPORT=f"smtp+plain://127.0.0.1:{port}") as service:
        recipients = [{"email": f"r{number}@example.org"} for number in range(100)]
        body = {"from": {"email": "a@example.com"}, "recipients": recipients, "subject": "x", "html_content": page}
        before, began = sink.count, time.perf_counter()
        for _ in range(mails // 100):
            answer = service.client.post(f"{service.base}/messages", json={**body, "tracking": {"click": True}})
            assert answer.status_code == 202, answer.text
        while sink.count < before + mails:
            time.sleep(0.01)
        taken = time.perf_counter() - began
        time.sleep(0.5)
        assert sink.count == before + mails, "a mail arrived twice"
    return taken


def main(arguments: list[str]) -> int:
    """Print both speeds."""
    parser = argparse.ArgumentParser(prog="python -m bench.delivery_load", description=__doc__)
    parser.add_argument("--mails", type=int, default=500, help="a multiple of 100")
    mails = parser.parse_args(arguments).mails
    page = load_case("newsletter 10 KB").document.decode()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    sink = SmtpSink()
    controller = Controller(sink, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        raw = b"Subject: x\r\nContent-Type: text/html\r\n\r\n" + page.encode().replace(b"\n", b"\r\n")
        alone = measure_plain_client(port, mails, raw)
        durable = measure_queue(port, mails, page, sink)
    finally:
        controller.stop()
    print(
        f"10 KB to a local sink: {mails / durable:.0f} mails/s accepted, rewritten, queued and delivered; "
        f"{mails / alone:.0f} by a plain client"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

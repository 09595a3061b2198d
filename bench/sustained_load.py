"""Clicks answered, stored and judged at the same time: up to what rate the database keeps up, and what happens beyond.

`python -m bench.redirect_load --sustained [--seconds N]`. Sends mails and follows their links at rising rates for N
seconds each, last as fast as can be, and while that goes on the clicks that came in and those that were stored with
verdict, sums and events are counted. At the end every click must be stored, or counted as lost.
"""

import re
import sqlite3
import threading
import time
from dataclasses import dataclass

from bench.harness import wrk
from bench.harness.service_process import ServiceProcess
from linkweir.benchmark import WrongAnswerError
from linkweir.tokens import Tracker, keyring_file

MAILS, LINKS_PER_MAIL, RECIPIENTS_PER_REQUEST = 1000, 8, 100
CONNECTIONS = 64
RATES_PER_SECOND = (300, 1000, None)  # requests a second; None: as fast as can be
MIN_STORED_SHARE = 0.97  # of what came in was stored meanwhile: the rest is a batch or two


@dataclass(frozen=True, slots=True)
class LoadLevel:
    """What was seen at one rate, in clicks a second: answered, stored meanwhile; how many then waited or were lost."""

    requested: int | None
    answered: float
    p99: float
    stored: float
    waiting: int
    lost: int

    @property
    def is_sustained(self) -> bool:
        """Does the database keep up with readers?"""
        return self.stored >= MIN_STORED_SHARE * self.answered and not self.lost


def print_report(seconds: int) -> int:
    """A line for each rate, in one process, and with two that answer beside one that stores."""
    for words in (("--workers", "1"), ("--workers", "2")):
        with ServiceProcess(*words) as service:  # with the journal's own size
            print(" ".join(words), flush=True)
            paths = create_links(service)
            for rate in RATES_PER_SECOND:
                result = measure_level(service, paths, rate, seconds)
                print(
                    f"  {rate or 'all'}: {result.answered:5.0f} answered a second, p99 {result.p99 * 1e3:5.1f} ms;"
                    f" {result.stored:5.0f} stored a second, {result.waiting} wait, {result.lost} lost"
                    f"{', keeps up' if result.is_sustained else ''}",
                    flush=True,
                )
    return 0


def create_links(service: ServiceProcess) -> list[str]:
    """Send mails; the paths of all their links, those of one mail far apart."""
    html = "".join(f'<p><a href="https://example.com/{n}?utm_source=mail">{n}</a></p>' for n in range(LINKS_PER_MAIL))
    for start in range(0, MAILS, RECIPIENTS_PER_REQUEST):
        answer = service.client.post(
            f"{service.base}/messages",
            json={
                "from": {"email": "news@example.com"},
                "recipients": [{"email": f"reader{start + n}@firm{n}.example"} for n in range(RECIPIENTS_PER_REQUEST)],
                "subject": "News",
                "html_content": html,
                "tags": ["bench"],
                "tracking": {"click": True},
            },
        )
        assert answer.status_code == 202, answer.text
    while _count_waiting(service):
        time.sleep(0.5)
    database = sqlite3.connect(f"file:{service.data / 'linkweir.db'}?mode=ro", uri=True)
    numbers = [row[0] for row in database.execute("SELECT number FROM messages")]
    database.close()
    ring = keyring_file.load(service.data / "keys.json")
    minted = [
        Tracker(ring, "http://x/c/", message=number).mint(f"https://example.com/{n}?utm_source=mail", n)
        for n in range(LINKS_PER_MAIL)
        for number in numbers
    ]
    return [link.removeprefix("http://x") for link in minted]


def _count_waiting(service: ServiceProcess) -> int:
    match = re.search(r"(?m)^linkweir_queue_messages (\S+)$", service.client.get("/metrics").text)
    return int(float(match[1])) if match else 0


def measure_level(service: ServiceProcess, paths: list[str], rate: int | None, seconds: int) -> LoadLevel:
    """One rate for so many seconds; then wait until everything is stored."""
    pause = 0 if rate is None else max(1, round(CONNECTIONS / rate * 1000))
    runs: list[wrk.WrkResult] = []
    before = _MetricsSample.read(service)

    def load() -> None:
        runs.append(wrk.run(service.url, paths, connections=CONNECTIONS, seconds=seconds, pause=pause))

    began = time.monotonic()
    loading = threading.Thread(target=load)
    loading.start()
    loading.join()
    behind, took = _MetricsSample.read(service), time.monotonic() - began
    (run,) = runs
    after = _wait_until_stored(service)
    stored, lost = after.stored - before.stored, after.lost - before.lost
    if stored + lost < run.requests:
        raise WrongAnswerError(f"{run.requests} redirects: {stored} stored, {lost} lost")
    meanwhile = behind.stored - before.stored
    return LoadLevel(rate, run.rate, run.p99, meanwhile / took, stored - meanwhile, lost)


def _wait_until_stored(service: ServiceProcess) -> "_MetricsSample":
    while True:
        before = _MetricsSample.read(service)
        time.sleep(2.5)
        after = _MetricsSample.read(service)
        if after == before and after.waiting == 0:
            return after


@dataclass(frozen=True, slots=True)
class _MetricsSample:
    stored: int
    lost: int
    waiting: int

    @staticmethod
    def read(service: ServiceProcess) -> "_MetricsSample":
        """As /metrics has them; with several processes, as these said within the last second or so."""
        text = service.client.get("/metrics").text
        names = ("linkweir_clicks_stored_total", "linkweir_clicks_lost_total", "linkweir_clicks_waiting")
        result = [re.search(rf"(?m)^{name} (\S+)$", text) for name in names]
        return _MetricsSample(*[int(float(each[1])) if each else 0 for each in result])

"""Machines on one PostgreSQL server, each in processes of its own, under a load of clicks, mails and webhook requests
that can each be told apart, and the count of what became of them.
"""

import http.client
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from ipaddress import ip_network
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import Connection

from linkweir.clicks.ingest.rebuild_worker import rebuild_aggregates
from linkweir.clock import SECOND_US, now
from linkweir.db.schema import CLICK_COUNTS, click_aggregates, click_inbox, clicks, messages, outbox, queue
from linkweir.db.time_buckets import HOUR
from linkweir.errors import DatabaseUnavailable
from linkweir.tokens import Tracker
from tests.database_proxy import DatabaseProxy
from tests.db.aggregate_statements import select_with_values
from tests.machine_process import MachineProcess
from tests.postgresql_server import PostgresqlServer
from tests.smtp.receiving_server import ReceivingServer
from tests.test_service_secrets import make_master_key
from tests.web.running_service import WAIT_SECONDS, RunningService, find_free_port, make_request, wait_until
from tests.webhooks.receiver import WebhookReceiver

BASE_URL = "https://t.example.com/c/"
CLAIM_SECONDS = 3  # that a worker holds a mail; a webhook request WEBHOOK_SECONDS longer, and clicks four times as long
WEBHOOK_SECONDS = 2
STORE_WAIT_SECONDS = 2  # after six times as long the server ends a transaction in which nothing happens
LONGEST_LEASE_SECONDS = max(4 * CLAIM_SECONDS, CLAIM_SECONDS + WEBHOOK_SECONDS, 6 * STORE_WAIT_SECONDS)
TARGETS = 24  # messages that are clicked: clicks of one soon after each other would all be judged anew each time
CLICK_PAUSE_SECONDS = 0.04
MAIL_PAUSE_SECONDS = 0.1
PROGRESS = 12  # of clicks and of mails between two steps of a test
WORKING = ("--workers", "1", "--role", "count", "--role", "deliver", "--role", "notify")
REDIRECTING = ("--role", "redirect", "--workers", "2")
KINDS = ("reception", "delivered", "clicked")
T = TypeVar("T")


@dataclass
class Relay:
    """The mail server at the other end: each mail that it took, by its subject, and when (microseconds since 1970)."""

    mails: defaultdict[str, list[tuple[int, bytes]]] = field(default_factory=lambda: defaultdict(list))

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take it."""
        assert isinstance(envelope.content, bytes)
        self.mails[message_from_bytes(envelope.content)["subject"]].append((now(), envelope.content))
        return "250 OK"


class LoadedMachines:
    """`accepting` answers the API, in this process; `redirecting` redirects, and reaches the database by `proxy` only;
    two of `working` count, deliver and notify. What was `requested`, `answered` and `accepted` adds up over all loads.
    """

    def __init__(self, folder: Path, server: PostgresqlServer) -> None:
        self.folder = folder
        self.server = server
        self.url = server.create()
        self.proxy = DatabaseProxy(self.url)
        self.relay = Relay()
        self._receiving = ReceivingServer(self.relay, hostname="127.0.0.1", port=find_free_port())
        self._hook = WebhookReceiver()
        key = make_master_key()
        self._settings = {
            "LINKWEIR_DATABASE": self.url,
            "LINKWEIR_MASTER_KEY": key,
            "LINKWEIR_BASE_URL": BASE_URL,
            "LINKWEIR_CLICK_TRANSPORT": "postgresql",
            "LINKWEIR_TRANSPORT": f"smtp+plain://127.0.0.1:{self._receiving.port}",
            "LINKWEIR_CLAIM_SECONDS": str(CLAIM_SECONDS),
            "LINKWEIR_STORE_WAIT": str(STORE_WAIT_SECONDS),
            "LINKWEIR_RETRY_SECONDS": "0.2",
            "LINKWEIR_SPOOL_RETRY": "0.2",
            "LINKWEIR_CLICK_WAIT": str(WAIT_SECONDS),
            "LINKWEIR_JOURNAL_FACTS": "5000",
            "LINKWEIR_WEBHOOK_NETWORKS": "127.0.0.0/8",
            "LINKWEIR_WEBHOOK_TIMEOUT": str(WEBHOOK_SECONDS),
            "LINKWEIR_WEBHOOK_RETRY_SECONDS": "0.05",
            "LINKWEIR_TELL_SECONDS": "0.3",
            "LINKWEIR_CORRECT_SECONDS": "0.3",
            "LINKWEIR_LOG_LEVEL": "error",
        }
        self.accepting = RunningService(
            folder / "accepting",
            roles=("api",),
            database=self.url,
            master_key=key,
            base_url=BASE_URL,
            click_transport="postgresql",
            store_wait=WAIT_SECONDS,
            webhook_networks=(ip_network("127.0.0.0/8"),),
            rate_limit=1e6,
            rate_burst=1_000_000,
        )
        self.working: list[MachineProcess] = []
        self._clicked: list[MachineProcess] = []  # the one that redirects, and more while they are under load
        self.requested: set[int] = set()
        self.answered: set[int] = set()
        self.accepted: set[str] = set()
        self._answers: list[int] = []  # of each machine that is clicked
        self._lock = threading.Lock()
        self._numbers: Sequence[int] = ()  # of the messages that are clicked, as tokens carry them

    @contextmanager
    def run(self) -> Iterator[None]:
        """Start everything, and stop it in the end."""
        with ExitStack() as stack:
            self._receiving.start()
            stack.callback(self._receiving.stop)
            for part in (self.proxy, self._hook, self.accepting):
                stack.enter_context(part)
            stack.callback(self._kill_machines)
            self.restart_redirecting()
            for number in range(2):
                self.working.append(self.start_worker(number))
            self._send_targets()
            yield

    def _kill_machines(self) -> None:
        for machine in (*self._clicked, *self.working):
            machine.kill()

    def restart_redirecting(self) -> None:
        """Start the machine that redirects, also on the disk of one that was killed."""
        self._clicked[:1] = [self.start(self.folder / "redirecting", *REDIRECTING, LINKWEIR_DATABASE=self.proxy.url)]

    @property
    def redirecting(self) -> MachineProcess:
        """The machine that redirects."""
        return self._clicked[0]

    def start_worker(self, number: int, **more: str) -> MachineProcess:
        """Start a worker, also on the disk of one that was killed."""
        return self.start(self.folder / f"working{number}", *WORKING, **more)

    def start(self, folder: Path, *words: str, **more: str) -> MachineProcess:
        """Start one more machine, or one again on the disk that it had."""
        return MachineProcess(folder, *words, **{**self._settings, **more})

    def _send_targets(self) -> None:
        hook = {"name": "all", "url": self._hook.url, "scope": "global", **{f"on_{kind}": True for kind in KINDS}}
        wait_until(lambda: self._post("/webhooks", "hook", hook))
        people = [{"email": f"reader{number}@example.org"} for number in range(TARGETS)]
        wait_until(lambda: self._post("/messages", "target", make_request(recipients=people, subject="target")))
        self._numbers = self.query(lambda connection: connection.scalars(sa.select(messages.c.number)).all())

    def query(self, work: Callable[[Connection], T]) -> T:
        """What `work` finds in the database, once that answers."""
        while True:
            try:
                with self.accepting.components.database.read() as connection:
                    return work(connection)
            except DatabaseUnavailable:
                time.sleep(0.1)

    @contextmanager
    def load(self, *more: MachineProcess) -> Iterator[None]:
        """Readers click on the machine that redirects, and on `more`, and mails are sent, until the block ends."""
        stop = threading.Event()
        sources = [threading.Thread(target=self._send_mails, args=(stop,))]
        self._clicked += more
        self._answers = [0] * len(self._clicked)
        for number in range(len(self._clicked)):
            sources.append(threading.Thread(target=self._click, args=(number, stop)))
        for source in sources:
            source.start()
        try:
            yield
        finally:
            stop.set()
            for source in sources:
                source.join()
            del self._clicked[1:]

    def wait_for_progress(self, *, mails: bool = True) -> None:
        """Wait until more clicks are answered by each machine, and more mails accepted and delivered."""
        before, accepted, delivered = list(self._answers), len(self.accepted), len(self.relay.mails)
        wait_until(lambda: all(self._answers[number] >= count + PROGRESS for number, count in enumerate(before)))
        if mails:
            wait_until(lambda: len(self.accepted) >= accepted + PROGRESS)
            wait_until(lambda: len(self.relay.mails) >= delivered + PROGRESS)

    def _click(self, machine: int, stop: threading.Event) -> None:
        """Click on a kept connection until told to stop, on a new one whenever the machine goes away."""
        while not stop.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", self._clicked[machine].port, timeout=WAIT_SECONDS)
            try:
                while not stop.wait(CLICK_PAUSE_SECONDS):
                    number, path = self._make_link()
                    connection.request("GET", path)
                    answer = connection.getresponse()
                    answer.read()
                    if answer.status == 302:
                        self.answered.add(number)
                        self._answers[machine] += 1
            except (OSError, http.client.HTTPException):
                stop.wait(0.05)
            finally:
                connection.close()

    def _make_link(self) -> tuple[int, str]:
        with self._lock:
            number = len(self.requested)
            self.requested.add(number)
        message = self._numbers[number % len(self._numbers)]
        link = Tracker(self.accepting.components.keyring, BASE_URL, message=message).mint("https://e.example/", number)
        return number, link.removeprefix("https://t.example.com")

    def _send_mails(self, stop: threading.Event) -> None:
        """Send mail after mail, each until it is accepted, as a client does that must not lose one."""
        while not stop.wait(MAIL_PAUSE_SECONDS):
            mark = f"mail {len(self.accepted)}"
            while not self._post("/messages", mark, make_request(subject=mark)):
                stop.wait(0.1)
            self.accepted.add(mark)

    def _post(self, path: str, key: str, body: dict[str, Any]) -> bool:
        """Whether this request was carried out, now or before."""
        service = self.accepting
        answer = service.client.post(service.account_path + path, json=body, headers={"Idempotency-Key": key})
        assert answer.status_code in (201, 202, 409, 503), answer.text
        return answer.is_success

    def wait_until_done(self) -> None:
        """Wait until nothing waits any more, anywhere."""
        wait_until(lambda: self.answered <= self.count_stored().keys())
        for statement in (
            sa.select(sa.func.count()).select_from(click_inbox),
            sa.select(sa.func.count()).select_from(queue),
            sa.select(sa.func.count()).select_from(clicks).where(clicks.c.tell_at.is_not(None)),
            sa.select(sa.func.count()).select_from(outbox).where(outbox.c.state == "waiting"),
        ):
            wait_until(lambda: self.query(lambda connection: connection.scalar(statement)) == 0)  # noqa: B023

    def count_stored(self) -> Counter[int]:
        """How often each click is in the database."""
        return Counter(self.query(lambda connection: connection.scalars(sa.select(clicks.c.position)).all()))

    def list_click_times(self, numbers: Set[int]) -> list[float]:
        """When these clicks were made, by the clocks of the machines that answered them: seconds since 1970."""
        rows = self.query(lambda connection: connection.execute(sa.select(clicks.c.position, clicks.c.at)).all())
        return [row.at / SECOND_US for row in rows if row.position in numbers]

    def check(self) -> None:
        """Everything that was answered or accepted is there once, and nothing else is."""
        self.wait_until_done()
        self._check_clicks()
        self._check_mails()
        self._check_webhooks()

    def _check_clicks(self) -> None:
        stored = self.count_stored()
        assert set(stored.values()) == {1}
        assert self.answered <= stored.keys() <= self.requested
        assert self._count_hits() == (len(stored), len(stored))
        assert list(self.folder.rglob("aside.bad")) == []

    def _count_hits(self) -> tuple[int, int]:
        """How many clicks the sums come to: by time, and by message."""
        whole = {"dimension": "", "scope": "", "hours": HOUR}
        sums = [
            sum(row[name] for name in ("human", "machine", "prefetch", "unsure", "internal"))
            for row in self._list_sums()
            if whole.items() <= row.items()
        ]
        hits = self.query(lambda connection: connection.scalar(sa.select(sa.func.sum(messages.c.hit_count))))
        return sum(sums), int(hits or 0)

    def _list_sums(self) -> list[dict[str, Any]]:
        statement = select_with_values(click_aggregates)
        return self.query(lambda connection: [dict(row) for row in connection.execute(statement).mappings()])

    def check_rebuilt_sums(self) -> None:
        """The sums are those that the stored clicks come to, in each dimension."""

        def read() -> set[tuple[Any, ...]]:
            names = ("scope", "dimension", "value", "hours", "hour", *CLICK_COUNTS)
            rows = [tuple(row[name] for name in names) for row in self._list_sums()]
            return {row for row in rows if any(row[5:])}

        counted = read()
        assert rebuild_aggregates(self.accepting.components.database, now(), lambda _what, _done: True)
        assert read() == counted

    def _check_mails(self) -> None:
        """Each mail that was accepted was accepted once and reached the relay; a copy of it came only when the claim of
        whoever brought the first had ended, and is the same mail.
        """
        columns = (messages.c.subject, messages.c.created_at)
        due = sa.select(*columns).where(messages.c.scheduled_at.is_(None))
        rows = self.query(lambda connection: connection.execute(due).all())
        accepted = {row.subject: row.created_at for row in rows if row.subject != "target"}
        assert Counter(row.subject for row in rows) == {"target": TARGETS, **dict.fromkeys(accepted, 1)}
        assert self.accepted <= accepted.keys() <= self.relay.mails.keys()
        for mark, created_at in accepted.items():
            (_, first), *copies = self.relay.mails[mark]
            for came_at, copy in copies:
                assert message_from_bytes(copy)["message-id"] == message_from_bytes(first)["message-id"]
                assert came_at >= created_at + CLAIM_SECONDS * SECOND_US

    def _check_webhooks(self) -> None:
        """Each mail and each click was told, under one id however often; every request reached its receiver."""
        rows = self.query(
            lambda connection: connection.execute(sa.select(outbox.c.id, outbox.c.kind, outbox.c.state)).all()
        )
        assert {row.state for row in rows} == {"succeeded"}
        ids_by_event: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        for request in self._hook.received:
            if len(request.body) < int(request.headers["content-length"]):
                continue  # its sender ended, or stood still, before it had said everything
            data = request.json["data"]
            what = data["click_id"] if data["event"] == "on_clicked" else data["id"]
            ids_by_event[data["event"], what].add(request.headers["webhook-id"])
        assert {len(ids) for ids in ids_by_event.values()} == {1}
        assert {key for ids in ids_by_event.values() for key in ids} == {str(row.id) for row in rows}
        counts = sa.select(sa.func.count(), sa.func.count(messages.c.scheduled_at)).select_from(messages)
        mails, scheduled = self.query(lambda connection: connection.execute(counts).one())
        told = {"reception": mails, "delivered": mails - scheduled, "clicked": len(self.count_stored())}
        assert Counter(row.kind for row in rows) == told

    def list_backends(self) -> list[int]:
        """The processes of the server that serve these machines."""
        statement = sa.text(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return list(self.query(lambda connection: connection.scalars(statement).all()))

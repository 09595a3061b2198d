"""Tests of linkweir.report_mails, with a real relay and a clock that is moved by hand."""

import email
import email.policy
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import func, select

from linkweir.accounts import users
from linkweir.clock import DAY_US, HOUR_US, SECOND_US, now, to_datetime
from linkweir.db import users_table
from linkweir.db.schema import report_mails
from linkweir.html import scan
from linkweir.report_mails import MAX_ATTEMPTS, send_reports
from linkweir.stats import campaign_reports
from tests.dashboard.browser_client import EMAIL, PASSWORD, DashboardClient, add_user
from tests.smtp.receiving_server import ReceivingServer
from tests.web.running_service import RunningService, find_free_port, html_body, wait_until
from tests.web.test_redirect import send_and_get_link

BEN, EVA = "ben@example.com", "eva@example.com"
TAG = 'spring & "more" <b>'


class Relay:
    """A relay that keeps what it takes by recipient, and refuses what is for `refused` for now."""

    def __init__(self) -> None:
        self.mails: dict[str, list[EmailMessage]] = {}
        self.attempts = 0
        self.refused = ""
        self._lock = threading.Lock()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take a mail, or not now."""
        recipient = envelope.rcpt_tos[0]
        with self._lock:
            self.attempts += recipient == self.refused
            if recipient == self.refused:
                return "451 not now"
            mail = email.message_from_bytes(envelope.original_content or b"", policy=email.policy.SMTP)
            assert isinstance(mail, EmailMessage)
            self.mails.setdefault(recipient, []).append(mail)
        return "250 OK"


@contextmanager
def run_with_relay(folder: Path) -> Iterator[tuple[RunningService, Relay]]:
    """A service with a user that delivers through a relay."""
    relay, port = Relay(), find_free_port()
    controller = ReceivingServer(relay, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        with RunningService(folder, transport=f"smtp+plain://127.0.0.1:{port}") as service:
            add_user(service)
            yield service, relay
    finally:
        controller.stop()


def choose(service: RunningService, user: str, kind: str) -> None:
    """Let a user choose on the page, which shows the choice from then on."""
    with DashboardClient(service) as client:
        assert client.sign_in(user).status_code == 303
        assert client.post("/settings/reports", {"reports": kind}).status_code == 303
        assert f'<option value="{kind}" selected>' in client.get("/settings")


def send_campaign(service: RunningService, relay: Relay) -> int:
    """Send a campaign whose link a person follows; the hour since 1970 of its first message."""
    service.send(tags=[TAG])
    wait_until(lambda: "ada@example.org" in relay.mails)
    service.backdate_deliveries()
    link = next(iter(scan(html_body(relay.mails["ada@example.org"][0])))).destination
    assert service.reader.get(link or "").status_code == 302
    service.wait_until_ingested()
    assert service.components.account
    with service.components.database.read() as connection:
        hour = campaign_reports.find_first_sent_hour(connection, service.components.account, TAG)
    assert hour is not None
    return hour


def run_twice(service: RunningService, at: int) -> int:
    """Two workers at the same moment; how many reports left."""
    parts = service.components
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(send_reports, parts.database, service.settings, at, parts.log) for _ in range(2)]
        return sum(run.result() for run in runs)


@pytest.mark.both_databases
def test_reports_are_sent_once_to_whoever_chose_them(tmp_path: Path) -> None:
    """48 hours after a campaign, and after the end of the week, each user gets what they chose, once, though two
    workers send; who was removed gets nothing. A report holds sums and a link that works, and neither the recipient nor
    a destination nor the message; the log holds no address.
    """
    with run_with_relay(tmp_path / "data") as (service, relay), DashboardClient(service) as reader:
        for user, kind in ((EMAIL, "campaign"), (BEN, "weekly"), (EVA, "campaign")):
            if user != EMAIL:
                add_user(service, user)
            choose(service, user, kind)
        assert service.components.account
        with service.components.database.write() as connection:
            row = users_table.get_by_email(connection, EVA)
            assert row is not None
            users.remove_member(connection, service.components.account, row["id"])
        hour = send_campaign(service, relay)
        assert run_twice(service, (hour + 49) * HOUR_US - 1) == len(relay.mails.get(BEN, []))
        assert EMAIL not in relay.mails
        monday = to_datetime(hour * HOUR_US).date()
        next_week = (hour - hour % 24 - 24 * monday.weekday() + 7 * 24) * HOUR_US
        assert run_twice(service, (hour + 49) * HOUR_US) <= 2
        run_twice(service, next_week)
        for at in ((hour + 50) * HOUR_US, next_week + HOUR_US, next_week + 30 * DAY_US):
            assert run_twice(service, at) == 0
        assert {user: len(relay.mails.get(user, [])) for user in (EMAIL, BEN, EVA)} == {EMAIL: 1, BEN: 1, EVA: 0}
        reader.sign_in(EMAIL, PASSWORD)
        for user, subject in ((EMAIL, f"Report: {TAG}"), (BEN, "Weekly report: ")):
            (mail,) = relay.mails[user]
            plain, page = (mail.get_body((kind,)) for kind in ("plain", "html"))
            assert plain
            assert page
            text, html = plain.get_content().replace("\r\n", "\n"), page.get_content()
            assert mail["Subject"].startswith(subject)
            assert re.search(r"^Unique clicks: (about )?1\b", text, re.MULTILINE)
            assert re.search(r"^Total clicks: (about )?1\b", text, re.MULTILINE)
            for line in (TAG, "Machine clicks, left out: 0", "Delivered: 1 of 1 messages", "Opened: 0"):
                assert (line, f"\n{line}\n" in text) == (line, True)
            assert f"{service.url}/dashboard/settings#reports" in text
            assert "&lt;b&gt;" in html
            assert "<b>" not in html
            link = re.search(rf"^{re.escape(service.url)}/dashboard(/campaign\?.*)$", text, re.MULTILINE)
            assert link
            assert "Unique clicks" in reader.get(link[1])
            for hidden in ("ada", "example.org", "news@", "example.com/a", EVA):
                assert (hidden, hidden in text.lower() + html.lower()) == (hidden, False)
        assert [line for line in service.logs if line["event"].startswith("report_mails") and "@" in str(line)] == []


def test_a_report_is_in_the_language_of_the_page_where_it_was_chosen(tmp_path: Path) -> None:
    """Its subject, its figures and its HTML are German for who chose it on a German page."""
    with run_with_relay(tmp_path / "data") as (service, relay), DashboardClient(service) as client:
        client.http.headers["Accept-Language"] = "de"
        assert client.sign_in().status_code == 303
        assert client.post("/settings/reports", {"reports": "campaign"}).status_code == 303
        hour = send_campaign(service, relay)
        assert run_twice(service, (hour + 49) * HOUR_US) == 1
        (mail,) = relay.mails[EMAIL]
        plain, page = (mail.get_body((kind,)) for kind in ("plain", "html"))
        assert plain
        assert page
        assert mail["Subject"].startswith(f"Bericht: {TAG}")
        assert "Maschinenklicks, nicht mitgezählt: 0" in plain.get_content()
        assert '<html lang="de">' in page.get_content()


@pytest.mark.both_databases
def test_a_refused_report_is_tried_again_each_hour(tmp_path: Path) -> None:
    """The relay refuses a report: it is tried again an hour later and not before, and given up after ten attempts;
    other users get theirs meanwhile. Whoever wants nothing any more gets nothing.
    """
    with run_with_relay(tmp_path / "data") as (service, relay):
        add_user(service, BEN)
        for user in (EMAIL, BEN):
            choose(service, user, "campaign")
        due_at = (send_campaign(service, relay) + 49) * HOUR_US
        relay.refused = EMAIL
        for hour in range(MAX_ATTEMPTS + 3):
            for again in (0, HOUR_US // 2):
                run_twice(service, due_at + hour * (HOUR_US + SECOND_US) + again)
            assert (hour, relay.attempts) == (hour, min(hour + 1, MAX_ATTEMPTS))
        relay.refused = ""
        assert run_twice(service, due_at + 20 * HOUR_US) == 0
        assert (EMAIL in relay.mails, len(relay.mails[BEN])) == (False, 1)
        choose(service, BEN, "none")
        with service.components.database.write() as connection:
            connection.execute(report_mails.delete())
        assert run_twice(service, due_at + 20 * HOUR_US) == 1
        assert (len(relay.mails[EMAIL]), len(relay.mails[BEN])) == (1, 1)


def test_nothing_is_sent_without_a_relay(service: RunningService, dashboard_client: DashboardClient) -> None:
    """The page says that there is no relay, takes a viewer's choice and refuses an unknown one; no report is tried."""
    dashboard_client.signed_in_client()
    assert service.components.account
    with service.components.database.write() as connection:
        user = users_table.get_by_email(connection, EMAIL)
        assert user is not None
        users_table.set_role(connection, user["id"], service.components.account, "viewer")
    assert "no reports are sent" in dashboard_client.get("/settings")
    assert dashboard_client.post("/settings/reports", {"reports": "daily"}).status_code == 400
    choose(service, EMAIL, "campaign")
    send_and_get_link(service, tags=["spring"])
    assert run_twice(service, now() + 50 * HOUR_US) == 0
    with service.components.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(report_mails)) == 0

"""Tests that a journal of another kind needs only linkweir.clicks.journal.interface: a table in SQLite."""

import asyncio
import sqlite3
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path

import pytest

from linkweir.clicks.click_event import FIELD_NAMES, ClickEvent, decode_event, encode_event
from linkweir.clicks.journal.interface import AppendResult, EventBatch, Journal, JournalCursor
from tests.web.running_service import RunningService, wait_until


@dataclass(frozen=True, slots=True)
class DatabasePosition:
    """A place in the table."""

    number: int


class DatabaseJournal:
    """The whole of another journal. `taken` counts; `hangs`: it takes facts, and says so too late."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.execute("CREATE TABLE facts (number INTEGER PRIMARY KEY, fact BLOB)")
        self.appended = 0
        self.hangs = self.is_gone = self.read_elsewhere = False

    def append(self, fact: ClickEvent) -> Awaitable[AppendResult]:
        """As Journal has it."""
        return self._append(fact)

    async def _append(self, fact: ClickEvent) -> AppendResult:
        if self.is_gone:
            raise OSError("the journal is gone")
        self._database.execute("INSERT INTO facts (fact) VALUES (?)", (encode_event(fact),))
        self.appended += 1
        await asyncio.sleep(0)
        return "late" if self.hangs else "kept"

    def read_from(self, position: JournalCursor | None, limit: int) -> EventBatch | None:
        """As Journal has it."""
        if self.read_elsewhere:
            return None
        after = position.number if isinstance(position, DatabasePosition) else 0
        query = "SELECT number, fact FROM facts WHERE number > ? ORDER BY number LIMIT ?"
        rows = self._database.execute(query, (after, limit)).fetchall()
        return EventBatch(
            [decode_event(data, FIELD_NAMES) for _, data in rows], DatabasePosition(rows[-1][0]) if rows else position
        )

    def acknowledge(self, position: JournalCursor) -> None:
        """As Journal has it."""
        assert isinstance(position, DatabasePosition)
        self._database.execute("DELETE FROM facts WHERE number <= ?", (position.number,))

    def health_problem(self) -> str | None:
        """As Journal has it."""
        return "gone" if self.is_gone else None

    @property
    def waiting(self) -> int:
        """Facts that nobody has acknowledged."""
        return int(self._database.execute("SELECT count(*) FROM facts").fetchone()[0])


def send_tracked_message(served: RunningService) -> tuple[str, str, str]:
    """A message that was sent, and its two links."""
    (entry,) = served.send()
    first, second = served.delivered_links(entry["id"])
    return entry["id"], first, second


@pytest.mark.both_databases
def test_it_carries_clicks_from_the_redirect_to_the_statistics(tmp_path: Path) -> None:
    """With a table as journal a click is redirected, recorded, judged and counted; nothing of the embedded one runs."""
    table = DatabaseJournal(tmp_path / "journal.db")
    journal: Journal = table
    with RunningService(tmp_path / "data", journal=journal) as served:
        message, first, _ = send_tracked_message(served)
        assert served.reader.get(first).status_code == 302
        assert table.appended == 1
        wait_until(lambda: table.waiting == 0)
        assert served.get_message(message)["click_count"] == 1
        assert served.reader.get(first).status_code == 302
        wait_until(lambda: table.waiting == 0)
        assert served.get_message(message)["click_count"] == 2
        assert served.reader.get("/readyz").status_code == 200
        assert list((tmp_path / "data" / "spool").glob("*.journal")) == []
        served.components.stop()


@pytest.mark.both_databases
def test_its_trouble_is_reported_and_delays_nobody(tmp_path: Path) -> None:
    """When it hangs or is gone readers are sent on; what was lost is counted, and /readyz says why."""
    table = DatabaseJournal(tmp_path / "journal.db")
    with RunningService(tmp_path / "data", journal=table) as served:
        _, first, second = send_tracked_message(served)
        table.hangs = True
        assert served.reader.get(first).status_code == 302
        assert served.read_metric("linkweir_clicks_late_total") == 1
        table.is_gone = True
        assert served.reader.get(second).status_code == 302
        answer = served.reader.get("/readyz")
        assert (answer.status_code, answer.json()["checks"]["journal"]) == (503, "gone")
        assert served.read_metric("linkweir_clicks_lost_total") == 1
        served.components.stop()


@pytest.mark.both_databases
def test_whoever_does_not_read_stores_nothing(tmp_path: Path) -> None:
    """While the journal says that somebody else reads, facts stay in it; afterwards they are stored."""
    table = DatabaseJournal(tmp_path / "journal.db")
    table.read_elsewhere = True
    with RunningService(tmp_path / "data", journal=table) as served:
        message, first, _ = send_tracked_message(served)
        served.reader.get(first)
        assert served.components.click_worker.stored == 0
        assert table.waiting == 1
        table.read_elsewhere = False
        wait_until(lambda: table.waiting == 0)
        assert served.get_message(message)["click_count"] == 1
        served.components.stop()

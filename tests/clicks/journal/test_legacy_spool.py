"""Tests of linkweir.clicks.journal.legacy_spool: older journals are read, each event once."""

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest

from linkweir.clicks.click_event import ClickEvent
from linkweir.clicks.journal.legacy_spool import LegacySpool
from linkweir.errors import DatabaseUnavailable
from tests.clicks.event_factory import make_event

OLD_FIELDS: tuple[str, ...] = (
    "id",
    "at",
    "method",
    "privacy",
    "key_id",
    "number",
    "message_ref",
    "campaign",
    "position",
    "destination",
)
OLD_FIELDS += ("ip", "user_agent", "kind", "prefetch")  # the fields that the last release wrote


def write_old_spool_file(folder: Path, facts: Sequence[ClickEvent], name: str = "a") -> Path:
    """A file as the last release would have left it."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.ndjson"
    rows = [{key: value for key, value in one.to_dict().items() if key in OLD_FIELDS} for one in facts]
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    return path


def test_facts_come_back_as_they_were(tmp_path: Path) -> None:
    """What was left is drained once, equal and in order, the oldest file first, and the files are gone."""
    facts, seen = [make_event(n) for n in range(2500)], list[ClickEvent]()
    for name, start, end in (("b", 0, 10), ("a", 10, 2500)):
        path = write_old_spool_file(tmp_path / "s", facts[start:end], name)
        os.utime(path, (1000 + start, 1000 + start))
    spool = LegacySpool(tmp_path / "s")
    assert spool.import_files(seen.extend) == 2500
    assert seen == facts
    assert spool.pending_files() == []
    assert spool.import_files(seen.extend) == 0


def test_nothing_is_removed_before_it_was_taken(tmp_path: Path) -> None:
    """When the store refuses, the facts stay and come with the next round; some may come twice, none never."""
    facts, seen = [make_event(n) for n in range(1500)], list[ClickEvent]()
    write_old_spool_file(tmp_path, facts)
    spool = LegacySpool(tmp_path)

    def refuse_second(batch: Sequence[ClickEvent]) -> None:
        if seen:
            raise DatabaseUnavailable("locked")
        seen.extend(batch)

    with pytest.raises(DatabaseUnavailable):
        spool.import_files(refuse_second)
    again: list[ClickEvent] = []
    spool.import_files(again.extend)
    assert again == facts


def test_a_torn_line_costs_nothing_else(tmp_path: Path) -> None:
    """After a crash in the middle of a write every whole line is drained, and the torn one is kept aside."""
    facts, seen = [make_event(n) for n in range(3)], list[ClickEvent]()
    path = write_old_spool_file(tmp_path, facts)
    path.write_bytes(path.read_bytes()[:-20])
    assert LegacySpool(tmp_path).import_files(seen.extend) == 2
    assert seen == facts[:2]
    assert list(tmp_path.glob("*.bad"))


def test_a_file_in_use_is_not_touched(tmp_path: Path) -> None:
    """What a process of the last release is still writing is not drained; when it lets go, it is."""
    path, seen = write_old_spool_file(tmp_path, [make_event(1)]), list[ClickEvent]()
    with path.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert LegacySpool(tmp_path).import_files(seen.extend) == 0
    assert LegacySpool(tmp_path).import_files(seen.extend) == 1


def test_a_file_that_is_being_put_back_is_not_lost(tmp_path: Path) -> None:
    """One that has just been made and is empty yet stays, and one that grows while it is read is read again."""
    whole = write_old_spool_file(tmp_path / "backup", [make_event(n) for n in range(5)]).read_bytes()
    path, seen = tmp_path / "a.ndjson", list[ClickEvent]()
    path.touch()
    assert LegacySpool(tmp_path).import_files(seen.extend) == 0
    assert path.exists()
    path.write_bytes(whole.splitlines(keepends=True)[0])

    def and_more(facts: Sequence[ClickEvent]) -> None:
        seen.extend(facts)
        path.write_bytes(whole)

    LegacySpool(tmp_path).import_files(and_more)
    assert path.exists()
    assert LegacySpool(tmp_path).import_files(seen.extend) == 5
    assert {one.position for one in seen} == set(range(5))
    path.touch()
    os.utime(path, (1000, 1000))
    LegacySpool(tmp_path).import_files(seen.extend)
    assert not path.exists()


def test_a_folder_that_is_gone_holds_nothing(tmp_path: Path) -> None:
    """Without the folder there is nothing to drain, and nobody is told off."""
    assert LegacySpool(tmp_path / "gone").import_files(lambda _: None) == 0

"""Tests of linkweir.click.spool: what releases before the journal left is brought in, each fact once."""

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest

from linkweir.click.fact import Fact
from linkweir.click.spool import Spool
from linkweir.errors import StoreUnavailable
from tests.click.facts import fact

OLD: tuple[str, ...] = (
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
OLD += ("ip", "user_agent", "kind", "prefetch")  # the fields that the last release wrote


def left(folder: Path, facts: Sequence[Fact], name: str = "a") -> Path:
    """A file as the last release would have left it."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.ndjson"
    rows = [{key: value for key, value in one.row().items() if key in OLD} for one in facts]
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    return path


def test_facts_come_back_as_they_were(tmp_path: Path) -> None:
    """What was left is drained once, equal and in order, the oldest file first, and the files are gone."""
    facts, seen = [fact(n) for n in range(2500)], list[Fact]()
    for name, start, end in (("b", 0, 10), ("a", 10, 2500)):
        path = left(tmp_path / "s", facts[start:end], name)
        os.utime(path, (1000 + start, 1000 + start))
    spool = Spool(tmp_path / "s")
    assert spool.drain(seen.extend) == 2500
    assert seen == facts
    assert spool.waiting() == []
    assert spool.drain(seen.extend) == 0


def test_nothing_is_removed_before_it_was_taken(tmp_path: Path) -> None:
    """When the store refuses, the facts stay and come with the next round; some may come twice, none never."""
    facts, seen = [fact(n) for n in range(1500)], list[Fact]()
    left(tmp_path, facts)
    spool = Spool(tmp_path)

    def refuse_second(batch: Sequence[Fact]) -> None:
        if seen:
            raise StoreUnavailable("locked")
        seen.extend(batch)

    with pytest.raises(StoreUnavailable):
        spool.drain(refuse_second)
    again: list[Fact] = []
    spool.drain(again.extend)
    assert again == facts


def test_a_torn_line_costs_nothing_else(tmp_path: Path) -> None:
    """After a crash in the middle of a write every whole line is drained, and the torn one is kept aside."""
    facts, seen = [fact(n) for n in range(3)], list[Fact]()
    path = left(tmp_path, facts)
    path.write_bytes(path.read_bytes()[:-20])
    assert Spool(tmp_path).drain(seen.extend) == 2
    assert seen == facts[:2]
    assert list(tmp_path.glob("*.bad"))


def test_a_file_in_use_is_left_alone(tmp_path: Path) -> None:
    """What a process of the last release is still writing is not drained; when it lets go, it is."""
    path, seen = left(tmp_path, [fact(1)]), list[Fact]()
    with path.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert Spool(tmp_path).drain(seen.extend) == 0
    assert Spool(tmp_path).drain(seen.extend) == 1


def test_a_file_that_is_being_put_back_is_not_lost(tmp_path: Path) -> None:
    """One that has just been made and is empty yet stays, and one that grows while it is read is read again."""
    whole = left(tmp_path / "backup", [fact(n) for n in range(5)]).read_bytes()
    path, seen = tmp_path / "a.ndjson", list[Fact]()
    path.touch()
    assert Spool(tmp_path).drain(seen.extend) == 0
    assert path.exists()
    path.write_bytes(whole.splitlines(keepends=True)[0])

    def and_more(facts: Sequence[Fact]) -> None:
        seen.extend(facts)
        path.write_bytes(whole)

    Spool(tmp_path).drain(and_more)
    assert path.exists()
    assert Spool(tmp_path).drain(seen.extend) == 5
    assert {one.position for one in seen} == set(range(5))
    path.touch()
    os.utime(path, (1000, 1000))
    Spool(tmp_path).drain(seen.extend)
    assert not path.exists()


def test_a_folder_that_is_gone_holds_nothing(tmp_path: Path) -> None:
    """Without the folder there is nothing to drain, and nobody is told off."""
    assert Spool(tmp_path / "gone").drain(lambda _: None) == 0

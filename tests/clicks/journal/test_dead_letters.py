"""Tests that linkweir.clicks.journal.dead_letters forgets records of erased people and old ones."""

import io
import os
import time
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from linkweir.clicks.click_event import encode_event
from linkweir.clicks.journal.dead_letters import DeadLetterFile
from linkweir.privacy.person_matcher import PersonMatcher
from linkweir.web.structured_logging import make_logger
from tests.clicks.event_factory import make_event


def dead_letters(folder: Path) -> DeadLetterFile:
    """The dead letters of a folder."""
    return DeadLetterFile(folder, make_logger("error", io.StringIO()))


def test_only_lines_of_these_messages_are_blotted_out(tmp_path: Path) -> None:
    """A fact, and a note that holds one, lose every byte; other lines, and what is no JSON, stay as they are."""
    ours = [orjson.dumps({"number": 7, "ip": "192.0.2.1"}), orjson.dumps({"fact": {"number": 8}, "error": "x"})]
    others = [orjson.dumps({"number": 70}), b"half a li", b"", orjson.dumps({"unreadable": "00"}), b"[7]", b"7"]
    path = tmp_path / "aside.bad"
    path.write_bytes(b"\n".join([ours[0], *others, ours[1]]) + b"\n")
    size = path.stat().st_size
    assert dead_letters(tmp_path).redact_person([7, 8]) == 2
    data = path.read_bytes()
    assert [line for line in data.split(b"\n") if line.strip()] == [line for line in others if line]
    assert (len(data), data.count(b"\n")) == (size, 8)
    assert dead_letters(tmp_path).redact_person([7, 8]) == 0


def test_without_files_or_messages_nothing_happens(tmp_path: Path) -> None:
    """No folder, no files, no numbers: nothing to do."""
    assert dead_letters(tmp_path / "none").redact_person([1]) == 0
    (tmp_path / "aside.bad").write_bytes(b'{"number":1}\n')
    assert dead_letters(tmp_path).redact_person([]) == 0
    assert (tmp_path / "aside.bad").read_bytes() == b'{"number":1}\n'


NUMBER = (1 << 61) + 7


@pytest.mark.parametrize(
    "piece",
    [
        encode_event(replace(make_event(3), number=NUMBER, message_ref=None))[5:],
        encode_event(replace(make_event(3), ip="192.0.2.66")),
        b"\x93\xff broken https://example.com/?u=ada%40example.org",
        b"half a line of " + str(NUMBER).encode(),
        b"192.0.2.9\rmore of 192.0.2.66\x0b\x0c\x1c\x85",
    ],
    ids=["number", "address", "destination", "half", "line ends"],
)
@pytest.mark.parametrize("hexadecimal", [True, False])
def test_damaged_bytes_are_searched_too(tmp_path: Path, piece: bytes, hexadecimal: bool) -> None:
    """The number as text or as the journal packs it, an address that clicked, or the person, in bytes that make no
    sense, whether they stand in hexadecimal or as they were; what has nothing of these stays.
    """
    other = {"unreadable": encode_event(make_event(4)).hex()}
    line = orjson.dumps({"unreadable": piece.hex()}) if hexadecimal else piece.replace(b"\n", b"")
    (tmp_path / "aside.bad").write_bytes(line + b"\n" + orjson.dumps(other) + b"\n")
    assert dead_letters(tmp_path).redact_person([NUMBER], ["192.0.2.66"], PersonMatcher("ada@example.org").matches) == 1
    left, kept, _ = (tmp_path / "aside.bad").read_bytes().split(b"\n")
    assert (left.strip(), orjson.loads(kept)) == (b"", other)


def test_a_fact_that_names_the_person_goes(tmp_path: Path) -> None:
    """Also when it belongs to no message that is known."""
    lines = [
        orjson.dumps({"fact": {"destination": f"https://example.com/?u={who}@example.org"}}) for who in ("ada", "bob")
    ]
    (tmp_path / "aside.bad").write_bytes(b"\n".join(lines))
    assert dead_letters(tmp_path).redact_person([], [], PersonMatcher("ada@example.org").matches) == 1
    assert (tmp_path / "aside.bad").read_bytes().strip() == lines[1]


def test_nothing_lies_there_longer_than_what_is_stored(tmp_path: Path) -> None:
    """Lines lose every byte when their time has come: a note goes by when it was made, a fact by when it happened, and
    what says neither by when its file was last changed.
    """
    old = [{"set_aside_at": 9, "fact": {"at": 99}}, {"at": 9, "ip": "192.0.2.1"}]
    young = [{"set_aside_at": 10, "unreadable": "00"}, {"at": 11}]
    path = tmp_path / "aside.bad"
    path.write_bytes(b"\n".join([*map(orjson.dumps, [*old, *young]), b"half a li", b"7"]) + b"\n")
    os.utime(path, ns=(10_000, 10_000))
    assert dead_letters(tmp_path).redact_older_than(10) == 2
    left = [line for line in path.read_bytes().split(b"\n") if line.strip()]
    assert left == [*map(orjson.dumps, young), b"half a li", b"7"]
    os.utime(path, ns=(10_000, 10_000))
    assert dead_letters(tmp_path).redact_older_than(11) == 3
    assert dead_letters(tmp_path / "none").redact_older_than(11) == 0


def test_dead_letters_carry_their_time(tmp_path: Path) -> None:
    """A note of a moment ago stays, and goes when its time has come, whatever has been written to the file since."""
    aside = dead_letters(tmp_path)
    aside.append({"fact": {"number": 1, "ip": "192.0.2.1"}})
    moment = time.time_ns() // 1000
    assert dead_letters(tmp_path).redact_older_than(moment - 60_000_000) == 0
    assert dead_letters(tmp_path).redact_older_than(moment + 60_000_000) == 1
    assert b"192.0.2.1" not in aside.path.read_bytes()

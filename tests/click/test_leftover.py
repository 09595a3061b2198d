"""Tests of linkweir.click.leftover: how facts that could not be stored are forgotten."""

import io
import os
import time
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from linkweir.click.aside import Aside
from linkweir.click.leftover import blot, expire
from linkweir.click.packing import pack
from linkweir.edge.logs import make_logger
from linkweir.report.named import Named
from tests.click.facts import fact


def test_only_lines_of_these_messages_are_blotted_out(tmp_path: Path) -> None:
    """A fact, and a note that holds one, lose every byte; other lines, and what is no JSON, stay as they are."""
    ours = [orjson.dumps({"number": 7, "ip": "192.0.2.1"}), orjson.dumps({"fact": {"number": 8}, "error": "x"})]
    others = [orjson.dumps({"number": 70}), b"half a li", b"", orjson.dumps({"unreadable": "00"}), b"[7]", b"7"]
    path = tmp_path / "x.bad"
    path.write_bytes(b"\n".join([ours[0], *others, ours[1]]) + b"\n")
    size = path.stat().st_size
    assert blot(tmp_path, [7, 8]) == 2
    data = path.read_bytes()
    assert [line for line in data.split(b"\n") if line.strip()] == [line for line in others if line]
    assert (len(data), data.count(b"\n")) == (size, 8)
    assert blot(tmp_path, [7, 8]) == 0


def test_without_files_or_messages_nothing_happens(tmp_path: Path) -> None:
    """No folder, no files, no numbers: nothing to do."""
    assert blot(tmp_path / "none", [1]) == 0
    (tmp_path / "x.bad").write_bytes(b'{"number":1}\n')
    assert blot(tmp_path, []) == 0
    assert (tmp_path / "x.bad").read_bytes() == b'{"number":1}\n'


NUMBER = (1 << 61) + 7


@pytest.mark.parametrize(
    "piece",
    [
        pack(replace(fact(3), number=NUMBER, message_ref=None))[5:],
        pack(replace(fact(3), ip="192.0.2.66")),
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
    other = {"unreadable": pack(fact(4)).hex()}
    line = orjson.dumps({"unreadable": piece.hex()}) if hexadecimal else piece.replace(b"\n", b"")
    (tmp_path / "aside.bad").write_bytes(line + b"\n" + orjson.dumps(other) + b"\n")
    assert blot(tmp_path, [NUMBER], ["192.0.2.66"], Named("ada@example.org").is_in) == 1
    left, kept, _ = (tmp_path / "aside.bad").read_bytes().split(b"\n")
    assert (left.strip(), orjson.loads(kept)) == (b"", other)


def test_a_fact_that_names_the_person_goes(tmp_path: Path) -> None:
    """Also when it belongs to no message that is known."""
    lines = [
        orjson.dumps({"fact": {"destination": f"https://example.com/?u={who}@example.org"}}) for who in ("ada", "bob")
    ]
    (tmp_path / "aside.bad").write_bytes(b"\n".join(lines))
    assert blot(tmp_path, [], [], Named("ada@example.org").is_in) == 1
    assert (tmp_path / "aside.bad").read_bytes().strip() == lines[1]


def test_nothing_lies_there_longer_than_what_is_stored(tmp_path: Path) -> None:
    """Lines lose every byte when their time has come: a note goes by when it was made, a fact by when it happened, and
    what says neither by when its file was last changed.
    """
    old = [{"set_aside_at": 9, "fact": {"at": 99}}, {"at": 9, "ip": "192.0.2.1"}]
    young = [{"set_aside_at": 10, "unreadable": "00"}, {"at": 11}]
    path = tmp_path / "x.bad"
    path.write_bytes(b"\n".join([*map(orjson.dumps, [*old, *young]), b"half a li", b"7"]) + b"\n")
    os.utime(path, ns=(10_000, 10_000))
    assert expire(tmp_path, 10) == 2
    left = [line for line in path.read_bytes().split(b"\n") if line.strip()]
    assert left == [*map(orjson.dumps, young), b"half a li", b"7"]
    os.utime(path, ns=(10_000, 10_000))
    assert expire(tmp_path, 11) == 3
    assert expire(tmp_path / "none", 11) == 0


def test_what_is_put_aside_says_when(tmp_path: Path) -> None:
    """A note of a moment ago stays, and goes when its time has come, whatever has been written to the file since."""
    aside = Aside(tmp_path, make_logger("error", io.StringIO()))
    aside.put({"fact": {"number": 1, "ip": "192.0.2.1"}})
    moment = time.time_ns() // 1000
    assert expire(tmp_path, moment - 60_000_000) == 0
    assert expire(tmp_path, moment + 60_000_000) == 1
    assert b"192.0.2.1" not in aside.path.read_bytes()

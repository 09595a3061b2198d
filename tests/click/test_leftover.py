"""Tests of linkweir.click.leftover: erased people in files of facts that could not be stored."""

from pathlib import Path

import orjson

from linkweir.click.leftover import blot


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

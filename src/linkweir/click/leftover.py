"""Facts that nothing could read or store lie in `*.bad` files beside the spool, for somebody to look at. Those of
erased messages are blotted out there, line by line and in place: another process may be appending.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Any, BinaryIO

import orjson


def blot(folder: Path, numbers: Collection[int]) -> int:
    """Overwrite the lines that belong to messages with these numbers with spaces; how many. Raises OSError."""
    count = 0
    for path in sorted(folder.glob("*.bad")) if numbers else ():
        with path.open("r+b") as file:
            count += sum(_blotted(file, frozenset(numbers)))
    return count


def _blotted(file: BinaryIO, numbers: frozenset[int]) -> list[bool]:
    found = []
    at = 0
    for line in file.read().splitlines(keepends=True):
        if line.strip() and not numbers.isdisjoint(_numbers(line)):
            file.seek(at)
            file.write(b" " * len(line.rstrip(b"\n")))
            found.append(True)
        at += len(line)
    return found


def _numbers(line: bytes) -> set[int]:
    """The numbers of messages that a line names: of a fact, or of one inside a note on it."""
    try:
        return _named(orjson.loads(line))
    except orjson.JSONDecodeError:
        return set()


def _named(value: Any) -> set[int]:
    if not isinstance(value, dict):
        return set()
    own = {value["number"]} if isinstance(value.get("number"), int) else set()
    return own.union(*(_named(one) for one in value.values()))

"""Facts that nothing could read or store lie in `*.bad` files beside the spool, for somebody to look at. Those of
erased people, and all that has lain there as long as anything personal may be kept, are blotted out there, line by line
and in place: another process may be appending.

A line that can be read says whose it is. Of one that is damaged, or that holds damaged bytes in hexadecimal, it is
enough that an erased message's number, an address that its links were followed from, or the person is in it anywhere.
"""

import io
import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson

UNREADABLE: Final = "unreadable"  # the field with damaged bytes
LEAST: Final = 1 << 32  # a smaller number is found in damaged bytes by chance
Names = Callable[[str], bool]  # whether a text names the person


def blot(folder: Path, numbers: Collection[int], addresses: Collection[str] = (), names: Names | None = None) -> int:
    """Overwrite the lines that belong to messages with these numbers, or name the person, with spaces; how many.
    `addresses`: IP addresses, which count in damaged bytes only. Raises OSError.
    """
    wanted = _Wanted(numbers, addresses, names or (lambda _: False))
    count = 0
    for path in sorted(folder.glob("*.bad")):
        with path.open("r+b") as file:
            count += sum(_blotted(file, wanted.has))
    return count


def expire(folder: Path, before: int) -> int:
    """Overwrite the lines that came before a moment (microseconds since 1970) with spaces; how many. What does not say
    when it came is as old as the last change of its file. Raises OSError.
    """
    count = 0
    for path in sorted(folder.glob("*.bad")):
        with path.open("r+b") as file:
            changed = os.fstat(file.fileno()).st_mtime_ns // 1000
            count += sum(_blotted(file, _OlderThan(before, changed).has))
    return count


class _OlderThan:
    """What came before a moment; `changed`: when the file was."""

    def __init__(self, before: int, changed: int) -> None:
        self._before = before
        self._changed = changed

    def has(self, line: bytes) -> bool:
        return self._came(line) < self._before

    def _came(self, line: bytes) -> int:
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError:
            return self._changed
        at = value.get("set_aside_at", value.get("at")) if isinstance(value, dict) else None
        return at if isinstance(at, int) else self._changed


class _Wanted:
    """Whose lines go."""

    def __init__(self, numbers: Collection[int], addresses: Collection[str], names: Names) -> None:
        self._numbers = frozenset(numbers)
        self._names = names
        self._pieces = [address.encode() for address in addresses]
        for number in self._numbers:
            if number >= LEAST:  # as text, and as the journal packs it
                self._pieces += [str(number).encode(), number.to_bytes(8, "big")]

    def has(self, line: bytes) -> bool:
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError:
            return self._damaged(line)
        if isinstance(value, dict) and isinstance(value.get(UNREADABLE), str):
            return self._damaged(_bytes(value[UNREADABLE]))
        return not self._numbers.isdisjoint(_named(value)) or self._names(line.decode("utf-8", "replace"))

    def _damaged(self, data: bytes) -> bool:
        return any(piece in data for piece in self._pieces) or self._names(data.decode("latin-1"))


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return text.encode()


def _blotted(file: BinaryIO, goes: Callable[[bytes], bool]) -> list[bool]:
    found = []
    at = 0
    for line in io.BytesIO(file.read()):  # ends at LF only: damaged bytes may hold a CR
        if line.strip() and goes(line):
            file.seek(at)
            file.write(b" " * len(line.rstrip(b"\n")))
            found.append(True)
        at += len(line)
    if found:
        file.flush()
        os.fdatasync(file.fileno())
    return found


def _named(value: Any) -> set[int]:
    """The numbers of messages that a line names: of a fact, or of one inside a note on it."""
    if not isinstance(value, dict):
        return set()
    own = {value["number"]} if isinstance(value.get("number"), int) else set()
    return own.union(*(_named(one) for one in value.values()))

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

UNREADABLE_FIELD: Final = "unreadable"  # the field with damaged bytes
MIN_SEARCHABLE_NUMBER: Final = 1 << 32  # a smaller number is found in damaged bytes by chance
NamesPerson = Callable[[str], bool]  # whether a text names the person


def redact_person(
    folder: Path, numbers: Collection[int], addresses: Collection[str] = (), names_person: NamesPerson | None = None
) -> int:
    """Overwrite the lines that belong to messages with these numbers, or name the person, with spaces; how many.
    `addresses`: IP addresses, which count in damaged bytes only. Raises OSError.
    """
    wanted = _PersonLines(numbers, addresses, names_person or (lambda _: False))
    count = 0
    for path in sorted(folder.glob("*.bad")):
        with path.open("r+b") as file:
            count += sum(_redact_matching_lines(file, wanted.matches))
    return count


def redact_older_than(folder: Path, before: int) -> int:
    """Overwrite the lines that came before a moment (microseconds since 1970) with spaces; how many. What does not say
    when it came is as old as the last change of its file. Raises OSError.
    """
    count = 0
    for path in sorted(folder.glob("*.bad")):
        with path.open("r+b") as file:
            changed = os.fstat(file.fileno()).st_mtime_ns // 1000
            count += sum(_redact_matching_lines(file, _OlderThan(before, changed).matches))
    return count


class _OlderThan:
    """What came before a moment; `changed`: when the file was."""

    def __init__(self, before: int, changed: int) -> None:
        self._before = before
        self._file_changed_at = changed

    def matches(self, line: bytes) -> bool:
        return self._timestamp(line) < self._before

    def _timestamp(self, line: bytes) -> int:
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError:
            return self._file_changed_at
        at = value.get("set_aside_at", value.get("at")) if isinstance(value, dict) else None
        return at if isinstance(at, int) else self._file_changed_at


class _PersonLines:
    """Whose lines go."""

    def __init__(self, numbers: Collection[int], addresses: Collection[str], names: NamesPerson) -> None:
        self._numbers = frozenset(numbers)
        self._names_person = names
        self._needles = [address.encode() for address in addresses]
        for number in self._numbers:
            if number >= MIN_SEARCHABLE_NUMBER:  # as text, and as the journal packs it
                self._needles += [str(number).encode(), number.to_bytes(8, "big")]

    def matches(self, line: bytes) -> bool:
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError:
            return self._matches_damaged(line)
        if isinstance(value, dict) and isinstance(value.get(UNREADABLE_FIELD), str):
            return self._matches_damaged(_decode_hex(value[UNREADABLE_FIELD]))
        return not self._numbers.isdisjoint(_message_numbers(value)) or self._names_person(
            line.decode("utf-8", "replace")
        )

    def _matches_damaged(self, data: bytes) -> bool:
        return any(piece in data for piece in self._needles) or self._names_person(data.decode("latin-1"))


def _decode_hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return text.encode()


def _redact_matching_lines(file: BinaryIO, matches: Callable[[bytes], bool]) -> list[bool]:
    found = []
    at = 0
    for line in io.BytesIO(file.read()):  # ends at LF only: damaged bytes may hold a CR
        if line.strip() and matches(line):
            file.seek(at)
            file.write(b" " * len(line.rstrip(b"\n")))
            found.append(True)
        at += len(line)
    if found:
        file.flush()
        os.fdatasync(file.fileno())
    return found


def _message_numbers(value: Any) -> set[int]:
    """The numbers of messages that a line names: of a fact, or of one inside a note on it."""
    if not isinstance(value, dict):
        return set()
    own = {value["number"]} if isinstance(value.get("number"), int) else set()
    return own.union(*(_message_numbers(one) for one in value.values()))

"""Dead letters: records that cannot be decoded or stored, one JSON object a line with the time of their arrival.

They block nothing and wait for somebody to look at them. They may hold personal data, so an erasure and the end of the
longest retention overwrite lines in place with spaces: another process may be appending. A line that can be read says
which message it belongs to. Of one that is damaged, or that holds damaged bytes in hexadecimal, it is enough that an
erased message's number, an IP address that followed its links, or the person is in it anywhere.
"""

import io
import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson
from structlog.typing import FilteringBoundLogger

from linkweir.clock import now
from linkweir.durable_files import append_durably, sync_data

FILE_NAME: Final = "aside.bad"
UNREADABLE_FIELD: Final = "unreadable"  # the field with damaged bytes
MIN_SEARCHABLE_NUMBER: Final = 1 << 32  # a smaller number is found in damaged bytes by chance
DeadLetterSink = Callable[[dict[str, Any]], None]
NamesPerson = Callable[[str], bool]  # whether a text names the person


class DeadLetterFile:
    """The file of one folder. `count`: the records appended since the start."""

    def __init__(self, folder: Path, log: FilteringBoundLogger) -> None:
        self.path = folder / FILE_NAME
        self.count = 0
        self._log = log

    def append(self, entry: dict[str, Any]) -> None:
        """Append a record durably. Raises OSError."""
        self.count += 1
        self._log.error("click.set_aside", file=str(self.path))
        line = json.dumps({"set_aside_at": now(), **entry}, default=str).encode() + b"\n"
        append_durably(self.path, line)

    def changed_at(self) -> int | None:
        """When the file was last changed (nanoseconds since 1970); None while there is none. Raises OSError."""
        try:
            return self.path.stat().st_mtime_ns
        except FileNotFoundError:
            return None

    def redact_person(
        self, numbers: Collection[int], addresses: Collection[str] = (), names_person: NamesPerson | None = None
    ) -> int:
        """Overwrite the lines that belong to messages with these numbers or name the person; return how many.

        `addresses`: IP addresses, searched in damaged bytes only. Raises OSError.
        """
        return self._redact(_PersonLines(numbers, addresses, names_person or (lambda _: False)).matches)

    def redact_older_than(self, before: int) -> int:
        """Overwrite the lines that arrived before a time (microseconds since 1970); return how many.

        A line without a time is as old as the last change of the file. Raises OSError.
        """
        changed_at = self.changed_at() or 0
        return self._redact(lambda line: _timestamp(line, changed_at // 1000) < before)

    def _redact(self, matches: Callable[[bytes], bool]) -> int:
        try:
            with self.path.open("r+b") as file:
                return _redact_matching_lines(file, matches)
        except FileNotFoundError:
            return 0


def _timestamp(line: bytes, default: int) -> int:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return default
    at = value.get("set_aside_at", value.get("at")) if isinstance(value, dict) else None
    return at if isinstance(at, int) else default


class _PersonLines:
    """The lines that belong to a person."""

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


def _redact_matching_lines(file: BinaryIO, matches: Callable[[bytes], bool]) -> int:
    count = at = 0
    for line in io.BytesIO(file.read()):  # ends at LF only: damaged bytes may hold a CR
        if line.strip() and matches(line):
            file.seek(at)
            file.write(b" " * len(line.rstrip(b"\n")))
            count += 1
        at += len(line)
    if count:
        file.flush()
        sync_data(file.fileno())
    return count


def _message_numbers(value: Any) -> set[int]:
    """The numbers of messages that a line names: of an event, or of one nested in the record."""
    if not isinstance(value, dict):
        return set()
    own = {value["number"]} if isinstance(value.get("number"), int) else set()
    return own.union(*(_message_numbers(item) for item in value.values()))

"""Drains what releases before the journal left behind: files of JSON lines, one fact each.

A file belongs to the process that holds its lock. A fact that is stored twice is one fact, since its id was made at the
redirect. A torn last line, all that a crash could leave, was never acknowledged; a line that cannot be read is kept in
a `.bad` file.
"""

import fcntl
import os
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

import orjson

from linkweir.clicks.click_event import ClickEvent

SUFFIX = ".ndjson"
BATCH_EVENTS = 1000
NEW_FILE_SECONDS = 2.0  # seconds in which an empty file may be getting its first line


class LegacySpool:
    """The old spool in a folder that processes may share. Not for several threads at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def pending_files(self) -> list[Path]:
        """Files with facts in them, oldest first; empty also when the folder is gone."""
        try:
            return sorted(self.folder.glob(f"*{SUFFIX}"), key=lambda path: path.stat().st_mtime_ns)
        except OSError:
            return []

    def import_files(self, store: Callable[[Sequence[ClickEvent]], None]) -> int:
        """Hand every waiting fact to `store` and remove what it took; how many. What `store` raises ends
        the round.
        """
        if not self.pending_files():
            return 0
        return sum(self._import_file(path, store) for path in self.pending_files())

    def _import_file(self, path: Path, store: Callable[[Sequence[ClickEvent]], None]) -> int:
        try:
            file = path.open("rb")
        except OSError:
            return 0  # another process was faster
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return 0  # in use
            data = file.read()
            if not data and _is_recent(path):
                return 0  # somebody has just begun to put it back from a backup
            facts, bad = _parse_lines(data)
            for start in range(0, len(facts), BATCH_EVENTS):
                store(facts[start : start + BATCH_EVENTS])
            if os.fstat(file.fileno()).st_size != len(data):
                return 0  # more has come: all of it is read again, and what is stored is known by its id
            if bad:
                path.with_suffix(".bad").write_bytes(bad)
            path.unlink(missing_ok=True)
        return len(facts)


def _is_recent(path: Path) -> bool:
    try:
        return 0 <= time.time() - path.stat().st_mtime < NEW_FILE_SECONDS
    except OSError:
        return True


def _parse_lines(data: bytes) -> tuple[list[ClickEvent], bytes]:
    facts, bad = [], b""
    for line in data.split(b"\n"):
        try:
            if line:
                values = orjson.loads(line)
                facts.append(ClickEvent(**{**values, "id": uuid.UUID(values["id"])}))
        except (ValueError, TypeError, KeyError):
            bad += line + b"\n"
    return facts, bad

"""Finds facts in the bytes of a journal file. Pure; what is damaged costs nothing but itself."""

import sys
import zlib
from dataclasses import dataclass

from linkweir.clicks.journal.segment import MAX_RECORD_BYTES, RECORD_HEADER


@dataclass(frozen=True, slots=True)
class ScanResult:
    """Facts' bytes in order, each with the offset behind it; `bad`: damaged pieces, each with its offset; `end`: where
    to go on.
    """

    records: list[tuple[bytes, int]]
    corrupt: list[tuple[bytes, int]]
    end: int


def scan_records(data: bytes, offset: int, seed: int, *, sealed: bool, limit: int = sys.maxsize) -> ScanResult:
    """The facts of `data`, which begins at `offset` of the file.

    Stops at zeros, where nothing has been written yet. `whole`: nobody writes there any more, so behind what is damaged
    or zero facts are looked for, and the end is the end of `data`.
    """
    facts: list[tuple[bytes, int]] = []
    bad: list[tuple[bytes, int]] = []
    at, used = 0, len(data.rstrip(b"\0"))
    while at < used and len(facts) < limit:
        payload = parse_record(data, at, seed)
        if payload is not None:
            at += RECORD_HEADER.size + len(payload) + -len(payload) % 8
            facts.append((payload, offset + at))
            continue
        following = (
            _find_next_record(data, at, used, seed) if sealed or any(data[at : at + RECORD_HEADER.size]) else None
        )
        if following is None and not sealed:
            break
        following = used if following is None else following
        if piece := data[at:following].strip(b"\0"):
            bad.append((piece, offset + at))
        at = following
    if sealed and at >= used:
        at = len(data)
    return ScanResult(facts, bad, offset + at)


def parse_record(data: bytes, at: int, seed: int) -> bytes | None:
    """The fact that begins here, if one does and is whole."""
    if at + RECORD_HEADER.size > len(data):
        return None
    length, crc = RECORD_HEADER.unpack_from(data, at)
    start = at + RECORD_HEADER.size
    if not 0 < length <= MAX_RECORD_BYTES or start + length > len(data):
        return None
    payload = data[start : start + length]
    return payload if zlib.crc32(payload, seed) == crc else None


def _find_next_record(data: bytes, at: int, used: int, seed: int) -> int | None:
    """Where the next fact begins behind `at`."""
    for place in range(at + 8, used, 8):
        if parse_record(data, place, seed) is not None:
            return place
    return None

"""Finds facts in the bytes of a journal file. Pure; what is damaged costs nothing but itself."""

import sys
import zlib
from dataclasses import dataclass

from linkweir.click.segment import LONGEST, RECORD


@dataclass(frozen=True, slots=True)
class Found:
    """Facts' bytes in order, each with the offset behind it; `bad`: damaged pieces, each with its offset; `end`: where
    to go on.
    """

    facts: list[tuple[bytes, int]]
    bad: list[tuple[bytes, int]]
    end: int


def scan(data: bytes, offset: int, seed: int, *, whole: bool, limit: int = sys.maxsize) -> Found:
    """The facts of `data`, which begins at `offset` of the file.

    Stops at zeros, where nothing has been written yet. `whole`: nobody writes there any more, so behind what is damaged
    or zero facts are looked for, and the end is the end of `data`.
    """
    facts: list[tuple[bytes, int]] = []
    bad: list[tuple[bytes, int]] = []
    at, used = 0, len(data.rstrip(b"\0"))
    while at < used and len(facts) < limit:
        payload = record_at(data, at, seed)
        if payload is not None:
            at += RECORD.size + len(payload) + -len(payload) % 8
            facts.append((payload, offset + at))
            continue
        following = _next(data, at, used, seed) if whole or any(data[at : at + RECORD.size]) else None
        if following is None and not whole:
            break
        following = used if following is None else following
        if piece := data[at:following].strip(b"\0"):
            bad.append((piece, offset + at))
        at = following
    if whole and at >= used:
        at = len(data)
    return Found(facts, bad, offset + at)


def record_at(data: bytes, at: int, seed: int) -> bytes | None:
    """The fact that begins here, if one does and is whole."""
    if at + RECORD.size > len(data):
        return None
    length, crc = RECORD.unpack_from(data, at)
    start = at + RECORD.size
    if not 0 < length <= LONGEST or start + length > len(data):
        return None
    payload = data[start : start + length]
    return payload if zlib.crc32(payload, seed) == crc else None


def _next(data: bytes, at: int, used: int, seed: int) -> int | None:
    """Where the next fact begins behind `at`."""
    for place in range(at + 8, used, 8):
        if record_at(data, place, seed) is not None:
            return place
    return None

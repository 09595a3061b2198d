"""The slow, obvious twin of ext/tokens/url_codec.c, written from url_codec.h: bits are strings of "0" and "1"."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

SOURCE_FOLDER = Path(__file__).parents[2] / "ext" / "tokens"
FORMAT: dict[str, Any] = runpy.run_path(str(SOURCE_FOLDER / "url_codec_tables.py"))
ESCAPE_SYMBOL, DICTIONARY_SYMBOL, CAPITAL_SYMBOL, PART_SYMBOL, RUN_SYMBOL = (
    FORMAT[name] for name in ("ESC", "WORD", "CAPITAL", "PART", "RUN")
)
SCHEMES = {b"https://": "00", b"https://www.": "01", b"http://": "10", b"http://www.": "110", b"": "111"}
ALPHABETS = (
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
    b"0123456789abcdef",
    b"0123456789ABCDEF",
)
UUID = re.compile(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _codes_as_text(codes: list[int], lengths: list[int]) -> list[str]:
    return [f"{code:0{length}b}" for code, length in zip(codes, lengths, strict=True)]


ROWS = [FORMAT["context_lengths"](row) for _, row in FORMAT["CONTEXTS"]]
CODES = [_codes_as_text(FORMAT["canonical_codes"](row), row) for row in ROWS]
DICTIONARY_CODES, PART_CODES = (
    {text.encode(): f"{code:0{length}b}" for text, code, length in FORMAT["entries"](FORMAT[name])}
    for name in ("WORDS", "PARTS")
)


def context_row(before: bytes, scheme: bytes) -> int:
    """The row for the symbol after `before`, which does not contain the scheme."""
    if before:
        row: int = FORMAT["context_of"](before[-1])
        return row
    return [name for name, _ in FORMAT["CONTEXTS"]].index("host" if scheme else "other")


def longest_match(table: dict[bytes, str], rest: bytes) -> bytes | None:
    """The longest entry with which `rest` begins."""
    return next((rest[:size] for size in range(16, 1, -1) if rest[:size] in table), None)


def encode_run(row: int, kind: int, text: bytes) -> str:
    """A RUN as bits."""
    rest, groups = len(text) - 9, ""
    while rest >= 63:
        groups, rest = groups + "1" * 6, rest - 63
    each = 6 if kind == 0 else 4
    body = "".join(f"{ALPHABETS[kind].index(char):0{each}b}" for char in text)
    return f"{CODES[row][RUN_SYMBOL]}{kind:02b}{groups}{rest:06b}{body}"


def encode_shorter_run(row: int, text: bytes, bits: str, kinds: tuple[int, ...]) -> str:
    """The bits, or a RUN of the first kind that fits if that is shorter; it needs 9 characters."""
    kind = next(kind for kind in kinds if all(char in ALPHABETS[kind] for char in text))
    created = encode_run(row, kind, text) if len(text) >= 9 else bits
    return created if len(created) < len(bits) else bits


def encode_byte(row: int, char: int) -> str:
    """One byte as bits."""
    return CODES[row][char - 32] if 32 <= char < 127 else CODES[row][ESCAPE_SYMBOL] + f"{char:08b}"


def encode_alphanumeric(text: bytes, at: int, end: int, scheme: bytes) -> str:
    """The letters and digits text[at:end] as bits."""
    bits, start, fresh = "", at, True
    while at < end:
        row, char = context_row(text[:at], scheme), text[at : at + 1]
        fresh = fresh or (char.isupper() and not text[at - 1 : at].isupper())
        entry = longest_match(DICTIONARY_CODES, char.lower() + text[at + 1 :]) if fresh and char.isalpha() else None
        if entry:
            bits += CODES[row][CAPITAL_SYMBOL if char.isupper() else DICTIONARY_SYMBOL] + DICTIONARY_CODES[entry]
        else:
            bits += encode_byte(row, text[at])
        at, fresh = at + len(entry or char), entry is not None
    return encode_shorter_run(context_row(text[:start], scheme), text[start:at], bits, (1, 2, 0))


def encode_punctuation(text: bytes, at: int, scheme: bytes) -> tuple[str, int]:
    """What is not a letter or digit at `at`, as bits, and where it ends."""
    row, entry = context_row(text[:at], scheme), longest_match(PART_CODES, text[at:])
    if entry:
        return CODES[row][PART_SYMBOL] + PART_CODES[entry], at + len(entry)
    return encode_byte(row, text[at]), at + 1


def encode_stretch(text: bytes, at: int, scheme: bytes) -> tuple[str, int]:
    """The letters, digits, `-` and `_` from `at` on, as bits, and their end (an entry may reach further)."""
    start, bits = at, ""
    while match := re.compile(rb"[A-Za-z0-9]+|[-_]").match(text, at):
        if match[0] in b"-_":
            more, at = encode_punctuation(text, at, scheme)
        else:
            more, at = encode_alphanumeric(text, at, match.end(), scheme), match.end()
        bits += more
    row, whole = context_row(text[:start], scheme), text[start:at]
    if UUID.fullmatch(whole):
        return CODES[row][RUN_SYMBOL] + "11" + f"{int(whole.replace(b'-', b''), 16):0128b}", at
    return encode_shorter_run(row, whole, bits, (0,)), at


def pack(destination: bytes) -> bytes:
    """The one packed form of a destination."""
    scheme = max((scheme for scheme in SCHEMES if destination.startswith(scheme)), key=len)
    bits, text, at = SCHEMES[scheme], destination[len(scheme) :], 0
    while at < len(text):
        in_stretch = re.match(rb"[A-Za-z0-9_-]", text[at:])
        more, at = encode_stretch(text, at, scheme) if in_stretch else encode_punctuation(text, at, scheme)
        bits += more
    bits += "1" * (-len(bits) % 8)
    return bytes(int(bits[index : index + 8], 2) for index in range(0, len(bits), 8))

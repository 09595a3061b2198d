"""Character references as an attribute value decodes them (HTML standard, 13.2.5.72 to .80)."""

from html.entities import html5

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
DIGITS = frozenset("0123456789")
HEX_DIGITS = DIGITS | frozenset("abcdefABCDEF")
ALPHANUMERIC = DIGITS | frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
LONGEST_NAME = max(map(len, html5))

# The table of 13.2.5.80: what windows-1252 has where Unicode has C1 controls.
CONTROLS = {
    0x80: "\u20ac", 0x82: "\u201a", 0x83: "\u0192", 0x84: "\u201e", 0x85: "\u2026", 0x86: "\u2020",
    0x87: "\u2021", 0x88: "\u02c6", 0x89: "\u2030", 0x8A: "\u0160", 0x8B: "\u2039", 0x8C: "\u0152",
    0x8E: "\u017d", 0x91: "\u2018", 0x92: "\u2019", 0x93: "\u201c", 0x94: "\u201d", 0x95: "\u2022",
    0x96: "\u2013", 0x97: "\u2014", 0x98: "\u02dc", 0x99: "\u2122", 0x9A: "\u0161", 0x9B: "\u203a",
    0x9C: "\u0153", 0x9E: "\u017e", 0x9F: "\u0178",
}  # fmt: skip


def decode_references(value: str) -> str:
    """The attribute value a browser sees; NUL becomes U+FFFD as in the tokenizer's value states."""
    out: list[str] = []
    at = 0
    while at < len(value):
        if value[at] == "&":
            text, at = decode_reference(value, at)
        else:
            text, at = value[at], at + 1
            text = REPLACEMENT if text == "\0" else text
        out.append(text)
    return "".join(out)


def decode_reference(value: str, at: int) -> tuple[str, int]:
    """What the "&" at `at` stands for, and where to go on; 13.2.5.72."""
    if value[at + 1 : at + 2] == "#":
        number, end = decode_numeric(value, at)
        return ("&", at + 1) if number is None else (decode_code_point(number), end)
    return decode_named(value, at)


def decode_named(value: str, at: int) -> tuple[str, int]:
    """13.2.5.73: the longest name there is; without ";" it stays in front of "=" or an alphanumeric."""
    for length in range(LONGEST_NAME, 0, -1):
        name = value[at + 1 : at + 1 + length]
        if len(name) == length and name in html5:
            after = value[at + 1 + length : at + 2 + length]
            if not name.endswith(";") and (after == "=" or after in ALPHANUMERIC):
                return "&", at + 1
            return html5[name], at + 1 + length
    return "&", at + 1


def decode_numeric(value: str, at: int) -> tuple[int | None, int]:
    """13.2.5.75 to .79: the number of "&#…" at `at` (None without any digit), and where it ends."""
    hexadecimal = value[at + 2 : at + 3] in {"x", "X"}
    start = end = at + 3 if hexadecimal else at + 2
    while end < len(value) and value[end] in (HEX_DIGITS if hexadecimal else DIGITS):
        end += 1
    if end == start:
        return None, at
    number = _parse_number(value[start:end], 16 if hexadecimal else 10)
    return number, end + (value[end : end + 1] == ";")


def _parse_number(digits: str, base: int) -> int:
    significant = digits.lstrip("0")[:12]  # 12 digits are out of range in either base; more would be slow
    return int(significant or "0", base)


def decode_code_point(number: int) -> str:
    """13.2.5.80: zero, surrogates and what lies beyond Unicode become U+FFFD."""
    if number == 0 or number > 0x10FFFF or 0xD800 <= number <= 0xDFFF:
        return REPLACEMENT
    return CONTROLS.get(number, chr(number))


def has_zero_reference(value: str) -> bool:
    """Is there a numeric reference to 0 in the raw value?"""
    at = value.find("&")
    while at >= 0:
        if value[at + 1 : at + 2] == "#" and decode_numeric(value, at)[0] == 0:
            return True
        at = value.find("&", at + 1)
    return False

"""From the bytes between the quotes to the destination, and from there to an outcome (rules, section 2)."""

import codecs
import ipaddress
import re

from tests.reference.character_references import decode_references, has_zero_reference
from tests.reference.cursor import ascii_lower

NAME = "[A-Za-z][A-Za-z0-9_.:-]*"
PAIRS = ("{{", "{%", "*|", "[[", "[%", "%%", "<%", "${", "#{")
NAMED_MARKERS = (
    f"%{NAME}%(?![0-9A-Fa-f]{{2}})",
    *(mark + NAME + closing for mark, closing in [("%25", "%25"), ("%5B", "%5D"), ("::", "::"), ("##", "##")]),
    f"###{NAME}###",
)
WHOLE_VALUE_MARKERS = (rf"\[{NAME}\]", *NAMED_MARKERS, f"-{NAME}-")


def encoded_pair(pair: str) -> str:
    """A pattern for two characters of which at least one is percent-encoded; a `%` by itself begins no other code."""
    first, second = (re.escape(character) for character in pair)
    second += "(?![0-9A-Fa-f]{2})" if second == "%" else ""
    first_code, second_code = (f"%{ord(character):02X}" for character in pair)
    return f"{first_code}(?:{second_code}|{second})|{first}{second_code}"


def any_of(*patterns: str) -> re.Pattern[str]:
    """One of these, in either letter case."""
    return re.compile("|".join(patterns), re.IGNORECASE | re.ASCII)


ANYWHERE = (r"\{", *map(re.escape, PAIRS), *map(encoded_pair, PAIRS))
LEADING = any_of(*ANYWHERE, "%7B", rf"\[{NAME}\]", *NAMED_MARKERS)
IN_AUTHORITY = any_of(*ANYWHERE, *NAMED_MARKERS)
BEHIND_HOST = any_of(*ANYWHERE, f"(?<=[/=&?#])(?:{'|'.join(WHOLE_VALUE_MARKERS)})(?=[/=&?#]|\\Z)")

TRIMMED = "".join(map(chr, range(0x21)))  # C0 controls and space, as the URL standard strips them
UNUSABLE = frozenset(map(chr, range(0x21))) | frozenset("\x7f<>[]^|")  # in a host or port
MAX_DESTINATION_CHARACTERS = 8000  # bytes in UTF-8

# A few labels of the Encoding standard whose Python codec has another name or another idea.
CODECS = {
    "iso-8859-1": "cp1252", "latin1": "cp1252", "us-ascii": "cp1252", "ascii": "cp1252",
    "windows-1252": "cp1252",
    "windows-874": "cp874", "shift_jis": "cp932", "gbk": "gb18030", "gb2312": "gb18030", "euc-kr": "cp949",
}  # fmt: skip


def find_codec(charset: str) -> str:
    """Python's name of an encoding; an unknown label is UTF-8."""
    label = ascii_lower(charset.strip())
    try:
        return CODECS.get(label) or codecs.lookup(label).name
    except LookupError:
        return "utf-8"


def decode_charset(raw: bytes, charset: str) -> tuple[str, bool]:
    """Bytes as the text a browser makes of them, and whether they are text: if not, U+FFFD stands in it."""
    codec = find_codec(charset)
    if re.fullmatch("cp125[0-9]|cp874", codec):
        return _decode_windows(raw, codec)
    try:
        return raw.decode(codec), True
    except UnicodeDecodeError:
        return raw.decode(codec, "replace"), False


def _decode_windows(raw: bytes, codec: str) -> tuple[str, bool]:
    """The Encoding standard gives the bytes 80 to 9F that have no character to the controls of those numbers."""
    text = ""
    for byte in raw:
        one = bytes([byte]).decode(codec, "replace")
        text += chr(byte) if one == "\ufffd" and 0x80 <= byte <= 0x9F else one
    return text, "\ufffd" not in text


def parse_destination(text: str) -> str:
    """References decoded, then what the URL standard strips."""
    return re.sub("[\t\n\r]", "", decode_references(text).strip(TRIMMED))


def classify_destination(raw: str, target: str, *, decodable: bool, track_placeholders: bool) -> str:  # noqa: PLR0911 - a return for each row of the table
    """The outcome of a destination by itself: the rows `placeholder` to `too-long-destination`, else `tracked`.

    Not `decodable`: the value is no text in the document's encoding, and `target` only what a browser would show.
    """
    if LEADING.match(target):
        return "placeholder"
    scheme = re.match("https?://", target, re.IGNORECASE | re.ASCII)
    if not scheme:
        return "not-http"
    rest = target[scheme.end() :]
    end = re.search(r"[/\\?#]|\Z", rest)
    assert end is not None
    authority = rest[: end.start()]
    if any(IN_AUTHORITY.match(rest, at) for at in range(end.start() + 1)):
        return "placeholder"
    if not is_usable_authority(authority):
        return "no-host"
    if "<" in raw or "\0" in raw or has_zero_reference(raw) or re.search("[\x01-\x1f]", target):
        return "malformed"
    if not decodable:
        return "encoding"
    if not track_placeholders and BEHIND_HOST.search(rest, end.start()):
        return "placeholder"
    if len(target.encode()) > MAX_DESTINATION_CHARACTERS:
        return "too-long-destination"
    return "tracked"


def is_usable_authority(authority: str) -> bool:
    """Is there a host, and are there no characters that no host and port have? `[name]` is none anywhere."""
    user, _, host_and_port = authority.rpartition("@")
    if re.search(rf"\[{NAME}\]", user, re.ASCII):
        return False
    literal = re.match(r"\[([^%\[\]]*)\](?=:|\Z)", host_and_port)
    if literal:
        return is_ipv6(literal[1]) and not UNUSABLE.intersection(host_and_port[literal.end() :])
    return host_and_port.partition(":")[0] != "" and not UNUSABLE.intersection(host_and_port)


def is_ipv6(text: str) -> bool:
    """Is it an IPv6 address as the URL standard writes it, without a zone?"""
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True

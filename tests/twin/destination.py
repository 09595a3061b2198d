"""From the bytes between the quotes to the destination, and from there to an outcome (rules, section 2)."""

import codecs
import re

from .cursor import ascii_lower
from .references import decode, names_zero

MARKERS = ("{{", "{%", "{", "*|", "[[", "[%", "%%", "<%", "${", "#{")
TRIMMED = "".join(map(chr, range(0x21)))  # C0 controls and space, as the URL standard strips them
UNUSABLE = frozenset(map(chr, range(0x21))) | frozenset("\x7f<>[]^|")  # in a host
IPV6 = re.compile(r"\[[^\[\]<>^|\x00-\x20\x7f]+\](?::|$)", re.DOTALL)

# A few labels of the Encoding standard whose Python codec has another name or another idea.
CODECS = {
    "iso-8859-1": "cp1252", "latin1": "cp1252", "us-ascii": "cp1252", "ascii": "cp1252",
    "windows-1252": "cp1252",
    "windows-874": "cp874", "shift_jis": "cp932", "gbk": "gb18030", "gb2312": "gb18030", "euc-kr": "cp949",
}  # fmt: skip


def codec_of(charset: str) -> str:
    """Python's name of an encoding; an unknown label is UTF-8."""
    label = ascii_lower(charset.strip())
    try:
        return CODECS.get(label) or codecs.lookup(label).name
    except LookupError:
        return "utf-8"


def unreadable(raw: bytes, charset: str) -> bool:
    """Under an unknown label only UTF-8 is sure; nobody can say where anything else leads."""
    try:
        codecs.lookup(CODECS.get(ascii_lower(charset.strip()), charset.strip()))
    except LookupError:
        try:
            raw.decode()
        except UnicodeDecodeError:
            return True
    return False


def charset_text(raw: bytes, charset: str) -> str:
    """Bytes as the text a browser makes of them; undecodable ones become U+FFFD."""
    codec = codec_of(charset)
    if codec == "cp1252":
        return "".join(_windows_1252(byte) for byte in raw)
    return raw.decode(codec, "replace")


def _windows_1252(byte: int) -> str:
    undefined = byte in {0x81, 0x8D, 0x8F, 0x90, 0x9D}  # the Encoding standard keeps these as controls
    return chr(byte) if undefined else bytes([byte]).decode("cp1252")


def destination(text: str) -> str:
    """References decoded, then what the URL standard strips."""
    return re.sub("[\t\n\r]", "", decode(text).strip(TRIMMED))


def judge(raw: str, target: str, *, track_placeholders: bool) -> str:  # noqa: PLR0911 - a return for each row of the table
    """The outcome of a destination by itself: the rows `placeholder` to `malformed`, else `tracked`."""
    if target.startswith(MARKERS):
        return "placeholder"
    scheme = re.match("https?://", target, re.IGNORECASE | re.ASCII)
    if not scheme:
        return "not-http"
    rest = target[scheme.end() :]
    end = re.search(r"[/\\?#]|\Z", rest)
    assert end is not None
    authority = rest[: end.start()]
    if any(marker in authority for marker in MARKERS) or rest.startswith("#{", end.start()):
        return "placeholder"
    if not usable_host(authority):
        return "no-host"
    if "<" in raw or "\0" in raw or names_zero(raw) or re.search("[\x01-\x1f]", target):
        return "malformed"
    if not track_placeholders and any(marker in rest[end.start() :] for marker in MARKERS):
        return "placeholder"
    return "tracked"


def usable_host(authority: str) -> bool:
    """Is there a host, and one without characters that no host has?"""
    host_and_port = authority.rpartition("@")[2]
    if host_and_port.startswith("["):
        return IPV6.match(host_and_port) is not None
    host = host_and_port.partition(":")[0]
    return host != "" and not UNUSABLE.intersection(host)

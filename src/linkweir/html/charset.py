"""Which encodings the scanner may judge by bytes, how destinations become text (link rules, section 5), and which
charset a document claims: its BOM, else the caller's word, else its `<meta>`, else UTF-8.

That order is the HTML standard's (13.2.3.2 "determining the character encoding": BOM, then the transport layer, then
the prescan); the last step is UTF-8 and not windows-1252, as the link rules say.
"""

import codecs
import re
from functools import lru_cache
from urllib.parse import quote

from linkweir.errors import check_type

# Python codecs of the ASCII-transparent encodings: no trail byte is one of < > " ' & =. An allow-list.
_ASCII_TRANSPARENT = frozenset(
    ["utf-8", "ascii", "cp1252", "koi8-r", "koi8-u", "koi8_t", "kz1048", "ptcp154", "tis-620", "cp866", "cp874"]
    + [f"iso8859-{n}" for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16)]
    + [f"cp125{n}" for n in range(9)]
    + ["mac-roman", "mac-cyrillic", "mac-greek", "mac-iceland", "mac-latin2", "mac-turkish", "mac-croatian"]
    + ["mac-romanian", "mac-farsi", "mac-arabic"]
    + ["euc_jp", "euc_jis_2004", "euc_jisx0213", "euc_kr", "cp949", "big5", "big5hkscs", "cp950"]
    + ["gb2312", "gbk", "gb18030", "shift_jis", "cp932", "shift_jis_2004", "shift_jisx0213"]
)

# What the Encoding standard reads these labels as; Python takes them at their word.
_WHATWG_OVERRIDES = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gbk",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}
_WINDOWS = frozenset(["cp874", *(f"cp125{n}" for n in range(9))])
# Labels of the Encoding standard that Python does not know.
_ALIASES = {
    "x-sjis": "shift_jis", "windows-31j": "cp932", "x-gbk": "gbk", "gb_2312-80": "gbk", "csiso58gb231280": "gbk",
    "iso-ir-58": "gbk", "x-euc-jp": "euc_jp", "cseucpkdfmtjapanese": "euc_jp", "x-x-big5": "big5", "cn-big5": "big5",
    "windows-949": "cp949", "ks_c_5601-1989": "cp949", "csksc56011987": "cp949", "iso-ir-149": "cp949",
    "dos-874": "cp874", "windows-874": "cp874", "iso-8859-8-i": "iso8859-8", "iso-8859-8-e": "iso8859-8",
    "csiso88598i": "iso8859-8", "csiso88598e": "iso8859-8", "logical": "iso8859-8", "visual": "iso8859-8",
    "x-mac-roman": "mac-roman", "x-mac-cyrillic": "mac-cyrillic", "x-mac-ukrainian": "mac-cyrillic",
    "unicode-1-1-utf-8": "utf-8", "unicode11utf8": "utf-8", "unicode20utf8": "utf-8", "x-unicode20utf8": "utf-8",
    "utf-8-sig": "utf-8", "koi": "koi8-r", "koi8": "koi8-r", "koi8-ru": "koi8-u", "sun_eu_greek": "iso8859-7",
    **{f"x-cp125{n}": f"cp125{n}" for n in range(9)},
}  # fmt: skip

# In a document with an unknown label these bytes speak for an encoding that shifts or is wider than a byte.
STATEFUL_MARKERS = re.compile(rb"[\x1b\x00]|~\{")

PRESCAN_BYTES = 1024  # how much of a document the standard's prescan looks at

MAX_BOM_BYTES = 4
_BOMS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),  # before UTF-16, whose BOM it begins with
    (b"\xfe\xff", "utf-16-be"),
    (b"\xff\xfe", "utf-16-le"),
)
_BOM_MARKS = tuple(mark for mark, _ in _BOMS)
_MAX_CACHED_CHARACTERS = 64  # of a label; real ones are shorter
_TAG = re.compile(rb"<(?:(!--)|(meta)(?=[\t\n\f\r /])|(/?[a-z][^\t\n\f\r >]*)|([!/?]))", re.IGNORECASE)
_TAG_KINDS = ("", "comment", "meta", "tag", "bogus comment")  # by the group that matched
# The standard's "get an attribute"; a name may begin with '='.
_ATTRIBUTE_PATTERN = (
    rb"[\t\n\f\r /]*([^\t\n\f\r />][^\t\n\f\r />=]*)"
    rb"(?:[\t\n\f\r ]*=[\t\n\f\r ]*(?:\"([^\"]*)\"|'([^']*)'|([^\t\n\f\r >\"'][^\t\n\f\r >]*)|(?=>)"
    rb"|[\"'][\s\S]*\Z))?"  # a quote that never closes takes all that is left
)
_ATTRIBUTE = re.compile(_ATTRIBUTE_PATTERN)
_ATTRIBUTES = re.compile(rb"(?:" + _ATTRIBUTE_PATTERN + rb")*+")  # all of a tag that nobody reads, at once
_CONTENT = re.compile(rb"charset[\t\n\f\r ]*=[\t\n\f\r ]*(?:\"([^\"]*)\"|'([^']*)'|([^\t\n\f\r ;\"']+))", re.I)


class Charset:
    """How one document's bytes become text.

    Attributes:
        codec: the Python codec for destinations; None when the label is unknown or bytes cannot be judged.
        by_bytes: the scanner may judge the bytes.
        known: the label was known.
    """

    def __init__(self, label: str) -> None:
        if type(label) is not str:  # asked first, since a small mail is done in less than many calls take
            check_type("charset", label, str, "str")
        find_codec = _cached_codec if len(label) <= _MAX_CACHED_CHARACTERS else _find_codec
        self.is_supported, self.is_ascii_transparent, self.codec = find_codec(label)

    def apply_bom(self, head: bytes) -> bool:
        """Become what the document's byte order mark says, whatever the label (Encoding standard, "decode"); False if
        `head`, its first four bytes, has none.
        """
        bom_charset = detect_bom(head)
        if bom_charset is not None:
            self.is_supported, self.is_ascii_transparent, self.codec = True, bom_charset == "utf-8", bom_charset
        return bom_charset is not None

    def to_utf8(self, raw: bytes) -> tuple[bytes, bool]:
        """Return a raw value as UTF-8, and whether it is text: if not, U+FFFD stands for what cannot be decoded.

        Under an unknown label only UTF-8 is text: nobody can say where anything else leads.
        """
        try:
            return raw.decode(self.codec).encode(), True
        except UnicodeDecodeError:
            if self.codec not in _WINDOWS:
                return raw.decode(self.codec, "replace").encode(), False
        text = "".join(map(self._decode_byte, raw))
        return text.encode(), "\ufffd" not in text

    def percent_encode_query(self, destination: bytes) -> bytes:
        """The destination with its query's non-ASCII percent-encoded in the document's charset (URL standard, 4.4).

        A tracking link carries UTF-8 only; in UTF-8 documents the redirect does this itself.
        """
        if self.codec == "utf-8" or destination.isascii():
            return destination
        text, hash_, fragment = destination.decode().partition("#")
        before, mark, query = text.partition("?")
        if not query.isascii():
            query = "".join(c if c.isascii() else self._percent_encode(c) for c in query)
        return f"{before}{mark}{query}{hash_}{fragment}".encode()

    def _decode_byte(self, byte: int) -> str:
        """The Encoding standard gives the bytes 80 to 9F that windows-125x leaves open to the C1 controls."""
        unassigned = chr(byte) if 0x80 <= byte <= 0x9F else "\ufffd"
        try:
            return bytes([byte]).decode(self.codec)
        except UnicodeDecodeError:
            return unassigned

    def _percent_encode(self, character: str) -> str:
        try:
            return quote(character.encode(self.codec), safe="")
        except UnicodeEncodeError:
            return f"%26%23{ord(character)}%3B"


def _find_codec(label: str) -> tuple[bool, bool, str]:
    """Whether the label is known, whether the scanner may judge the bytes, and the Python codec."""
    name = label.strip().lower()
    try:
        codec_name = codecs.lookup(_ALIASES.get(name, name)).name
    except (LookupError, ValueError):
        return False, True, "utf-8"
    return True, codec_name in _ASCII_TRANSPARENT, _WHATWG_OVERRIDES.get(codec_name, codec_name)


_cached_codec = lru_cache(256)(_find_codec)


def sniff_charset(head: bytes, declared: str | None = None) -> str:
    """Return the charset label of a document that begins with `head`; `declared` is the caller's word, if any."""
    return detect_bom(head) or declared or _prescan(head[:PRESCAN_BYTES]) or "utf-8"


def get_declared_charset(head: bytes) -> str | None:
    """Return the charset that a document declares, by its BOM or `<meta>`; None without one."""
    return detect_bom(head) or _prescan(head[:PRESCAN_BYTES])


def detect_bom(head: bytes) -> str | None:
    """The charset of the byte order mark, or None."""
    if not head.startswith(_BOM_MARKS):
        return None
    return next(name for mark, name in _BOMS if head.startswith(mark))


def _prescan(head: bytes) -> str | None:
    at = 0
    while match := _TAG.search(head, at):
        kind = _TAG_KINDS[match.lastindex or 0]
        if kind == "comment":
            end = head.find(b"-->", match.start() + 2)  # the standard lets `<!-->` close itself
            at = end + 3
        elif kind == "bogus comment":
            end = head.find(b">", match.end())
            at = end + 1
        elif kind == "meta":
            attributes, end = _parse_attributes(head, match.end())
            at = end
            if end >= 0 and (label := _get_meta_charset(attributes)):
                return label
        else:
            rest = _ATTRIBUTES.match(head, match.end())
            at = end = rest.end() if rest else match.end()
            if end >= len(head):
                return None
        if end < 0:
            return None
    return None


def _parse_attributes(head: bytes, at: int) -> tuple[dict[bytes, bytes], int]:
    """Attributes of a tag from `at` (first of a name wins), and where they end; -1 when `head` ends first."""
    attributes: dict[bytes, bytes] = {}
    while match := _ATTRIBUTE.match(head, at):
        at = match.end()
        if at >= len(head):
            return {}, -1
        name, *values = match.groups()
        attributes.setdefault(name.lower(), next((v for v in values if v is not None), b""))
    return attributes, at


def _get_meta_charset(attributes: dict[bytes, bytes]) -> str | None:
    label = attributes.get(b"charset")
    if label is None and attributes.get(b"http-equiv", b"").lower() == b"content-type":
        match = _CONTENT.search(attributes.get(b"content", b""))
        label = next((part for part in match.groups() if part is not None), None) if match else None
    if label is None:
        return None
    name = label.strip(b"\t\n\f\r ").decode("latin-1").lower()
    if name.startswith(("utf-16", "utf16")) or name in {"unicode", "ucs-2", "csunicode"}:
        return "utf-8"  # the standard: the declaration was read byte by byte, so it cannot be true
    return "windows-1252" if name == "x-user-defined" else name or None

"""Which charset a file claims: its BOM, else the caller's word, else its `<meta>`, else UTF-8.

That order is the HTML standard's (13.2.3.2 "determining the character encoding": BOM, then the transport
layer, then the prescan); the last step is UTF-8 and not windows-1252, as the link rules say. Nothing is
decoded here.
"""

import re

PRESCAN_BYTES = 1024  # how much of a document the standard's prescan looks at

_BOMS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),  # before UTF-16, whose BOM it begins with
    (b"\xfe\xff", "utf-16-be"),
    (b"\xff\xfe", "utf-16-le"),
)
_TAG = re.compile(rb"<(?:(!--)|(meta)(?=[\t\n\f\r /])|(/?[a-z][^\t\n\f\r >]*)|([!/?]))", re.IGNORECASE)
# The standard's "get an attribute"; a name may begin with '='.
_ATTRIBUTE = re.compile(
    rb"[\t\n\f\r /]*([^\t\n\f\r />][^\t\n\f\r />=]*)"
    rb"(?:[\t\n\f\r ]*=[\t\n\f\r ]*(?:\"([^\"]*)\"|'([^']*)'|([^\t\n\f\r >\"'][^\t\n\f\r >]*)|(?=>)"
    rb"|[\"'][\s\S]*\Z))?"  # a quote that never closes takes all that is left
)
_CONTENT = re.compile(rb"charset[\t\n\f\r ]*=[\t\n\f\r ]*(?:\"([^\"]*)\"|'([^']*)'|([^\t\n\f\r ;\"']+))", re.I)


def sniff_charset(head: bytes, declared: str | None = None) -> str:
    """Return the charset label of a document that begins with `head`; `declared` is the caller's word, if any."""
    return detect_bom(head) or declared or _prescan(head[:PRESCAN_BYTES]) or "utf-8"


def get_declared_charset(head: bytes) -> str | None:
    """The charset that a document says itself, by its BOM or `<meta>`; None where it says nothing."""
    return detect_bom(head) or _prescan(head[:PRESCAN_BYTES])


def detect_bom(head: bytes) -> str | None:
    """The charset of the byte order mark, or None."""
    return next((name for mark, name in _BOMS if head.startswith(mark)), None)


def _prescan(head: bytes) -> str | None:
    at = 0
    while found := _TAG.search(head, at):
        comment, meta, _, bogus = found.groups()
        if comment:
            end = head.find(b"-->", found.start() + 2)  # the standard lets `<!-->` close itself
            at = end + 3
        elif bogus:
            end = head.find(b">", found.end())
            at = end + 1
        else:
            attributes, end = _parse_attributes(head, found.end())
            at = end
            if meta and end >= 0 and (label := _get_meta_charset(attributes)):
                return label
        if end < 0:
            return None
    return None


def _parse_attributes(head: bytes, at: int) -> tuple[dict[bytes, bytes], int]:
    """Attributes of a tag from `at` (first of a name wins), and where they end; -1 when `head` ends first."""
    attributes: dict[bytes, bytes] = {}
    while found := _ATTRIBUTE.match(head, at):
        at = found.end()
        if at >= len(head):
            return {}, -1
        name, *values = found.groups()
        attributes.setdefault(name.lower(), next((v for v in values if v is not None), b""))
    return attributes, at


def _get_meta_charset(attributes: dict[bytes, bytes]) -> str | None:
    label = attributes.get(b"charset")
    if label is None and attributes.get(b"http-equiv", b"").lower() == b"content-type":
        found = _CONTENT.search(attributes.get(b"content", b""))
        label = next((part for part in found.groups() if part is not None), None) if found else None
    if label is None:
        return None
    name = label.strip(b"\t\n\f\r ").decode("latin-1").lower()
    if name.startswith(("utf-16", "utf16")) or name in {"unicode", "ucs-2", "csunicode"}:
        return "utf-8"  # the standard: the declaration was read byte by byte, so it cannot be true
    return "windows-1252" if name == "x-user-defined" else name or None

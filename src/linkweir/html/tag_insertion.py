"""Where an open pixel (or another tag that nobody sees) may stand in a document, and the pixel's tag."""

from __future__ import annotations

from linkweir.html.document import Document
from linkweir.html.options import Switches
from linkweir.html.rewriter import DEFAULT_SWITCHES

# A link that nothing speaks against: where the scanner sees it as one, markup stands, and no comment or script.
_PROBE = b'<a href="https://probe.invalid/">'
_END_TAGS = (b"</body", b"</html")
_MAX_CANDIDATES = 64  # occurrences that are tried; more are somebody's joke


def make_pixel_tag(url: str) -> bytes:
    """The pixel's tag. Visible as far as a mail client can tell, or it would not be fetched."""
    return f'<img src="{url}" width="1" height="1" border="0" alt="">'.encode("ascii")


def find_insertion_point(html: str | bytes, switches: Switches = DEFAULT_SWITCHES) -> int | None:
    """The offset (in bytes; of UTF-8 for a str) before `</body>`, else before `</html>`, else at the end.

    None where even the end is no markup: in a comment or script that never ends, say.
    """
    data = html.encode("utf-8", "surrogatepass") if isinstance(html, str) else html
    lower = data.lower()
    for end in _END_TAGS:
        at = len(lower)
        for _ in range(_MAX_CANDIDATES):
            at = lower.rfind(end, 0, at)
            if at < 0:
                break
            if _is_text_position(data, at, switches):
                return at
    return len(data) if _is_text_position(data, len(data), switches) else None


def insert_tags(html: str, tags: bytes, switches: Switches = DEFAULT_SWITCHES) -> str:
    """The document with these tags at the pixel's place, or as it was where there is none."""
    data = html.encode("utf-8", "surrogatepass")
    place = find_insertion_point(data, switches)
    if place is None:
        return html
    return (data[:place] + tags + data[place:]).decode("utf-8", "surrogatepass")


def _is_text_position(data: bytes, at: int, switches: Switches) -> bool:
    rows = Document(data[:at] + _PROBE, "utf-8").scan_rows(Switches(tag_limit=switches.tag_limit))
    return bool(rows) and rows[-1].start == at and rows[-1].destination == b"https://probe.invalid/"

"""Inserts invisible tags at the end of a document: the open pixel, and the honeypot link that only machines follow."""

from __future__ import annotations

from linkweir.errors import check_type
from linkweir.html.document import Document
from linkweir.html.rewriter import DEFAULT_SWITCHES
from linkweir.html.switches import Switches

# Where the tokenizer reports this tag as a link, the position is text content, not a comment or script.
_PROBE = b'<a href="https://probe.invalid/">'
_END_TAGS = (b"</body", b"</html")
_MAX_CANDIDATES = 64  # occurrences that are tried, so that hostile input cannot make the search quadratic


def make_pixel_tag(url: str) -> bytes:
    """Return the tag of the open pixel. It is not hidden by styles: mail clients do not fetch hidden images."""
    return f'<img src="{url}" width="1" height="1" border="0" alt="">'.encode("ascii")


def find_insertion_point(html: str | bytes, switches: Switches = DEFAULT_SWITCHES) -> int | None:
    """Return the offset (in bytes; of UTF-8 for a str) before `</body>`, else before `</html>`, else of the end.

    None if even the end is not text content, as in an unclosed comment or script.
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


def insert_tags(html: bytes, tags: bytes, switches: Switches = DEFAULT_SWITCHES) -> bytes:
    """Return the document, in UTF-8, with `tags` at its insertion point, or unchanged if it has none."""
    offset = find_insertion_point(html, switches)
    return html if offset is None else html[:offset] + tags + html[offset:]


def make_honeypot_tag(url: str) -> bytes:
    """Return an empty link that nobody can see, touch or reach with the Tab key, even where styles are removed, and
    that screen readers skip.
    """
    hidden = 'style="display:none;mso-hide:all" aria-hidden="true" tabindex="-1" rel="nofollow"'
    return f'<a href="{url}" {hidden}></a>'.encode("ascii")


def make_hidden_tags(pixel: str | None, honeypot: str | None) -> tuple[bytes, ...]:
    """Return the tags for these URLs, in the order of insertion."""
    if pixel is None and honeypot is None:
        return ()
    check_type("pixel", pixel, (str, type(None)), "str or None")
    check_type("honeypot", honeypot, (str, type(None)), "str or None")
    return (*((make_pixel_tag(pixel),) if pixel else ()), *((make_honeypot_tag(honeypot),) if honeypot else ()))


def _is_text_position(data: bytes, at: int, switches: Switches) -> bool:
    rows = Document(data[:at] + _PROBE, "utf-8").scan_rows(Switches(tag_limit=switches.tag_limit))
    return bool(rows) and rows[-1].start == at and rows[-1].destination == b"https://probe.invalid/"

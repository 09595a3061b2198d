"""The heatmap: a mail as its readers saw it with click counts on its links, on an inert page.

The mail is untrusted HTML: nh3 keeps only markup for its appearance, every URL is removed, and the page's own
Content-Security-Policy allows no script, form or request. So its links cannot be followed, or counted as clicks.
"""

import email
import email.policy
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from html import escape

import nh3

from linkweir.errors import BadToken
from linkweir.html import scan
from linkweir.html.link import Link
from linkweir.stats.verdict_counts import NO_CLICKS, LinkClicks
from linkweir.tokens import HONEYPOT_INDEX, KeyRing, open_link
from linkweir.translation import format_number, gettext

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'; sandbox",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_TAGS = frozenset(
    """a abbr address article b big blockquote br caption center cite code col colgroup dd del div dl dt em figcaption
    figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins li main mark ol p pre q s section small span strike
    strong style sub sup table tbody td tfoot th thead tr tt u ul""".split()  # noqa: SIM905 - it is read, not typed
)
_STYLE_ATTRIBUTES = frozenset(
    """align alt bgcolor border cellpadding cellspacing class color colspan dir face height lang role rowspan size style
    valign width""".split()  # noqa: SIM905
)
_ATTRIBUTES = {tag: set(_STYLE_ATTRIBUTES) for tag in _TAGS} | {"img": {*_STYLE_ATTRIBUTES, "src"}}
_COUNT_ATTRIBUTE, _HEAT_ATTRIBUTE = "data-linkweir-count", "data-linkweir-heat"
_PAGE_TEMPLATE = """\
<!doctype html><html lang="und"><head><meta charset="utf-8"><title>{title}</title><style>
:root {{ color-scheme: light }}
body {{ margin: 0; padding: 18px 12px 12px; background: #fff; color: #111; font: 16px/1.5 system-ui, sans-serif;
  overflow-wrap: break-word }}
img, table {{ max-width: 100% }}
a[{heat}] {{ position: relative; outline: 2px solid; outline-offset: 2px; border-radius: 2px }}
a[{heat}="0"] {{ outline: 1px dashed #64748b }}
a[{heat}="1"] {{ outline-color: #5eead4; background-color: #5eead42e }}
a[{heat}="2"] {{ outline-color: #2dd4bf; background-color: #2dd4bf47 }}
a[{heat}="3"] {{ outline-color: #0d9488; background-color: #14b8a652 }}
a[{heat}="4"] {{ outline-color: #0f766e; background-color: #0d948866 }}
span[{mark}] {{ position: absolute; z-index: 9; margin: -1.05em 0 0 -.35em; padding: .1em .5em; border-radius: 1em;
  background: #134e4a; color: #fff; font: 700 11px/1.4 system-ui, sans-serif; letter-spacing: 0; text-transform: none;
  white-space: nowrap; text-decoration: none; box-shadow: 0 0 0 1.5px #fff, 0 1px 3px #0008 }}
span[{mark}="0"] {{ background: #475569 }}
</style></head><body>"""


@dataclass(frozen=True, slots=True)
class HeatmapLink:
    """A link of the mail: its `position` in tokens, None when it is not tracked, and its final destination."""

    link: Link
    position: int | None
    destination: str


def html_body(raw: bytes) -> str | None:
    """Return the HTML part of a mail, or None."""
    mail = email.message_from_bytes(raw, _class=EmailMessage, policy=email.policy.default)
    try:
        part = mail.get_body(("html",))
        return None if part is None else str(part.get_content())
    except (LookupError, ValueError, KeyError):  # a malformed mail or an unknown charset: nothing to show
        return None


def heatmap_links(html: str, ring: KeyRing) -> list[HeatmapLink]:
    """Return every link of a sent mail in document order."""
    return [_to_heatmap_link(link, ring) for link in scan(html)]


def _to_heatmap_link(link: Link, ring: KeyRing) -> HeatmapLink:
    try:
        opened = open_link(ring, link.destination or "")
    except BadToken:
        return HeatmapLink(link, None, link.destination or "")
    if opened.index == HONEYPOT_INDEX:
        return HeatmapLink(link, None, "")  # it was never part of a sent mail
    return HeatmapLink(link, opened.index, opened.destination or "")


def render_heatmap(html: str, ring: KeyRing, counts: Mapping[int, LinkClicks]) -> str:
    """Return the page: the mail with the clicks by people on each tracked link, coloured by their number."""
    most = max((count.expected_people for count in counts.values()), default=0)
    parts, at = [], 0
    for heatmap_link in heatmap_links(html, ring):
        link = heatmap_link.link
        if heatmap_link.position is None or link.element != "a":
            continue
        people = counts.get(heatmap_link.position, NO_CLICKS).expected_people
        parts += [
            html[at : link.start + 2],
            f' {_HEAT_ATTRIBUTE}="{_heat_level(people, most)}"',
            html[link.start + 2 : link.end],
        ]
        parts.append(f'<span {_COUNT_ATTRIBUTE}="{people}">{format_number(people)}</span>')
        at = link.end
    title = escape(gettext("The mail with its clicks"))
    head = _PAGE_TEMPLATE.format(title=title, heat=_HEAT_ATTRIBUTE, mark=_COUNT_ATTRIBUTE)
    return head + _sanitize("".join(parts) + html[at:]) + "</body></html>"


def _heat_level(people: int, most: int) -> int:
    return 0 if not people else min(4, 1 + 3 * people // most)


def _sanitize(html: str) -> str:
    """Reduce the HTML to its appearance: nothing links or loads."""
    return nh3.clean(
        html,
        tags=set(_TAGS),
        attributes=_ATTRIBUTES,
        generic_attribute_prefixes={"data-linkweir-"},
        clean_content_tags={"script", "title", "noscript", "template"} - {"style"},
        attribute_filter=_allow_data_image,
        url_schemes={"data"},
        link_rel=None,
        strip_comments=True,
    )


def _allow_data_image(_tag: str, name: str, value: str) -> str | None:
    """Allow images only as data URLs, which load nothing."""
    return value if name != "src" or value.startswith("data:image/") else None

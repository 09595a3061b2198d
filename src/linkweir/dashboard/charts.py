"""Charts as SVG, drawn by pygal on the server; the style sheet sets colours and fonts for light and dark mode.

Scripts, styles and comments of pygal are removed, since the Content-Security-Policy of the pages forbids them. Each
chart has a text alternative and a table with the same numbers.
"""

import sys
from collections.abc import Sequence
from functools import cache
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

from markupsafe import Markup

Series = Sequence[tuple[str, Sequence[int | None]]]  # None: no value at this point
WIDTH, HEIGHT = 860, 280
MAX_LABELS = 10
_SVG = "{http://www.w3.org/2000/svg}"
_REMOVED_TAGS = ("script", "style", "desc", "title", "defs")


def bar_chart(labels: Sequence[str], series: Series, text: str) -> Markup:
    """Draw grouped bars, one group per label. `text` is the text alternative."""
    chart = _make_chart("Bar", labels, series)
    return _render_chart(chart, text)


def line_chart(labels: Sequence[str], series: Series, text: str) -> Markup:
    """Draw one line per series. `text` is the text alternative."""
    chart = _make_chart("Line", labels, series, show_dots=len(labels) <= MAX_LABELS, stroke_style={"width": 2})
    return _render_chart(chart, text)


@cache
def _load_pygal() -> ModuleType:
    """Import pygal with the first chart: a service starts without it.

    It adds an old-style finder for map plugins to sys.meta_path, which makes Python 3.11 warn wherever a module is not
    found. Maps are not used here, so it is removed, unless it was there before.
    """
    finders = list(sys.meta_path)
    import pygal

    sys.meta_path[:] = [finder for finder in sys.meta_path if finder in finders or type(finder).__module__ != "pygal"]
    return pygal  # type: ignore[no-any-return]  # it has no types


def _make_chart(kind: str, labels: Sequence[str], series: Series, **options: Any) -> Any:
    highest = max((value for _, values in series for value in values if value is not None), default=0)
    every = max(1, -(-len(labels) // MAX_LABELS))
    pygal = _load_pygal()
    chart = getattr(pygal, kind)(
        width=WIDTH,
        height=HEIGHT,
        js=(),
        css=(),
        style=pygal.style.Style(font_family="inherit"),
        show_legend=False,
        margin=6,
        margin_top=12,
        show_minor_x_labels=False,
        x_labels_major=list(labels[::every]),
        truncate_label=-1,
        range=(0, max(highest, 4)),
        max_scale=5,
        min_scale=3,
        value_formatter=lambda value: f"{value:,.0f}",
        spacing=8,
        rounded_bars=2,
        **options,
    )
    chart.x_labels = list(labels)
    for name, values in series:
        chart.add(name, list(values))
    return chart


def _render_chart(chart: Any, text: str) -> Markup:
    # read back by the standard library: pygal builds with lxml where that happens to be installed
    root = ElementTree.fromstring(chart.render(is_unicode=True))  # noqa: S314 - pygal's own output
    _sanitize_svg(root)
    root.attrib = {"viewBox": root.attrib["viewBox"], "class": "chart", "role": "img", "aria-label": text}
    ElementTree.register_namespace("", _SVG[1:-1])
    return Markup(ElementTree.tostring(root, encoding="unicode"))  # noqa: S704 - made of numbers and our own labels


def _sanitize_svg(node: ElementTree.Element) -> None:
    """Remove scripts, styles and comments; titles of points stay, as tooltips."""
    descriptions = {child.get("class"): child.text for child in node.findall(f"{_SVG}desc")}
    for child in list(node):
        if not isinstance(child.tag, str) or child.tag.removeprefix(_SVG) in _REMOVED_TAGS:
            node.remove(child)
        else:
            child.attrib.pop("style", None)
            _sanitize_svg(child)
    if descriptions.get("value"):
        title = ElementTree.SubElement(node, f"{_SVG}title")
        title.text = f"{descriptions.get('x_label')}: {descriptions['value']}"

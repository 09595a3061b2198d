"""Charts as SVG, drawn by pygal on the server; the style sheet sets colours and fonts for light and dark mode.

Scripts, styles and comments of pygal are removed, since the Content-Security-Policy of the pages forbids them. Each
chart has a text alternative and a table with the same numbers.
"""

import re
import sys
from collections.abc import Sequence
from functools import cache
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

from markupsafe import Markup

from linkweir.translation import format_number

Series = Sequence[tuple[str, Sequence[int | None]]]  # None: no value at this point
WIDTH, HEIGHT = 860, 280
MAX_LABELS = 10
PLOT_MARGIN = 1 / 52  # part of the plot's width that pygal leaves free on each side
_TRANSLATION = re.compile(r"translate\(([\d.]+), ([\d.]+)\)")
_SVG = "{http://www.w3.org/2000/svg}"
_REMOVED_TAGS = ("script", "style", "desc", "title", "defs")


def bar_chart(labels: Sequence[str], series: Series, text: str) -> Markup:
    """Draw grouped bars, one group per label. `text` is the text alternative."""
    chart = _make_chart("Bar", labels, series)
    cells = len(labels)
    left = [index / cells for index in range(cells)]
    return _render_chart(chart, text, _make_steps(labels, series, left, 1 / cells))


def line_chart(labels: Sequence[str], series: Series, text: str) -> Markup:
    """Draw one line per series. `text` is the text alternative."""
    chart = _make_chart("Line", labels, series, show_dots=len(labels) <= MAX_LABELS, stroke_style={"width": 2})
    gaps = max(1, len(labels) - 1)
    left = [(index - 0.5) / gaps for index in range(len(labels))]
    return _render_chart(chart, text, _make_steps(labels, series, left, 1 / gaps))


def _make_steps(
    labels: Sequence[str], series: Series, left: Sequence[float], width: float
) -> list[ElementTree.Element]:
    """Return an area over each label's part of the plot, whose title has all values there: it is found by the pointer
    however small a bar is, and by a script by keyboard. `left` and `width` are parts of the plot's width.
    """
    start, whole = PLOT_MARGIN, 1 - 2 * PLOT_MARGIN
    steps = []
    for index, label in enumerate(labels):
        known = [(name, values[index]) for name, values in series]
        step = ElementTree.Element(f"{_SVG}g", {"class": "step"})
        title = ElementTree.SubElement(step, f"{_SVG}title")
        title.text = f"{label}: " + ", ".join(
            f"{name} {format_number(value)}" for name, value in known if value is not None
        )
        extent = {"x": f"{start + whole * left[index]:.2%}", "width": f"{whole * width:.2%}"}
        ElementTree.SubElement(step, f"{_SVG}rect", {"class": "area", **extent, "height": "100%"})
        steps.append(step)
    return steps


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
        value_formatter=lambda value: format_number(value, ",.0f"),
        spacing=8,
        rounded_bars=2,
        **options,
    )
    chart.x_labels = list(labels)
    for name, values in series:
        chart.add(name, list(values))
    return chart


def _render_chart(chart: Any, text: str, steps: Sequence[ElementTree.Element]) -> Markup:
    # read back by the standard library: pygal builds with lxml where that happens to be installed
    root = ElementTree.fromstring(chart.render(is_unicode=True))  # noqa: S314 - pygal's own output
    _sanitize_svg(root)
    _add_steps(root, steps)
    root.attrib = {"viewBox": root.attrib["viewBox"], "class": "chart", "role": "img", "aria-label": text}
    ElementTree.register_namespace("", _SVG[1:-1])
    return Markup(ElementTree.tostring(root, encoding="unicode"))  # noqa: S704 - made of numbers and our own labels


def _add_steps(root: ElementTree.Element, steps: Sequence[ElementTree.Element]) -> None:
    """Lay the areas over the plot, in coordinates of its own."""
    plot = next(node for node in root.iter(f"{_SVG}g") if node.get("class") == "plot")
    ground = next(node for node in plot if node.get("class") == "background")
    left, top = _TRANSLATION.findall(plot.get("transform", ""))[0]
    size = {name: ground.get(name, "0") for name in ("width", "height")}
    layer = ElementTree.SubElement(root, f"{_SVG}svg", {"class": "steps", "x": left, "y": top, **size})
    layer.extend(steps)


def _sanitize_svg(node: ElementTree.Element) -> None:
    """Remove scripts, styles, comments and the titles of single points, in whose place `_make_steps` has others."""
    for child in list(node):
        if not isinstance(child.tag, str) or child.tag.removeprefix(_SVG) in _REMOVED_TAGS:
            node.remove(child)
        else:
            child.attrib.pop("style", None)
            _sanitize_svg(child)

"""Tests of the charts: drawings only, that say in words what they show."""

import re
import sys
from xml.etree import ElementTree

from linkweir.dashboard import charts

SVG = "{http://www.w3.org/2000/svg}"


def test_a_chart_is_a_drawing_and_nothing_else() -> None:
    """No script, style, comment, link or event handler is left of what the package writes; sizes follow the page."""
    text = str(charts.bar_chart(["1 Nov", "2 Nov"], [("People", [3, 4]), ("Machines", [1, 0])], "Two days"))
    assert not re.search(r"<script|<style|\sstyle=|<!--|href|\son\w+=|pygal", text)
    root = ElementTree.fromstring(text)  # noqa: S314 - our own
    assert root.get("role") == "img"
    assert root.get("aria-label") == "Two days"
    assert root.get("width") is None
    assert root.get("viewBox") == f"0 0 {charts.WIDTH} {charts.HEIGHT}"


def test_every_value_is_a_labelled_bar() -> None:
    """Each value has its bar, and each label an area with all its values for the pointer, side by side."""
    text = str(charts.bar_chart(["1 Nov", "2 Nov"], [("People", [1234, 4]), ("Machines", [1, 0])], "x"))
    root = ElementTree.fromstring(text)  # noqa: S314 - our own
    told = [title.text for title in root.iter(f"{SVG}title")]
    assert told == ["1 Nov: People 1,234, Machines 1", "2 Nov: People 4, Machines 0"]
    areas = [area for area in root.iter(f"{SVG}rect") if area.get("class") == "area"]
    ends = [tuple(float(area.get(name, "").rstrip("%")) for name in ("x", "width")) for area in areas]
    assert abs(ends[0][0] + ends[0][1] - ends[1][0]) < 0.02
    assert abs(ends[1][0] + ends[1][1] + ends[0][0] - 100) < 0.02
    heights = [float(item.get("height", "0")) for item in root.iter(f"{SVG}rect") if "rect" in item.get("class", "")]
    assert len(heights) == 4
    assert heights[0] == max(heights)
    assert heights[3] == 0


def test_text_from_strangers_is_escaped() -> None:
    """A label, a name and a sentence with markup in them are text."""
    bad = '"><script>alert(1)</script>'
    text = str(charts.line_chart([bad, "b"], [(bad, [1, None])], bad))
    assert "<script" not in text
    root = ElementTree.fromstring(text)  # noqa: S314 - our own
    assert root.get("aria-label") == bad


def test_charts_do_not_change_imports() -> None:
    """The package's finder for map plugins is not left in the process."""
    assert [item for item in sys.meta_path if type(item).__module__ == "pygal"] == []

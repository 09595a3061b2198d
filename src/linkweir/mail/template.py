"""Fills MiniJinja templates the way the outside contract says.

In HTML the five characters `& < > " '` are escaped and nothing else, so that a URL stays a URL; subject
and text are not escaped. What is not there is empty. A template may run for a bounded number of steps.
"""

from collections.abc import Mapping
from typing import Any

from minijinja import Environment, TemplateError, safe

from linkweir.errors import BadInput

ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})
STEPS = 1_000_000  # enough for a long table, not for an endless loop
HTML = "html"


def _escape(value: Any) -> Any:
    if value is None:
        return ""
    return value if hasattr(value, "__html__") else safe(str(value).translate(ESCAPES))


def _plain(value: Any) -> Any:
    return "" if value is None else value


class Template:
    """One text, compiled once and filled for any number of recipients. Raises BadInput naming `field`."""

    def __init__(self, source: str, field: str, *, html: bool = False) -> None:
        self._field = field
        self._environment = Environment(
            debug=False,
            fuel=STEPS,
            keep_trailing_newline=True,
            auto_escape_callback=lambda _name: html,
            finalizer=_escape if html else _plain,
        )
        self._environment.remove_filter("format")  # its widths make gigabytes out of a few characters
        if html:
            self._environment.add_filter("e", _escape)
            self._environment.add_filter("escape", _escape)
        try:
            self._environment.add_template(field, source)
        except TemplateError as error:
            raise self._bad(error) from None

    def fill(self, values: Mapping[str, Any]) -> str:
        """The text with these values in it."""
        try:
            return self._environment.render_template(self._field, **values)
        except TemplateError as error:
            raise self._bad(error) from None

    def _bad(self, error: TemplateError) -> BadInput:
        where = f" in line {error.line}" if error.line else ""
        return BadInput(self._field, f"template error{where}: {error.message}")

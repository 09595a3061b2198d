"""Fenced examples of the manual; as a script, runs those of the library's page with the linkweir that is installed.

`python library_examples.py [FOLDER ...]` needs nothing but linkweir, so that each wheel can be tried where it was
built. Examples that need an extra are run if folders with its packages are given. Prints the counts as JSON.
"""

import ast
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_BLOCK = re.compile(r"^(?:<!-- not run: ([^\n]+) -->\n)?```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NEEDS_EXTRA = "classify_"  # functions that need the packages of the service


@dataclass(frozen=True)
class Example:
    """One fenced block of a page."""

    language: str
    text: str
    not_run: str  # the reason, or nothing


def examples(markdown: str) -> list[Example]:
    """The fenced blocks of a page, in order."""
    return [Example(language, text, reason or "") for reason, language, text in _BLOCK.findall(markdown)]


def claims(text: str) -> Iterator[tuple[str, Any]]:
    """Expressions of a Python example with the value that the comment behind or below them states."""
    lines = text.splitlines()
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        expression, _, comment = line.partition("  # ")
        if not comment and following.startswith("# "):
            comment = following.removeprefix("# ")
        try:
            ast.parse(expression, mode="eval")
            yield expression, ast.literal_eval(comment)
        except (SyntaxError, ValueError):
            continue


def run_library_page(extra_folders: list[str]) -> dict[str, Any]:
    """Run the examples in order, and compare each expression with the value that its comment states."""
    import linkweir

    page = Path(linkweir.__file__).parent / "manual" / "library.md"
    names: dict[str, Any] = {}
    counts = {"run": 0, "run_with_extras": 0, "left_out": 0, "claims": 0}
    texts = [example.text for example in examples(page.read_text("utf-8")) if example.language == "python"]
    for text in sorted(texts, key=lambda text: _NEEDS_EXTRA in text):
        needs_extra = _NEEDS_EXTRA in text
        if needs_extra and not extra_folders:
            counts["left_out"] += 1
            continue
        sys.path += [folder for folder in extra_folders if needs_extra and folder not in sys.path]
        exec(text, names)  # noqa: S102 - our own manual
        for expression, value in claims(text):
            if eval(expression, names) != value:  # noqa: S307
                raise AssertionError(f"{expression} is not {value!r}")
            counts["claims"] += 1
        counts["run_with_extras" if needs_extra else "run"] += 1
    return counts | {"file": linkweir.__file__}


if __name__ == "__main__":
    print(json.dumps(run_library_page(sys.argv[1:])))

"""Fills MiniJinja templates the way the outside contract says.

In HTML the five characters `& < > " '` are escaped and nothing else, so that a URL stays a URL; subject
and text are not escaped. What is not there is empty. Templates are a stranger's programs: they run in a
process of their own with little time and memory (see `renderer`), and this one outlives whatever they do.

`{#` begins a comment in MiniJinja and an id's rule in CSS (`@media print{#a{...}}`), where all up to the next `#}`
would vanish without a word: there it is refused, unless white space shows that a comment is meant.
"""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from linkweir.errors import ValidationError

RENDERER_SCRIPT = Path(__file__).with_name("template_process.py")
RENDER_TIMEOUT_SECONDS = 30.0  # seconds, for a renderer on a busy machine; its computing time is limited to less
MAX_SOURCE_CHARS = 2 * 1024 * 1024  # characters; longer ones are still sent when nothing is substituted
_STYLE = re.compile(r"<style[\s/>].*?(?:</style|\Z)", re.IGNORECASE | re.DOTALL)
_BEGIN = re.compile(r"\{%[-+]?\s*raw\s*[-+]?%\}|\{\{|\{%|\{#")
_END_OF_RAW = re.compile(r"\{%[-+]?\s*endraw\s*[-+]?%\}")
_STRINGS = r"""|"(?:[^"\\]|\\.?)*+(?:"|\Z)|'(?:[^'\\]|\\.?)*+(?:'|\Z)"""
# the end of an expression or a statement, which is none inside a string
_END_OF = {"{{": re.compile(r"\}\}" + _STRINGS, re.DOTALL), "{%": re.compile(r"%\}" + _STRINGS, re.DOTALL)}
_CSS_NAME = re.compile(r"-?-?[A-Za-z_\\\x80-\U0010ffff]")  # how an id may begin in CSS
RENDERER_SLOTS = threading.BoundedSemaphore(2)  # renderers at a time, for each may take up to its memory limit


@dataclass(frozen=True, slots=True)
class Template:
    """One text to be filled; `field` names it in the client's words."""

    source: str
    field: str
    html: bool = False


Substitutions = Mapping[str, Any]


def render(
    templates: Sequence[Template], common: Substitutions, values: Sequence[Substitutions]
) -> list[list[str] | ValidationError]:
    """For each of `values`, which win over `common`, the filled texts, or what is wrong with them.

    Raises ValidationError naming the field when a template cannot be read, or needs more than it may have.
    """
    for template in templates:
        if len(template.source) > MAX_SOURCE_CHARS:
            raise ValidationError(template.field, f"is longer than {MAX_SOURCE_CHARS} characters and has substitutions")
        check_comments(template)
    lines = _run_renderer(templates, common, values)
    for template, line in zip(templates, lines, strict=False):
        if line != "":
            raise _template_error(template, line)
    count = len(templates)
    if len(lines) < count * (1 + len(values)):
        field = templates[len(lines) % count].field
        raise ValidationError(field, "the template needs too much time, memory or nesting")
    return [_to_texts(templates, lines[start : start + count]) for start in range(count, len(lines), count)]


def check_comments(template: Template) -> None:
    """Refuse a comment that never ends, and in HTML one that is CSS. Raises ValidationError."""
    source = template.source
    if "{#" not in source:
        return
    styles = [match.span() for match in _STYLE.finditer(source)] if template.html else []
    for at in _find_comments(source):
        while styles and styles[0][1] <= at:
            del styles[0]
        ends = source.find("#}", at + 2) >= 0
        if not ends or (styles and styles[0][0] <= at and _CSS_NAME.match(source, at + 2)):
            why = "in CSS" if ends else "that never ends"
            raise ValidationError(
                template.field,
                f"`{{#` in line {source.count(chr(10), 0, at) + 1} begins a template comment {why}: "
                "write `{ #` or `{{ '{#' }}` for the two characters, or {% raw %} ... {% endraw %} around the text",
            )


def _find_comments(source: str) -> Iterator[int]:
    """Where the comments of a template begin, as MiniJinja's lexer sees them."""
    at = 0
    while match := _BEGIN.search(source, at):
        mark = match[0]
        if mark == "{#":
            yield match.start()
            at = source.find("#}", match.end()) + 2
        elif mark in _END_OF:
            at = _find_end(source, match.end(), _END_OF[mark])
        else:
            end = _END_OF_RAW.search(source, match.end())
            at = end.end() if end else len(source)


def _find_end(source: str, at: int, pattern: re.Pattern[str]) -> int:
    while match := pattern.search(source, at):
        at = match.end()
        if match[0][0] not in "\"'":
            return at
    return len(source)


def _to_texts(templates: Sequence[Template], lines: list[Any]) -> list[str] | ValidationError:
    wrong = next(
        (_template_error(*pair) for pair in zip(templates, lines, strict=True) if isinstance(pair[1], dict)), None
    )
    return wrong or lines


def _template_error(template: Template, line: dict[str, Any]) -> ValidationError:
    where = f" in line {line['line']}" if line["line"] else ""
    return ValidationError(template.field, f"template error{where}: {line['error']}")


def _run_renderer(templates: Sequence[Template], common: Substitutions, values: Sequence[Substitutions]) -> list[Any]:
    """The renderer's whole lines; fewer than asked for when it came to an end before."""
    request = {
        "templates": [(item.field, item.source, item.html) for item in templates],
        "common": json.dumps(common),  # once: with a hundred recipients, megabytes of it would become gigabytes
        "values": [json.dumps(item) for item in values],
    }
    with RENDERER_SLOTS:
        try:
            done = subprocess.run(  # noqa: S603 - our own file, and nothing of the client's in the arguments
                [sys.executable, "-P", "-s", str(RENDERER_SCRIPT)],
                # the way to MiniJinja and nothing else: the environment holds secrets
                env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                input=json.dumps(request).encode(),
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=RENDER_TIMEOUT_SECONDS,
                check=False,
            )
            output: bytes = done.stdout
        except subprocess.TimeoutExpired as error:
            output = error.stdout or b""
    ready, *lines = [json.loads(line) for line in output.split(b"\n")[:-1]] or [None]
    if ready != "ready":  # not the template's fault, and nobody should look for it there
        raise RuntimeError(f"the template renderer does not start with {sys.executable!r}")
    return lines

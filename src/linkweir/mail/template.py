"""Fills MiniJinja templates the way the outside contract says.

In HTML the five characters `& < > " '` are escaped and nothing else, so that a URL stays a URL; subject
and text are not escaped. What is not there is empty. Templates are a stranger's programs: they run in a
process of their own with little time and memory (see `renderer`), and this one outlives whatever they do.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from linkweir.errors import BadInput

RENDERER = Path(__file__).with_name("renderer.py")
WAIT = 30.0  # seconds, for a renderer on a busy machine; its computing time is limited to less
SOURCE_LIMIT = 2 * 1024 * 1024  # characters; longer ones are still sent when nothing is substituted
AT_ONCE = threading.BoundedSemaphore(2)  # renderers at a time, for each may take up to its memory limit


@dataclass(frozen=True, slots=True)
class Template:
    """One text to be filled; `field` names it in the client's words."""

    source: str
    field: str
    html: bool = False


Values = Mapping[str, Any]


def fill(templates: Sequence[Template], common: Values, values: Sequence[Values]) -> list[list[str] | BadInput]:
    """For each of `values`, which win over `common`, the filled texts, or what is wrong with them.

    Raises BadInput naming the field when a template cannot be read, or needs more than it may have.
    """
    for one in templates:
        if len(one.source) > SOURCE_LIMIT:
            raise BadInput(one.field, f"is longer than {SOURCE_LIMIT} characters and has substitutions")
    lines = _rendered(templates, common, values)
    for one, line in zip(templates, lines, strict=False):
        if line != "":
            raise _bad(one, line)
    count = len(templates)
    if len(lines) < count * (1 + len(values)):
        field = templates[len(lines) % count].field
        raise BadInput(field, "the template needs too much time, memory or nesting")
    return [_texts(templates, lines[start : start + count]) for start in range(count, len(lines), count)]


def _texts(templates: Sequence[Template], lines: list[Any]) -> list[str] | BadInput:
    wrong = next((_bad(*pair) for pair in zip(templates, lines, strict=True) if isinstance(pair[1], dict)), None)
    return wrong or lines


def _bad(template: Template, line: dict[str, Any]) -> BadInput:
    where = f" in line {line['line']}" if line["line"] else ""
    return BadInput(template.field, f"template error{where}: {line['error']}")


def _rendered(templates: Sequence[Template], common: Values, values: Sequence[Values]) -> list[Any]:
    """The renderer's whole lines; fewer than asked for when it came to an end before."""
    request = {
        "templates": [(one.field, one.source, one.html) for one in templates],
        "common": json.dumps(common),  # once: with a hundred recipients, megabytes of it would become gigabytes
        "values": [json.dumps(one) for one in values],
    }
    with AT_ONCE:
        try:
            done = subprocess.run(  # noqa: S603 - our own file, and nothing of the client's in the arguments
                [sys.executable, "-P", "-s", str(RENDERER)],
                # the way to MiniJinja and nothing else: the environment holds secrets
                env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                input=json.dumps(request).encode(),
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=WAIT,
                check=False,
            )
            output: bytes = done.stdout
        except subprocess.TimeoutExpired as error:
            output = error.stdout or b""
    ready, *lines = [json.loads(line) for line in output.split(b"\n")[:-1]] or [None]
    if ready != "ready":  # not the template's fault, and nobody should look for it there
        raise RuntimeError(f"the template renderer does not start with {sys.executable!r}")
    return lines

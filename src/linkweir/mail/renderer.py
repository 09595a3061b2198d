"""A program of its own: fills MiniJinja templates in a process that may die without harm.

MiniJinja parses and frees by recursion and asks for as much memory as a template wants: a few characters
overflow the stack or make gigabytes, and either ends the process. So this one has hard limits, and its
end is the answer. It imports nothing of this package, to start fast.

Reads one JSON object: `templates` ([name, source, is HTML] each), `common` and `values` (JSON texts of what
is substituted for all and for each, which wins). Writes the line `"ready"`, then one JSON
line for each template compiled, then one for each template and value filled, in order: a text, or
`{"error": text, "line": number or null}`. A template that does not compile is the last line.
"""

import json
import resource
import sys
from typing import Any

from minijinja import Environment, TemplateError, safe

ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})
STEPS = 1_000_000  # enough for a long table, not for an endless loop
MEMORY = 512 * 1024 * 1024  # bytes of address space
SECONDS = 5  # of computing
OUTPUT = 64 * 1024 * 1024  # characters of JSON, over all texts


def _escape(value: Any) -> Any:
    if value is None:
        return ""
    return value if hasattr(value, "__html__") else safe(str(value).translate(ESCAPES))


def _plain(value: Any) -> Any:
    return "" if value is None else value


def _environment(html: bool) -> Environment:
    made = Environment(
        debug=False,
        fuel=STEPS,
        keep_trailing_newline=True,
        auto_escape_callback=lambda _name: html,
        finalizer=_escape if html else _plain,
        pycompat=False,  # Python's str.format, ljust and the like are no part of MiniJinja
    )
    made.remove_filter("format")
    if html:
        made.add_filter("e", _escape)
        made.add_filter("escape", _escape)
    return made


def _error(error: TemplateError) -> dict[str, Any]:
    return {"error": error.message, "line": error.line}


class _Output:
    """Standard output, up to a limit; each line is out before the next template may end the process."""

    def __init__(self) -> None:
        self._left = OUTPUT

    def put(self, item: object) -> None:
        line = json.dumps(item)
        self._left -= len(line)
        if self._left < 0:
            sys.exit("the texts are too large")
        print(line, flush=True)


def _fill(environment: Environment, name: str, common: str, values: str) -> object:
    try:
        # parsed for each text anew: a template can call a list's append, and nobody else may see that
        return environment.render_template(name, **{**json.loads(common), **json.loads(values)})
    except TemplateError as error:
        return _error(error)


def main() -> None:
    """Carry out the one request on standard input."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    output = _Output()
    output.put("ready")
    request = json.load(sys.stdin)
    ready = []
    for name, source, html in request["templates"]:
        environment = _environment(html)
        try:
            environment.add_template(name, source)
        except TemplateError as error:
            output.put(_error(error))
            return
        output.put("")
        ready.append((environment, name))
    for values in request["values"]:
        for environment, name in ready:
            output.put(_fill(environment, name, request["common"], values))


if __name__ == "__main__":
    main()

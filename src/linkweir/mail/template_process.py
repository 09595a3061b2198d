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

HTML_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})
FUEL = 1_000_000  # enough for a long table, not for an endless loop
MAX_MEMORY_BYTES = 512 * 1024 * 1024  # bytes of address space
MAX_CPU_SECONDS = 5  # of computing
MAX_OUTPUT_CHARS = 64 * 1024 * 1024  # characters of JSON, over all texts


def _escape_html(value: Any) -> Any:
    if value is None:
        return ""
    return value if hasattr(value, "__html__") else safe(str(value).translate(HTML_ESCAPES))


def _none_to_empty(value: Any) -> Any:
    return "" if value is None else value


def make_environment(html: bool) -> Environment:
    """The environment in which the texts of a message are filled; `html`: with escapes."""
    environment = Environment(
        debug=False,
        fuel=FUEL,
        keep_trailing_newline=True,
        auto_escape_callback=lambda _name: html,
        finalizer=_escape_html if html else _none_to_empty,
        pycompat=False,  # Python's str.format, ljust and the like are no part of MiniJinja
    )
    environment.remove_filter("format")
    if html:
        environment.add_filter("e", _escape_html)
        environment.add_filter("escape", _escape_html)
    return environment


def _error_to_json(error: TemplateError) -> dict[str, Any]:
    return {"error": error.message, "line": error.line}


class _Output:
    """Standard output, up to a limit; each line is out before the next template may end the process."""

    def __init__(self) -> None:
        self._remaining_chars = MAX_OUTPUT_CHARS

    def write(self, item: object) -> None:
        line = json.dumps(item)
        self._remaining_chars -= len(line)
        if self._remaining_chars < 0:
            sys.exit("the texts are too large")
        print(line, flush=True)


def _render(environment: Environment, name: str, common: str, values: str) -> object:
    try:
        # parsed for each text anew: a template can call a list's append, and nobody else may see that
        return environment.render_template(name, **{**json.loads(common), **json.loads(values)})
    except TemplateError as error:
        return _error_to_json(error)


def main() -> None:
    """Carry out the one request on standard input."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_SECONDS, MAX_CPU_SECONDS))
    output = _Output()
    output.write("ready")
    request = json.load(sys.stdin)
    ready = []
    for name, source, html in request["templates"]:
        environment = make_environment(html)
        try:
            environment.add_template(name, source)
        except TemplateError as error:
            output.write(_error_to_json(error))
            return
        output.write("")
        ready.append((environment, name))
    for values in request["values"]:
        for environment, name in ready:
            output.write(_render(environment, name, request["common"], values))


if __name__ == "__main__":
    main()

"""References as Markdown, made from the code: settings, commands, HTTP operations, outcomes and rules."""

import argparse
import re
from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any

from linkweir.accounts.resource_changes import NO_NUL
from linkweir.api.openapi_document import build_document
from linkweir.cli.entry_point import build_parser
from linkweir.clicks.classify.rules import RULES, Rule
from linkweir.db.dimensions import CLICK_DIMENSIONS, DIMENSIONS, Dimension
from linkweir.html.outcome import REASONS
from linkweir.server.serve import add_arguments
from linkweir.settings import PREFIX, SECTIONS, Settings
from linkweir.webhooks.event_kinds import EVENT_KINDS

MAX_DEPTH = 3  # of the fields of a request
MAX_PATTERN_CHARACTERS = 30  # longer ones say nothing to a reader
ACCOUNT = "/v2/accounts/{account_id}"


def describe_settings() -> str:
    """Return a table of settings for each section."""
    parts: list[str] = []
    for item in fields(Settings):
        if item.name in SECTIONS:
            parts.append(f"\n### {SECTIONS[item.name]}\n\n| setting | default | meaning |\n| --- | --- | --- |")
        doc = item.metadata["doc"]
        default = _format_default(item.default, " " if "separated by white space" in doc else ",")
        parts.append(f"| `{PREFIX}{item.name.upper()}` | {default} | {_format_cell(doc)} |")
    return "\n".join(parts).strip()


def _format_default(value: object, separator: str) -> str:
    """The default as it would be written into the environment."""
    if value in (None, "", ()):
        return ""
    if isinstance(value, tuple):
        return f"`{separator.join(map(str, value))}`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, int | float) and value == int(value):
        return f"`{int(value)}`"
    return f"`{value}`"


def describe_commands() -> str:
    """Return a section for each command, with its arguments and options."""
    parser = build_parser()
    (action,) = _list_subcommands(parser)
    summaries = {choice.dest: choice.help or "" for choice in action._get_subactions()}
    serve = argparse.ArgumentParser(prog="linkweir serve", description=action.choices["serve"].description)
    add_arguments(serve)
    parts: list[str] = []
    for name, command in action.choices.items():
        parts += _describe_command(serve if name == "serve" else command, name, summaries[name])
    return "\n\n".join(parts)


def _describe_command(parser: argparse.ArgumentParser, name: str, summary: str) -> Iterator[str]:
    yield f"### linkweir {name}"
    yield _make_sentence(summary) if not parser.description else " ".join(parser.description.split())
    yield from _describe_options(parser)
    for action in _list_subcommands(parser):
        helps = {choice.dest: choice.help or "" for choice in action._get_subactions()}
        for subcommand, sub in action.choices.items():
            yield f"**`linkweir {name} {subcommand}{_format_arguments(sub)}`**: {helps[subcommand]}"
            yield from _describe_options(sub)


def _list_subcommands(parser: argparse.ArgumentParser) -> list[Any]:
    return [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]


def _format_arguments(parser: argparse.ArgumentParser) -> str:
    return "".join(f" {_format_positional(action)}" for action in parser._actions if _is_positional(action))


def _is_positional(action: argparse.Action) -> bool:
    return not action.option_strings and not isinstance(action, argparse._SubParsersAction)


def _format_positional(action: argparse.Action) -> str:
    name = str(action.metavar or action.dest)
    return {"*": f"[{name} ...]", "+": f"{name} [{name} ...]", "?": f"[{name}]"}.get(str(action.nargs), name)


def _describe_options(parser: argparse.ArgumentParser) -> Iterator[str]:
    rows = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction | argparse._HelpAction):
            continue
        if _is_positional(action):
            names = f"`{_format_positional(action)}`"
        else:
            names = ", ".join(f"`{option}{_format_value(action)}`" for option in action.option_strings)
        rows.append(f"| {_format_cell(names)} | {_format_cell(_format_help(action))} |")
    if rows:
        yield "\n".join(("| option | meaning |", "| --- | --- |", *rows))


def _format_value(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    return " " + str(action.metavar or ("|".join(map(str, action.choices or ())) or action.dest.upper()))


def _format_help(action: argparse.Action) -> str:
    return " ".join((action.help or "").replace("%(default)s", str(action.default)).replace("%%", "%").split())


def describe_operations() -> str:
    """Return a section for each HTTP operation."""
    described = build_document()
    parts: list[str] = []
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            shown = path if path == ACCOUNT else path.replace(ACCOUNT, "…")
            parts.append(f"### {method.upper()} {shown}")
            parts += _describe_operation(operation, described["components"]["schemas"])
    return "\n\n".join(parts)


def _describe_operation(operation: dict[str, Any], schemas: dict[str, Any]) -> Iterator[str]:
    scope = operation.get("description", "")
    yield " ".join(filter(None, (_make_sentence(operation["summary"]), scope)))
    rows = [
        _format_row(parameter["name"], parameter["schema"], parameter.get("required", False), "query", schemas)
        for parameter in operation["parameters"]
        if parameter["in"] == "query"
    ]
    if "requestBody" in operation:
        rows += _describe_fields(_json_schema(operation["requestBody"]), schemas, "", MAX_DEPTH)
    if rows:
        yield "\n".join(("| field | in | type | required |", "| --- | --- | --- | --- |", *rows))
    statuses = list(operation["responses"])
    answer = operation["responses"][statuses[0]].get("content", {})
    names = ", ".join(f"`{name}`" for name in _list_answer_names(answer, schemas))
    yield f"Answers {statuses[0]}{f' with {names}' if names else ''}; errors: {', '.join(statuses[1:])}."


def _list_answer_names(content: dict[str, Any], schemas: dict[str, Any]) -> Iterable[str]:
    schema = content.get("application/json", {}).get("schema", {})
    for name, value in _resolve(schema, schemas).get("properties", {}).items():
        if name == "data" and value.get("type") == "array":
            item = _resolve(value["items"], schemas)
            yield from (f"data[].{inner}" for inner in item.get("properties", {}))
        else:
            yield name
    yield from (media for media in content if media != "application/json")


def _json_schema(body: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = body["content"]["application/json"]["schema"]
    return schema


def _resolve(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """Return the schema behind a reference, and of several the first that is not null."""
    if "$ref" in schema:
        return _resolve(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    options = [option for option in schema.get("anyOf", ()) if option.get("type") != "null"]
    return _resolve(options[0], schemas) if options else schema


def _describe_fields(schema: dict[str, Any], schemas: dict[str, Any], prefix: str, depth: int) -> Iterator[str]:
    whole = _resolve(schema, schemas)
    for name, value in whole.get("properties", {}).items():
        yield _format_row(prefix + name, value, name in whole.get("required", ()), "body", schemas)
        inner, mark = _resolve(value, schemas), "."
        if inner.get("type") == "array":
            inner, mark = _resolve(inner.get("items", {}), schemas), "[]."
        if depth > 1 and "properties" in inner:
            yield from _describe_fields(inner, schemas, f"{prefix}{name}{mark}", depth - 1)


def _format_row(name: str, schema: dict[str, Any], required: bool, where: str, schemas: dict[str, Any]) -> str:
    return f"| `{name}` | {where} | {_format_cell(_format_type(schema, schemas))} | {'yes' if required else ''} |"


def _format_type(schema: dict[str, Any], schemas: dict[str, Any]) -> str:
    options = [option for option in schema.get("anyOf", ()) if option.get("type") != "null"]
    if len(options) > 1:
        return " or ".join(_format_type(option, schemas) for option in options)
    inner = _resolve(schema, schemas)
    if "enum" in inner:
        return ", ".join(f"`{value}`" if value else "empty" for value in inner["enum"] if value is not None)
    kind = _pick_type(inner.get("type", "any"))
    if kind == "array":
        return f"list of {_format_type(inner.get('items', {}), schemas)}"
    if inner.get("format") in ("date-time", "uuid"):
        kind = {"date-time": "time (RFC 3339)", "uuid": "UUID"}[inner["format"]]
    low, high = inner.get("minimum"), inner.get("maximum")
    if low is not None and high is not None:
        kind += f" from {low} to {high}"
    if inner.get("pattern") != NO_NUL and len(inner.get("pattern", "")) in range(1, MAX_PATTERN_CHARACTERS):
        kind += f" like `{inner['pattern']}`"
    if "maxLength" in inner:
        kind += f" of at most {inner['maxLength']} characters"
    return kind


def _pick_type(type_name: str | list[str]) -> str:
    """Return the name of a type that may be null."""
    return type_name if isinstance(type_name, str) else next(name for name in type_name if name != "null")


def describe_outcomes() -> str:
    """Return the table of the outcomes of a link."""
    rows = (f"| `{outcome}` | {_format_cell(reason)} |" for outcome, reason in REASONS.items())
    return "\n".join(("| outcome | meaning |", "| --- | --- |", *rows))


def describe_rules() -> str:
    """Return the table of the rules of the classification."""
    rows = (
        f"| `{rule.code}` | {rule.basis} | {_format_cell(rule.sentence)} | {_format_effect(rule)} |" for rule in RULES
    )
    return "\n".join(("| rule | looks at | meaning | weight |", "| --- | --- | --- | --- |", *rows))


def _format_effect(rule: Rule) -> str:
    if rule.verdict is not None:
        return f"decides: {rule.verdict}"
    weight = f"{rule.weight:+.1f}".replace("-", "\N{MINUS SIGN}")
    return f"{weight}{', strong' if rule.strong else ''}"


def _make_sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?")) else ".")


def _format_cell(text: str) -> str:
    """Return the text as the cell of a table, in which tags and bars stay text."""
    text = re.sub(r"(?<!\\)\|", r"\\|", text)
    return text if "`" in text else text.replace("<", "&lt;").replace("[", "\\[")


def describe_events() -> str:
    """Return a table of the kinds of events."""
    rows = [
        f"| `on_{kind.name}` | `message.{kind.name}` | {_format_cell(kind.description)} "
        f"| {', '.join(f'`{name}`' for name in kind.example)} |"
        for kind in EVENT_KINDS
    ]
    return "\n".join(
        ("| field of the webhook | event | when | more fields of `data` |", "| --- | --- | --- | --- |", *rows)
    )


def describe_dimensions() -> str:
    """Return a table of the dimensions that clicks can be grouped by."""
    rows = [
        f"| `{dimension.name}` | {_describe_dimension(dimension)} | {'subtracted' if dimension.names_person else ''} |"
        for dimension in DIMENSIONS
    ]
    return "\n".join(("| `group_by` | counts by | an erased recipient |", "| --- | --- | --- |", *rows))


def _describe_dimension(dimension: Dimension) -> str:
    return (dimension.title or dimension.disclosure or dimension.name).lower()


def describe_privacy_modes() -> str:
    """Return a table of what a click records in each privacy mode."""
    coarse = [dimension.disclosure for dimension in CLICK_DIMENSIONS if dimension.is_coarse]
    derived = [dimension.disclosure for dimension in CLICK_DIMENSIONS if not dimension.from_request]
    requested = [dimension.disclosure for dimension in CLICK_DIMENSIONS if dimension.from_request]
    request = ["IP address", "user agent", *requested, "headers that matter for classification"]
    modes = {
        "full": f"time, link, message and so the recipient, {', '.join(request)}, and from them "
        f"{', '.join(derived)}, operating system and region",
        "pseudonymous": f"time, link, message and so the recipient, {', '.join(coarse)}",
        "anonymous": f"time, campaign, index of the link, {', '.join(coarse)}",
        "none": "links are not replaced; nothing is stored",
    }
    rows = [f"| `{mode}` | {text} |" for mode, text in modes.items()]
    return "\n".join(("| mode | stored of a click |", "| --- | --- |", *rows))


REFERENCES = {
    "statistics": ("dimensions", describe_dimensions),
    "privacy-and-erasure": ("privacy-modes", describe_privacy_modes),
    "settings": ("settings", describe_settings),
    "rewriting-rules": ("outcomes", describe_outcomes),
    "command-line": ("commands", describe_commands),
    "webhooks": ("events", describe_events),
    "api": ("operations", describe_operations),
    "click-classification": ("rules", describe_rules),
}


def update_references(topic: str, text: str) -> str:
    """Return the page with its generated part as the code has it now."""
    name, make = REFERENCES[topic]
    begin, end = f"<!-- generated: {name} -->\n", "<!-- end generated -->\n"
    before, has_begin, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not (has_begin and closed):
        raise ValueError(f"{topic}.md has no generated part {name!r}")
    return f"{before}{begin}\n{make()}\n\n{end}{after}"

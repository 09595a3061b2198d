"""The OpenAPI document without texts: each operation with its parameters, request and answers."""

import json
from collections.abc import Iterable
from typing import Any

from tests.frozen.http import METHODS, Recorder, Recording


def record(recorder: Recorder) -> Recording:
    """Each operation of the OpenAPI document with its parameters, request and answers, without a text or a name that
    only the document has.
    """
    document = recorder.service.client.get("/openapi.json").json()
    schemas = document.get("components", {}).get("schemas", {})
    result: Recording = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method not in METHODS:
                continue
            request = operation.get("requestBody", {})
            result[f"{method.upper()} {path}"] = {
                "parameters": {
                    f"{item['in']} {item['name']}": [
                        bool(item.get("required")),
                        _plain(item.get("schema", {}), schemas, ()),
                    ]
                    for item in (
                        _resolve_reference(parameter, document) for parameter in operation.get("parameters", [])
                    )
                },
                "request": _bodies(request, schemas),
                "answers": _answers(operation["responses"], document),
                "security": operation.get("security", document.get("security")),
            }
    return result


def _answers(responses: dict[str, Any], document: dict[str, Any]) -> Recording:
    """What is answered, with the statuses that it is answered with."""
    result: Recording = {}
    for status, response in responses.items():
        one = _resolve_reference(response, document)
        bodies = _bodies(one, document.get("components", {}).get("schemas", {}))
        shape = json.dumps({"headers": sorted(one.get("headers", {})), **bodies})
        result.setdefault(shape, []).append(status)
    return {" ".join(statuses): json.loads(shape) for shape, statuses in result.items()}


def _bodies(described: dict[str, Any], schemas: dict[str, Any]) -> dict[str, list[str]]:
    return {
        kind: sorted(set(_fields(body.get("schema", {}), schemas, "", ())))
        for kind, body in described.get("content", {}).items()
    }


def _resolve_reference(value: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in value:
        target: Any = document
        for step in value["$ref"].removeprefix("#/").split("/"):
            target = target[step.replace("~1", "/").replace("~0", "~")]
        value = target
    return value


def _target(schema: dict[str, Any], schemas: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    name = schema.get("$ref", "").rpartition("/")[2]
    return name, schemas[name] if name else schema


def _plain(schema: dict[str, Any], schemas: dict[str, Any], seen: tuple[str, ...]) -> Any:
    name, schema = _target(schema, schemas)
    if name and name in seen:
        return "<again>"
    skipped = ("description", "title", "examples", "example", "properties", "required", "items", "anyOf", "default")
    return {key: one for key, one in sorted(schema.items()) if key not in skipped}


def _fields(schema: dict[str, Any], schemas: dict[str, Any], place: str, seen: tuple[str, ...]) -> Iterable[str]:
    """One line for each value that may stand in a body: where it stands, and what it is."""
    name, schema = _target(schema, schemas)
    if name and name in seen:
        yield f"{place}: again"
        return
    seen = (*seen, name) if name else seen
    for item in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        yield from _fields(item, schemas, place, seen)
    if "items" in schema:
        yield from _fields(schema["items"], schemas, f"{place}[]", seen)
    for field, item in schema.get("properties", {}).items():
        mark = "" if field in schema.get("required", ()) else "?"
        yield from _fields(item, schemas, f"{place}.{field}{mark}", seen)
    plain = {key: item for key, item in _plain(schema, schemas, ()).items() if key not in ("oneOf", "allOf", "$ref")}
    if plain and not (plain == {"type": "object"} and "properties" in schema):
        yield f"{place}: {json.dumps(plain, sort_keys=True, separators=(',', ':'))}"

"""The OpenAPI 3.1 document, made from the types that requests are checked against and from the table of operations."""

import re
from functools import cache
from typing import Any

import msgspec
import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import linkweir
from linkweir.edge.openapi import answers
from linkweir.edge.openapi.operation import Operation
from linkweir.edge.openapi.operations import OPERATIONS
from linkweir.edge.reply import JSON
from linkweir.report.export import FORMATS

SAID = {
    400: "Something in the request cannot be used; the message names it",
    401: "The API key is missing, unknown, or another account's",
    403: "The API key's scopes do not cover this",
    404: "There is no such thing here",
    409: "It does not go together with what is there, or the same request is still running",
    413: "The request is too large",
    415: "The body is compressed: send it as it is",
    422: "The Idempotency-Key was used for another request",
    429: "Too many requests; see Retry-After",
    503: "The store does not answer; nothing was accepted",
}
KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same request with the same key is carried out once and answered again for a day.",
    "schema": {"type": "string", "maxLength": 255},
}


async def openapi(_request: Request) -> Response:
    """The document."""
    return JSON(_text())


@cache
def _text() -> bytes:
    return orjson.dumps(document())


def document() -> dict[str, Any]:
    """The document as a value."""
    types: set[type] = {one for operation in OPERATIONS for one in (operation.gives, operation.takes) if one}
    named = sorted(
        {*types, answers.Error, answers.ErrorV1, answers.Pagination}, key=lambda one: (one.__module__, one.__name__)
    )
    schemas, components = msgspec.json.schema_components(named, ref_template="#/components/schemas/{name}")
    refs = dict(zip(named, schemas, strict=True))
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation, refs)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Linkweir", "version": linkweir.__version__, "license": {"name": "MIT", "identifier": "MIT"}},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer"},
                "key_v1": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
            },
        },
        "security": [{"key": []}],
    }


def _operation(one: Operation, refs: dict[type, Any]) -> dict[str, Any]:
    old = one.path.startswith("/v1/")
    error = refs[answers.ErrorV1 if old else answers.Error]
    found: dict[str, Any] = {
        "summary": one.summary + (" (ours)" if one.own else ""),
        "operationId": re.sub(r"\W+", "_", f"{one.method}_{one.path}").strip("_"),
        "parameters": _parameters(one),
        "responses": {
            str(one.status): {"description": "OK", "content": _contents(one, refs)},
            **{
                str(code): {
                    "description": SAID[code],
                    **_content(error if code in (400, 403) or not old else refs[answers.Error]),
                }
                for code in one.errors
            },
        },
    }
    if one.scope:
        found["description"] = f"Needs the scope `{one.scope}`."
    if one.takes:
        found["requestBody"] = {"required": True, **_content(refs[one.takes])}
    if one.path == "/v2/ping":
        found["security"] = [{}, {"key": []}]
    if old:
        found["security"] = [{"key_v1": []}]
    return found


def _contents(one: Operation, refs: dict[type, Any]) -> dict[str, Any]:
    found: dict[str, Any] = _content(_given(one, refs))["content"] if one.gives else {}
    for file in FORMATS.values() if one.files else ():
        found[file.media.partition(";")[0]] = {"schema": {"type": "string"}}
    return found


def _given(one: Operation, refs: dict[type, Any]) -> dict[str, Any]:
    assert one.gives is not None
    if not one.listed:
        given: dict[str, Any] = refs[one.gives]
        return given
    properties = {"object": {"const": "list"}, "data": {"type": "array", "items": refs[one.gives]}}
    if one.pages:
        properties["pagination"] = refs[answers.Pagination]
    return {"type": "object", "properties": properties, "required": list(properties)}


def _content(schema: Any) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


def _parameters(one: Operation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for name in re.findall(r"\{(\w+)\}", one.path):
        schema = (
            {"type": "string"}
            if name in ("message_id", "email") or ("/domains/" in one.path and name == "id")
            else {"type": "string", "format": "uuid"}
        )
        found.append({"name": name, "in": "path", "required": True, "schema": schema})
    found += [
        {"name": name, "in": "query", "schema": schema, **({"required": True} if name in one.required else {})}
        for name, schema in one.query.items()
    ]
    if one.method == "post" and one.path.startswith("/v2/"):
        found.append(KEY)
    return found


ROUTES = [Route("/openapi.json", openapi, methods=["GET"])]

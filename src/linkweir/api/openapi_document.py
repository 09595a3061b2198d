"""The OpenAPI 3.1 document, generated from the table of operations and their structs."""

import re
from functools import cache
from typing import Any

import msgspec
import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import linkweir
from linkweir.api.endpoint import Operation
from linkweir.api.operations import OPERATIONS
from linkweir.api.v2 import response_types
from linkweir.stats.export import FORMATS
from linkweir.web.json_response import JSONResponse

ERROR_DESCRIPTIONS = {
    400: "The request is invalid; the message names the field",
    401: "The API key is missing, unknown or of another account",
    403: "The scopes of the API key do not allow this",
    404: "Not found",
    409: "Conflict with an existing resource, or the same request is still running",
    413: "The request is too large",
    415: "The body is compressed; send it uncompressed",
    422: "The Idempotency-Key was used for a different request",
    429: "Too many requests; see Retry-After",
    503: "The database is unavailable; nothing was accepted",
}
IDEMPOTENCY_KEY_PARAMETER = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "For a day, a repeated request with this key gets the stored response and is not executed again.",
    "schema": {"type": "string", "maxLength": 255},
}


async def openapi(_request: Request) -> Response:
    """Return the document."""
    return JSONResponse(_document_json())


@cache
def _document_json() -> bytes:
    return orjson.dumps(build_document())


def build_document() -> dict[str, Any]:
    """Build the document."""
    types: set[type] = {
        struct for operation in OPERATIONS for struct in (operation.response, operation.request) if struct
    }
    named = sorted(
        {*types, response_types.ErrorResponse, response_types.V1ErrorResponse},
        key=str,
    )
    schemas, components = msgspec.json.schema_components(named, ref_template="#/components/schemas/{name}")
    for component in components.values():
        described = component.get("properties", {})
        component["properties"] = {name: struct for name, struct in described.items() if "undescribed" not in struct}
    refs = dict(zip(named, schemas, strict=True))
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _describe_operation(operation, refs)
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


def _describe_operation(operation: Operation, refs: dict[type, Any]) -> dict[str, Any]:
    old = operation.path.startswith("/v1/")
    error = refs[response_types.V1ErrorResponse if old else response_types.ErrorResponse]
    description: dict[str, Any] = {
        "summary": operation.summary + (" (extension)" if operation.is_extension else ""),
        "operationId": operation.id,
        "parameters": _parameters(operation),
        "responses": {
            str(operation.status): {"description": "OK", "content": _response_content(operation, refs)},
            **{
                str(code): {
                    "description": ERROR_DESCRIPTIONS[code],
                    **_json_content(error if code in (400, 403) or not old else refs[response_types.ErrorResponse]),
                }
                for code in operation.errors
            },
        },
    }
    if operation.scope:
        description["description"] = f"Needs the scope `{operation.scope}`."
    if operation.request:
        description["requestBody"] = {"required": True, **_json_content(refs[operation.request])}
    if operation.path == "/v2/ping":
        description["security"] = [{}, {"key": []}]
    if old:
        description["security"] = [{"key_v1": []}]
    return description


def _response_content(operation: Operation, refs: dict[type, Any]) -> dict[str, Any]:
    content: dict[str, Any] = _json_content(refs[operation.response])["content"] if operation.response else {}
    for file in FORMATS.values() if operation.is_downloadable else ():
        content[file.media_type.partition(";")[0]] = {"schema": {"type": "string"}}
    return content


def _json_content(schema: Any) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = []
    for name in re.findall(r"\{(\w+)\}", operation.path):
        schema = (
            {"type": "string"}
            if name in ("message_id", "email") or ("/domains/" in operation.path and name == "id")
            else {"type": "string", "format": "uuid"}
        )
        parameters.append({"name": name, "in": "path", "required": True, "schema": schema})
    if operation.query:
        (shape,) = msgspec.json.schema_components([operation.query])[1].values()
        required = shape.get("required", ())
        parameters += [
            {
                "name": name,
                "in": "query",
                "schema": _parameter_schema(schema),
                **({"required": True} if name in required else {}),
            }
            for name, schema in shape["properties"].items()
        ]
    if operation.method == "post" and operation.path.startswith("/v2/"):
        parameters.append(IDEMPOTENCY_KEY_PARAMETER)
    return parameters


def _parameter_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a query parameter: a missing one takes the place of null."""
    described = {name: value for name, value in schema.items() if name != "default" or value not in (None, [])}
    if "anyOf" in described:
        described.pop("type", None)
        options = [option for option in described.pop("anyOf") if option != {"type": "null"}]
        described |= {"anyOf": options} if len(options) > 1 else options[0]
    return described


ROUTES = [Route("/openapi.json", openapi, methods=["GET"])]

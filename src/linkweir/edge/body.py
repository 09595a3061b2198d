"""Reads a request's JSON body within the limit and checks it against a shape, naming the field that is
wrong.
"""

import codecs
import re
from typing import TypeVar

import msgspec
import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request

from linkweir.edge.memory import Held
from linkweir.errors import BadInput, TooMuch

S = TypeVar("S", bound=msgspec.Struct)
AT = re.compile(r"^(?P<reason>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.DOTALL)
MISSING = re.compile(r"Object missing required field `(?P<name>[^`]*)`")


async def read(request: Request, limit: int, held: Held) -> bytes:
    """The whole body, which is counted in `held`. 413 as soon as it is, or says that it will be, larger than `limit`
    bytes; 415 for one that is compressed: it might become of any size. Raises TooMuch.
    """
    coding = request.headers.get("content-encoding", "").strip().lower()
    if coding not in ("", "identity"):
        said = f"Content-Encoding: {coding[:40]!r} is not taken: send the body as it is"
        raise HTTPException(415, said, {"Accept-Encoding": "identity", "Connection": "close"})
    declared = request.headers.get("content-length", "0")
    too_large = HTTPException(413, f"the request is larger than {limit} bytes", {"Connection": "close"})
    if declared.isdigit() and int(declared) > limit:
        raise too_large
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise too_large
        if not held.add(len(chunk)):
            raise TooMuch("too much is being received at this moment")
        chunks.append(chunk)
    return b"".join(chunks)


def shaped(data: bytes, shape: type[S]) -> S:
    """The body as `shape`; unknown fields are tolerated. Raises BadInput."""
    try:
        return msgspec.convert(orjson.loads(data.removeprefix(codecs.BOM_UTF8)), shape)
    except orjson.JSONDecodeError as error:
        raise BadInput("", f"the body is not valid JSON: {error}") from None
    except msgspec.ValidationError as error:
        raise _named(str(error)) from None


def _named(text: str) -> BadInput:
    found = AT.match(text)
    reason, path = (found["reason"], found["path"] or "$") if found else (text, "$")
    field = path.removeprefix("$").removeprefix(".")
    if missing := MISSING.search(reason):
        return BadInput(f"{field}.{missing['name']}" if field else missing["name"], "is required")
    return BadInput(field or "body", reason.replace("`", "'"))

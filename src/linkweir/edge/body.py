"""Reads a request's JSON body within the limit and checks it against a shape, naming the field that is
wrong.
"""

import codecs
import functools
import re
from typing import TypeVar

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request

from linkweir.edge.memory import Held
from linkweir.errors import BadInput, TooMuch

SMALL = 1024 * 1024  # bytes; whatever stands in as many is made within milliseconds
FEW = 1000  # values that need not be counted well
VALUES = 200_000  # in the lists and objects of one body; made at once, they take some 50 MB
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
    """The body as `shape`; unknown fields are tolerated, and skipped without making anything of them. Raises
    BadInput.
    """
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        return msgspec.json.decode(_bounded(data, shape) if len(data) > SMALL else data, type=shape)
    except msgspec.ValidationError as error:
        raise _named(str(error)) from None
    except msgspec.DecodeError as error:
        raise BadInput("", f"the body is not valid JSON: {error}") from None
    except RecursionError:
        raise BadInput("", "the body holds lists and objects that are nested too deep") from None


def _bounded(data: bytes, shape: type[msgspec.Struct]) -> bytes:
    """The body's known fields, each once. Raises BadInput where they hold so many values that making them would stop
    all others: the library that makes them lets no other thread run meanwhile.
    """
    return _known(data, shape, VALUES)[0]


def _known(data: bytes, shape: type[msgspec.Struct], left: int) -> tuple[bytes, int]:
    """The known fields of one object, and how many more values there may be. Raises BadInput."""
    outline = msgspec.json.decode(data, type=_outline(shape))
    found = []
    for one in msgspec.structs.fields(shape):
        text = bytes(getattr(outline, one.name))
        if isinstance(one.type, type) and issubclass(one.type, msgspec.Struct) and text.startswith(b"{"):
            text, left = _known(text, one.type, left)
        elif text[:1] in (b"{", b"["):
            left -= _count(text, left)
        if left < 0:
            raise BadInput("", f"the body holds more than {VALUES} values")
        if text:
            found.append(b'"%b":%b' % (one.encode_name.encode(), text))
    return b"{%b}" % b",".join(found), left


def _count(text: bytes, limit: int) -> int:
    """How many values there are in a list or an object; more than `limit` are not counted to the end."""
    at_most = _marks(text, 0, len(text), FEW)  # with what stands in its texts, which is quick
    if at_most <= FEW:
        return at_most
    found = at = 0
    while found <= limit:
        start = text.find(b'"', at)
        if start < 0:
            return found + _marks(text, at, len(text), limit)
        found += _marks(text, at, start, limit)
        at = _end_of_text(text, start)
    return found


def _marks(text: bytes, start: int, end: int, limit: int) -> int:
    found = 0
    for at in range(start, end, SMALL):
        found += sum(text.count(mark, at, min(at + SMALL, end)) for mark in (b",", b"[", b"{"))
        if found > limit:
            break
    return found


def _end_of_text(text: bytes, start: int) -> int:
    """Behind the quote that ends the text which begins at `start`."""
    end = text.index(b'"', start + 1)
    while True:
        slash = end - 1
        while text[slash] == ord("\\"):
            slash -= 1
        if (end - slash) % 2:
            return end + 1
        end = text.index(b'"', end + 1)


@functools.cache
def _outline(shape: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """The shape's fields as they stand in the body, with nothing made of them."""
    fields = [(one.name, msgspec.Raw, msgspec.Raw()) for one in msgspec.structs.fields(shape)]
    names = {one.name: one.encode_name for one in msgspec.structs.fields(shape)}
    return msgspec.defstruct("Outline", fields, rename=names)


def _named(text: str) -> BadInput:
    found = AT.match(text)
    reason, path = (found["reason"], found["path"] or "$") if found else (text, "$")
    field = path.removeprefix("$").removeprefix(".")
    if missing := MISSING.search(reason):
        return BadInput(f"{field}.{missing['name']}" if field else missing["name"], "is required")
    return BadInput(field or "body", reason.replace("`", "'"))

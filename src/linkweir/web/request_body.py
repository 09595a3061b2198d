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

from linkweir.accounts.resource_changes import NO_NUL
from linkweir.errors import OverCapacity, ValidationError
from linkweir.web.memory_budget import Reservation

SMALL_BODY_BYTES = 1024 * 1024  # bytes; whatever stands in as many is made within milliseconds
SMALL_VALUE_COUNT = 1000  # values that need not be counted well
MAX_VALUES = 200_000  # in the lists and objects of one body; made at once, they take some 50 MB
S = TypeVar("S", bound=msgspec.Struct)
MSGSPEC_PATH = re.compile(r"^(?P<reason>.*?)(?: - at (?:`key` in )?`(?P<path>[^`]*)`)?$", re.DOTALL)
MSGSPEC_MISSING_FIELD = re.compile(r"Object missing required field `(?P<name>[^`]*)`")


async def read_body(request: Request, limit: int, reservation: Reservation) -> bytes:
    """Read the whole body, which is counted in `reservation`. 413 as soon as it is, or says that it will be, larger
    than `limit` bytes; 415 for a compressed one, which could become any size. Raises OverCapacity.
    """
    coding = request.headers.get("content-encoding", "").strip().lower()
    if coding not in ("", "identity"):
        reason = f"Content-Encoding: {coding[:40]!r} is not taken: send the body as it is"
        raise HTTPException(415, reason, {"Accept-Encoding": "identity", "Connection": "close"})
    declared = request.headers.get("content-length", "0")
    too_large = HTTPException(413, f"the request is larger than {limit} bytes", {"Connection": "close"})
    if declared.isdigit() and int(declared) > limit:
        raise too_large
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise too_large
        if not reservation.add(len(chunk)):
            raise OverCapacity("too much is being received at this moment")
        chunks.append(chunk)
    return b"".join(chunks)


def decode_body(data: bytes, shape: type[S]) -> S:
    """The body as `shape`; unknown fields are tolerated, and skipped without making anything of them. Raises
    ValidationError.
    """
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        return msgspec.json.decode(_limit_values(data, shape) if len(data) > SMALL_BODY_BYTES else data, type=shape)
    except msgspec.ValidationError as error:
        raise to_validation_error(str(error)) from None
    except msgspec.DecodeError as error:
        raise ValidationError("", f"the body is not valid JSON: {error}") from None
    except RecursionError:
        raise ValidationError("", "the body holds lists and objects that are nested too deep") from None


def _limit_values(data: bytes, shape: type[msgspec.Struct]) -> bytes:
    """The body's known fields, each once. Raises ValidationError where they hold so many values that making them
    would stop all others: the library that makes them lets no other thread run meanwhile.
    """
    return _known_fields(data, shape, MAX_VALUES)[0]


def _known_fields(data: bytes, shape: type[msgspec.Struct], remaining: int) -> tuple[bytes, int]:
    """The known fields of one object, and how many more values there may be. Raises ValidationError."""
    outline = msgspec.json.decode(data, type=_raw_struct(shape))
    members = []
    for field in msgspec.structs.fields(shape):
        text = bytes(getattr(outline, field.name))
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct) and text.startswith(b"{"):
            text, remaining = _known_fields(text, field.type, remaining)
        elif text[:1] in (b"{", b"["):
            remaining -= _count_values(text, remaining)
        if remaining < 0:
            raise ValidationError("", f"the body holds more than {MAX_VALUES} values")
        if text:
            members.append(b'"%b":%b' % (field.encode_name.encode(), text))
    return b"{%b}" % b",".join(members), remaining


def _count_values(text: bytes, limit: int) -> int:
    """Count the values in a list or an object; more than `limit` are not counted to the end."""
    at_most = _count_marks(text, 0, len(text), SMALL_VALUE_COUNT)  # with what stands in its texts, which is quick
    if at_most <= SMALL_VALUE_COUNT:
        return at_most
    count = at = 0
    while count <= limit:
        start = text.find(b'"', at)
        if start < 0:
            return count + _count_marks(text, at, len(text), limit)
        count += _count_marks(text, at, start, limit)
        at = _string_end(text, start)
    return count


def _count_marks(text: bytes, start: int, end: int, limit: int) -> int:
    count = 0
    for at in range(start, end, SMALL_BODY_BYTES):
        count += sum(text.count(mark, at, min(at + SMALL_BODY_BYTES, end)) for mark in (b",", b"[", b"{"))
        if count > limit:
            break
    return count


def _string_end(text: bytes, start: int) -> int:
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
def _raw_struct(shape: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """Make a struct with the same fields that holds their raw JSON."""
    fields = [(field.name, msgspec.Raw, msgspec.Raw()) for field in msgspec.structs.fields(shape)]
    names = {field.name: field.encode_name for field in msgspec.structs.fields(shape)}
    return msgspec.defstruct("Outline", fields, rename=names)


def to_validation_error(text: str) -> ValidationError:
    """Return the error for the text of one of msgspec's, with the field that it names."""
    match = MSGSPEC_PATH.match(text)
    reason, path = (match["reason"], match["path"] or "$") if match else (text, "$")
    field = path.removeprefix("$").removeprefix(".")
    if reason.endswith(f"matching regex {NO_NUL!r}"):
        reason = "must not hold U+0000"
    if missing := MSGSPEC_MISSING_FIELD.search(reason):
        return ValidationError(f"{field}.{missing['name']}" if field else missing["name"], "is required")
    return ValidationError(field or "body", reason.replace("`", "'"))

"""What the endpoints of one thing share: the id in the path, and answers."""

import uuid

import orjson

from linkweir.edge.door import Call
from linkweir.edge.reply import JSON
from linkweir.errors import NotFound

DELETED = {"message": "deleted"}


def key_in_path(call: Call, what: str) -> uuid.UUID:
    """The id that the path ends with. Raises NotFound for one that is none."""
    try:
        return uuid.UUID(call.request.path_params["id"])
    except ValueError:
        raise NotFound(f"there is no such {what}") from None


def body_of(value: object) -> bytes:
    """A value as JSON."""
    return orjson.dumps(value)


def created(data: bytes) -> JSON:
    """201 with a body that was remembered just as it is."""
    return JSON(data, 201)

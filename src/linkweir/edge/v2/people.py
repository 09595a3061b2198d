"""`GET` and `DELETE …/recipients/{email}`: everything that is stored on one person, and its erasure."""

import itertools

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from linkweir.edge import door
from linkweir.edge.door import Call
from linkweir.edge.parts import now
from linkweir.edge.reply import JSON
from linkweir.mail import address


async def export_recipient(request: Request) -> Response:
    """Every row that belongs to messages to this address, in one JSON object."""
    return await door.enter(request, "recipients:read", _export)


async def erase_recipient(request: Request) -> Response:
    """Remove it all; there is no way back. An address that nothing is stored on is no error, and costs little. Only one
    erasure runs at a time, over all processes: 429 for others, with `Retry-After`.
    """
    return await door.enter(request, "recipients:delete", _erase)


def _export(call: Call) -> Response:
    pieces = call.parts.people.export(_email(call), call.who.account["id"])
    first = next(pieces)
    headers = {"Cache-Control": "no-store"}
    return StreamingResponse(itertools.chain([first], pieces), headers=headers, media_type="application/json")


def _erase(call: Call) -> Response:
    done = call.parts.people.erase(_email(call), now(), call.who.account["id"])
    call.parts.log.info("recipient.erased", messages=done.rows["messages"], overwritten=done.overwritten)
    return JSON(
        {
            "object": "erased",
            "messages": done.rows["messages"],
            "rows": dict(done.rows),
            "mails": done.mails,
            "contents_of_others": done.contents_of_others,
            "links_of_others": done.links_of_others,
            "texts_of_others": done.texts_of_others,
            "replies": done.replies,
            "sums": done.sums,
            "overwritten": done.overwritten,
        }
    )


def _email(call: Call) -> str:
    """The address with its domain as it is stored. Raises BadInput."""
    return address.stored(call.request.path_params["email"], "email")

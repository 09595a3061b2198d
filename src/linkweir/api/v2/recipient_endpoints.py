"""`GET` and `DELETE …/recipients/{email}`: everything that is stored on one person, and its erasure."""

import itertools

from starlette.responses import Response, StreamingResponse

from linkweir.api.endpoint import ApiRequest
from linkweir.api.v2.click_response_types import ErasureResponse
from linkweir.clock import now
from linkweir.mail import addresses


def export_recipient(call: ApiRequest) -> Response:
    """Every row that belongs to messages to this address, in one JSON object."""
    pieces = call.services.privacy_requests.export(_parse_email(call), call.principal.account["id"])
    first = next(pieces)
    headers = {"Cache-Control": "no-store"}
    return StreamingResponse(itertools.chain([first], pieces), headers=headers, media_type="application/json")


def erase_recipient(call: ApiRequest) -> ErasureResponse:
    """Remove it all; there is no way back. An address that nothing is stored on is no error, and costs little. Only one
    erasure runs at a time, over all processes: 429 for others, with `Retry-After`.
    """
    done = call.services.privacy_requests.erase(_parse_email(call), now(), call.principal.account["id"])
    call.services.log.info("recipient.erased", messages=done.rows["messages"], overwritten=done.overwritten)
    return ErasureResponse(
        messages=done.rows["messages"],
        rows=dict(done.rows),
        mails=done.mails,
        contents_of_others=done.contents_of_others,
        links_of_others=done.links_of_others,
        texts_of_others=done.texts_of_others,
        replies=done.replies,
        sums=done.sums,
        overwritten=done.overwritten,
    )


def _parse_email(call: ApiRequest) -> str:
    """The address with its domain as it is stored. Raises ValidationError."""
    return addresses.normalize_recipient(call.request.path_params["email"], "email")

"""`GET` and `DELETE …/recipients/{email}`: export and erasure of all data about one person."""

import itertools

from starlette.responses import Response, StreamingResponse

from linkweir.api.endpoint import ApiRequest
from linkweir.api.v2.click_response_types import ErasureResponse
from linkweir.clock import now
from linkweir.mail import addresses


def export_recipient(call: ApiRequest) -> Response:
    """Export all rows of messages to this address as one JSON object."""
    pieces = call.services.privacy_requests.export(_parse_email(call), call.principal.account["id"])
    first = next(pieces)
    headers = {"Cache-Control": "no-store"}
    return StreamingResponse(itertools.chain([first], pieces), headers=headers, media_type="application/json")


def erase_recipient(call: ApiRequest) -> ErasureResponse:
    """Erase all data about this address, for good; an unknown address is no error. Only one erasure runs at a time over
    all processes: others get 429 with `Retry-After`.
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
        remaining_copies=list(done.remaining_copies),
        pending_machines=done.pending_machines,
    )


def _parse_email(call: ApiRequest) -> str:
    """Return the address in its stored form. Raises ValidationError."""
    return addresses.normalize_recipient(call.request.path_params["email"], "email")

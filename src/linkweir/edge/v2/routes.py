"""Which path of API v2 leads where."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from linkweir.edge import auth
from linkweir.edge.parts import parts_of
from linkweir.edge.reply import JSON
from linkweir.edge.v2.accounts import change_account, get_account
from linkweir.edge.v2.messages import get_message, send_message


async def ping(request: Request) -> Response:
    """Alive; a key that comes along is checked, since clients use this to try theirs."""
    if "authorization" in request.headers:
        await auth.check_key(request, parts_of(request))
    return JSON({"message": "pong"})


ACCOUNT = "/v2/accounts/{account_id}"
ROUTES = [
    Route("/v2/ping", ping, methods=["GET"]),
    Route(ACCOUNT, get_account, methods=["GET"]),
    Route(ACCOUNT, change_account, methods=["PUT"]),
    Route(f"{ACCOUNT}/messages", send_message, methods=["POST"]),
    Route(f"{ACCOUNT}/messages/{{message_id}}", get_message, methods=["GET"]),
]

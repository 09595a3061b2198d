"""Hands out the files that pages ask for."""

from starlette.requests import Request
from starlette.responses import Response

from linkweir.edge.dashboard.entry import answered
from linkweir.edge.dashboard.files import FILES, MARK, TYPES
from linkweir.errors import NotFound


async def asset(request: Request) -> Response:
    """One file; its address changes with its content, so it may be kept for ever."""

    async def found() -> Response:
        name = request.path_params["name"]
        if name not in FILES or request.path_params["mark"] != MARK:
            raise NotFound("There is no such file.")
        headers = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
        return Response(FILES[name], headers=headers, media_type=TYPES[name.rpartition(".")[2]])

    return await answered(request, found)

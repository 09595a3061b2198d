"""Serves the static files of the dashboard."""

from starlette.requests import Request
from starlette.responses import Response

from linkweir.dashboard.page_request import with_error_page
from linkweir.dashboard.static_assets import CONTENT_HASH, MEDIA_TYPES, STATIC_FILES
from linkweir.errors import NotFound


async def serve_static_file(request: Request) -> Response:
    """Return one file; its URL changes with its content, so it may be cached for ever."""

    async def respond() -> Response:
        name = request.path_params["name"]
        if name not in STATIC_FILES or request.path_params["mark"] != CONTENT_HASH:
            raise NotFound("There is no such file.")
        headers = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
        return Response(STATIC_FILES[name], headers=headers, media_type=MEDIA_TYPES[name.rpartition(".")[2]])

    return await with_error_page(request, respond)

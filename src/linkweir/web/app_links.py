"""`/.well-known/apple-app-site-association` and `assetlinks.json`: lets a phone's app open tracking links itself.

The operator's files are handed out as they are; without one the answer is 404, as phones expect.
"""

from pathlib import Path

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from linkweir.errors import NotFound, SettingsError
from linkweir.web.services import services_from

HEADERS = {"Cache-Control": "max-age=3600"}


def load_app_links(path: Path) -> bytes:
    """The file's bytes, if they are JSON. Raises SettingsError."""
    try:
        data = path.read_bytes()
        orjson.loads(data)
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path}: cannot be used as app links ({error})") from None
    return data


async def apple_app_site_association(request: Request) -> Response:
    """Serve Apple's app link file: no file name extension, but JSON."""
    return await _app_links_response(request, services_from(request).settings.apple_app_links)


async def asset_links(request: Request) -> Response:
    """Serve Android's app link file."""
    return await _app_links_response(request, services_from(request).settings.android_app_links)


async def _app_links_response(request: Request, path: Path | None) -> Response:
    if path is None:
        raise NotFound("app links are not configured")
    data = await services_from(request).run_blocking(lambda: load_app_links(path))
    return Response(data, media_type="application/json", headers=HEADERS)


ROUTES = [
    Route("/.well-known/apple-app-site-association", apple_app_site_association, methods=["GET"]),
    Route("/.well-known/assetlinks.json", asset_links, methods=["GET"]),
]

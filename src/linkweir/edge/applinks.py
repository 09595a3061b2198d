"""`/.well-known/apple-app-site-association` and `assetlinks.json`: lets a phone's app open tracking links itself.

The operator's files are handed out as they are; without one the answer is 404, as phones expect.
"""

from pathlib import Path

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from linkweir.edge.parts import parts_of
from linkweir.errors import NotFound, SettingsError

HEADERS = {"Cache-Control": "max-age=3600"}


def checked(path: Path) -> bytes:
    """The file's bytes, if they are JSON. Raises SettingsError."""
    try:
        data = path.read_bytes()
        orjson.loads(data)
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path}: cannot be used as app links ({error})") from None
    return data


async def apple(request: Request) -> Response:
    """What Apple's systems look for: no file name extension, but JSON."""
    return await _answer(request, parts_of(request).settings.apple_app_links)


async def android(request: Request) -> Response:
    """What Android looks for."""
    return await _answer(request, parts_of(request).settings.android_app_links)


async def _answer(request: Request, path: Path | None) -> Response:
    if path is None:
        raise NotFound("there are no app links here")
    data = await parts_of(request).in_thread(lambda: checked(path))
    return Response(data, media_type="application/json", headers=HEADERS)


ROUTES = [
    Route("/.well-known/apple-app-site-association", apple, methods=["GET"]),
    Route("/.well-known/assetlinks.json", android, methods=["GET"]),
]

"""What a redirect costs without Linkweir: the smallest Starlette application that redirects, for uvicorn to serve."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route


async def redirect(_request: Request) -> RedirectResponse:
    """To one place, whatever is asked for."""
    return RedirectResponse("https://example.com/landing-page?id=1", 302)


app = Starlette(routes=[Route("/c/{token}", redirect)])

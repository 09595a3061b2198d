"""Pages of the operator's own: for a link that is not known, and for `/` of a host that serves links.

Both are named by the settings alone. A link that does not verify leads nowhere, so its page is a file; `/` may also
lead to one fixed address.
"""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from linkweir.errors import NotFound, SettingsError
from linkweir.settings import Settings
from linkweir.web.services import services_from

MAX_PAGE_BYTES = 1024 * 1024  # bytes of a page
HEADERS = {"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex", "X-Content-Type-Options": "nosniff"}


class OperatorPages:
    """The pages as the settings name them; read by `load`, when the service starts."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.unknown_link_page: bytes | None = None
        self.root_page: bytes | None = None

    def load(self) -> None:
        """Read the files. Raises SettingsError for one that cannot be a page."""
        self.unknown_link_page = _read_page(self._settings.unknown_link_page, "LINKWEIR_UNKNOWN_LINK_PAGE")
        self.root_page = _read_page(self._settings.root_page, "LINKWEIR_ROOT_PAGE")


def _read_page(path: Path | None, setting: str) -> bytes | None:
    if path is None:
        return None
    try:
        data = path.read_bytes()
        data.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{setting}: {path} cannot be shown as a page ({error})") from None
    if len(data) > MAX_PAGE_BYTES:
        raise SettingsError(f"{setting}: {path} is larger than {MAX_PAGE_BYTES} bytes")
    return data


async def root(request: Request) -> Response:
    """Serve the operator's page, or redirect, to visitors of a link host without a link."""
    parts = services_from(request)
    if parts.settings.root_address:
        return RedirectResponse(parts.settings.root_address, 302, HEADERS)
    if parts.operator_pages.root_page is None:
        raise NotFound("nothing is served at this path")
    return Response(parts.operator_pages.root_page, media_type="text/html", headers=HEADERS)


ROUTES = [Route("/", root, methods=["GET"])]

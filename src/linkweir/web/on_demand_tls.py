"""`GET /tls/ask?domain=`: a front proxy (Caddy's on-demand TLS) asks whether to get a certificate for a host.

200 for hosts that tracking links live on, 404 for all others: whoever points a name here must not be able to use up the
certificate authority's limits. Holds no list that could be read out: one host is asked for at a time.
"""

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from linkweir.accounts import domains
from linkweir.errors import DatabaseUnavailable
from linkweir.web.services import AppServices, services_from


async def allow_certificate(request: Request) -> Response:
    """Answer 200 if the service serves tracking links on this host, else 404."""
    parts = services_from(request)
    host = request.query_params.get("domain", "").lower().rstrip(".")
    known = bool(host) and (
        host in _keyring_hosts(parts) or await parts.run_blocking(lambda: _is_configured(parts, host))
    )
    return Response(status_code=200 if known else 404, headers={"Cache-Control": "no-store"})


def _keyring_hosts(services: AppServices) -> set[str | None]:
    """The key ring knows every host that links were ever made for: they must open for ever."""
    return {urlsplit(base_url).hostname for base_url in services.keyring.hosts}


def _is_configured(services: AppServices, host: str) -> bool:
    try:
        with services.database.read() as connection:
            return host in domains.list_tracking_hosts(connection)
    except DatabaseUnavailable:
        return False


ROUTES = [Route("/tls/ask", allow_certificate, methods=["GET"])]

"""`GET /tls/ask?domain=`: a front proxy (Caddy's on-demand TLS) asks whether to get a certificate for a host.

200 for hosts that tracking links live on, 404 for all others: whoever points a name here must not be able to use up the
certificate authority's limits. Holds no list that could be read out: one host is asked for at a time.
"""

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from linkweir.edge.parts import Parts, parts_of
from linkweir.errors import StoreUnavailable
from linkweir.store import domains


async def ask(request: Request) -> Response:
    """Is this one of ours?"""
    parts = parts_of(request)
    host = request.query_params.get("domain", "").lower().rstrip(".")
    known = bool(host) and (host in _ring_hosts(parts) or await parts.in_thread(lambda: _configured(parts, host)))
    return Response(status_code=200 if known else 404, headers={"Cache-Control": "no-store"})


def _ring_hosts(parts: Parts) -> set[str | None]:
    """The key ring knows every host that links were ever made for: they must open for ever."""
    return {urlsplit(base_url).hostname for base_url in parts.ring.hosts}


def _configured(parts: Parts, host: str) -> bool:
    try:
        with parts.store.read() as connection:
            return host in domains.tracking_hosts(connection)
    except StoreUnavailable:
        return False


ROUTES = [Route("/tls/ask", ask, methods=["GET"])]

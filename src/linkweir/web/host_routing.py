"""Host routing: the API and the dashboard are not served on domains' tracking hosts, which serve tracking links only.

A name that a customer's zone points here must not show a sign-in form, take a session's cookie or answer for the API.
An operator can name the hosts that do; then every other host serves links only. Domains are not verified: where the
dashboard has a host name of its own, only naming it protects it from a customer who adds it as a domain.
"""

import ipaddress

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from linkweir.errors import NotFound
from linkweir.web.error_responses import error_response
from linkweir.web.redirect import request_path
from linkweir.web.services import AppServices

PATHS_ON_EVERY_HOST = frozenset(  # what readers, their apps, front proxies and probes ask for on any host
    (
        *("/.well-known/apple-app-site-association", "/.well-known/assetlinks.json"),
        *("/", "/privacy", "/healthz", "/readyz", "/tls/ask"),
    )
)


class HostRouting:
    """The middleware; requests for tracking links do not pass through it."""

    def __init__(self, app: ASGIApp, services: AppServices) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if (
            scope["type"] == "http"
            and request_path(scope) not in PATHS_ON_EVERY_HOST
            and self._is_tracking_host(_request_host(scope))
        ):
            await error_response(NotFound("nothing but tracking links is served on this host"))(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _is_tracking_host(self, host: str) -> bool:
        named = self._services.settings.api_hosts
        if named:
            return host not in named
        is_domains = host in self._services.tracking_hosts.current
        return is_domains and host != self._services.tracking_host and not _is_address(host)


def _request_host(scope: Scope) -> str:
    """Return the requested host, in lower case and without a port or a last dot."""
    text = Headers(scope=scope).get("host", "").lower()
    name = text.partition("]")[0].removeprefix("[") if text.startswith("[") else text.partition(":")[0]
    return name.rstrip(".")


def _is_address(host: str) -> bool:
    """No zone leads there: a domain 0.0.1 with the subdomain 127 must not take the machine's own address away."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True

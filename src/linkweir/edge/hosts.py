"""Which hosts have the API and the dashboard: not those of domains, where only tracking links are at home.

A name that a customer's zone leads here must not show a sign-in form, take a session's cookie or answer for the API.
An operator can name the hosts that do; then every other one serves links alone. A domain is not proved to be anybody's:
where the dashboard has a name of its own beside that of links, only naming it keeps it out of everybody's reach.
"""

import ipaddress
import time
from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from linkweir.edge.parts import Parts
from linkweir.edge.problems import answer
from linkweir.edge.redirect import path_of
from linkweir.errors import NotFound, StoreUnavailable
from linkweir.store import domains

LOOK = 2.0  # seconds between looks at the domains
EVERYWHERE = frozenset(  # what readers, their apps, front proxies and probes ask for on any host
    (
        *("/.well-known/apple-app-site-association", "/.well-known/assetlinks.json"),
        *("/", "/privacy", "/healthz", "/readyz", "/tls/ask"),
    )
)


class Hosts:
    """The middleware; links themselves never come this way."""

    def __init__(self, app: ASGIApp, service: Parts) -> None:
        self._app = app
        self._service = service
        self._of_domains: Collection[str] = ()
        self._look_at = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "http" and path_of(scope) not in EVERYWHERE and await self._links_only(_host(scope)):
            await answer(NotFound("nothing but tracking links is served on this host"))(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _links_only(self, host: str) -> bool:
        named = self._service.settings.api_hosts
        if named:
            return host not in named
        if time.monotonic() >= self._look_at:
            await self._service.in_thread(self._look)
        return host in self._of_domains and host != self._service.tracking_host and not _is_address(host)

    def _look(self) -> None:
        """See which hosts domains have; while the store is away, what it said last holds."""
        self._look_at = time.monotonic() + LOOK
        try:
            with self._service.store.read() as connection:
                self._of_domains = frozenset(domains.tracking_hosts(connection))
        except StoreUnavailable as error:
            self._service.log.warning("hosts.store_unavailable", error=str(error))


def _host(scope: Scope) -> str:
    """The host that was asked for, in lower case and without a port or a last dot."""
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


def is_name(host: str) -> bool:
    """Is it the name of a host, and not an address?"""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return bool(host)
    return False

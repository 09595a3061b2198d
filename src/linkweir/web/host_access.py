"""Which hosts serve more than tracking links.

A name that a customer's zone points here must not show a sign-in form, take a session's cookie or answer for the API.
An operator can name the hosts that do; then every other host serves links only. Domains are not verified: where the
dashboard has a host name of its own, only naming it protects it from a customer who adds it as a domain.
"""

import ipaddress

from starlette.datastructures import Headers
from starlette.types import Scope

from linkweir.web.services import AppServices


def serves_links_only(scope: Scope, services: AppServices) -> bool:
    """Whether the requested host is for the readers of mails, not for operators."""
    host = _request_host(scope)
    if named := services.settings.api_hosts:
        return host not in named
    is_domains = host in services.tracking_hosts.current
    return is_domains and host != services.tracking_host and not _is_address(host)


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

"""Connects only to addresses that a stranger may choose, against server-side request forgery.

A name is resolved once, at connect time; every address it has is checked, and the connection goes to one that was
checked, so that a name that answers differently the second time (DNS rebinding) gains nothing.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import httpcore

from linkweir.errors import ForbiddenDestination
from linkweir.settings import Network
from linkweir.translation import gettext_noop

ResolveFunction = Callable[[str, int], Awaitable[Sequence[str]]]
MAX_ADDRESSES = 3  # addresses of one name that are tried
LOOKUP_TIMEOUT_SECONDS = 2.0  # seconds that somebody who sets up a webhook waits for a name
CONNECT_TIMEOUT_SECONDS = 2.0  # seconds for each: a dead IPv6 way must leave time for the next
NO_IP_ADDRESS = gettext_noop("%(address)s is not an IP address")
NOT_PUBLIC = gettext_noop("%(address)s is not a public address")
WRONG_PORT = gettext_noop("port %(port)s is not allowed for webhooks")
REASON_FORMS = (NO_IP_ADDRESS, NOT_PUBLIC, WRONG_PORT)  # of `blocked_reason`, for pages in other languages
ALLOWED_LOW_PORTS = (80, 443)  # below 1024: a request must not be spoken to a mail server
GLOBAL_V6 = ipaddress.ip_network("2000::/3")  # the rest is private, special or not handed out (RFC 4291)
BLOCKED_NETWORKS = tuple(
    ipaddress.ip_network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        "168.63.129.16/32",  # public by its number, but a cloud's own services for its machines
        *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),  # Teredo, 6to4 and such carry an IPv4 address
    )
)


def blocked_reason(address: str, port: int, allowed: Iterable[Network]) -> str | None:
    """Return why a webhook must not connect there, None if it may. `allowed` networks are open, on every port."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return NO_IP_ADDRESS % {"address": address}
    plain = (isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped) or ip
    if any(
        candidate.version == network.version and candidate in network
        for candidate in (ip, plain)
        for network in allowed
    ):
        return None
    inside = any(ip.version == network.version and ip in network for network in BLOCKED_NETWORKS)
    if inside or ip.is_multicast or not ip.is_global or (ip.version == 6 and ip not in GLOBAL_V6):
        return NOT_PUBLIC % {"address": ip}
    if port < 1024 and port not in ALLOWED_LOW_PORTS:
        return WRONG_PORT % {"port": port}
    return None


def find_blocked_reason(url: str, allowed: Iterable[Network], timeout: float = LOOKUP_TIMEOUT_SECONDS) -> str | None:
    """Return why a webhook must not have this URL, as far as is known now; None if nothing speaks against it.

    A name that does not resolve within `timeout` seconds is not held against it: the check when connecting counts.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    executor = ThreadPoolExecutor(1, "linkweir-name")
    try:
        entries = executor.submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM).result(timeout)
    except (OSError, UnicodeError, TimeoutError):
        return None
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
    reasons = (blocked_reason(str(entry[4][0]), port, allowed) for entry in entries)
    return next((reason for reason in reasons if reason), None)


def system_resolver(executor: Executor) -> ResolveFunction:
    """The machine's own resolver, in threads of its own: a name server that hangs must not hold up anything else."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        loop = asyncio.get_running_loop()
        entries = await loop.run_in_executor(executor, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        return list(dict.fromkeys(str(entry[4][0]) for entry in entries))

    return resolve


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """httpcore's way to the network, with the check in between. TLS still asks for the name, not the address."""

    def __init__(self, allowed: Iterable[Network], resolve: ResolveFunction) -> None:
        self._allowed = tuple(allowed)
        self._resolve = resolve
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises ForbiddenDestination when any of the name's addresses is not allowed."""
        addresses = await self._resolve(host, port)
        for address in addresses:
            reason = blocked_reason(address, port, self._allowed)
            if reason:
                raise ForbiddenDestination(reason)
        error: Exception = httpcore.ConnectError("the name has no address")
        for address in addresses[:MAX_ADDRESSES]:
            try:
                return await self._backend.connect_tcp(
                    address, port, CONNECT_TIMEOUT_SECONDS, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as failed:
                error = failed
        raise error

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        """Never."""
        raise ForbiddenDestination("webhooks go to the network only")

    async def sleep(self, seconds: float) -> None:
        """Wait, as httpcore asks between its own tries."""
        await asyncio.sleep(seconds)

"""HTTP client of webhooks: sends one request and reports whether it was accepted. Knows no queue and no signature.

Accepted means a complete 2xx response within the time limit. Redirects are not followed and count as failures; proxies
of the environment are not used. Response bodies are read up to a limit and discarded; after a 2xx status a body that
breaks off or does not end changes nothing, for a repetition would only be received twice.
"""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpcore
import httpx

from linkweir import __version__
from linkweir.errors import ForbiddenDestination
from linkweir.settings import Network
from linkweir.translation import gettext_noop, translate_filled
from linkweir.webhooks.ssrf_guard import REASON_FORMS, GuardedBackend, ResolveFunction, system_resolver

MAX_RESPONSE_BYTES = 64 * 1024  # bytes of an answer's body
IDLE_SECONDS = 10.0  # seconds that a connection is kept for the next request
NETWORK_ERRORS = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
)


NO_COMPLETE_ANSWER = gettext_noop("no complete answer within %(seconds)s s")
REFUSED = gettext_noop("the address is refused: %(reason)s")
BAD_STATUS = gettext_noop("status %(status)s")
ERROR_FORMS = (NO_COMPLETE_ANSWER, REFUSED, BAD_STATUS, *REASON_FORMS)


def translate_error(error: str) -> str:
    """Translate the error of a response, which is stored in English."""
    return translate_filled(error, ERROR_FORMS)


@dataclass(frozen=True, slots=True)
class WebhookResponse:
    """The response: its status, or the reason why there is none."""

    status: int | None
    error: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the receiver took the request."""
        return self.error is None


class WebhookClient:
    """Posts within one event loop. `timeout`: seconds for everything, from the name to the answer's end."""

    def __init__(
        self, *, timeout: float, connections: int, allowed: tuple[Network, ...], resolve: ResolveFunction | None = None
    ) -> None:
        self._timeout = timeout
        self._resolver_threads = ThreadPoolExecutor(2 * connections, "linkweir-names")
        context = httpx.create_ssl_context(trust_env=False)
        context.load_default_certs()
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=connections,
            keepalive_expiry=IDLE_SECONDS,
            network_backend=GuardedBackend(allowed, resolve or system_resolver(self._resolver_threads)),
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.aclose()
        self._resolver_threads.shutdown(wait=False, cancel_futures=True)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> WebhookResponse:
        """Send; never raises for anything that a receiver or a network can do."""
        try:
            async with asyncio.timeout(self._timeout):
                status = await self._send_request(httpx.URL(url), headers, body)
        except TimeoutError:
            return WebhookResponse(None, NO_COMPLETE_ANSWER % {"seconds": f"{self._timeout:g}"})
        except ForbiddenDestination as error:
            return WebhookResponse(None, REFUSED % {"reason": error})
        except (*NETWORK_ERRORS, httpx.InvalidURL, OSError, UnicodeError) as error:
            return WebhookResponse(None, f"{type(error).__name__}: {error}"[:300])
        return (
            WebhookResponse(status) if 200 <= status < 300 else WebhookResponse(status, BAD_STATUS % {"status": status})
        )

    async def _send_request(self, url: httpx.URL, headers: Mapping[str, str], body: bytes) -> int:
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        fields = [
            (b"Host", url.netloc),
            (b"User-Agent", f"Linkweir/{__version__}".encode()),
            (b"Content-Type", b"application/json"),
            (b"Content-Length", b"%d" % len(body)),
            *((name.encode(), value.encode()) for name, value in headers.items()),
        ]
        async with self._pool.stream("POST", target, headers=fields, content=body) as response:
            if 200 <= response.status < 300:
                await _drain_body(response)
            return response.status


async def _drain_body(response: httpcore.Response) -> None:
    size = 0
    try:
        async for piece in response.aiter_stream():
            size += len(piece)
            if size > MAX_RESPONSE_BYTES:
                return
    except (httpcore.NetworkError, httpcore.ProtocolError):
        return

"""Sends one request to a webhook and says whether it was taken. Knows no queue and no signature.

Taken means: a 2xx, and its whole answer, within the time limit. Redirects are not followed and count as failures;
proxies of the environment are not used. What a receiver answers is read up to a limit and thrown away; once it has
said 2xx, a body that breaks off or has no end changes nothing, for a repetition would only be taken twice.
"""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpcore
import httpx

from linkweir import __version__
from linkweir.errors import DestinationRefused
from linkweir.settings import Network
from linkweir.webhook.guard import GuardedBackend, Resolve, system_resolver

READ_LIMIT = 64 * 1024  # bytes of an answer's body
IDLE = 10.0  # seconds that a connection is kept for the next request
FAILURES = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, httpcore.UnsupportedProtocol)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, or the reason why there is none."""

    status: int | None
    error: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the receiver took the request."""
        return self.error is None


class Sender:
    """Posts within one event loop. `timeout`: seconds for everything, from the name to the answer's end."""

    def __init__(
        self, *, timeout: float, connections: int, allowed: tuple[Network, ...], resolve: Resolve | None = None
    ) -> None:
        self._timeout = timeout
        self._names = ThreadPoolExecutor(2 * connections, "linkweir-names")
        context = httpx.create_ssl_context(trust_env=False)
        context.load_default_certs()
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=connections,
            keepalive_expiry=IDLE,
            network_backend=GuardedBackend(allowed, resolve or system_resolver(self._names)),
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.aclose()
        self._names.shutdown(wait=False, cancel_futures=True)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send; never raises for anything that a receiver or a network can do."""
        try:
            async with asyncio.timeout(self._timeout):
                status = await self._exchange(httpx.URL(url), headers, body)
        except TimeoutError:
            return Answer(None, f"no complete answer within {self._timeout:g} s")
        except DestinationRefused as error:
            return Answer(None, f"the address is refused: {error}")
        except (*FAILURES, httpx.InvalidURL, OSError, UnicodeError) as error:
            return Answer(None, f"{type(error).__name__}: {error}"[:300])
        return Answer(status) if 200 <= status < 300 else Answer(status, f"status {status}")

    async def _exchange(self, url: httpx.URL, headers: Mapping[str, str], body: bytes) -> int:
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
                await _read(response)
            return response.status


async def _read(response: httpcore.Response) -> None:
    size = 0
    try:
        async for piece in response.aiter_stream():
            size += len(piece)
            if size > READ_LIMIT:
                return
    except (httpcore.NetworkError, httpcore.ProtocolError):
        return

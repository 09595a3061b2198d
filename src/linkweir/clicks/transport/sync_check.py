"""Whether NATS servers flush what they acknowledge: without `sync_interval: always` a power cut of several loses it.

Only their HTTP monitoring says so, of each server by its name.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

import httpx
from nats.js import api
from structlog.typing import FilteringBoundLogger

from linkweir.clicks.transport.click_transport import TransportConcern

TIMEOUT_SECONDS = 2.0  # for the monitoring of one server


class SyncCheck:
    """`concern` is what the last check found; None: all servers of the stream flush before they acknowledge."""

    def __init__(self, addresses: Sequence[str], log: FilteringBoundLogger) -> None:
        self._addresses = addresses
        self._log = log
        self.concern: TransportConcern | None = None

    async def run(self, stream: api.StreamInfo) -> None:
        """Check the servers that hold a stream; log what is new."""
        async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
            answers = await asyncio.gather(*(_read_server(client, address) for address in self._addresses))
        flushes = dict(filter(None, answers))
        before, self.concern = self.concern, _judge(_list_servers(stream), flushes)
        if self.concern is not None and self.concern != before:
            log = self._log.error if self.concern.is_certain else self._log.warning
            log("click.transport_concern", concern=self.concern.text)


async def _read_server(client: httpx.AsyncClient, address: str) -> tuple[str, bool] | None:
    """The name of a server and whether it always flushes; None when it does not say."""
    with contextlib.suppress(httpx.HTTPError, ValueError, KeyError, TypeError):
        answer: dict[str, Any] = (await client.get(f"{address.rstrip('/')}/varz")).json()
        return str(answer["server_name"]), bool(answer["jetstream"]["config"].get("sync_always"))
    return None


def _list_servers(stream: api.StreamInfo) -> set[str]:
    """The names of the servers that hold a stream; none where there is one server without a cluster."""
    cluster = stream.cluster
    if cluster is None:
        return set()
    names = [cluster.leader, *(peer.name for peer in cluster.replicas or [])]
    return {name for name in names if name}


def _judge(servers: set[str], flushes: dict[str, bool]) -> TransportConcern | None:
    lacking = sorted(name for name, always in flushes.items() if not always)
    if lacking:
        return TransportConcern(
            f"NATS {', '.join(lacking)}: sync_interval is not always, so a power cut may lose clicks", is_certain=True
        )
    unknown = sorted(servers - flushes.keys()) if servers or flushes else ["server"]
    if unknown:
        return TransportConcern(
            f"NATS {', '.join(unknown)}: whether sync_interval is always cannot be seen: set LINKWEIR_NATS_MONITORING",
            is_certain=False,
        )
    return None

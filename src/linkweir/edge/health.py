"""For operators: alive, ready, figures."""

import os
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from linkweir.edge.parts import Parts, parts_of
from linkweir.edge.reply import JSON
from linkweir.errors import StoreUnavailable
from linkweir.store import accounts


async def healthz(_request: Request) -> Response:
    """200 while the process answers at all."""
    return JSON({"status": "ok"})


async def readyz(request: Request) -> Response:
    """200 when mail can be accepted and clicks can be kept, else 503; with one entry for each condition."""
    parts = parts_of(request)
    checks = {
        "database": await parts.in_thread(lambda: _database(parts)),
        "spool": await parts.in_thread(lambda: _spool(parts.settings.spool_path)),
        "journal": parts.journal.trouble() or "ok",
        **_background(parts),
    }
    ready = all(found == "ok" for found in checks.values())
    return JSON({"status": "ready" if ready else "not ready", "checks": checks}, 200 if ready else 503)


def _database(parts: Parts) -> str:
    try:
        with parts.store.read() as connection:
            accounts.first(connection)
    except StoreUnavailable as error:
        return f"unavailable: {error}"
    return "ok"


def _background(parts: Parts) -> dict[str, str]:
    """Workers, in a process that has them."""
    if not parts.has_workers:
        return {}
    found = {"worker": parts.worker.alive, "webhooks": parts.webhooks.alive, "clicks": parts.clicks.alive}
    found["smtp"] = all(server.alive for server in parts.smtp_servers)
    return {name: "ok" if alive else "not running" for name, alive in found.items()}


def _spool(folder: Path) -> str:
    """A look only: writing at every probe would wear the disk for nothing."""
    if not folder.is_dir():
        return "the folder is missing"
    return "ok" if os.access(folder, os.W_OK | os.X_OK) else "the folder cannot be written to"


async def metrics(request: Request) -> Response:
    """Figures for Prometheus."""
    parts = parts_of(request)
    body = await parts.in_thread(parts.metrics.text)
    return Response(body, media_type="text/plain; version=0.0.4; charset=utf-8")


ROUTES = [
    Route("/healthz", healthz, methods=["GET"]),
    Route("/readyz", readyz, methods=["GET"]),
    Route("/metrics", metrics, methods=["GET"]),
]

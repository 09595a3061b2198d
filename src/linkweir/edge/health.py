"""For operators: alive, ready, figures."""

import os
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from linkweir.background import SILENT, STALE_SECONDS
from linkweir.edge.parts import Parts, parts_of
from linkweir.edge.reply import JSON
from linkweir.errors import StoreUnavailable
from linkweir.store import accounts

ROOM = 8 * 1024 * 1024  # bytes: below that a mail may find no room at any moment


async def healthz(_request: Request) -> Response:
    """200 while the process answers at all."""
    return JSON({"status": "ok"})


async def readyz(request: Request) -> Response:
    """200 when mail can be accepted and delivered and clicks be kept, else 503; with one entry for each condition."""
    parts = parts_of(request)
    checks = {
        "database": await parts.in_thread(lambda: _database(parts)),
        "disk": await parts.in_thread(lambda: _disk(parts)),
        "keys": await parts.in_thread(lambda: _keys(parts)),
        "spool": await parts.in_thread(lambda: _spool(parts.settings.spool_path)),
        "journal": parts.journal.trouble() or "ok",
        **(of_workers(parts) if parts.has_workers else _elsewhere(parts)),
    }
    ready = all(found == "ok" for found in checks.values())
    return JSON({"status": "ready" if ready else "not ready", "checks": checks}, 200 if ready else 503)


def _database(parts: Parts) -> str:
    try:
        with parts.store.read() as connection:
            accounts.first(connection)
        parts.store.probe()
    except StoreUnavailable as error:
        return f"unavailable: {error}"
    return f"damaged: {parts.store.damage}" if parts.store.damage else "ok"


def _disk(parts: Parts) -> str:
    """Room for mail: the journal has preallocated its own."""
    folders = [parts.settings.data]
    if parts.settings.transport == "maildir":
        folders.append(parts.settings.maildir_path)
    for folder in folders:
        try:
            found = os.statvfs(folder)
        except OSError:
            continue  # the first mail makes the outbox; a data folder that is gone is said of the database
        if (free := found.f_bavail * found.f_frsize) < ROOM:
            return f"{folder}: {free // 1024} KB are free, which is less than {ROOM // 1024} KB"
    return "ok"


def _keys(parts: Parts) -> str:
    """The ring in memory goes on to work without its file, but the next start would not."""
    return "ok" if parts.settings.key_path.exists() else f"{parts.settings.key_path} is gone"


def of_workers(parts: Parts) -> dict[str, str]:
    """The threads of a process that has workers."""
    found = {"worker": parts.worker.alive, "webhooks": parts.webhooks.alive, "clicks": parts.clicks.alive}
    found["smtp"] = all(server.alive for server in parts.smtp_servers)
    return {name: "ok" if alive else "not running" for name, alive in found.items()}


def _elsewhere(parts: Parts) -> dict[str, str]:
    """What the process that has the workers says of itself."""
    silence, checks = parts.heartbeat.latest()
    if silence > STALE_SECONDS:
        return {"background": f"{SILENT} for {silence:.0f} seconds"}
    return {"background": "ok", **checks}


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

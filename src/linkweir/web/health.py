"""For operators: alive, ready, figures."""

import contextlib
import os
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from linkweir.accounts import account_settings
from linkweir.background import NO_HEARTBEAT, STALE_SECONDS
from linkweir.errors import DatabaseUnavailable, LinkweirError
from linkweir.web.json_response import JSONResponse
from linkweir.web.services import AppServices, services_from

MIN_FREE_BYTES = 8 * 1024 * 1024  # bytes: below that a mail may find no room at any moment


async def healthz(_request: Request) -> Response:
    """200 while the process answers at all."""
    return JSONResponse({"status": "ok"})


async def readyz(request: Request) -> Response:
    """Answer 200 when mail can be accepted and delivered and clicks be stored, else 503, with one entry for each
    condition. `warnings`, where there are any, are what works and should be looked at.
    """
    parts = services_from(request)
    checks = {
        "database": await parts.run_blocking(lambda: _check_database(parts)),
        "disk": await parts.run_blocking(lambda: _check_disk(parts)),
        "keys": await parts.run_blocking(lambda: _check_keys(parts)),
        **(await parts.run_blocking(lambda: _check_journal(parts))),
        **(check_workers(parts) if parts.runs_workers else _check_remote_workers(parts)),
    }
    ready = all(state == "ok" for state in checks.values())
    warnings = collect_warnings(parts) if parts.runs_workers else parts.heartbeat.read_warnings()
    body = {
        "status": "ready" if ready else "not ready",
        "checks": checks,
        **({"warnings": warnings} if warnings else {}),
    }
    return JSONResponse(body, 200 if ready else 503)


def _check_database(services: AppServices, *, write: bool = True) -> str:
    try:
        with services.database.read() as connection:
            account_settings.find_default_account(connection)
        if write:
            services.database.probe()
    except DatabaseUnavailable as error:
        return f"unavailable: {error}"
    return f"damaged: {services.database.damage}" if services.database.damage else "ok"


def _check_disk(services: AppServices) -> str:
    """Room for mail: the journal has preallocated its own."""
    folders = [services.settings.data]
    if services.settings.transport == "maildir":
        folders.append(services.settings.maildir_path)
    for folder in folders:
        try:
            status = os.statvfs(folder)
        except OSError:
            continue  # the first mail makes the outbox; a data folder that is gone is said of the database
        if (free := status.f_bavail * status.f_frsize) < MIN_FREE_BYTES:
            return f"{folder}: {free // 1024} KB are free, which is less than {MIN_FREE_BYTES // 1024} KB"
    return "ok"


def _check_keys(services: AppServices) -> str:
    """Check where the key ring is: the one in memory works without it, but the next start would fail."""
    source = services.tracking_keyring.source
    try:
        return "ok" if source.exists() else f"{source.name} is gone"
    except LinkweirError as error:
        return f"{source.name}: {error}"


def _check_journal(services: AppServices) -> dict[str, str]:
    """The journal of a machine that redirects."""
    if not services.settings.has_role("redirect"):
        return {}
    problem = services.journal.health_problem()
    return {"spool": _check_spool(services.settings.spool_path), "journal": problem or "ok"}


def check_workers(services: AppServices) -> dict[str, str]:
    """The threads of a process that has workers, as far as the machine's roles want them."""
    workers = [
        ("worker", services.delivery_worker.alive, ("deliver",)),
        ("webhooks", services.webhooks.alive, ("notify",)),
        ("clicks", services.click_worker.alive, ("count",)),
        ("smtp", all(server.alive for server in services.smtp_servers), ("smtp", "filter")),
    ]
    has_role = services.settings.has_role
    states = {name: "ok" if alive else "not running" for name, alive, roles in workers if has_role(*roles)}
    if services.click_worker.alive and services.click_worker.problem:
        states["clicks"] = f"cannot be stored: {services.click_worker.problem}"
    if (carrier := services.click_carrier) is not None and has_role("redirect"):
        states["carrier"] = "ok" if carrier.alive else "not running"
        if carrier.alive and carrier.problem:
            states["carrier"] = f"clicks stay on this machine: {carrier.problem}"
    return states


def collect_warnings(services: AppServices) -> dict[str, str]:
    """What costs accuracy, evidence about clicks that a proxy in front hides; and what may cost clicks one day."""
    warnings = {}
    if hidden := sorted(services.classifier.history.baseline.hidden):
        warnings["clicks"] = f"readers' requests often show {', '.join(hidden)}: a proxy in front may change requests"
    if services.click_transport is not None and (concern := services.click_transport.concern) is not None:
        warnings["transport"] = concern.text
    return warnings


def _check_transport(services: AppServices) -> dict[str, str]:
    """What is known to be wrong with the transport of clicks, though it works."""
    concern = services.click_transport.concern if services.click_transport is not None else None
    return {"transport": concern.text} if concern is not None and concern.is_certain else {}


def write_heartbeat(services: AppServices) -> None:
    """Write the heartbeat with the state of this process's threads, if it runs workers."""
    if services.runs_workers:
        state = _check_database(services, write=False)  # without waiting for who else writes
        problem = {} if state == "ok" else {"database": state}
        checks = {**check_workers(services), **problem}
        services.heartbeat.write(checks, collect_warnings(services))
        if not services.machine_heartbeat.is_due:
            return  # before the waiting clicks are counted, for which the journal is read
        with contextlib.suppress(DatabaseUnavailable):  # others see the silence
            journal = services.local_journal
            reader = services.click_carrier or services.click_worker
            services.machine_heartbeat.write(
                {**checks, **_check_transport(services)},
                key_id=services.tracking_keyring.settled_key_id,
                clicks_waiting=journal.unacknowledged,
                clicks_lost=journal.lost,
                drained_until_at=reader.drained_until_at,
            )


def _check_remote_workers(services: AppServices) -> dict[str, str]:
    """Return the state that the process with the workers reports."""
    silence, checks = services.heartbeat.read_latest()
    if silence > STALE_SECONDS:
        return {"background": f"{NO_HEARTBEAT} for {silence:.0f} seconds"}
    return {"background": "ok", **checks}


def _check_spool(folder: Path) -> str:
    """Check the free space without writing: a write at every probe would wear the disk for nothing."""
    if not folder.is_dir():
        return "the folder is missing"
    return "ok" if os.access(folder, os.W_OK | os.X_OK) else "the folder cannot be written to"


async def metrics(request: Request) -> Response:
    """Figures for Prometheus."""
    parts = services_from(request)
    body = await parts.run_blocking(parts.metrics.text)
    return Response(body, media_type="text/plain; version=0.0.4; charset=utf-8")


ROUTES = [
    Route("/healthz", healthz, methods=["GET"]),
    Route("/readyz", readyz, methods=["GET"]),
    Route("/metrics", metrics, methods=["GET"]),
]

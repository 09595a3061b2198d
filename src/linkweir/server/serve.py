"""Runs the service in this process: `linkweir serve`. Prints what a newcomer needs; the logs go to standard error."""

import argparse
import contextlib
import ctypes
import errno
import gc
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import FrameType

from linkweir import app as application
from linkweir import first_start
from linkweir.app import create_app, create_services
from linkweir.demo import newsletter, sample_traffic
from linkweir.errors import DatabaseUnavailable, LinkweirError
from linkweir.integrity import accept_loss
from linkweir.mail import user_notices
from linkweir.server.instance_lock import lock_data_folder
from linkweir.server.multiprocess_metrics import MultiprocessMetrics
from linkweir.server.process_supervisor import ProcessSupervisor, install_stop_handler
from linkweir.server.processor_count import count_processors
from linkweir.server.startup_banner import local_url, print_smtp_address, print_startup_banner
from linkweir.server.uvicorn_server import HardenedServer, uvicorn_config
from linkweir.settings import ROLES, Settings, from_environment
from linkweir.web.redirect import RedirectEndpoint
from linkweir.web.services import AppServices
from linkweir.web.structured_logging import make_logger

EXIT_FAILURE = 1
KILL_SECONDS = 40  # seconds for an end in good order, which takes at most some 30
POLL_SECONDS = 0.1
MAX_DEFAULT_WORKERS = 16  # more have to be asked for: each takes memory, also where nobody needs it
BACKGROUND_NICENESS = 10  # under full load a tenth of what a process has that readers wait for
M_MMAP_THRESHOLD = -3  # of mallopt, in glibc's malloc.h
MAPPED_BLOCK_BYTES = 4 * 1024 * 1024  # bytes; smaller blocks come from the heap
SWITCH_INTERVAL_SECONDS = (
    0.001  # seconds until a thread at work lets the one go on that readers wait for; Python's own is 0.005
)
DEMO_KEY_LABEL = "linkweir serve --demo"  # the label of the key that the demo makes, instead of its last one
SMTP_PORT = 8587
SMTPS_PORT = 8465


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `linkweir serve`; each wins over its LINKWEIR_* setting."""
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="data folder (default: ./linkweir-data)")
    parser.add_argument("--host", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on (default: 8025; 0: a free port)")
    parser.add_argument(
        "--smtp-port",
        type=int,
        metavar="PORT",
        help=f"port for SMTP submission (default: {SMTP_PORT}, or a free port with --port 0; 0: a free port; -1: off)",
    )
    parser.add_argument(
        "--smtps-port",
        type=int,
        metavar="PORT",
        help=f"port for SMTP submission with implicit TLS (default: {SMTPS_PORT} if --smtp-port is {SMTP_PORT}, a "
        "free port if that is 0, else off; 0: a free port; -1: off)",
    )
    parser.add_argument("--base-url", metavar="URL", help="base URL of tracking links (default: http://HOST:PORT/c/)")
    parser.add_argument(
        "--link-style",
        choices=["sealed", "short"],
        help="sealed: links carry their destination; short: it is in the database (default: sealed)",
    )
    parser.add_argument(
        "--role",
        action="append",
        choices=ROLES,
        metavar="ROLE",
        help=f"what this machine does, of several that share a database; can be repeated: {', '.join(ROLES)} "
        "(default: all)",
    )
    parser.add_argument("--new-api-key", action="store_true", help="create another API key and print it")
    parser.add_argument(
        "--accept-loss",
        action="store_true",
        help="recreate a lost key ring, database or vault key: links sent before then no longer work",
    )
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="number of processes for HTTP; everything else runs in one more; 1: one process for everything "
        f"(default: as many as there are processors to use, at most {MAX_DEFAULT_WORKERS})",
    )
    parser.add_argument(
        "--demo",
        action="store_true",
        help="fill the dashboard with sample data, and send a sample newsletter to the outbox",
    )
    parser.add_argument("--demo-exit", action="store_true", help="do what --demo does, then stop")


def run(args: argparse.Namespace) -> int:
    """Serve until a stop signal (SIGINT, SIGTERM, SIGHUP); 0 after a clean stop, 1 when it could not start."""
    try:
        if args.workers is not None and args.workers < 1:
            raise LinkweirError(f"--workers needs at least 1, not {args.workers}")
        settings, listener = _open_listener(args)
        sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
        _map_large_blocks()
        with listener, lock_data_folder(settings.data) as shared:
            if shared:
                print("Another `linkweir serve` uses this data folder; both share its mail, clicks and settings.")
            if args.accept_loss:
                accept_loss(settings)
            workers = _choose_workers(args.workers)
            if workers > 1:
                return _serve_with_workers(settings, listener, args, workers)
            return _serve_in_process(settings, listener, args)
    except (LinkweirError, OSError) as error:
        print(f"linkweir serve: {error}", file=sys.stderr)
        return EXIT_FAILURE


def _choose_workers(number: int | None) -> int:
    """How many processes answer HTTP."""
    return number or min(MAX_DEFAULT_WORKERS, count_processors())


def _map_large_blocks() -> None:
    """Have the memory of large mails returned to the system as soon as it is free. glibc; elsewhere nothing changes.

    Its own threshold rises to the largest block that was ever freed, and what is smaller stays with the process.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        set_option(M_MMAP_THRESHOLD, MAPPED_BLOCK_BYTES)


def _open_listener(args: argparse.Namespace) -> tuple[Settings, socket.socket]:
    """Settings and the listening socket; with port 0 the settings follow the port that was free."""
    given = {"data": args.data, "host": args.host, "base_url": args.base_url, "link_style": args.link_style}
    given["roles"] = None if args.role is None else tuple(args.role)
    settings = from_environment(os.environ, port=args.port, **given)
    smtp_port = _choose_smtp_port(args, settings)
    smtps_port = _choose_smtps_port(args, settings, smtp_port)
    if settings.has_role("smtp"):  # before anything is made: secrets that are shown once would be lost with the start
        for each, option in ((smtp_port, "--smtp-port"), (smtps_port, "--smtps-port")):
            if each:
                _listen(settings.smtp_host, each, "for SMTP ", option).close()
    listener = _listen(settings.host, settings.port, "", "--port")
    # asyncio does this only for sockets that name their protocol, which accepted ones do not: without it each answer
    # on a connection kept alive waits 40 ms for the client's delayed acknowledgement
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    port = listener.getsockname()[1]
    if port != settings.port:
        settings = from_environment(os.environ, port=port, **given)
    return replace(settings, smtp_port=smtp_port, smtps_port=smtps_port), listener


def _listen(host: str, port: int, purpose: str, option: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)  # `strerror` repeats the address
        hint = f"; {option} takes another one" if error.errno == errno.EADDRINUSE else ""
        raise LinkweirError(f"cannot listen {purpose}on {host} port {port}: {reason}{hint}") from error


def _choose_smtp_port(args: argparse.Namespace, settings: Settings) -> int | None:
    """The one asked for; with a free HTTP port a free one too; None is off."""
    if args.smtp_port is not None:
        return None if args.smtp_port < 0 else int(args.smtp_port)
    if settings.smtp_port is not None:
        return settings.smtp_port
    return 0 if settings.port == 0 else SMTP_PORT


def _choose_smtps_port(args: argparse.Namespace, settings: Settings, smtp_port: int | None) -> int | None:
    """The one asked for, or one that goes with the other's; beside a port of the user's own it is theirs to choose."""
    if args.smtps_port is not None:
        return None if args.smtps_port < 0 else int(args.smtps_port)
    if settings.smtps_port is not None:
        return settings.smtps_port
    return {SMTP_PORT: SMTPS_PORT, 0: 0}.get(-1 if smtp_port is None else smtp_port)


def _redirect_endpoint(service: AppServices) -> RedirectEndpoint | None:
    """What answers tracking links, on a machine that does."""
    return RedirectEndpoint(service) if service.settings.has_role("redirect") else None


def _serve_in_process(settings: Settings, listener: socket.socket, args: argparse.Namespace) -> int:
    app = create_app(settings)
    service: AppServices = app.state.linkweir
    server = HardenedServer(uvicorn_config(app, _redirect_endpoint(service)))
    with _stop_on_signal(server.stop):
        service.start()
        try:
            print_startup_banner(service, local_url(settings), args.new_api_key)
            if args.demo or args.demo_exit:
                _start_demo(service, lambda: server.should_exit, server.stop if args.demo_exit else None)
            gc.collect()
            gc.freeze()  # what is there by now stays: no collection needs to walk through it while readers wait
            server.run(sockets=[listener])
        finally:
            service.stop()
    return 0 if server.started else EXIT_FAILURE


def _serve_with_workers(settings: Settings, listener: socket.socket, args: argparse.Namespace, workers: int) -> int:
    """One process for all that is not HTTP, and those that share the socket."""
    log = make_logger(settings.log_level, log_format=settings.log_format)
    service = create_services(settings, log)
    application.prepare(service)
    service.database.close()  # no connection may be open when the processes are made
    print_startup_banner(service, local_url(settings), args.new_api_key, workers)
    figures = MultiprocessMetrics(settings.data)
    figures.clear()
    works = {f"web-{number}": lambda: _run_web_process(settings, listener, figures) for number in range(1, workers + 1)}
    gc.collect()
    gc.freeze()
    works["background"] = lambda: _run_background_process(settings, listener, figures, args)
    return ProcessSupervisor(works, log, release=listener.close).run()


def _run_web_process(settings: Settings, listener: socket.socket, shared_metrics: MultiprocessMetrics) -> int:
    app = create_app(settings, role="web")
    service: AppServices = app.state.linkweir
    server = HardenedServer(uvicorn_config(app, _redirect_endpoint(service)))
    with _stop_on_signal(server.stop):
        if code := _try_start(service):
            return code
        with shared_metrics.publish(service.metrics):
            try:
                server.run(sockets=[listener])
            finally:
                service.stop()
    return 0 if server.started else EXIT_FAILURE


def _run_background_process(
    settings: Settings, listener: socket.socket, shared_metrics: MultiprocessMetrics, args: argparse.Namespace
) -> int:
    """Delivery, SMTP, webhooks and the journal's reader, with less claim on the processor than readers have."""
    supervisor = os.getppid()
    listener.close()
    ended: list[bool] = []  # no Event: its lock may be held by the very code that a signal interrupts
    with _stop_on_signal(lambda: ended.append(True)):
        os.nice(BACKGROUND_NICENESS)
        service = create_services(
            settings, make_logger(settings.log_level, log_format=settings.log_format), "background"
        )

        def begin() -> None:
            print_smtp_address(service)
            sys.stdout.flush()
            if args.demo or args.demo_exit:
                stop = (lambda: os.kill(supervisor, signal.SIGTERM)) if args.demo_exit else None
                _start_demo(service, lambda: bool(ended), stop)

        if code := _try_start(service, begin):
            return code
        with shared_metrics.publish(service.metrics):
            while not ended:
                time.sleep(POLL_SECONDS)
            service.stop()
    return 0


def _try_start(service: AppServices, begin: Callable[[], None] = lambda: None) -> int:
    """Start in a process of several, and do what comes first; 0, or the exit code.

    A database that does not answer now did so to the parent: it is busy, and the parent tries again. What else fails
    is a mistake in the settings, such as a port in use, and ends all processes.
    """
    try:
        service.start()
        begin()
    except DatabaseUnavailable as error:
        service.log.error("service.cannot_start", error=str(error))
        service.stop()
        return os.EX_TEMPFAIL
    except (LinkweirError, OSError) as error:
        print(f"linkweir serve: {error}", file=sys.stderr, flush=True)
        return EXIT_FAILURE
    return 0


@contextlib.contextmanager
def _stop_on_signal(stop: Callable[[], None]) -> Iterator[None]:
    """Stop well on SIGINT, SIGTERM and SIGHUP at any moment; whoever cannot is ended by the kernel after a while."""
    begun: list[bool] = []

    def begin(_number: int, _frame: FrameType | None) -> None:
        if not begun:
            begun.append(True)
            signal.alarm(KILL_SECONDS)
        stop()

    previous = install_stop_handler(begin)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        signal.alarm(0)


def _start_demo(service: AppServices, is_over: Callable[[], bool], stop: Callable[[], None] | None) -> None:
    """Sample traffic for the dashboard, then the sample newsletter, then a sample click now and then; or `stop`."""
    key = first_start.create_api_key(service.database, DEMO_KEY_LABEL, replace=True) or ""
    settings = service.settings
    url = local_url(settings)
    dashboard = f"{user_notices.operator_url(settings, url)}/dashboard/"

    def show() -> None:
        try:
            reached = sample_traffic.generate(service)
            if reached is None:
                print(f"Demo: {sample_traffic.explain_refusal(service)}\n  {dashboard}\n")
            else:
                print(f"Demo: sample campaigns, which were never sent, are in the dashboard:\n  {dashboard}\n")
            newsletter.send_and_print(settings, url, str(service.account), key, service.keyring)
            if reached and stop is None:
                sample_traffic.generate_live_clicks(service, reached, is_over)
        except (OSError, LinkweirError) as error:
            print(f"linkweir serve --demo: {error}", file=sys.stderr)
        finally:
            sys.stdout.flush()
            if stop is not None:
                stop()

    threading.Thread(target=show, name="linkweir-demo", daemon=True).start()

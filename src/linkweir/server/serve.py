"""Runs the service in this process: `linkweir serve`. Prints what a newcomer needs; the logs go to standard error."""

import argparse
import contextlib
import ctypes
import gc
import json
import os
import shlex
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

from linkweir import app as application
from linkweir import first_start
from linkweir.app import create_app, create_services
from linkweir.demo import newsletter, sample_traffic
from linkweir.errors import DatabaseUnavailable, LinkweirError
from linkweir.integrity import accept_loss
from linkweir.server.instance_lock import lock_data_folder
from linkweir.server.multiprocess_metrics import MultiprocessMetrics
from linkweir.server.process_supervisor import ProcessSupervisor, install_stop_handler
from linkweir.server.uvicorn_server import HardenedServer, uvicorn_config
from linkweir.settings import Settings, from_environment
from linkweir.web.json_logging import make_logger
from linkweir.web.redirect import RedirectEndpoint
from linkweir.web.services import AppServices

EXIT_FAILURE = 1
KILL_SECONDS = 40  # seconds for an end in good order, which takes at most some 30
POLL_SECONDS = 0.1
BACKGROUND_NICENESS = 10  # under full load a tenth of what a process has that readers wait for
M_MMAP_THRESHOLD = -3  # of mallopt, in glibc's malloc.h
MAPPED_BLOCK_BYTES = 4 * 1024 * 1024  # bytes; smaller blocks come from the heap
SWITCH_INTERVAL_SECONDS = (
    0.001  # seconds until a thread at work lets the one go on that readers wait for; Python's own is 0.005
)
DEMO_KEY_LABEL = "linkweir serve --demo"  # the label of the key that the demo makes, instead of its last one
SMTP_PORT = 8587
SMTPS_PORT = 8465
WILDCARD_ADDRESSES = ("0.0.0.0", "::")  # noqa: S104 - addresses to listen on, which are nobody's address
SAMPLE_REQUEST = {
    "from": {"email": "news@example.com", "name": "Example"},
    "recipients": [{"email": "reader@example.org", "name": "Reader"}],
    "subject": "Hello",
    "html_content": '<p>Read <a href="https://example.com/news?id=1">the news</a>.</p>',
    "tracking": {"click": True},
}


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
        help="number of processes for HTTP; everything else runs in one more (default: one process for everything)",
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
        settings, listener = _open_listener(args)
        sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
        _map_large_blocks()
        with listener, lock_data_folder(settings.data) as shared:
            if shared:
                print("Another `linkweir serve` uses this data folder; both share its mail, clicks and settings.")
            if args.accept_loss:
                accept_loss(settings)
            if args.workers is not None:
                return _serve_with_workers(settings, listener, args)
            return _serve_in_process(settings, listener, args)
    except (LinkweirError, OSError) as error:
        print(f"linkweir serve: {error}", file=sys.stderr)
        return EXIT_FAILURE


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
    settings = from_environment(os.environ, port=args.port, **given)
    smtp_port = _choose_smtp_port(args, settings)
    smtps_port = _choose_smtps_port(args, settings, smtp_port)
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family, backlog=1024)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)  # `strerror` repeats the address
        raise LinkweirError(f"cannot listen on {settings.host} port {settings.port}: {reason}") from error
    # asyncio does this only for sockets that name their protocol, which accepted ones do not: without it each answer
    # on a connection kept alive waits 40 ms for the client's delayed acknowledgement
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    port = listener.getsockname()[1]
    if port != settings.port:
        settings = from_environment(os.environ, port=port, **given)
    return replace(settings, smtp_port=smtp_port, smtps_port=smtps_port), listener


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


def _serve_in_process(settings: Settings, listener: socket.socket, args: argparse.Namespace) -> int:
    app = create_app(settings)
    service: AppServices = app.state.linkweir
    server = HardenedServer(uvicorn_config(app, RedirectEndpoint(service)))
    with _stop_on_signal(server.stop):
        service.start()
        try:
            _print_startup_banner(service, _local_url(settings), args.new_api_key)
            if args.demo or args.demo_exit:
                _start_demo(service, server, stop=args.demo_exit)
            gc.collect()
            gc.freeze()  # what is there by now stays: no collection needs to walk through it while readers wait
            server.run(sockets=[listener])
        finally:
            service.stop()
    return 0 if server.started else EXIT_FAILURE


def _serve_with_workers(settings: Settings, listener: socket.socket, args: argparse.Namespace) -> int:
    """One process for all that is not HTTP, and those that share the socket."""
    if args.workers < 1 or args.demo or args.demo_exit:
        raise LinkweirError("--workers needs at least 1, and does not go together with --demo")
    log = make_logger(settings.log_level)
    service = create_services(settings, log)
    application.prepare(service)
    service.database.close()  # no connection may be open when the processes are made
    _print_startup_banner(service, _local_url(settings), args.new_api_key)
    figures = MultiprocessMetrics(settings.data)
    figures.clear()
    works = {
        f"web-{number}": lambda: _run_web_process(settings, listener, figures) for number in range(1, args.workers + 1)
    }
    gc.collect()
    gc.freeze()
    works["background"] = lambda: _run_background_process(settings, listener, figures)
    return ProcessSupervisor(works, log, release=listener.close).run()


def _run_web_process(settings: Settings, listener: socket.socket, shared_metrics: MultiprocessMetrics) -> int:
    app = create_app(settings, role="web")
    service: AppServices = app.state.linkweir
    server = HardenedServer(uvicorn_config(app, RedirectEndpoint(service)))
    with _stop_on_signal(server.stop):
        if code := _try_start(service):
            return code
        with shared_metrics.publish(service.metrics):
            try:
                server.run(sockets=[listener])
            finally:
                service.stop()
    return 0 if server.started else EXIT_FAILURE


def _run_background_process(settings: Settings, listener: socket.socket, shared_metrics: MultiprocessMetrics) -> int:
    """Delivery, SMTP, webhooks and the journal's reader, with less claim on the processor than readers have."""
    listener.close()
    ended: list[bool] = []  # no Event: its lock may be held by the very code that a signal interrupts
    with _stop_on_signal(lambda: ended.append(True)):
        os.nice(BACKGROUND_NICENESS)
        service = create_services(settings, make_logger(settings.log_level), "background")
        if code := _try_start(service):
            return code
        _print_smtp_login(service)
        sys.stdout.flush()
        with shared_metrics.publish(service.metrics):
            while not ended:
                time.sleep(POLL_SECONDS)
            service.stop()
    return 0


def _try_start(service: AppServices) -> int:
    """Start in a process of several; 0, or the exit code.

    A database that does not answer now did so to the parent: it is busy, and the parent tries again. What else fails
    is a mistake in the settings, such as a port in use, and ends all processes.
    """
    try:
        service.start()
    except DatabaseUnavailable as error:
        service.log.error("service.cannot_start", error=str(error))
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


def _local_url(settings: Settings) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def _print_startup_banner(service: AppServices, url: str, create_key: bool) -> None:
    """Print where things are; an API key is shown this once."""
    settings = service.settings
    key = first_start.create_api_key(service.database, "first", only_first=True)
    if key is None and create_key:
        key = first_start.create_api_key(service.database, "made by --new-api-key")
    print(f"Linkweir listens on {url}; tracking links begin with {settings.base_url}")
    if urlsplit(settings.base_url).hostname in WILDCARD_ADDRESSES:
        print("              Readers cannot open such links: set --base-url to the public URL of this service.")
    print(f"Data folder   {settings.data.absolute()}")
    print(f"Outbox        {settings.maildir_path.absolute()} (a Maildir)")
    print(f"Account       {service.account}")
    _print_smtp_login(service)
    _print_dashboard_login(service, url)
    if key is None:
        origin = "is the one in LINKWEIR_API_KEY" if settings.api_key else "was shown at the first start"
        print(f"API key       {origin}; --new-api-key creates another")
    else:
        print(f"API key       {key}")
        print("              (store it: it is not shown again)")
        print(_format_curl_examples(url, str(service.account), key))
    sys.stdout.flush()


def _print_dashboard_login(service: AppServices, url: str) -> None:
    """Print the dashboard's address; a password is shown this once."""
    print(f"Dashboard     {url}/dashboard/")
    if login := first_start.create_user(service.database):
        print(f"              user {login[0]}  password {login[1]}")
        print("              (store the password: it is not shown again; change it in the dashboard under Settings)")
    else:
        where = shlex.join(["linkweir", "user", "list", "--data", str(service.settings.data)])
        print(f"              (the first start showed how to sign in; `{where}` lists the users)")


def _print_smtp_login(service: AppServices) -> None:
    """Print where and how to submit mail; a password is shown this once."""
    servers = {server.service: server.address for server in service.smtp_servers if server.service != "filter"}
    if not servers:
        return
    host, securities = service.settings.smtp_host, {"submission": "STARTTLS", "submissions": "implicit TLS"}
    ports = " and ".join(
        f"port {servers[name][1]} ({security})" for name, security in securities.items() if name in servers
    )
    print(f"SMTP          {host} {ports}, AUTH PLAIN or LOGIN")
    if service.settings.smtp_certificate is None:
        print("              (with a self-signed certificate, for testing)")
    if credential := first_start.create_smtp_credential(service.database):
        print(f"              username {credential[0]}  password {credential[1]}")


def _format_curl_examples(url: str, account: str, key: str) -> str:
    base = f"{url}/v2/accounts/{account}/messages"
    header = shlex.quote(f"Authorization: Bearer {key}")
    fields = ",\n       ".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in SAMPLE_REQUEST.items())
    body = shlex.quote("{" + fields + "}")
    return (
        f"\nSend a message:\n\ncurl -sS {base} \\\n  -H {header} \\\n  -H 'Content-Type: application/json' \\\n"
        f"  -d {body}\n\nGet the message with its click_count (ID is the id in the response without < and >):\n\n"
        f"curl -sS {base}/ID \\\n  -H {header}\n"
    )


def _start_demo(service: AppServices, server: HardenedServer, *, stop: bool) -> None:
    """Sample traffic for the dashboard, then the sample newsletter, then a sample click now and then."""
    key = first_start.create_api_key(service.database, DEMO_KEY_LABEL, replace=True) or ""
    settings = service.settings
    url = _local_url(settings)

    def show() -> None:
        try:
            reached = sample_traffic.generate(service)
            if reached is None:
                print(f"Demo: {sample_traffic.explain_refusal(service)}\n  {url}/dashboard/\n")
            else:
                print(f"Demo: sample campaigns, which were never sent, are in the dashboard:\n  {url}/dashboard/\n")
            newsletter.send_and_print(settings, url, str(service.account), key, service.keyring)
            if reached and not stop:
                sample_traffic.generate_live_clicks(service, reached, lambda: server.should_exit)
        except (OSError, LinkweirError) as error:
            print(f"linkweir serve --demo: {error}", file=sys.stderr)
        finally:
            if stop:
                server.should_exit = True

    threading.Thread(target=show, name="linkweir-demo", daemon=True).start()

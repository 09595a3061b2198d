"""A listening SMTP server in a thread and an event loop of its own."""

import asyncio
import contextlib
import ipaddress
import logging
import os
import socket
import threading
from collections.abc import Callable
from typing import Literal

from linkweir.background import WorkerThread
from linkweir.errors import LinkweirError, SettingsError
from linkweir.smtp.authenticator import Authenticator
from linkweir.smtp.mail_handler import FilterHandler, SubmissionHandler, SubmissionThreads
from linkweir.smtp.smtp_connection import ConnectionLimits, SmtpConnection
from linkweir.smtp.tls_certificate import make_tls_context
from linkweir.web.services import AppServices

logging.getLogger("mail.log").setLevel(logging.ERROR)  # the library's own words: peers, commands, deprecations
IDLE_SECONDS = 60.0  # seconds, by the outside contract
MAX_CONNECTIONS = 200
STOP_REPLY_SECONDS = 2.0  # seconds in which senders of mails under way get their answer when the server stops
SmtpService = Literal["submission", "submissions", "filter"]  # the first two as IANA names them


class SmtpServer(WorkerThread):
    """Takes connections on one socket until it is stopped; `address` is where, `service` for what."""

    def __init__(
        self,
        listener: socket.socket,
        make_connection: Callable[[ConnectionLimits], SmtpConnection],
        threads: SubmissionThreads,
        service: SmtpService,
    ) -> None:
        super().__init__("smtp")
        self.service = service
        self._listener = listener
        self._make_connection = make_connection
        self._threads = threads
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loop_stop_event: asyncio.Event | None = None
        self._ready = threading.Event()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        host, port = self._listener.getsockname()[:2]
        return str(host), int(port)

    def start(self) -> None:
        """Begin to take connections."""
        super().start()
        self._ready.wait()

    def stop(self) -> None:
        """Finish the mails that are being committed, and end."""
        super().stop()
        self._threads.shutdown()
        self._listener.close()

    def wake(self) -> None:
        """Let the event loop see that it is to stop."""
        if self._loop is not None and self._loop_stop_event is not None:
            self._loop.call_soon_threadsafe(self._loop_stop_event.set)

    def _run(self) -> None:
        asyncio.run(self._serve_until_stopped())

    async def _serve_until_stopped(self) -> None:
        self._loop, self._loop_stop_event = asyncio.get_running_loop(), asyncio.Event()
        limits = ConnectionLimits(MAX_CONNECTIONS)
        server = await self._loop.create_server(lambda: self._make_connection(limits), sock=self._listener)
        self._ready.set()
        try:
            await self._loop_stop_event.wait()
            server.close()
            # a commit that has begun is answered: who is told nothing sends the mail again
            await asyncio.to_thread(self._threads.shutdown)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(limits.wait_for_replies(), STOP_REPLY_SECONDS)
        finally:
            if not self._stopping:  # a fault ends this thread: leave the listener to the next one
                self._loop.remove_reader(self._listener)
            await limits.close()


def listen(services: AppServices) -> None:
    """Take the ports, so that a port in use stops the start early. Raises SettingsError, LinkweirError."""
    services.smtp_servers[:] = create_servers(services)


def start(services: AppServices) -> None:
    """Accept connections on the ports that `listen` took."""
    for server in services.smtp_servers:
        server.start()


def stop(services: AppServices) -> None:
    """Stop the servers that are there, whether they were started or not."""
    for server in services.smtp_servers:
        server.stop()
    services.smtp_servers.clear()


def create_servers(services: AppServices) -> list[SmtpServer]:
    """Every server that the settings want, none of them started. Raises SettingsError, LinkweirError."""
    settings, servers, sign_in = services.settings, list[SmtpServer](), Authenticator(services)
    try:
        if settings.smtp_port is not None and settings.has_role("smtp"):
            servers.append(_create_submission_server(services, sign_in, settings.smtp_port, "submission"))
        if settings.filter_listen and settings.has_role("filter"):
            servers.append(create_content_filter(services))
        if settings.smtps_port is not None and settings.has_role("smtp"):
            servers.append(_create_submission_server(services, sign_in, settings.smtps_port, "submissions"))
    except BaseException:
        for server in servers:
            server.stop()  # its port must be free for the next try
        raise
    return servers


def _create_submission_server(
    services: AppServices, authenticator: Authenticator, port: int, service: SmtpService
) -> SmtpServer:
    """A server for those who send: STARTTLS or implicit TLS (RFC 8314), then AUTH. Raises SettingsError,
    LinkweirError.
    """
    settings = services.settings
    name = settings.mail_hostname or socket.gethostname()
    tls = make_tls_context(settings.smtp_certificate, settings.smtp_key, settings.data, name)
    secured = {"implicit_tls": tls} if service == "submissions" else {"tls_context": tls, "require_starttls": True}
    listener = _open_listener(settings.smtp_host, port)
    threads = SubmissionThreads("linkweir-smtp")

    def connection(limits: ConnectionLimits) -> SmtpConnection:
        return SmtpConnection(
            SubmissionHandler(services, threads),
            limits=limits,
            memory_budget=services.memory_budget,
            idle_seconds=IDLE_SECONDS,
            hostname=name,
            ident="Linkweir",
            data_size_limit=settings.max_message,
            enable_SMTPUTF8=True,
            auth_required=True,
            authenticator=authenticator,
            loop=asyncio.get_running_loop(),
            **secured,
        )

    return SmtpServer(listener, connection, threads, service)


def create_content_filter(services: AppServices) -> SmtpServer:
    """The server for a mail server beside it: nobody signs in, so it listens inside only. Raises SettingsError."""
    host, _, port = services.settings.filter_listen.rpartition(":")
    try:
        address = ipaddress.ip_address(host.strip("[]"))
        inside = not address.is_global and not address.is_unspecified  # 0.0.0.0 and :: are every address there is
        number = int(port)
    except ValueError:
        raise SettingsError("LINKWEIR_FILTER_LISTEN: must look like 127.0.0.1:10025") from None
    if not inside:
        raise SettingsError("LINKWEIR_FILTER_LISTEN: it takes mail from anybody, so it must be a private address")
    threads = SubmissionThreads("linkweir-filter")
    listener = _open_listener(host.strip("[]"), number)
    return SmtpServer(listener, lambda limits: _filter_connection(services, threads, limits), threads, "filter")


def _filter_connection(services: AppServices, threads: SubmissionThreads, limits: ConnectionLimits) -> SmtpConnection:
    return SmtpConnection(
        FilterHandler(services, threads),
        limits=limits,
        memory_budget=services.memory_budget,
        idle_seconds=IDLE_SECONDS * 5,  # RFC 5321 section 4.5.3.2: servers keep connections to each other for minutes
        hostname=services.settings.mail_hostname or socket.gethostname(),
        ident="Linkweir filter",
        trusted=True,
        data_size_limit=services.settings.filter_max_message or None,
        enable_SMTPUTF8=True,
        loop=asyncio.get_running_loop(),
    )


def _open_listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=256)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)  # `strerror` repeats the address
        raise LinkweirError(f"cannot listen for SMTP on {host} port {port}: {reason}") from error
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener

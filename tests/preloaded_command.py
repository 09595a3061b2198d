"""`linkweir` as a process of its own that is forked from one which has loaded it all, as a test starts it hundreds of
times and loading takes longer than what most commands do. What can only be seen in a Python that starts anew, such as
another locale or a limit of resources, is started anew.
"""

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, AnyStr

ROOT = Path(__file__).resolve().parent.parent
COMMAND = [sys.executable, "-m", "linkweir"]
_LOADED_MODULES = (
    "linkweir.app",
    "linkweir.server.serve",
    "linkweir.server.uvicorn_server",
    "linkweir.server.multiprocess_metrics",
    "linkweir.demo.sample_traffic",
    "alembic.command",
)
_READ_BY_THE_INTERPRETER = ("PYTHON", "LD_", "LC_", "LANG")  # variables that count when it starts, not later
_INHERITED_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM) if sys.platform == "linux" else ()
_REQUEST_BYTES = 1 << 20
_STATUS_BYTES = 4


def start_command(words: Sequence[str | Path], **options: Any) -> "subprocess.Popen[Any]":
    """Start `linkweir` with these words; `options` are those of Popen."""
    ours, theirs = os.environ, options.get("env") or os.environ
    changed = {name for name in {*ours, *theirs} if ours.get(name) != theirs.get(name)} - {"PYTHONUNBUFFERED"}
    if sys.platform != "linux" or "preexec_fn" in options or any(map(_is_read_at_start, changed)):
        return subprocess.Popen([*COMMAND, *words], **options)  # noqa: S603 - our own command
    return _PreloadedCommand([*COMMAND, *words], **options)


def run_command(
    words: Sequence[str | Path], stdin: bytes, seconds: float, **options: Any
) -> "subprocess.CompletedProcess[bytes]":
    """Run `linkweir` to the end with everything piped, as `subprocess.run` does."""
    with start_command(words, stdin=-1, stdout=-1, stderr=-1, **options) as process:
        try:
            out, err = process.communicate(stdin, timeout=seconds)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(list(words), process.returncode, out, err)


def _is_read_at_start(variable: str) -> bool:
    return variable.startswith(_READ_BY_THE_INTERPRETER)


class _PreloadedCommand(subprocess.Popen[AnyStr]):
    """A process that another forks: that one tells its number and, at the end, its status through a pipe."""

    _status: int

    def _execute_child(
        self, args: list[Any], _executable: Any, _preexec: Any, _close: Any, _pass: Any, *more: Any
    ) -> None:
        cwd, env, _startupinfo, _flags, _shell, *pipes = more[:11]
        stdin, _, _, stdout, _, stderr = pipes
        start_new_session = more[-2]
        self._status, status = os.pipe()
        request = {
            "words": [os.fspath(word) for word in args[len(COMMAND) :]],
            "folder": os.fspath(cwd or os.getcwd()),
            "environment": dict(env or os.environ),
            "new_session": start_new_session,
            "ignored_signals": [number for number in _INHERITED_SIGNALS if signal.getsignal(number) == signal.SIG_IGN],
        }
        streams: list[int] = [given if given != -1 else number for number, given in enumerate((stdin, stdout, stderr))]
        socket.send_fds(_connect(), [json.dumps(request).encode()], [*streams, status])
        os.close(status)
        self.pid = int.from_bytes(os.read(self._status, _STATUS_BYTES), "big")
        self._child_created = True
        self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]

    def _try_wait(self, wait_flags: int) -> tuple[int, int]:
        if wait_flags & os.WNOHANG and not select.select([self._status], [], [], 0)[0]:
            return 0, 0
        status = os.read(self._status, _STATUS_BYTES)
        os.close(self._status)
        return self.pid, int.from_bytes(status, "big")

    def _internal_poll(self, **_: Any) -> int | None:
        if self.returncode is None and self._waitpid_lock.acquire(blocking=False):  # type: ignore[attr-defined]
            try:
                if self.returncode is None:
                    pid, status = self._try_wait(os.WNOHANG)
                    if pid:
                        self.returncode = os.waitstatus_to_exitcode(status)
            finally:
                self._waitpid_lock.release()  # type: ignore[attr-defined]
        return self.returncode


@functools.cache
def _connect() -> socket.socket:
    """Start the process that forks, once for this process, which it does not outlive."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        code = f"from tests.preloaded_command import serve; serve({theirs.fileno()})"
        process = subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={name: text for name, text in os.environ.items() if name != "PYTHONUNBUFFERED"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )
    atexit.register(process.wait)
    atexit.register(ours.close)
    return ours


def serve(channel_number: int) -> None:
    """Fork a process for each request, until nobody is there to ask; returns in none of those."""
    commands = pkgutil.iter_modules(importlib.import_module("linkweir.cli").__path__, "linkweir.cli.")
    for name in (*_LOADED_MODULES, *(module.name for module in commands)):
        importlib.import_module(name)
    assert len(os.listdir("/proc/self/task")) == 1, "a fork would copy the locks of other threads"
    gc.collect()
    gc.freeze()
    ended, wakeup = os.pipe()
    os.set_blocking(wakeup, False)
    signal.set_wakeup_fd(wakeup)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    statuses: dict[int, int] = {}
    with socket.socket(fileno=channel_number) as channel:
        while True:
            ready, _, _ = select.select([channel_number, ended], [], [])
            if ended in ready:
                os.read(ended, _REQUEST_BYTES)
                _report_ended(statuses)
            if channel_number in ready:
                request, handles, _, _ = socket.recv_fds(channel, _REQUEST_BYTES, 4)
                if not request:
                    return
                *streams, status = handles
                pid = os.fork()
                if not pid:
                    channel.detach()
                    _run(streams, **json.loads(request))
                os.write(status, pid.to_bytes(_STATUS_BYTES, "big"))
                statuses[pid] = status
                for handle in streams:
                    os.close(handle)


def _report_ended(statuses: dict[int, int]) -> None:
    while statuses:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        with contextlib.suppress(BrokenPipeError):  # nobody is there to learn it
            os.write(statuses[pid], status.to_bytes(_STATUS_BYTES, "big"))
        os.close(statuses.pop(pid))


def _run(
    streams: list[int],
    words: list[str],
    folder: str,
    environment: dict[str, str],
    *,
    new_session: bool,
    ignored_signals: list[int],
) -> None:
    """Become the command, as if Python had started with it."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for ignored in ignored_signals:
        signal.signal(ignored, signal.SIG_IGN)
    if new_session:
        os.setsid()
    for number, handle in enumerate(streams):
        os.dup2(handle, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    sys.stdin = _open_stream(sys.stdin, "r")
    sys.stdout = _open_stream(sys.stdout, "w")
    sys.stderr = _open_stream(sys.stderr, "w")
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(folder)
    sys.path[0] = folder
    sys.argv = ["linkweir", *words]
    try:
        runpy.run_module("linkweir", run_name="__main__", alter_sys=True)
    except SystemExit as error:
        _end_process(error.code)
        raise


def _end_process(status: object) -> None:
    """End as Python does, but without taking apart all that was loaded before the fork, which takes longer than most
    commands. Returns where Python has something to say at the end.
    """
    if status is not None and not isinstance(status, int):
        return
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    try:
        for stream in (sys.stdout, sys.stderr):
            if not stream.closed:
                stream.flush()
    except OSError:
        return
    os._exit((status or 0) & 0xFF)


def _open_stream(old: Any, mode: str) -> IO[str]:
    number: int = old.fileno()
    buffering = 1 if os.isatty(number) or old is sys.stderr else -1
    return open(number, mode, buffering, encoding=old.encoding, errors=old.errors, closefd=False)

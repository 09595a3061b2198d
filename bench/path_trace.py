"""How many functions and files each data path enters: `python -m bench.path_trace [--source SRC] [--list]`.

Three runs through the front doors, the same for every version of the code: `linkweir rewrite page.html -o out.html`; a
message sent by API v2 until a relay has taken it; a click until the dashboard's overview has shown it. Everything runs
under a profiling hook of the interpreter, in all threads and in processes that are forked. What is counted:

- functions: each function or method of the package that is entered, once; comprehensions, lambdas and what modules do
  while they are imported are not counted, nor what building the argument parser calls.
- files: those that hold these functions.
- jumps: pairs of functions in different files of which one calls the other, directly or through other packages.

The service is warm: the first message and click are not counted, and of three more only what all of them enter. What
the service also enters while nobody asks for anything (timers, polls) is not counted. C and Cython are not seen.
"""

import argparse
import email
import http.cookiejar
import json
import mmap
import os
import re
import runpy
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Literal

SOURCE = Path(__file__).resolve().parents[1] / "src"
ROUNDS = 3
SETTLE_SECONDS = 3.0  # seconds in which what a request began comes to an end
IDLE_SECONDS = 5.0  # seconds in which every frequent timer of the service runs
IDLE_PHASE = 255
DEADLINE_SECONDS = 60.0
PAGE = b'<!doctype html><p>Read <a href="https://example.com/news?id=1">the news</a>.</p>\n'
UNCOUNTED = re.compile(r"<(?:lambda|listcomp|genexpr|dictcomp|setcomp)>")
Call = tuple[str, str]  # file, function
Path_ = Literal["rewrite", "send", "click"]
PATHS: tuple[Path_, ...] = ("rewrite", "send", "click")


class _Recorder:
    """The profiling hook: writes a line of JSON for each new pair of caller and function in each phase."""

    def __init__(self, package: str, record: str, phase: str) -> None:
        self._package = package
        self._file = os.open(record, os.O_WRONLY | os.O_APPEND)
        self._phase = mmap.mmap(os.open(phase, os.O_RDONLY), 1, prot=mmap.PROT_READ)
        self._seen: set[tuple[int, CodeType, CodeType | None]] = set()

    def __call__(self, frame: FrameType, event: str, _argument: object) -> None:
        code = frame.f_code
        phase = self._phase[0]
        if event != "call" or not phase or not code.co_filename.startswith(self._package):
            return
        if UNCOUNTED.search(code.co_name) or code.co_name == "<module>":
            return
        caller = self._find_caller(frame)
        if caller is False or (phase, code, caller) in self._seen:
            return
        self._seen.add((phase, code, caller or None))
        line = json.dumps([phase, self._name(code), self._name(caller) if caller else None])
        os.write(self._file, line.encode() + b"\n")

    def _find_caller(self, frame: FrameType) -> CodeType | Literal[False] | None:
        """The function of the package that has called this one; False: a module that is imported, or the parser."""
        nearest, above = None, frame.f_back
        while above is not None:
            code = above.f_code
            if code.co_filename.startswith(self._package):
                if code.co_name == "build_parser" or (code.co_name == "<module>" and not self._is_main(code)):
                    return False
                if nearest is None and not UNCOUNTED.search(code.co_name):
                    nearest = code
            above = above.f_back
        return nearest

    def _is_main(self, code: CodeType) -> bool:
        return code.co_filename == f"{self._package}__main__.py"

    def _name(self, code: CodeType) -> Call:
        return code.co_filename.removeprefix(self._package), code.co_qualname


def record_command(package: str, record: str, phase: str, words: list[str]) -> None:
    """Run `linkweir` with these words under the hook, in this process."""
    recorder = _Recorder(package, record, phase)
    threading.setprofile(recorder)
    sys.setprofile(recorder)
    sys.argv = ["linkweir", *words]
    runpy.run_module("linkweir", run_name="__main__", alter_sys=True)


@dataclass(frozen=True, slots=True)
class Trace:
    """What one phase has entered: functions, and the calls between functions of different files."""

    functions: frozenset[Call]
    jumps: frozenset[tuple[Call, Call]]

    def without(self, other: "Trace") -> "Trace":
        """What the other has not entered."""
        functions = self.functions - other.functions
        return Trace(functions, frozenset(jump for jump in self.jumps if functions.issuperset(jump)))

    @property
    def files(self) -> frozenset[str]:
        """Those that hold the functions."""
        return frozenset(file for file, _ in self.functions)


class _Session:
    """A folder for one run, with the record and the byte that says which phase it is."""

    def __init__(self, source: Path, folder: Path) -> None:
        self._source, self.folder = source, folder
        self._record, self._phase = folder / "record", folder / "phase"
        self._record.touch()
        self._phase.write_bytes(b"\0")

    def set_phase(self, number: int) -> None:
        with self._phase.open("r+b") as file:
            file.write(bytes([number]))

    def command(self, *words: str) -> list[str]:
        package = f"{self._source / 'linkweir'}{os.sep}"
        return [sys.executable, __file__, "--record", package, str(self._record), str(self._phase), *words]

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LINKWEIR_")}
        return {**kept, "PYTHONPATH": str(self._source), "XDG_CONFIG_HOME": str(self.folder)}

    def traces(self) -> dict[int, Trace]:
        functions: dict[int, set[Call]] = {}
        jumps: dict[int, set[tuple[Call, Call]]] = {}
        for line in self._record.read_bytes().splitlines():
            phase, callee, caller = json.loads(line)
            functions.setdefault(phase, set()).add(tuple(callee))
            if caller and caller[0] != callee[0]:
                jumps.setdefault(phase, set()).add((tuple(caller), tuple(callee)))
        return {n: Trace(frozenset(result), frozenset(jumps.get(n, ()))) for n, result in functions.items()}


def trace_rewrite(source: Path, folder: Path) -> Trace:
    """`linkweir rewrite page.html -o out.html`, with the key file made before."""
    session = _Session(source, folder)
    (folder / "page.html").write_bytes(PAGE)
    for phase in (0, 1):
        session.set_phase(phase)
        words = ["rewrite", str(folder / "page.html"), "-o", str(folder / "out.html")]
        words += [] if phase else ["--base-url", "https://t.example.com"]
        subprocess.run(session.command(*words), env=session.environment(), check=True, capture_output=True)  # noqa: S603
    return session.traces()[1]


class _Relay(socketserver.ThreadingTCPServer):
    """A mail server that takes every mail and keeps it."""

    daemon_threads = True

    def __init__(self) -> None:
        self.mails: list[bytes] = []
        super().__init__(("127.0.0.1", 0), _RelayConnection)


class _RelayConnection(socketserver.StreamRequestHandler):
    server: _Relay

    def handle(self) -> None:
        """Speak SMTP as far as a client of one mail needs it."""
        self.wfile.write(b"220 relay\r\n")
        while line := self.rfile.readline():
            command = line[:4].upper()
            if command == b"EHLO":
                self.wfile.write(b"250-relay\r\n250 8BITMIME\r\n")
            elif command == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                mail = b"".join(iter(self.rfile.readline, b".\r\n"))
                self.wfile.write(b"250 taken\r\n")
                self.server.mails.append(mail)
            elif command == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.wfile.write(b"250 ok\r\n")


@contextmanager
def _running_relay() -> Iterator[_Relay]:
    with _Relay() as relay:
        thread = threading.Thread(target=relay.serve_forever, daemon=True)
        thread.start()
        try:
            yield relay
        finally:
            relay.shutdown()
            thread.join()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow no redirect."""


class _Client:
    """What a sender, a reader and a user of the dashboard do."""

    def __init__(self, output: str) -> None:
        self._base = self._find(r"listens on (\S+);", output)
        self._account = self._find(r"Account\s+(\S+)", output)
        self._key = self._find(r"API key\s+(\S+)", output)
        self._password = self._find(r"password (\S+)", output)
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(_NoRedirect, cookies)

    def _find(self, pattern: str, output: str) -> str:
        match = re.search(pattern, output)
        assert match is not None, output
        return match[1]

    def _request(self, url: str, data: bytes | None = None, headers: dict[str, str] | None = None) -> bytes:
        request = urllib.request.Request(url, data, headers or {})  # noqa: S310  our own service
        try:
            with self._opener.open(request, timeout=DEADLINE_SECONDS) as response:
                return bytes(response.read())
        except urllib.error.HTTPError as error:
            if error.code not in (302, 303):
                raise
            return b""

    def sign_in(self) -> None:
        page = self._request(f"{self._base}/dashboard/sign-in").decode()
        token = self._find(r'name="token" value="([^"]*)"', page)
        form = {"token": token, "next": "", "email": "admin@localhost", "password": self._password}
        self._request(f"{self._base}/dashboard/sign-in", urllib.parse.urlencode(form).encode(), {"Origin": self._base})

    def send(self) -> None:
        body = {
            "from": {"email": "news@example.com"},
            "recipients": [{"email": "reader@example.org"}],
            "subject": "Hello",
            "html_content": PAGE.decode(),
            "tracking": {"click": True},
        }
        url = f"{self._base}/v2/accounts/{self._account}/messages"
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        self._request(url, json.dumps(body).encode(), headers)

    def click(self, mail: bytes) -> None:
        link = re.search(rb'href="([^"]+)"', _decode_html(mail))
        assert link is not None
        agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
        self._request(link[1].decode(), headers={"User-Agent": agent})

    def view_overview(self) -> None:
        page = self._request(f"{self._base}/dashboard/")
        assert b"sign-in" not in page[:2000], "not signed in"


def _decode_html(mail: bytes) -> bytes:
    (html,) = [part for part in email.message_from_bytes(mail).walk() if part.get_content_type() == "text/html"]
    decoded = html.get_payload(decode=True)
    assert isinstance(decoded, bytes)
    return decoded


def trace_service(source: Path, folder: Path) -> tuple[Trace, Trace]:
    """A message sent, and a click shown: what all rounds after the first have entered."""
    session = _Session(source, folder)
    words: tuple[str, ...] = ("serve", "--data", str(folder / "data"), "--port", "0", "--smtp-port", "-1")
    if source == SOURCE:  # earlier ones have one process by themselves, and several with this option
        words = (*words, "--workers", "1")
    with _running_relay() as relay:
        transport = f"smtp+plain://127.0.0.1:{relay.server_address[1]}"
        environment = {**session.environment(), "LINKWEIR_TRANSPORT": transport}
        with (folder / "output").open("w+b") as output, (folder / "log").open("wb") as log:
            service = subprocess.Popen(session.command(*words), env=environment, stdout=output, stderr=log)  # noqa: S603
            try:
                _wait_for(lambda: b"curl" in (folder / "output").read_bytes() or service.poll() is not None)
                if service.poll() is not None:
                    raise SystemExit(f"the service ended: {(folder / 'log').read_text()}")
                time.sleep(1)
                client = _Client((folder / "output").read_text())
                client.sign_in()
                for number in range(ROUNDS + 1):
                    _run_round(session, client, relay, number)
                session.set_phase(IDLE_PHASE)
                time.sleep(IDLE_SECONDS)
            finally:
                service.terminate()
                service.wait(DEADLINE_SECONDS)
    traces = session.traces()
    rounds = range(1, ROUNDS + 1)
    send, click = (_common([traces[2 * number + offset] for number in rounds]) for offset in (0, 1))
    return send.without(traces[IDLE_PHASE]), click.without(traces[IDLE_PHASE])


def _run_round(session: _Session, client: _Client, relay: _Relay, number: int) -> None:
    before = len(relay.mails)
    session.set_phase(2 * number)
    client.send()
    _wait_for(lambda: len(relay.mails) > before)
    time.sleep(SETTLE_SECONDS / 3)
    session.set_phase(2 * number + 1 if number else 0)
    client.click(relay.mails[-1])
    time.sleep(SETTLE_SECONDS)
    client.view_overview()
    session.set_phase(0)


def _wait_for(condition: Any) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.05)


def _common(traces: list[Trace]) -> Trace:
    functions = frozenset.intersection(*(trace.functions for trace in traces))
    return Trace(functions, frozenset.intersection(*(trace.jumps for trace in traces)))


def main() -> None:
    """Measure the paths of one source folder and print them."""
    if sys.argv[1:2] == ["--record"]:
        package, record, phase, *words = sys.argv[2:]
        record_command(package, record, phase, words)
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, default=SOURCE, help="folder that holds the package")
    parser.add_argument("--list", action="store_true", help="list the functions, too")
    arguments = parser.parse_args()
    source = arguments.source.resolve()
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        rewrite = trace_rewrite(source, Path(first))
        send, click = trace_service(source, Path(second))
    for name, trace in zip(PATHS, (rewrite, send, click), strict=True):
        print(f"{name}: {len(trace.functions)} functions in {len(trace.files)} files, {len(trace.jumps)} jumps")
        for file, function in sorted(trace.functions) if arguments.list else ():
            print(f"    {file}  {function}")


if __name__ == "__main__":
    main()

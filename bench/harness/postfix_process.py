"""A real Postfix of its own, for comparison: submission with STARTTLS and AUTH, its queue on disk, mail to nowhere.

Whom it asks for passwords is a thread here that speaks as much of Dovecot's authentication protocol as it needs.
"""

import base64
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

POSTFIX = "/usr/sbin/postfix"
START_SECONDS = 20.0
MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
mail_owner = postfix
setgid_group = postdrop
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = postfix.example
mydestination =
mynetworks = 192.0.2.1
default_transport = discard
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {folder}/auth
smtpd_sasl_security_options = noanonymous
smtpd_tls_security_level = encrypt
smtpd_tls_auth_only = yes
smtpd_tls_chain_files = {certificate}
smtpd_client_connection_count_limit = 0
smtpd_client_message_rate_limit = 0
message_size_limit = 50000000
smtputf8_enable = no
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
"""
MASTER_CF = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
proxymap  unix  - - n - - proxymap
error     unix  - - n - - error
retry     unix  - - n - - error
discard   unix  - - n - - discard
anvil     unix  - - n - 1 anvil
postlog   unix-dgram n - n - 1 postlogd
"""


class PostfixNotInstalledError(Exception):
    """There is no Postfix here, or nobody who may start one; the text says which."""


class PostfixProcess:
    """Started on a free port in a temporary folder; `certificate` is a file with a certificate and its key."""

    username, password = "bench", "bench-password"

    def __init__(self, certificate: Path) -> None:
        if not Path(POSTFIX).exists():
            raise PostfixNotInstalledError("Postfix is not installed")
        if os.geteuid() != 0:
            raise PostfixNotInstalledError("only root can start a Postfix")
        self._folder = tempfile.TemporaryDirectory(dir="/tmp", prefix="postfix-")
        folder = Path(self._folder.name)
        folder.chmod(0o755)
        for name in ("etc", "queue", "data"):
            (folder / name).mkdir()
        shutil.chown(folder / "data", "postfix")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        chain = folder / "certificate.pem"
        chain.write_bytes(certificate.read_bytes())
        chain.chmod(0o600)
        self._config = folder / "etc"
        (self._config / "main.cf").write_text(MAIN_CF.format(folder=folder, certificate=chain))
        (self._config / "master.cf").write_text(MASTER_CF.format(port=self.port))
        self._authenticator = _Authenticator(folder / "auth", self.username, self.password)

    def _run(self, action: str) -> None:
        command = [POSTFIX, "-c", str(self._config), action]
        environment = {**os.environ, "MAIL_CONFIG": str(self._config)}
        subprocess.run(command, check=True, capture_output=True, env=environment)  # noqa: S603

    @property
    def cpu_seconds(self) -> float:
        """Processor time of its processes, with those that have ended."""
        master = int((Path(self._folder.name) / "queue" / "pid" / "master.pid").read_text())
        ticks = 0
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = path.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if path.parent.name == str(master):
                ticks += sum(map(int, fields[11:15]))
            elif fields[1] == str(master):
                ticks += sum(map(int, fields[11:13]))
        return ticks / os.sysconf("SC_CLK_TCK")

    def __enter__(self) -> Self:
        self._authenticator.start()
        self._run("start")
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.1)
            else:
                break
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run("stop")
        self._authenticator.stop()
        self._folder.cleanup()


class _Authenticator:
    """Answers on a socket who may send (Dovecot's authentication protocol, version 1): one name, one password."""

    def __init__(self, path: Path, username: str, password: str) -> None:
        self._answer = base64.b64encode(f"\0{username}\0{password}".encode()).decode()
        self._username = username
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        path.chmod(0o666)
        self._listener.listen()

    def start(self) -> None:
        """Begin to answer."""
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        """Answer nobody any more."""
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rw", encoding="utf-8", newline="\n") as stream:
            greeting = ("VERSION\t1\t1", "MECH\tPLAIN\tplaintext", "SPID\t1", "CUID\t1", f"COOKIE\t{'0' * 32}", "DONE")
            stream.write("".join(f"{line}\n" for line in greeting))
            stream.flush()
            for line in stream:
                words = line.rstrip("\n").split("\t")
                if words[0] == "AUTH":
                    right = f"resp={self._answer}" in words
                    stream.write(f"OK\t{words[1]}\tuser={self._username}\n" if right else f"FAIL\t{words[1]}\n")
                    stream.flush()

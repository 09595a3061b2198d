"""A real Postfix with its own configuration, queue and ports, set up as the manual has it, and a real OpenDKIM."""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {queue}
data_directory = {data}
mail_owner = postfix
setgid_group = postdrop
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = postfix.example
mydestination =
mynetworks = 127.0.0.0/8
relayhost = [127.0.0.1]:{relay}
smtpd_relay_restrictions = permit_mynetworks, reject
message_size_limit = 1000000
maillog_file = {log}
maillog_file_prefixes = {folder}
"""
MASTER_CF = """\
127.0.0.1:{incoming} inet n - n - - smtpd
127.0.0.1:{submission} inet n - n - - smtpd
{on_submission}
{coming_back}
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - - proxymap
smtp      unix  - - n - - smtp
relay     unix  - - n - - smtp
showq     unix  n - n - - showq
error     unix  - - n - - error
retry     unix  - - n - - error
discard   unix  - - n - - discard
local     unix  - n n - - local
virtual   unix  - n n - - virtual
lmtp      unix  - - n - - lmtp
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
"""


PAGE = Path(__file__).parents[2] / "src" / "linkweir" / "manual" / "postfix.md"


def manual_configuration(*, to_filter: int, return_port: int, milter: int) -> tuple[str, str]:
    """What the manual adds to the submission service, and the service where mails come back, with these ports."""
    text = PAGE.read_text(encoding="utf-8").partition("```postfix\n")[2].partition("```")[0]
    for written, port in ((10025, to_filter), (10026, return_port), (8891, milter)):
        assert f":{written}" in text
        text = text.replace(f":{written}", f":{port}")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    first = next(index for index, line in enumerate(lines) if not line.startswith(" "))
    return "\n".join(lines[:first]), "\n".join(lines[first:])


class Postfix:
    """Takes strangers' mail on `incoming` and users' on `submission`, and relays everything to `relay`."""

    def __init__(
        self, folder: Path, *, incoming: int, submission: int, back: int, to_filter: int, relay: int, milter: int
    ) -> None:
        self._config, self.log = folder / "etc", folder / "log"
        names = {"queue": folder / "queue", "data": folder / "data", "log": self.log, "folder": folder}
        for path in (self._config, names["queue"], names["data"]):
            path.mkdir(parents=True)
        (self._config / "main.cf").write_text(MAIN_CF.format(relay=relay, **names))
        added, returning = manual_configuration(to_filter=to_filter, return_port=back, milter=milter)
        master = MASTER_CF.format(incoming=incoming, submission=submission, on_submission=added, coming_back=returning)
        (self._config / "master.cf").write_text(master)
        shutil.chown(names["data"], "postfix")

    def _run(self, action: str) -> None:
        command = ["/usr/sbin/postfix", "-c", str(self._config), action]
        environment = {**os.environ, "MAIL_CONFIG": str(self._config)}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)  # noqa: S603
        log = self.log.read_text() if self.log.exists() else ""
        assert done.returncode == 0, done.stderr + log

    def __enter__(self) -> Self:
        self._run("start")
        time.sleep(0.5)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run("stop")


class OpenDkim:
    """Signs what comes over its milter port for example.com, and verifies files with the same key."""

    def __init__(self, folder: Path, port: int) -> None:
        folder.mkdir()
        self._folder = folder
        genkey = ["opendkim-genkey", "-b", "2048", "-s", "test", "-d", "example.com", "-D", str(folder)]
        subprocess.run(genkey, check=True, capture_output=True)  # noqa: S603
        text = "".join(re.findall(r'"([^"]*)"', (folder / "test.txt").read_text()))
        self.record = text.encode()
        (folder / "keys").write_text(f"test._domainkey.example.com {text}\n")
        common = "Syslog no\nLogResults no\nRequireSafeKeys no\n"
        signing = f"Mode s\nDomain example.com\nSelector test\nKeyFile {folder}/test.private\n"
        (folder / "sign.conf").write_text(f"{common}{signing}Socket inet:{port}@127.0.0.1\nBackground no\n")
        (folder / "verify.conf").write_text(f"{common}Mode v\nTestPublicKeys {folder}/keys\n")

    def __enter__(self) -> Self:
        command = ["opendkim", "-f", "-x", str(self._folder / "sign.conf")]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(20)

    def verify(self, mail: bytes) -> str:
        """What OpenDKIM says of this mail's signature."""
        path = self._folder / "mail.eml"
        path.write_bytes(mail)
        command = ["opendkim", "-x", str(self._folder / "verify.conf"), "-t", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        return done.stdout + done.stderr

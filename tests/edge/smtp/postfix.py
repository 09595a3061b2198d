"""A real Postfix with its own configuration, queue and ports, that gives its mail to a content filter."""

import os
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

MAIN = """\
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
maillog_file = {log}
maillog_file_prefixes = {folder}
smtputf8_enable = no
content_filter = smtp:[127.0.0.1]:{filter}
"""
MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
127.0.0.1:{back} inet n - n - - smtpd -o content_filter= -o mynetworks=127.0.0.0/8
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


class Postfix:
    """Listens on `port`, sends to the filter, takes back on `back`, and relays to `relay`."""

    def __init__(self, folder: Path, *, port: int, back: int, to_filter: int, relay: int) -> None:
        self._config, self.log = folder / "etc", folder / "log"
        names = {"queue": folder / "queue", "data": folder / "data", "log": self.log, "folder": folder}
        for path in (self._config, names["queue"], names["data"]):
            path.mkdir(parents=True)
        main = MAIN.format(relay=relay, filter=to_filter, **names)
        (self._config / "main.cf").write_text(main)
        (self._config / "master.cf").write_text(MASTER.format(port=port, back=back))
        shutil.chown(names["data"], "postfix")

    def _run(self, word: str) -> None:
        command = ["/usr/sbin/postfix", "-c", str(self._config), word]
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

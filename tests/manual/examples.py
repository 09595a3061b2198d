"""Runs the examples of a Markdown page as a reader would: one after the other, in one folder, beside a real service.

Shell examples run in bash with the real `linkweir` and the real `curl`. The programs that are only named there
(`render-newsletter`, `send-it`, `sendmail`) are stand-ins that copy their input. What runs until it is interrupted
(`linkweir serve`, `linkweir webhooks listen`) is interrupted after it has said that it is ready.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.manual.library_examples import Example, claims
from tests.web.running_service import RunningService

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "src" / "linkweir" / "manual"
TIMEOUT_SECONDS = 1800  # of one block, on a busy machine
RUN = ("python", "sh", "json")
# nothing that one runs
SHOWN = ("text", "ini", "nginx", "caddy", "haproxy", "postfix", "html", "sql", "toml", "yaml", "dockerfile")
_COPY = "#!/bin/sh\nexec cat\n"
_RENDER = "#!/bin/sh\nexec cat newsletter.html\n"
_LINKWEIR = f"""#!{sys.executable} -IS
import os, signal, subprocess, sys
command = [sys.executable, "-m", "linkweir", *sys.argv[1:]]
if sys.argv[1:2] == ["serve"]:
    command += ["--port", "0", "--smtp-port", "0"]
elif sys.argv[1:3] == ["webhooks", "listen"]:
    command += ["--port", "0"]
else:
    os.execv(sys.executable, command)
process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
for line in process.stdout:
    print(line, end="", flush=True)
    if line.startswith(("Dashboard", "linkweir: waiting for events")):
        break
process.send_signal(signal.SIGTERM)
process.communicate()
sys.exit(0 if process.returncode in (0, 128 + signal.SIGTERM, -signal.SIGTERM) else process.returncode)
"""
_CURL = f"""#!{sys.executable} -IS
import json, os, subprocess, sys
args = sys.argv[1:]
if {{"-o", "-w", "-i", "-I", "-D"}} & set(args):
    os.execv("/usr/bin/curl", ["curl", *args])
done = subprocess.run(["/usr/bin/curl", *args, "-w", "\\n%{{http_code}} %{{method}} %{{url_effective}}"],
                      stdout=subprocess.PIPE, text=True)
body, _, facts = done.stdout.rpartition("\\n")
print(body)
if done.returncode == 0:
    status, method, url = facts.split(" ", 2)
    with open(os.environ["EXCHANGES"], "a") as file:
        print(json.dumps({{"status": status, "method": method, "url": url, "body": body}}), file=file)
sys.exit(done.returncode)
"""
_PROGRAMS = {
    "linkweir": _LINKWEIR,
    "curl": _CURL,
    "render-newsletter": _RENDER,
    "send-it": _COPY,
    "sendmail": _COPY,
}
NEWSLETTER = (
    b'<!doctype html>\n<p>Hello, <a href="https://example.com/offer?a=1&amp;b=2">read on</a> or '
    b'<a href="https://example.org/">visit us</a>.</p>\n'
)
MAIL = b"From: news@example.com\nTo: ada@example.org\nSubject: Hello\nContent-Type: text/html\n\n" + NEWSLETTER


class Workbench:
    """A folder with the files that examples name, and a service whose data folder lies in it."""

    def __init__(self, folder: Path, served: RunningService) -> None:
        self._folder = folder
        self._names: dict[str, Any] = {}
        self._state = folder / "shell-state"
        self._exchanges = folder / "exchanges"
        self._exchanges.touch()
        self.claims = 0
        programs = folder / "bin"
        programs.mkdir()
        for name, text in _PROGRAMS.items():
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("LINKWEIR_")},
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join(sys.path),
            "HOME": str(folder / "home"),
            "XDG_CONFIG_HOME": str(folder / "home" / "config"),
            "EXCHANGES": str(self._exchanges),
            "BASE": served.url,
            "ACCOUNT": served.account,
            "KEY": served.key,
            "SMTP_PORT": str(served.components.smtp_servers[0].address[1]),
        }
        _write_files(folder)

    def run(self, example: Example) -> None:
        """Run one example. Raises AssertionError, or what the example raises."""
        if example.language == "python":
            self._run_python(example.text)
        elif example.language == "sh":
            self._run_shell(example.text)
        else:
            json.loads(example.text)

    def _run_python(self, text: str) -> None:
        exec(text, self._names)  # noqa: S102 - our own manual
        for expression, value in claims(text):
            assert eval(expression, self._names) == value, expression  # noqa: S307
            self.claims += 1

    def _run_shell(self, text: str) -> None:
        state = self._state
        before, after = f"if [ -f {state} ]; then . {state}; fi\nset -a", f"export -p > {state}\nenv -0 > {state}.env"
        script = f"{before}\n{text}\n{after}\n"
        done = subprocess.run(  # noqa: S603 - our own manual
            ["/bin/bash", "-euo", "pipefail", "-c", script],
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
        variables = (self._folder / "shell-state.env").read_text() if done.returncode == 0 else ""
        for name, _, value in (item.partition("=") for item in variables.split("\0")):
            if name.startswith("SMTP_"):
                os.environ[name] = value
        assert done.returncode == 0, f"{text}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"

    @property
    def exchanges(self) -> list[dict[str, str]]:
        """The HTTP requests that examples made with curl, and their answers."""
        return [json.loads(line) for line in self._exchanges.read_text().splitlines()]


def _write_files(folder: Path) -> None:
    """The files that examples read."""
    (folder / "newsletter.html").write_bytes(NEWSLETTER)
    for name in ("templates", "drafts"):
        (folder / name).mkdir()
    for number in range(3):
        (folder / "templates" / f"{number}.html").write_bytes(NEWSLETTER)
        (folder / "drafts" / f"{number}.eml").write_bytes(MAIL)
    (folder / "mail.eml").write_bytes(MAIL)
    (folder / "clicks.ndjson").write_text('{"at": "2026-01-31T10:00:00Z", "message": "m-17", "link": 0}\n')
    (folder / "sent.mbox").write_bytes(b"From news@example.com Thu Jan  1 00:00:00 2026\n" + MAIL + b"\n")

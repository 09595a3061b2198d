"""`linkweir serve` in a process of its own, as its users have it: what it prints, its HTTP face and its data folder."""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import httpx

WAIT_SECONDS = 300.0
SETTINGS = {
    "BASE_URL": "https://t.example.com/c/",
    "STATISTICS_RATE": "1000",
    "STATISTICS_BURST": "1000",
    "RATE_BURST": "10000",
    "DELIVERY_CONNECTIONS": "1",
    "WEBHOOK_CONNECTIONS": "1",
    "WEBHOOK_NETWORKS": "127.0.0.0/8",
    "RETRY_SECONDS": "600",
    "TELL_SECONDS": "1",
    "MAIL_HOSTNAME": "mail.example.com",
    "TRUSTED_PROXIES": "127.0.0.0/8",
}


class Service:
    """One service on ports that the system gives; ends with the `with`."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self._lines: list[str] = []

    def __enter__(self) -> Self:
        environment = clean_environment() | {f"LINKWEIR_{name}": text for name, text in SETTINGS.items()}
        self._errors = (self.data.parent / "service.log").open("wb")
        self.process = subprocess.Popen(  # noqa: S603  our own command
            [sys.executable, "-m", "linkweir", "serve", "--data", str(self.data), "--port", "0", "--workers", "1"],
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=environment,
        )
        self._thread = threading.Thread(target=self._collect, daemon=True)
        self._thread.start()
        self.url = self.read_printed(r"(http://127\.0\.0\.1:\d+)")
        self.account = self.read_printed(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
        self.key = self.read_printed(r"(linkweir-sk-\w{64})")
        self.smtp_port = int(self.read_printed(r"SMTP .*?port (\d+)"))
        self.smtps_port = int(self.read_printed(r"SMTP .*?port \d+ .*?port (\d+)"))
        self.smtp_user, self.smtp_password = (
            self.read_printed(r"username (\S+)"),
            self.read_printed(r"username \S+ +password (\S+)"),
        )
        self.user, self.password = (
            self.read_printed(r"user (\S+@\S+)"),
            self.read_printed(r"user \S+@\S+ +password (\S+)"),
        )
        self.client = httpx.Client(base_url=self.url, timeout=WAIT_SECONDS)
        wait_until(lambda: self.client.get("/readyz").status_code == 200)
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self.stop()

    def stop(self) -> int:
        """End it in good order; the exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            code = self.process.wait(WAIT_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self._thread.join(WAIT_SECONDS)
        if self.process.stdout:
            self.process.stdout.close()
        self._errors.close()
        return code

    def _collect(self) -> None:
        for line in self.process.stdout or ():
            self._lines.append(line)

    def read_printed(self, pattern: str) -> str:
        """The first group of a pattern, once standard output has it."""
        wait_until(lambda: re.search(pattern, "".join(self._lines)) or self.process.poll() is not None)
        match = re.search(pattern, "".join(self._lines))
        assert match, (pattern, "".join(self._lines))
        return match[1]


def clean_environment() -> dict[str, str]:
    """This process's environment without a setting of Linkweir."""
    return {name: text for name, text in os.environ.items() if not name.startswith("LINKWEIR_")} | {"COLUMNS": "200"}


def wait_until(condition: Callable[[], Any], seconds: float = WAIT_SECONDS) -> None:
    """Wait for a condition, or fail."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)

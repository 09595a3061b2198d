"""`linkweir webhooks listen`: what is genuine is printed, what is not is refused."""

import re
import subprocess
import sys
import time
import uuid

import httpx

from linkweir.webhooks import signing
from tests.web.running_service import WAIT_SECONDS

SECRET = signing.new_secret()
BODY = b'{"type":"message.clicked","timestamp":"2026-01-01T00:00:00Z","data":{"url":"https://example.com/"}}'


def test_only_genuine_requests_are_printed() -> None:
    """A signed request is 2xx and printed; a wrong signature and an old time are refused and are not."""
    command = [sys.executable, "-m", "linkweir", "webhooks", "listen", "--port", "0", "--secret", SECRET]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:  # noqa: S603
        assert process.stdout is not None
        url = ""
        while not url:
            line = process.stdout.readline()
            assert line
            url = (re.findall(r"http://\S+?:\d+\S*", line) or [""])[0]

        def post(secret: str, age: int) -> int:
            key = str(uuid.uuid4())
            headers = signing.signature_headers(secret.encode(), key, int(time.time()) - age, BODY)
            return httpx.post(url, content=BODY, headers=headers, timeout=WAIT_SECONDS).status_code

        statuses = [post("wrong", 0), post(SECRET, 400), post(SECRET, 0)]
        process.terminate()
        printed = process.stdout.read()
    assert statuses[0] in (400, 401, 403)
    assert statuses[1] in (400, 401, 403)
    assert 200 <= statuses[2] < 300
    assert printed.count("https://example.com/") == 1

"""`kill -9` while webhooks are told: what was not taken is sent again by the next process, with the same ids."""

import signal
import sqlite3
import time
from pathlib import Path
from typing import Any

import httpx

from tests.edge.serving import request, wait_until
from tests.test_app import serving
from tests.webhook.receiving import Receiver

QUICK = {"webhook_networks": "127.0.0.0/8", "webhook_timeout": "1.5", "claim_seconds": "0.5"}
KINDS = ("reception", "delivered")
MESSAGES = 5


def test_requests_to_webhooks_survive(tmp_path: Path) -> None:
    """Killed while a receiver hangs, the service tells everything after its next start; no request changes its id."""
    with Receiver("hang") as receiver:
        with serving(tmp_path, **QUICK) as process:
            account, key = process.found(r"Account +(\S+)"), process.found(r"API key +(linkweir-sk-\w+)")
            base = f"{process.url}/v2/accounts/{account}"
            hook: dict[str, Any] = {"name": "x", "url": receiver.url, "scope": "global"}
            hook |= {f"on_{kind}": True for kind in KINDS}
            with httpx.Client(headers={"Authorization": f"Bearer {key}"}) as client:
                assert client.post(f"{base}/webhooks", json=hook).status_code == 201
                for _ in range(MESSAGES):
                    assert client.post(f"{base}/messages", json=request()).status_code == 202
            wait_until(lambda: len(rows(tmp_path)) == MESSAGES * len(KINDS) and receiver.received)
            process.end(signal.SIGKILL)
        before = rows(tmp_path)
        assert "waiting" in {state for _, state in before}
        hung = len(receiver.received)
        receiver.behaviour = "ok"
        with serving(tmp_path, **QUICK) as process:
            wait_until(lambda: {state for _, state in rows(tmp_path)} == {"succeeded"})
            process.end(signal.SIGTERM)
        assert {key for key, _ in rows(tmp_path)} == {key for key, _ in before}
        taken = receiver.received[hung:]
        told = {(one.json["type"], one.json["data"]["id"]) for one in taken}
        assert len(told) == MESSAGES * len(KINDS)
        assert len({one.headers["webhook-id"] for one in receiver.received}) == MESSAGES * len(KINDS)
        assert all(abs(int(one.headers["webhook-timestamp"]) - time.time()) < 60 for one in taken)


def rows(data: Path) -> list[tuple[str, str]]:
    """Id and state of everything in the outbox."""
    connection = sqlite3.connect(f"file:{data / 'linkweir.db'}?mode=ro", uri=True)
    try:
        return [(str(key), str(state)) for key, state in connection.execute("SELECT id, state FROM outbox ORDER BY id")]
    finally:
        connection.close()

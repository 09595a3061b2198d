"""`kill -9` while webhooks are told: what was not taken is sent again by the next process, with the same ids."""

import signal
import sqlite3
import time
from pathlib import Path
from typing import Any

import httpx

from tests.test_app import run_service
from tests.web.running_service import WAIT_SECONDS, make_request, wait_until
from tests.webhooks.receiver import WebhookReceiver

QUICK_SETTINGS = {"webhook_networks": "127.0.0.0/8", "webhook_timeout": "1.5", "claim_seconds": "0.5"}
KINDS = ("reception", "delivered")
MESSAGE_COUNT = 5


def test_requests_to_webhooks_survive(tmp_path: Path) -> None:
    """Killed with its two web processes while a receiver hangs, the service tells everything after its next start; no
    request changes its id.
    """
    with WebhookReceiver("hang") as receiver:
        with run_service(tmp_path, "--workers", "2", **QUICK_SETTINGS) as process:
            account, key = (
                process.wait_for_match(r"Account +(\S+)"),
                process.wait_for_match(r"API key +(linkweir-sk-\w+)"),
            )
            base = f"{process.url}/v2/accounts/{account}"
            hook: dict[str, Any] = {"name": "x", "url": receiver.url, "scope": "global"}
            hook |= {f"on_{kind}": True for kind in KINDS}
            with httpx.Client(headers={"Authorization": f"Bearer {key}"}, timeout=WAIT_SECONDS) as client:
                assert client.post(f"{base}/webhooks", json=hook).status_code == 201
                for _ in range(MESSAGE_COUNT):
                    assert client.post(f"{base}/messages", json=make_request()).status_code == 202
            wait_until(lambda: len(list_outbox(tmp_path)) == MESSAGE_COUNT * len(KINDS) and receiver.received)
            process.stop(signal.SIGKILL)
        before = list_outbox(tmp_path)
        assert "waiting" in {state for _, state in before}
        hung = len(receiver.received)
        receiver.behaviour = "ok"
        with run_service(tmp_path, **QUICK_SETTINGS) as process:
            wait_until(lambda: {state for _, state in list_outbox(tmp_path)} == {"succeeded"})
            process.stop(signal.SIGTERM)
        assert {key for key, _ in list_outbox(tmp_path)} == {key for key, _ in before}
        taken = receiver.received[hung:]
        told = {(item.json["type"], item.json["data"]["id"]) for item in taken}
        assert len(told) == MESSAGE_COUNT * len(KINDS)
        assert len({item.headers["webhook-id"] for item in receiver.received}) == MESSAGE_COUNT * len(KINDS)
        assert all(abs(int(item.headers["webhook-timestamp"]) - time.time()) < 60 for item in taken)


def list_outbox(data: Path) -> list[tuple[str, str]]:
    """Id and state of everything in the outbox."""
    connection = sqlite3.connect(f"file:{data / 'linkweir.db'}?mode=ro", uri=True)
    try:
        return [(str(key), str(state)) for key, state in connection.execute("SELECT id, state FROM outbox ORDER BY id")]
    finally:
        connection.close()

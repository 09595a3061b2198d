"""`linkweir api-keys` beside a service that runs."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.cli.command_runner import CommandRunner
from tests.web.running_service import WAIT_SECONDS, RunningService


@pytest.fixture
def service(tmp_path: Path) -> Iterator[RunningService]:
    """A service on a folder that the command can be told of."""
    with RunningService(tmp_path / "data") as service:
        yield service


def account_status(service: RunningService, key: str) -> int:
    """What the account answers to that key."""
    return httpx.get(
        service.url + service.account_path, headers={"Authorization": f"Bearer {key}"}, timeout=WAIT_SECONDS
    ).status_code


def test_a_key_is_made_listed_and_revoked(linkweir: CommandRunner, service: RunningService) -> None:
    """A key made by the command opens the running service within its scopes, and is refused once it is revoked."""
    data = ("--data", service.settings.data)
    key = linkweir("api-keys", "create", "shop", "--scope", "accounts:read", *data).out.decode().strip()
    assert account_status(service, key) == 200
    assert (
        service.reader.get(f"{service.account_path}/webhooks", headers={"Authorization": f"Bearer {key}"}).status_code
        == 403
    )
    rows = json.loads(linkweir("api-keys", "list", "--json", *data).out)["keys"]
    assert [(row["label"], row["scopes"]) for row in rows] == [("test", ["*"]), ("shop", ["accounts:read"])]
    text = linkweir("api-keys", "list", *data).out.decode()
    assert rows[1]["begins"] in text
    assert key not in text
    assert key.startswith(rows[1]["begins"])
    assert linkweir("api-keys", "revoke", rows[1]["begins"], *data).code == 0
    assert account_status(service, key) == 401
    assert account_status(service, service.key) == 200


def test_without_a_scope_a_key_may_do_everything(linkweir: CommandRunner, service: RunningService) -> None:
    """A key without scopes makes further keys, and revoking several at once ends them all."""
    data = ("--data", service.settings.data)
    keys = [linkweir("api-keys", "create", "x", *data).out.decode().strip() for _ in range(2)]
    assert [account_status(service, key) for key in keys] == [200, 200]
    rows = json.loads(linkweir("api-keys", "list", "--json", *data).out)["keys"]
    assert linkweir("api-keys", "revoke", *(row["id"] for row in rows[1:]), *data).code == 0
    assert [account_status(service, key) for key in keys] == [401, 401]


def test_mistakes_are_reported(linkweir: CommandRunner, service: RunningService) -> None:
    """A folder without data, a scope that does not exist, and an unknown key end with a sentence and change nothing."""
    data = ("--data", service.settings.data)
    assert linkweir("api-keys", "list", "--data", "nowhere").code == 2
    assert not (linkweir.work / "nowhere").exists()
    run = linkweir("api-keys", "create", "x", "--scope", "fly", *data)
    assert (run.code, "there is no scope 'fly'" in run.err) == (1, True)
    known = json.loads(linkweir("api-keys", "list", "--json", *data).out)["keys"]
    run = linkweir("api-keys", "revoke", known[0]["id"], "linkweir-sk-nobody", *data)
    assert (run.code, "matches no keys" in run.err) == (2, True)
    assert account_status(service, service.key) == 200

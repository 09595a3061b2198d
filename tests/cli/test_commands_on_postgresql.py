"""The commands of a service on another machine than it: they have its database and master key, and an empty folder."""

import base64
import json
from pathlib import Path

from linkweir.db import clicks_table
from tests.cli.command_runner import CommandRunner
from tests.databases import make_database_url, use_dialect
from tests.web.running_service import RunningService, wait_until

MASTER_KEY = base64.b64encode(bytes(range(32))).decode()


def test_every_command_works_on_another_machine(linkweir: CommandRunner, tmp_path: Path) -> None:
    """Accounts, users, keys, blocked hosts, links, exports, explanations, sums and erasure: each command finds in
    PostgreSQL what the service has stored, changes it, and leaves no database of its own behind.
    """
    with use_dialect("postgresql"):
        url = make_database_url()
        elsewhere = tmp_path / "elsewhere"
        environment = {"LINKWEIR_DATABASE": url, "LINKWEIR_MASTER_KEY": MASTER_KEY, "LINKWEIR_DATA": str(elsewhere)}

        def run(*words: str | Path) -> str:
            done = linkweir(*words, stdin=b"", **environment)
            assert done.code == 0, done.err
            return done.out.decode()

        with RunningService(tmp_path / "data", database=url, master_key=MASTER_KEY) as service:
            (entry,) = service.send(tags=["spring"])
            link, _ = service.delivered_links(entry["id"])
            service.reader.get(link)
            wait_until(lambda: service.click_count(entry["id"]) == 1)
            with service.components.database.read() as connection:
                assert service.components.account
                (click,) = clicks_table.list_for_account(connection, service.components.account)

            account = run("account", "add", "Second").split()[1]
            assert account in run("account", "list")
            key = run("api-keys", "create", "shop").strip()
            assert service.client.get("/v2/ping", headers={"Authorization": f"Bearer {key}"}).status_code == 200
            run("api-keys", "revoke", key[:18])
            assert "shop" not in run("api-keys", "list")
            run("user", "add", "ben@example.com")
            run("user", "add", "ada@example.com")
            run("user", "role", "ada@example.com", "viewer")
            assert "viewer" in run("user", "list")
            run("user", "remove", "ada@example.com")
            run("block", "add", "example.com")
            assert "example.com" in run("block", "list")
            run("block", "remove", "example.com")

            assert json.loads(run("open", "--json", "--data", elsewhere, link))["destination"] == click["destination"]
            assert "current" in run("keys", "list", "--data", elsewhere)
            assert str(click["destination"]) in run("export")
            assert entry["recipient"]["email"] in run("export", "--clickers", "--tag", "spring")
            assert json.loads(run("explain", str(click["id"]), "--json"))["click"] == str(click["id"])
            assert run("rebuild") == "Recalculated the totals from the stored clicks; clicks: 1\n"
            assert json.loads(run("recipient", "export", entry["recipient"]["email"]))["messages"]
            run("recipient", "erase", entry["recipient"]["email"], "--yes")
            assert json.loads(run("recipient", "export", entry["recipient"]["email"]))["messages"] == []
        assert not list(elsewhere.rglob("*.db")) + list(elsewhere.rglob("*.json")) + list(elsewhere.rglob("*.key"))

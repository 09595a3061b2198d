"""Machines that share a database and do different things, and what `linkweir status` says of them."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from linkweir.errors import DatabaseUnavailable, SettingsError
from linkweir.html import scan
from linkweir.settings import ROLES, Settings, from_environment
from tests.cli.command_runner import CommandRunner
from tests.database_proxy import DatabaseProxy
from tests.databases import make_database_url, use_dialect
from tests.nats_server import make_transport_settings
from tests.test_service_secrets import make_master_key, make_service
from tests.web.running_service import BROWSER_HEADERS, WAIT_SECONDS, RunningService, html_body, read_maildir, wait_until


@pytest.mark.parametrize("transport", ["postgresql", "jetstream"])
def test_machines_do_what_their_roles_say(tmp_path: Path, transport: str) -> None:
    """One machine accepts, one delivers, counts and keeps house, one redirects. Each answers for its own roles only,
    a mail and its click pass through all three, and the status names each with what it does.
    """
    with use_dialect("postgresql"):
        url, key = make_database_url(), make_master_key()
        shared: dict[str, Any] = {"database": url, "master_key": key, "base_url": "https://t.example.com/c/"}
        shared |= make_transport_settings(transport)
        roles = (("api", "dashboard"), ("deliver", "count", "notify", "housekeeping"), ("redirect",))
        services = [
            RunningService(tmp_path / name, roles=some, **shared) for name, some in zip("abc", roles, strict=True)
        ]
        accepting, delivering, redirecting = services
        with accepting, delivering, redirecting:
            (entry,) = accepting.send()
            wait_until(lambda: accepting.get_message(entry["id"])["status"] == "Delivered")
            mail = read_maildir(delivering.settings.maildir_path)[entry["id"]]
            path = (next(iter(scan(html_body(mail)))).destination or "").removeprefix("https://t.example.com")
            assert accepting.reader.get(path).status_code == 404
            assert redirecting.reader.get(path).status_code == 302
            wait_until(lambda: accepting.get_message(entry["id"])["click_count"] == 1)
            assert delivering.client.get(accepting.account_path).status_code == 404
            assert redirecting.client.get("/dashboard/").status_code == 404
            checks = [set(one.client.get("/readyz").json()["checks"]) for one in services]
            assert checks[0] == {"database", "disk", "keys"}
            assert checks[1] == {"database", "disk", "keys", "worker", "webhooks", "clicks"}
            assert checks[2] == {"database", "disk", "keys", "spool", "journal", "carrier"}
            assert {one.client.get("/readyz").status_code for one in services} == {200}
            linkweir = CommandRunner(home=tmp_path, work=tmp_path)

            def status() -> dict[str, Any]:
                done = linkweir("status", "--json", stdin=b"", LINKWEIR_DATABASE=url)
                result: dict[str, Any] = json.loads(done.out)
                return {**result, "code": done.code}

            wait_until(lambda: len(status()["machines"]) == 3)
            told = status()
            assert told["code"] == 0
            assert sorted(tuple(machine["roles"]) for machine in told["machines"]) == sorted(roles)
            assert [machine["problems"] for machine in told["machines"]] == [{}, {}, {}]


def test_a_machine_that_redirects_goes_on_without_the_database(tmp_path: Path) -> None:
    """It starts while the database is away, once it has been there, and redirects; what it recorded is counted when the
    database is back. A short link, which is in the database, asks to come back meanwhile, and leads on afterwards. A
    machine with other roles does not start then.
    """
    with use_dialect("postgresql"), DatabaseProxy(url := make_database_url()) as proxy:
        options: dict[str, Any] = {"database": proxy.url, "master_key": make_master_key(), "store_wait": 1.0}
        options |= {"base_url": "https://t.example.com/c/", "click_transport": "postgresql"}
        roles = ("redirect",)
        with RunningService(tmp_path / "all", **{**options, "database": url}) as everything:
            (entry,) = everything.send()
            link = everything.delivered_links(entry["id"])[0].removeprefix("https://t.example.com")
            (other,) = everything.send(link_style="short")
            short = everything.delivered_links(other["id"])[0].removeprefix("https://t.example.com")
            earlier = make_service(Settings(data=tmp_path / "c", roles=roles, **options))
            earlier.start()
            earlier.stop()
            with proxy.cut():
                with pytest.raises(DatabaseUnavailable):
                    make_service(Settings(data=tmp_path / "d", roles=("api",), **options)).start()
                alone = RunningService(tmp_path / "c", roles=roles, **options)
                alone.components.start()
                running = alone._running.__enter__()
                assert httpx.get(alone.url + link, headers=BROWSER_HEADERS).status_code == 302
                answer = httpx.get(alone.url + short, headers=BROWSER_HEADERS, timeout=WAIT_SECONDS)
                assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
                assert everything.get_message(entry["id"])["click_count"] == 0
            wait_until(lambda: httpx.get(alone.url + short, timeout=WAIT_SECONDS).status_code == 302)
            wait_until(lambda: everything.get_message(entry["id"])["click_count"] == 1)
            running.__exit__()


@pytest.mark.parametrize(
    ("text", "expected"),
    [("redirect", "redirect needs count"), ("api,cooking", "'cooking' is not a role; there are redirect, api")],
)
def test_roles_that_cannot_work_are_refused(text: str, expected: str) -> None:
    """A name that is no role, and one that needs another."""
    with pytest.raises(SettingsError, match=expected):
        from_environment({"LINKWEIR_ROLES": text})


def test_roles_are_all_unless_some_are_named() -> None:
    """Their order does not matter, and none named is all."""
    assert from_environment({"LINKWEIR_ROLES": "count, redirect"}).roles == ("redirect", "count")
    assert Settings().roles == from_environment({"LINKWEIR_ROLES": ""}).roles == ROLES

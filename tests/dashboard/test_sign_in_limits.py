"""Tests of how often people may fail to sign in: from one network, at one user, and across processes."""

import ipaddress
import itertools
import os
import signal
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from argon2 import PasswordHasher

from linkweir.accounts import passwords
from linkweir.db.database import Database, WriteMode
from linkweir.errors import DatabaseUnavailable
from tests.dashboard.browser_client import EMAIL, PASSWORD, DashboardClient, add_user, read_form_token
from tests.databases import make_database_url, open_database
from tests.server.test_supervisor import list_children
from tests.test_app import run_service
from tests.web.running_service import WAIT_SECONDS, RunningService, wait_until

PROXY_NETWORKS = (ipaddress.ip_network("127.0.0.0/8"),)


@pytest.fixture
def proxied_service(dialect: str, tmp_path: Path) -> Iterator[RunningService]:
    """A service with a user, behind a proxy that says who comes."""
    with RunningService(tmp_path / "data", trusted_proxies=PROXY_NETWORKS) as running:
        add_user(running)
        stop_refill(running)
        yield running


def stop_refill(service: RunningService) -> None:
    """Time stands still for the limits: on a slow machine no attempt is allowed again meanwhile."""
    limiter = service.components.sign_in_limiter
    now = limiter._clock()
    limiter._clock = lambda: now


class ProxiedClients:
    """Attempts from wherever: one browser's form, and addresses that the proxy names."""

    def __init__(self, url: str) -> None:
        self.client = httpx.Client(base_url=f"{url}/dashboard", timeout=WAIT_SECONDS)
        self.token = read_form_token(self.client.get("/sign-in").text)

    def __enter__(self) -> "ProxiedClients":
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def sign_in_from(self, client_ip: str, email: str = EMAIL, password: str = "wrong one here") -> httpx.Response:  # noqa: S107
        """One attempt from an address. The session that a good one gets is not kept."""
        fields = {"token": self.token, "email": email, "password": password}
        cookie = {"Cookie": f"linkweir_visitor={self.client.cookies['linkweir_visitor']}"}
        headers = {"X-Forwarded-For": client_ip, **cookie}
        return httpx.post(f"{self.client.base_url}sign-in", data=fields, headers=headers, timeout=WAIT_SECONDS)


def count_failures(service: RunningService, client_ips: Iterable[str], email: str = EMAIL) -> None:
    """Attempts that were counted, and nobody heard that they were good."""
    for where in client_ips:
        service.components.sign_in_limiter.begin_sign_in(where, email)


def test_failures_from_one_address_are_limited(service: RunningService, dashboard_client: DashboardClient) -> None:
    """After ten failures the next attempt is answered 429, says when to come again, and does not look at the password;
    what was typed stays in the form.
    """
    stop_refill(service)
    answers = [dashboard_client.sign_in(email=f"u{number}@example.com").status_code for number in range(14)]
    assert answers[:10] == [401] * 10
    assert answers[-1] == 429
    late = dashboard_client.sign_in()
    assert late.status_code == 429
    assert 1 <= int(late.headers["retry-after"]) <= 30
    assert f"Try again in {late.headers['retry-after']} second" in late.text
    assert f'value="{EMAIL}"' in late.text


def test_signing_in_spends_nothing(proxied_service: RunningService) -> None:
    """Twelve people behind one address sign in one after the other; failures still add up."""
    with ProxiedClients(proxied_service.url) as crowd:
        for number in range(12):
            assert crowd.sign_in_from("192.0.2.1", password=PASSWORD).status_code == 303, number
        count_failures(proxied_service, ["192.0.2.1"] * 9)
        assert crowd.sign_in_from("192.0.2.1").status_code == 401
        assert crowd.sign_in_from("192.0.2.1", password=PASSWORD).status_code == 429


def test_one_ipv6_network_is_one_source(proxied_service: RunningService) -> None:
    """Addresses of one /64 are counted together, another /64 is not; IPv4 written as IPv6 is IPv4."""
    with ProxiedClients(proxied_service.url) as crowd:
        count_failures(proxied_service, (f"2001:db8:0:1::{n:x}" for n in range(10)), "x@example.com")
        assert crowd.sign_in_from("2001:db8:0:1:ffff::1").status_code == 429
        assert crowd.sign_in_from("2001:db8:0:2::1").status_code == 401
        count_failures(proxied_service, ["192.0.2.9"] * 10, "x@example.com")
        assert crowd.sign_in_from("::ffff:192.0.2.9").status_code == 429


def test_attempts_at_one_user_are_limited_from_wherever_they_come(proxied_service: RunningService) -> None:
    """After thirty failures at a user from as many addresses the next is answered 429, whether the user exists or
    not; and whoever has signed in from a network before still comes in from there, and only from there.
    """
    with ProxiedClients(proxied_service.url) as crowd:
        assert crowd.sign_in_from("198.51.100.7", password=PASSWORD).status_code == 303
        for email in ("nobody@example.com", EMAIL):
            count_failures(proxied_service, (f"192.0.2.{n}" for n in range(29)), email)
            assert crowd.sign_in_from("192.0.2.30", email).status_code == 401
            refused = crowd.sign_in_from("192.0.2.31", email)
            assert (refused.status_code, refused.text.count(email)) == (429, 1)
        assert crowd.sign_in_from("203.0.113.1", password=PASSWORD).status_code == 429
        assert crowd.sign_in_from("198.51.100.7", password=PASSWORD).status_code == 303
        count_failures(proxied_service, ["198.51.100.7"] * 10)
        assert crowd.sign_in_from("198.51.100.7").status_code == 429


def test_wrong_current_passwords_are_limited(service: RunningService, dashboard_client: DashboardClient) -> None:
    """Somebody who found an open session gets ten tries at its password; another user is not touched by that."""
    stop_refill(service)
    add_user(service, "ben@example.com")
    new = "a much better password"
    dashboard_client.signed_in_client()
    answers = [dashboard_client.post("/password", {"current": "wrong", "new": new}).status_code for _ in range(11)]
    assert answers == [403] * 10 + [429]
    assert dashboard_client.post("/password", {"current": PASSWORD, "new": new}).headers["retry-after"]
    with DashboardClient(service) as ben:
        assert ben.sign_in("ben@example.com").status_code == 303
        assert ben.post("/password", {"current": PASSWORD, "new": new}).status_code == 303


def test_many_at_once_do_not_slip_through(proxied_service: RunningService, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of thirty attempts in the same moment from one address no more than ten are looked at."""
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher())  # as slow as the service's: the attempts overlap
    add_user(proxied_service, "ben@example.com")
    with ProxiedClients(proxied_service.url) as crowd, ThreadPoolExecutor(30) as pool:
        attempts = pool.map(lambda _: crowd.sign_in_from("192.0.2.77", "ben@example.com").status_code, range(30))
        answers = list(attempts)
    assert sorted(answers) == [401] * 10 + [429] * 20


def stop_between_writes(process: int, database: Database) -> None:
    """Stop a process at a moment at which it does not keep the database from others."""
    while True:
        os.kill(process, signal.SIGSTOP)
        try:
            with database.write(WriteMode.EXCLUSIVE, timeout=1):
                return
        except DatabaseUnavailable:
            os.kill(process, signal.SIGCONT)
            time.sleep(0.1)


def fail_until_limited(crowd: ProxiedClients) -> int:
    """How many attempts from one address are looked at before one is refused."""
    attempts = (crowd.sign_in_from("192.0.2.5", f"u{number}@example.com").status_code for number in range(200))
    answers = list(itertools.takewhile(lambda status: status != 429, attempts))
    assert set(answers) <= {401}
    return len(answers)


@pytest.mark.both_databases
def test_all_workers_count_together(tmp_path: Path) -> None:
    """Ten failures that one process of `serve --workers 2` has seen keep the eleventh out of the other one too, and ten
    requests of an account that one has answered the eleventh.
    """
    settings = {"trusted_proxies": "127.0.0.0/8", "rate_limit": "0.00001", "rate_burst": "10"}
    settings["database"] = make_database_url()
    with run_service(tmp_path / "data", "--workers", "2", "--smtp-port", "-1", **settings) as process:
        account, key = process.wait_for_match(r"Account +(\S+)"), process.wait_for_match(r"API key +(linkweir-sk-\w+)")
        path, headers = f"{process.url}/v2/accounts/{account}", {"Authorization": f"Bearer {key}"}
        wait_until(lambda: len(list_children(process.process.pid)) == 3)
        database = open_database(tmp_path / "data", settings["database"])
        with ProxiedClients(process.url) as crowd:
            _, first, second = sorted(list_children(process.process.pid))  # the one for all else is started first
            began, failures = time.monotonic(), 0
            for stopped, goes_on, expected in ((second, first, [200] * 10 + [429]), (first, second, [429])):
                os.kill(goes_on, signal.SIGCONT)
                stop_between_writes(stopped, database)
                failures += fail_until_limited(crowd)
                requests = [httpx.get(path, headers=headers, timeout=WAIT_SECONDS).status_code for _ in expected]
                assert requests == expected
            assert 10 <= failures <= 11 + (time.monotonic() - began) / 30  # on a slow machine, some are allowed again
            assert crowd.sign_in_from("192.0.2.6").status_code == 401
            os.kill(first, signal.SIGCONT)
        database.close()
        assert process.stop(signal.SIGTERM) == 0

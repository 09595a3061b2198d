"""Limits and remembered requests of two machines with one database, each a process of its own: they hold together."""

import base64
import concurrent.futures
import itertools
import smtplib
import ssl
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from linkweir.accounts import sign_in_limiter
from tests.dashboard.browser_client import read_form_token
from tests.databases import make_database_url, use_dialect
from tests.machine_process import MachineProcess
from tests.test_service_secrets import make_master_key
from tests.web.running_service import WAIT_SECONDS, make_request

API_KEY = "a-key-of-the-operator-with-enough-characters"
RATE, BURST = 0.01, 40  # one in 100 seconds: what comes back during the test is counted


class Machines:
    """Two machines; `account` is their account."""

    def __init__(self, folder: Path) -> None:
        shared = {
            "LINKWEIR_DATABASE": make_database_url(),
            "LINKWEIR_MASTER_KEY": make_master_key(),
            "LINKWEIR_API_KEY": API_KEY,
            "LINKWEIR_BASE_URL": "https://t.example.com/c/",
            "LINKWEIR_TRANSPORT": "discard",
            "LINKWEIR_LOG_LEVEL": "error",
        }
        limits = {"LINKWEIR_RATE_LIMIT": str(RATE), "LINKWEIR_RATE_BURST": str(BURST)}
        words = ("--workers", "1", "--smtps-port", "-1")
        first = MachineProcess(folder / "a", *words, **shared, **limits)
        self.account = first.wait_for(r"Account +(\S+)")
        self.credentials = first.wait_for(r"username (\S+)"), first.wait_for(r"username \S+ +password (\S+)")
        self.both = [first, MachineProcess(folder / "b", *words, **shared, **limits)]
        self.smtp_ports = [int(each.wait_for(r"SMTP +\S+ port (\d+)")) for each in self.both]

    def request(self, machine: int, method: str, path: str, **options: Any) -> httpx.Response:
        """An API request of the account to one of them."""
        headers = {"Authorization": f"Bearer {API_KEY}", **options.pop("headers", {})}
        url = f"{self.both[machine].url}/v2/accounts/{self.account}{path}"
        return httpx.request(method, url, headers=headers, timeout=WAIT_SECONDS, **options)


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    """Both, until the end of the test."""
    with use_dialect("postgresql"):
        machines = Machines(tmp_path)
        yield machines
        for machine in machines.both:
            machine.kill()


def test_requests_of_an_account_are_limited_over_both(machines: Machines) -> None:
    """Of requests that are made of both at the same time, so many are allowed as of one."""
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        tried = [pool.submit(machines.request, number % 2, "GET", "/domains") for number in range(2 * BURST)]
        answers = [each.result() for each in tried]
    allowed = Counter(answer.status_code for answer in answers)
    assert set(allowed) == {200, 429}
    assert BURST <= allowed[200] <= BURST + (time.monotonic() - began) * RATE + 1
    assert all("retry-after" in answer.headers for answer in answers if answer.status_code == 429)


def test_a_repeated_request_is_carried_out_by_one_of_them(machines: Machines) -> None:
    """The same request with the same Idempotency-Key, to both at the same time and again later, sends one message."""
    headers = {"Idempotency-Key": "once"}

    def send(machine: int) -> httpx.Response:
        while True:
            answer = machines.request(machine, "POST", "/messages", json=make_request(), headers=headers)
            if answer.status_code != 409:  # the other one is at it
                return answer
            time.sleep(0.05)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(send, (0, 1, 0, 1)))
    answers += [send(0), send(1)]
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["data"][0]["id"] for answer in answers}) == 1
    assert len(machines.request(1, "GET", "/messages").json()["data"]) == 1


def test_guesses_of_a_password_are_limited_over_both(machines: Machines) -> None:
    """Failures at one machine count at the other: at the dashboard, and over SMTP, where no password helps then."""
    statuses: Counter[int] = Counter()
    for machine in itertools.islice(itertools.cycle((0, 1)), 4 * sign_in_limiter.NETWORK_LIMIT[1]):
        statuses[sign_in(machines.both[machine].url)] += 1
    assert set(statuses) == {401, 429}
    assert statuses[429] > sign_in_limiter.NETWORK_LIMIT[1]
    results = [
        sign_in_by_smtp(machines.smtp_ports[number % 2], machines.credentials[0], "wrong")
        for number in range(sign_in_limiter.SMTP_LIMIT[1])
    ]
    assert set(results) == {535}
    assert {sign_in_by_smtp(port, *machines.credentials) for port in machines.smtp_ports} == {454}


def sign_in(url: str) -> int:
    """The status of an attempt with a wrong password."""
    with httpx.Client(base_url=f"{url}/dashboard", timeout=WAIT_SECONDS) as client:
        token = read_form_token(client.get("/sign-in").text)
        fields = {"token": token, "email": "admin@localhost", "password": "wrong one here"}
        return client.post("/sign-in", data=fields).status_code


def sign_in_by_smtp(port: int, username: str, password: str) -> int:
    """The code of an attempt."""
    with smtplib.SMTP("localhost", port, timeout=WAIT_SECONDS) as client:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        client.starttls(context=context)
        client.ehlo()
        given = base64.b64encode(f"\0{username}\0{password}".encode()).decode()
        return client.docmd(f"AUTH PLAIN {given}")[0]  # `login` would try several mechanisms

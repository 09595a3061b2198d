"""Tests of looking at all tracking hosts again and again, against a name server on loopback."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import update

from linkweir.accounts import account_settings, domains
from linkweir.accounts.domain_checks import RETRY_SECONDS, DomainChecks
from linkweir.accounts.host_checks import HostChecker
from linkweir.accounts.resource_changes import DomainCreate
from linkweir.clock import SECOND_US, now
from linkweir.db.database import Database
from linkweir.db.schema import domains as table
from linkweir.web.structured_logging import make_logger
from tests.databases import make_database, use_dialect
from tests.dns_server import DnsServer

TARGET = "t.service.example"
INTERVAL = 4 * RETRY_SECONDS


@pytest.fixture
def names() -> Iterator[DnsServer]:
    """A name server that leads `go.a.example` to the service, and knows no other host."""
    with DnsServer() as server:
        server.records["go.a.example", "CNAME"] = [f"{TARGET}."]
        yield server


def make_checks(database: Database, names: DnsServer, target: str = TARGET) -> DomainChecks:
    """The checks of a machine with this database."""
    checker = HostChecker(target, tls_port=None, name_servers=[names.address])
    return DomainChecks(database, checker, lambda host: None, INTERVAL, make_logger("error"))


def add_domains(database: Database, *names: str) -> uuid.UUID:
    """An account with these domains, made long ago, each with a tracking host."""
    with database.write() as connection:
        account = account_settings.create_account(connection, "shop", now())
        for name in names:
            request = msgspec.convert({"domain": name, "tracking_subdomain": "go"}, DomainCreate)
            domains.create_domain(connection, account, request, 1, add_tracking_host=lambda host: None)
    return account


def let_time_pass(database: Database, seconds: float) -> None:
    """Let every check have been that much earlier."""
    earlier = round(seconds * SECOND_US)
    with database.write() as connection:
        columns = (table.c.dns_checked_at, table.c.found_at, table.c.updated_at)
        connection.execute(update(table).values({column: column - earlier for column in columns}))


@pytest.mark.both_databases
def test_hosts_with_a_problem_are_checked_more_often(tmp_path: Path, names: DnsServer) -> None:
    """A host that leads here is checked again after the interval, any other after 15 minutes, one without a tracking
    subdomain never; without a public host to lead to, none is.
    """
    database = make_database(tmp_path)
    account = add_domains(database, "a.example", "b.example", "c.example")
    with database.write() as connection:
        domains.set_tracking_host(connection, account, "c.example", None, 1, add_tracking_host=lambda host: None)
    assert make_checks(database, names, "localhost").check_due() == 0
    checks = make_checks(database, names)
    assert [checks.check_due(), checks.check_due()] == [2, 0]
    let_time_pass(database, RETRY_SECONDS + 60)
    assert [checks.check_due(), checks.check_due()] == [1, 0]
    let_time_pass(database, INTERVAL)
    assert checks.check_due() == 2
    database.close()


@pytest.mark.both_databases
def test_a_host_is_lost_after_two_checks_in_a_row(tmp_path: Path, names: DnsServer) -> None:
    """One check without a result is no loss, a second one is, whatever it finds; the time of the loss stays. A new
    tracking subdomain begins anew.
    """
    database = make_database(tmp_path)
    account = add_domains(database, "a.example")
    checks = make_checks(database, names)

    def check() -> list[int]:
        let_time_pass(database, INTERVAL + 60)
        assert checks.check_due() == 1
        with database.read() as connection:
            return [row["lost_at"] for row in domains.list_lost(connection, account)]

    assert check() == []
    del names.records["go.a.example", "CNAME"]
    assert check() == []
    names.records["go.a.example", "CNAME"] = ["elsewhere.example."]
    lost = check()
    assert (len(lost), check()) == (1, lost)
    with database.write() as connection:
        domains.set_tracking_host(connection, account, "a.example", "x", now(), add_tracking_host=lambda host: None)
    assert (check(), check()) == ([], [])
    database.close()


def test_one_machine_checks_at_a_time(tmp_path: Path, names: DnsServer) -> None:
    """While a machine checks the domains another one does not."""
    with use_dialect("postgresql"):
        database = make_database(tmp_path)
        add_domains(database, "a.example")
        with database.try_job("domain-checks"):
            assert make_checks(database, names).check_due() == 0
        assert make_checks(database, names).check_due() == 1

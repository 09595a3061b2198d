"""Tests of linkweir.db.domains_table, linkweir.db.smtp_credentials_table and linkweir.db.webhooks_table."""

import uuid
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from linkweir.db import domains_table, outbox_table, smtp_credentials_table, webhooks_table
from tests.db.sample_database import NOW_US, SampleDatabase, list_webhook_requests


def add_domain(
    sample: SampleDatabase, name: str, account: uuid.UUID | None = None, subdomain: str | None = None
) -> uuid.UUID:
    """A new domain."""
    key = uuid.uuid4()
    values = {"id": key, "account_id": account or sample.account, "domain": name, "policy": {}}
    with sample.database.write() as connection:
        domains_table.add(
            connection, {**values, "tracking_subdomain": subdomain, "created_at": NOW_US, "updated_at": NOW_US}
        )
    return key


def test_a_domain_belongs_to_one_account_once(sample: SampleDatabase) -> None:
    """Two accounts may have a domain of one name, one account may not have it twice, and neither sees the other's."""
    mine, theirs = add_domain(sample, "a.example"), add_domain(sample, "a.example", sample.other_account)
    with pytest.raises(IntegrityError):
        add_domain(sample, "a.example")
    with sample.database.read() as connection:
        result = domains_table.find(connection, sample.account, "a.example")
        assert result is not None
        assert result["id"] == mine
        assert domains_table.get(connection, sample.account, theirs) is None
        assert domains_table.find(connection, sample.account, "b.example") is None


def test_hosts_of_all_domains_are_known_until_they_are_removed(sample: SampleDatabase) -> None:
    """A domain without a host of its own adds none, a changed one its new one."""
    one, two = add_domain(sample, "a.example", subdomain="go"), add_domain(sample, "b.example")
    add_domain(sample, "c.example", sample.other_account, "t")
    with sample.database.write() as connection:
        assert domains_table.list_tracking_hosts(connection) == []  # of several accounts, and not proven
        domains_table.mark_all_proven(connection, 1)
        assert sorted(domains_table.list_tracking_hosts(connection)) == ["go.a.example", "t.c.example"]
        domains_table.update_row(connection, two, {"tracking_subdomain": "x"})
        domains_table.remove(connection, one)
        assert sorted(domains_table.list_tracking_hosts(connection)) == ["t.c.example", "x.b.example"]


def make_credential(account: uuid.UUID, username: str) -> dict[str, Any]:
    """The row of a credential."""
    names = {"id": uuid.uuid4(), "account_id": account, "name": "x", "username": username, "digest": b"d"}
    return {**names, "sandbox": False, "scope": "global", "domains": [], "created_at": NOW_US, "updated_at": NOW_US}


def test_a_credential_is_selected_by_its_username(sample: SampleDatabase) -> None:
    """Usernames are unique over all accounts; counting and removing know one account only."""
    mine, theirs = make_credential(sample.account, "one"), make_credential(sample.other_account, "two")
    with sample.database.write() as connection:
        for row in (mine, theirs):
            smtp_credentials_table.add(connection, row)
    with pytest.raises(IntegrityError), sample.database.write() as connection:
        smtp_credentials_table.add(connection, make_credential(sample.account, "two"))
    with sample.database.write() as connection:
        result = smtp_credentials_table.get_by_username(connection, "two")
        assert result is not None
        assert result["account_id"] == sample.other_account
        assert smtp_credentials_table.get_by_username(connection, "One") is None
        assert smtp_credentials_table.count(connection, sample.account) == 1
        assert smtp_credentials_table.get(connection, sample.account, theirs["id"]) is None
        assert not smtp_credentials_table.remove(connection, sample.account, theirs["id"])
        assert smtp_credentials_table.remove(connection, sample.account, mine["id"])
        assert smtp_credentials_table.count(connection, sample.account) == 0


def test_a_webhook_goes_with_what_waits_for_it(sample: SampleDatabase) -> None:
    """Removing a webhook removes its requests and no others; another account does not see it."""
    keys = [uuid.uuid4(), uuid.uuid4()]
    row: dict[str, Any] = {"account_id": sample.account, "name": "x", "url": "https://example.com/", "secret": b"s"}
    row |= {"scope": "global", "domains": [], "events": [], "enabled": True, "created_at": NOW_US, "updated_at": NOW_US}
    with sample.database.write() as connection:
        for key in keys:
            webhooks_table.add(connection, {**row, "id": key})
            request = {"webhook_id": key, "account_id": sample.account, "message_id": None, "kind": "x", "body": b"{}"}
            outbox_table.add(connection, [{**request, "at": NOW_US}])
        webhooks_table.update_row(connection, keys[0], {"name": "changed"})
        changed = webhooks_table.get(connection, sample.account, keys[0])
        assert changed is not None
        assert changed["name"] == "changed"
        assert webhooks_table.get(connection, sample.other_account, keys[0]) is None
        webhooks_table.remove(connection, keys[0])
        assert webhooks_table.get(connection, sample.account, keys[0]) is None
        assert [len(list_webhook_requests(connection, key)) for key in keys] == [0, 1]

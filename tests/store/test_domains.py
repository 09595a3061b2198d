"""Tests of linkweir.store.domains, linkweir.store.smtp_credentials and linkweir.store.webhooks."""

import uuid
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from linkweir.store import domains, outbox, smtp_credentials, webhooks
from tests.store.filled import NOW, Filled


def domain(filled: Filled, name: str, account: uuid.UUID | None = None, subdomain: str | None = None) -> uuid.UUID:
    """A new domain."""
    key = uuid.uuid4()
    values = {"id": key, "account_id": account or filled.account, "domain": name, "policy": {}}
    with filled.store.write() as connection:
        domains.add(connection, {**values, "tracking_subdomain": subdomain, "created_at": NOW, "updated_at": NOW})
    return key


def test_a_domain_belongs_to_one_account_once(filled: Filled) -> None:
    """Two accounts may have a domain of one name, one account may not have it twice, and neither sees the other's."""
    mine, theirs = domain(filled, "a.example"), domain(filled, "a.example", filled.other)
    with pytest.raises(IntegrityError):
        domain(filled, "a.example")
    with filled.store.read() as connection:
        found = domains.find(connection, filled.account, "a.example")
        assert found is not None
        assert found["id"] == mine
        assert domains.get(connection, filled.account, theirs) is None
        assert domains.find(connection, filled.account, "b.example") is None


def test_hosts_of_all_domains_are_known_until_they_are_removed(filled: Filled) -> None:
    """A domain without a host of its own adds none, a changed one its new one."""
    one, two = domain(filled, "a.example", subdomain="go"), domain(filled, "b.example")
    domain(filled, "c.example", filled.other, "t")
    with filled.store.write() as connection:
        assert sorted(domains.tracking_hosts(connection)) == ["go.a.example", "t.c.example"]
        domains.change(connection, two, {"tracking_subdomain": "x"})
        domains.remove(connection, one)
        assert sorted(domains.tracking_hosts(connection)) == ["t.c.example", "x.b.example"]


def credential(account: uuid.UUID, username: str) -> dict[str, Any]:
    """The row of a credential."""
    names = {"id": uuid.uuid4(), "account_id": account, "name": "x", "username": username, "digest": b"d"}
    return {**names, "sandbox": False, "scope": "global", "domains": [], "created_at": NOW, "updated_at": NOW}


def test_a_credential_is_found_by_its_username(filled: Filled) -> None:
    """Usernames are unique over all accounts; counting and removing know one account only."""
    mine, theirs = credential(filled.account, "one"), credential(filled.other, "two")
    with filled.store.write() as connection:
        for row in (mine, theirs):
            smtp_credentials.add(connection, row)
    with pytest.raises(IntegrityError), filled.store.write() as connection:
        smtp_credentials.add(connection, credential(filled.account, "two"))
    with filled.store.write() as connection:
        found = smtp_credentials.by_username(connection, "two")
        assert found is not None
        assert found["account_id"] == filled.other
        assert smtp_credentials.by_username(connection, "One") is None
        assert smtp_credentials.count(connection, filled.account) == 1
        assert smtp_credentials.get(connection, filled.account, theirs["id"]) is None
        assert not smtp_credentials.remove(connection, filled.account, theirs["id"])
        assert smtp_credentials.remove(connection, filled.account, mine["id"])
        assert smtp_credentials.count(connection, filled.account) == 0


def test_a_webhook_goes_with_what_waits_for_it(filled: Filled) -> None:
    """Removing a webhook removes its requests and no others; another account does not see it."""
    keys = [uuid.uuid4(), uuid.uuid4()]
    row: dict[str, Any] = {"account_id": filled.account, "name": "x", "url": "https://example.com/", "secret": b"s"}
    row |= {"scope": "global", "domains": [], "events": [], "enabled": True, "created_at": NOW, "updated_at": NOW}
    with filled.store.write() as connection:
        for key in keys:
            webhooks.add(connection, {**row, "id": key})
            request = {"webhook_id": key, "account_id": filled.account, "message_id": None, "kind": "x", "body": b"{}"}
            outbox.add(connection, [{**request, "at": NOW}])
        webhooks.change(connection, keys[0], {"name": "changed"})
        changed = webhooks.get(connection, filled.account, keys[0])
        assert changed is not None
        assert changed["name"] == "changed"
        assert webhooks.get(connection, filled.other, keys[0]) is None
        webhooks.remove(connection, keys[0])
        assert webhooks.get(connection, filled.account, keys[0]) is None
        assert [len(outbox.of_webhook(connection, key)) for key in keys] == [0, 1]

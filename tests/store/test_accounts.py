"""Tests of linkweir.store.accounts and linkweir.store.api_keys."""

import uuid

from linkweir.store import accounts, api_keys
from tests.store.filled import NOW, Filled


def test_the_first_account_is_the_oldest(filled: Filled) -> None:
    """The account that a service works for stays the same when others are added."""
    with filled.store.read() as connection:
        assert accounts.first(connection) == filled.account


def test_a_change_sets_what_it_names_for_one_account(filled: Filled) -> None:
    """Other columns and other accounts stay as they were."""
    with filled.store.write() as connection:
        accounts.change(connection, filled.account, {"track_clicks": True, "policy": {"outlook": True}}, NOW + 5)
        row, other = (accounts.get(connection, key) for key in (filled.account, filled.other))
    assert row is not None
    assert other is not None
    assert (row["track_clicks"], row["track_opens"], row["policy"]) == (True, False, {"outlook": True})
    assert (row["created_at"], row["updated_at"]) == (NOW, NOW + 5)
    assert (other["track_clicks"], other["updated_at"]) == (False, NOW + 1)


def test_a_link_key_keeps_its_first_owner(filled: Filled) -> None:
    """Claiming keys takes those that nobody owns, and none from anybody; a fingerprint is noted once."""
    with filled.store.write() as connection:
        accounts.claim_link_keys(connection, {1: b"1" * 16, 2: None}, filled.account)
        accounts.claim_link_keys(connection, {1: b"x" * 16, 2: b"2" * 16, 3: None}, filled.other)
        assert accounts.link_key_owners(connection) == {1: filled.account, 2: filled.account, 3: filled.other}
        assert accounts.link_key_fingerprints(connection) == {1: b"1" * 16, 2: b"2" * 16, 3: None}


def key(filled: Filled, label: str, now: int, account: uuid.UUID | None = None) -> uuid.UUID:
    """A new API key whose digest is made of its label."""
    with filled.store.write() as connection:
        return accounts.add_api_key(
            connection, account or filled.account, label=label, digest=label.encode(), now=now, hint="x"
        )


def test_a_key_is_found_by_its_digest_and_by_its_accounts_id(filled: Filled) -> None:
    """Another digest or another account finds nothing."""
    one = key(filled, "one", NOW)
    with filled.store.read() as connection:
        found = api_keys.by_digest(connection, b"one")
        assert found is not None
        assert (found["id"], found["scopes"], found["last_used_at"]) == (one, [accounts.EVERYTHING], None)
        assert api_keys.by_digest(connection, b"two") is None
        assert api_keys.get(connection, filled.account, one) is not None
        assert api_keys.get(connection, filled.other, one) is None


def test_keys_are_listed_counted_and_forgotten_by_account(filled: Filled) -> None:
    """A key of another account is neither listed nor removed."""
    first, second, foreign = key(filled, "b", NOW), key(filled, "a", NOW + 1), key(filled, "c", NOW, filled.other)
    with filled.store.write() as connection:
        assert [row["id"] for row in api_keys.of_account(connection, filled.account)] == [first, second]
        assert accounts.count_api_keys(connection, filled.account) == 2
        assert not api_keys.remove(connection, filled.account, foreign)
        assert api_keys.remove(connection, filled.account, first)
        assert not api_keys.remove(connection, filled.account, first)
        api_keys.remove_labelled(connection, filled.account, "c")
        assert api_keys.by_digest(connection, b"c") is not None
        api_keys.remove_labelled(connection, filled.account, "a")
        assert api_keys.of_account(connection, filled.account) == []


def test_a_use_is_noted(filled: Filled) -> None:
    """The time of the last use changes and nothing else."""
    one = key(filled, "one", NOW)
    with filled.store.write() as connection:
        api_keys.seen(connection, one, NOW + 9)
        row = api_keys.get(connection, filled.account, one)
    assert row is not None
    assert (row["last_used_at"], row["updated_at"]) == (NOW + 9, NOW)

"""Tests of linkweir.db.accounts_table and linkweir.db.api_keys_table."""

import uuid

from linkweir.db import accounts_table, api_keys_table
from tests.db.sample_database import NOW_US, SampleDatabase


def test_the_first_account_is_the_oldest(sample: SampleDatabase) -> None:
    """The account that a service works for stays the same when others are added."""
    with sample.database.read() as connection:
        assert accounts_table.get_default_account(connection) == sample.account


def test_a_change_sets_what_it_names_for_one_account(sample: SampleDatabase) -> None:
    """Other columns and other accounts stay as they were."""
    with sample.database.write() as connection:
        accounts_table.update_row(
            connection, sample.account, {"track_clicks": True, "policy": {"outlook": True}}, NOW_US + 5
        )
        row, other = (accounts_table.get(connection, key) for key in (sample.account, sample.other_account))
    assert row is not None
    assert other is not None
    assert (row["track_clicks"], row["track_opens"], row["policy"]) == (True, False, {"outlook": True})
    assert (row["created_at"], row["updated_at"]) == (NOW_US, NOW_US + 5)
    assert (other["track_clicks"], other["updated_at"]) == (False, NOW_US + 1)


def test_a_link_key_stays_with_its_first_owner(sample: SampleDatabase) -> None:
    """Claiming keys takes those that nobody owns, and none from anybody; a fingerprint is noted once."""
    with sample.database.write() as connection:
        accounts_table.claim_link_keys(connection, {1: b"1" * 16, 2: None}, sample.account)
        accounts_table.claim_link_keys(connection, {1: b"x" * 16, 2: b"2" * 16, 3: None}, sample.other_account)
        assert accounts_table.link_key_owners(connection) == {
            1: sample.account,
            2: sample.account,
            3: sample.other_account,
        }
        assert accounts_table.link_key_fingerprints(connection) == {1: b"1" * 16, 2: b"2" * 16, 3: None}


def make_api_key(sample: SampleDatabase, label: str, now: int, account: uuid.UUID | None = None) -> uuid.UUID:
    """A new API key whose digest is made of its label."""
    with sample.database.write() as connection:
        return accounts_table.add_api_key(
            connection, account or sample.account, label=label, digest=label.encode(), now=now, hint="x"
        )


def test_a_key_is_selected_by_its_digest_and_by_its_accounts_id(sample: SampleDatabase) -> None:
    """Another digest or another account finds nothing."""
    one = make_api_key(sample, "one", NOW_US)
    with sample.database.read() as connection:
        result = api_keys_table.get_by_digest(connection, b"one")
        assert result is not None
        assert (result["id"], result["scopes"], result["last_used_at"]) == (one, [accounts_table.WILDCARD_SCOPE], None)
        assert api_keys_table.get_by_digest(connection, b"two") is None
        assert api_keys_table.get(connection, sample.account, one) is not None
        assert api_keys_table.get(connection, sample.other_account, one) is None


def test_keys_are_listed_counted_and_forgotten_by_account(sample: SampleDatabase) -> None:
    """A key of another account is neither listed nor removed."""
    first, second, foreign = (
        make_api_key(sample, "b", NOW_US),
        make_api_key(sample, "a", NOW_US + 1),
        make_api_key(sample, "c", NOW_US, sample.other_account),
    )
    with sample.database.write() as connection:
        assert [row["id"] for row in api_keys_table.list_for_account(connection, sample.account)] == [first, second]
        assert accounts_table.count_api_keys(connection, sample.account) == 2
        assert not api_keys_table.remove(connection, sample.account, foreign)
        assert api_keys_table.remove(connection, sample.account, first)
        assert not api_keys_table.remove(connection, sample.account, first)
        api_keys_table.delete_by_label(connection, sample.account, "c")
        assert api_keys_table.get_by_digest(connection, b"c") is not None
        api_keys_table.delete_by_label(connection, sample.account, "a")
        assert api_keys_table.list_for_account(connection, sample.account) == []


def test_a_use_is_noted(sample: SampleDatabase) -> None:
    """The time of the last use changes and nothing else."""
    one = make_api_key(sample, "one", NOW_US)
    with sample.database.write() as connection:
        api_keys_table.touch(connection, one, NOW_US + 9)
        row = api_keys_table.get(connection, sample.account, one)
    assert row is not None
    assert (row["last_used_at"], row["updated_at"]) == (NOW_US + 9, NOW_US)

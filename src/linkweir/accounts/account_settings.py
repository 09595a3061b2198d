"""Accounts: creation, and the settings that an account has over its API and in the dashboard."""

import uuid
from collections.abc import Sequence

from sqlalchemy import Connection, RowMapping

from linkweir.accounts import internal_recipients, ip_allow_list
from linkweir.accounts.resource_changes import AccountUpdate
from linkweir.accounts.skip_patterns import to_link_options
from linkweir.db import accounts_table, clicks_table, domains_table
from linkweir.errors import LinkweirError, NotFound, ValidationError
from linkweir.translation import gettext

MAX_NAME_CHARACTERS = 255


def create_account(connection: Connection, name: str, now: int) -> uuid.UUID:
    """Create an account with all tracking off and return its id. Raises ValidationError."""
    if not 1 <= len(name) <= MAX_NAME_CHARACTERS:
        raise ValidationError(
            "name", gettext("must have %(least)s to %(most)s characters", least=1, most=MAX_NAME_CHARACTERS)
        )
    if not domains_table.has_several_accounts(connection):  # those of the account that was alone need no proof
        domains_table.mark_all_proven(connection, now)
    account = uuid.uuid4()
    accounts_table.create(connection, account, name, now)
    return account


def get_account(connection: Connection, account: uuid.UUID) -> RowMapping:
    """Return the row of an account. Raises NotFound."""
    row = accounts_table.get(connection, account)
    if row is None:
        raise NotFound("there is no such account")
    return row


def list_accounts(connection: Connection) -> Sequence[RowMapping]:
    """Return all accounts, oldest first."""
    return accounts_table.list_all(connection)


def find_default_account(connection: Connection) -> uuid.UUID | None:
    """Return the id of the oldest account; None in a new database."""
    return accounts_table.get_default_account(connection)


def require_default_account(connection: Connection) -> uuid.UUID:
    """Return the id of the oldest account. Raises LinkweirError when there is none."""
    account = accounts_table.get_default_account(connection)
    if account is None:
        raise LinkweirError("there is no account yet: start `linkweir serve` once, or use `linkweir account add`")
    return account


def count_clicks(connection: Connection, account: uuid.UUID) -> int:
    """Return the number of clicks that count, also those on links made in bulk, which belong to no message."""
    return clicks_table.count_counted_clicks(connection, account)


def update_account(
    connection: Connection, account: uuid.UUID, change: AccountUpdate, now: int
) -> tuple[RowMapping, list[str]]:
    """Update an account; return its row and the names of the columns that were set.

    Raises NotFound, ValidationError.
    """
    stored = get_account(connection, account)["policy"]
    policy = change.merge_into(stored)
    to_link_options(policy.get("opt_out"), policy.get("skip"), policy.get("outlook"))
    try:
        to_link_options(None, policy.get("confirm"), None)  # patterns of the same kind
    except ValidationError as error:
        raise ValidationError("confirm", error.reason) from None
    values = change.changed_columns()
    if "internal_networks" in values:
        values["internal_networks"] = ip_allow_list.parse_internal_networks(values["internal_networks"])
    if "internal_addresses" in values:
        values["internal_addresses"] = internal_recipients.parse_addresses(values["internal_addresses"])
    if policy != stored:
        values["policy"] = policy
    if values:
        accounts_table.update_row(connection, account, values, now)
    return get_account(connection, account), sorted(values)

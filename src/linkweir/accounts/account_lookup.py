"""The account and the domain that a mail is sent for, as policy and submission need them."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from linkweir.accounts.internal_recipients import InternalRecipients, make_internal_recipients
from linkweir.accounts.tracking_preferences import TrackingPreferences, preferences_from_row
from linkweir.db import accounts_table, domains_table
from linkweir.errors import NotFound


@dataclass(frozen=True, slots=True)
class SendingAccount:
    """The account as sending needs it. `internal_addresses`: of the sender's own people; with `internal_own_domains`
    all addresses of the account's domains, too.
    """

    id: uuid.UUID
    preferences: TrackingPreferences
    metadata_retention_days: int
    content_retention_days: int
    internal_addresses: tuple[str, ...] = ()
    internal_own_domains: bool = False


@dataclass(frozen=True, slots=True)
class SendingDomain:
    """The sender's domain as sending needs it; `tracking_host` None: the service's own."""

    id: uuid.UUID
    name: str
    preferences: TrackingPreferences
    tracking_host: str | None


def account_from_row(row: Mapping[Any, Any]) -> SendingAccount:
    """The account in this row."""
    preferences = preferences_from_row(row["policy"], track_clicks=row["track_clicks"], track_opens=row["track_opens"])
    return SendingAccount(
        row["id"],
        preferences,
        row["message_metadata_retention"],
        row["message_data_retention"],
        tuple(row["internal_addresses"]),
        row["internal_own_domains"],
    )


def load_account(connection: Connection, account: uuid.UUID) -> SendingAccount:
    """The account with this id. Raises NotFound."""
    row = accounts_table.get(connection, account)
    if row is None:
        raise NotFound("there is no such account")
    return account_from_row(row)


def load_internal_recipients(connection: Connection, account: SendingAccount) -> InternalRecipients:
    """The recipients who are the sender's own people."""
    own_domains = domains_table.list_names(connection, account.id) if account.internal_own_domains else ()
    return make_internal_recipients(account.internal_addresses, own_domains)


def find_domain(connection: Connection, account: uuid.UUID, sender: str) -> SendingDomain | None:
    """The domain of this sender's address, if the account has set one up."""
    row = domains_table.find(connection, account, sender.rpartition("@")[2].lower())
    if row is None:
        return None
    serves = row["tracking_subdomain"] and domains_table.serves_links(connection, row)
    host = f"{row['tracking_subdomain']}.{row['domain']}" if serves else None
    return SendingDomain(row["id"], row["domain"], preferences_from_row(row["policy"]), host)

"""The account and the domain that a mail is sent for, as policy and submission need them."""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from linkweir.errors import NotFound
from linkweir.mail import wishes
from linkweir.mail.model import Account, Domain
from linkweir.store import accounts, domains


def account_of(row: Mapping[Any, Any]) -> Account:
    """The account in this row."""
    asked = wishes.from_row(row["policy"], track_clicks=row["track_clicks"], track_opens=row["track_opens"])
    return Account(row["id"], asked, row["message_metadata_retention"], row["message_data_retention"])


def load_account(connection: Connection, account: uuid.UUID) -> Account:
    """The account with this id. Raises NotFound."""
    row = accounts.get(connection, account)
    if row is None:
        raise NotFound("there is no such account")
    return account_of(row)


def domain_of(connection: Connection, account: uuid.UUID, sender: str) -> Domain | None:
    """The domain of this sender's address, if the account has set one up."""
    row = domains.find(connection, account, sender.rpartition("@")[2].lower())
    if row is None:
        return None
    host = f"{row['tracking_subdomain']}.{row['domain']}" if row["tracking_subdomain"] else None
    return Domain(row["id"], row["domain"], wishes.from_row(row["policy"]), host)

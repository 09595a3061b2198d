"""From a verified token to its destination where the database has to be asked: a short link, or one whose account may
want it confirmed.
"""

import uuid
from collections.abc import Collection

from linkweir.clicks.sealed_links import ResolvedLink, resolve_destination
from linkweir.db import accounts_table, blocklist_table, messages_table
from linkweir.db.database import Database
from linkweir.errors import DatabaseUnavailable, LinkweirError
from linkweir.tokens import Opened


class LinkErasedError(LinkweirError):
    """A short link of a person who was erased: where it led is not known any more."""


def resolve_short(database: Database, opened: Opened) -> ResolvedLink | None:
    """The way of a short link; None for one that this database does not know. Raises DatabaseUnavailable,
    LinkErasedError.
    """
    if not isinstance(opened.message, int) or opened.message >= 1 << 63:
        return None
    with database.read() as connection:
        if blocklist_table.is_erased(connection, opened.message):
            raise LinkErasedError("the message was erased")
        destination = messages_table.get_short_link_destination(connection, opened.message, opened.index)
    if destination == "":
        raise LinkErasedError("its destination named a person who was erased")
    return resolve_destination(opened, destination)


def belongs_to_any(database: Database, opened: Opened, account_ids: Collection[uuid.UUID]) -> bool:
    """Is the link of one of these accounts: by its message, or its key's owner? Without the database: yes."""
    try:
        with database.read() as connection:
            known = isinstance(opened.message, int) and opened.message < 1 << 63
            account = messages_table.get_account_by_number(connection, int(opened.message)) if known else None  # type: ignore[arg-type]
            return (account or accounts_table.link_key_owners(connection).get(opened.key_id)) in account_ids
    except DatabaseUnavailable:
        return True

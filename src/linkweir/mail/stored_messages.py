"""Messages as they are stored: search, one message with its mail and delivery attempts, and cancellation."""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, RowMapping

from linkweir.db import clicks_table, contents_table, message_search, messages_table
from linkweir.errors import Conflict, NotFound
from linkweir.pagination import CursorPosition, PageRequest, RowPage, SearchPage, SortedPage, SortRequest

SORT_COLUMNS = tuple(message_search.SORT_KEYS)  # that messages may be sorted by
MAX_SEARCHED = message_search.MAX_SEARCHED  # messages that one page of a search looks at


def search_messages(
    connection: Connection, account: uuid.UUID, page: PageRequest, filters: Mapping[str, Any]
) -> RowPage:
    """Return a page of the account's messages that meet all filters, newest first: see `message_search.search`."""
    return message_search.search(connection, account, page, filters)


def search_texts(
    connection: Connection,
    account: uuid.UUID,
    limit: int,
    after: CursorPosition | None,
    *,
    text: str = "",
    tag: str = "",
    shown_status: str = "",
) -> SearchPage:
    """Return a page of the account's messages by a part of an address, subject or tag: see
    `message_search.search_texts`.
    """
    return message_search.search_texts(connection, account, limit, after, text=text, tag=tag, shown_status=shown_status)


def search_sorted(
    connection: Connection,
    account: uuid.UUID,
    request: SortRequest,
    *,
    text: str = "",
    tag: str = "",
    shown_status: str = "",
) -> SortedPage:
    """Return a page of the account's newest messages in the order of a column: see `message_search.search_sorted`."""
    return message_search.search_sorted(connection, account, request, text=text, tag=tag, shown_status=shown_status)


def list_persons_with_prefix(connection: Connection, account: uuid.UUID, prefix: str, limit: int) -> list[str]:
    """Return the recipients whose address begins so, in order."""
    return message_search.list_persons_with_prefix(connection, account, prefix, limit)


def list_messages_to(connection: Connection, account: uuid.UUID, email: str, page: PageRequest) -> RowPage:
    """Return a page of the account's messages to an address in any letter case, newest first."""
    return message_search.list_to_person(connection, account, email, page)


def get_message(connection: Connection, account: uuid.UUID, message: str) -> RowMapping:
    """Return the row of the message with this id, a UUID as text. Raises NotFound."""
    try:
        row = messages_table.get(connection, account, uuid.UUID(message))
    except ValueError:
        row = None
    if row is None:
        raise NotFound("there is no such message")
    return row


def find_number(connection: Connection, account: uuid.UUID, message: str | None) -> int | None:
    """Return by which number tokens name the message with this id or Message-ID; None of None. Raises NotFound."""
    if message is None:
        return None
    number: int = get_message(connection, account, message.strip().strip("<>").partition("@")[0])["number"]
    return number


def find_message_by_number(connection: Connection, number: int) -> uuid.UUID | None:
    """Return the id of the message that tokens name by this number."""
    row = clicks_table.get_messages_by_number(connection, [number]).get(number)
    return None if row is None else row["id"]


def load_mail(connection: Connection, message: uuid.UUID) -> bytes | None:
    """Return the mail as it was built; None when it is no longer stored."""
    return contents_table.get(connection, message)


def list_delivery_attempts(connection: Connection, message: RowMapping) -> list[RowMapping]:
    """Return the attempts to deliver the message, oldest first."""
    return messages_table.list_delivery_attempts(connection, message["id"]) if message["num_attempts"] else []


def load_short_link_destinations(connection: Connection, message: uuid.UUID) -> dict[int, str]:
    """Return where the short links of a message lead, by position; none for a message with sealed ones."""
    return messages_table.get_short_link_destinations(connection, message)


def find_short_link_destination(connection: Connection, number: int, position: int) -> str | None:
    """Return where a short link of the message with this number leads; None when it is not stored."""
    return messages_table.get_short_link_destination(connection, number, position)


def cancel_message(connection: Connection, account: uuid.UUID, message: uuid.UUID, now: int) -> None:
    """Take a scheduled message off the queue. Raises Conflict when it is not scheduled, or its time has come."""
    if not message_search.cancel(connection, account, message, now):
        raise Conflict("the message is not scheduled, or its delivery has already begun")

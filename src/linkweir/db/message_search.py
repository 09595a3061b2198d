"""Statements that find messages by what is known of them, and one that cancels a scheduled one.

A search for a part of a text has no index. It looks at the `MAX_SEARCHED` newest messages from the cursor on, and says
where the next page goes on; addresses that begin with the text are found in the index of all.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Text,
    and_,
    case,
    delete,
    func,
    literal,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from linkweir.db import contents_table
from linkweir.db.keyset_pagination import load_page, load_page_of
from linkweir.db.portable_sql import each_pair_in, each_text_in
from linkweir.db.schema import message_tags, messages, queue
from linkweir.db.sorted_pages import load_sorted_page
from linkweir.pagination import CursorPosition, PageRequest, RowPage, SearchPage, SortedPage, SortRequest

MAX_SEARCHED = 5000  # messages that one page of a search looks at
MAX_PERSONS_SEARCHED = 200  # addresses that are looked at for those of the account
LIKE_ESCAPES = str.maketrans({"%": r"\%", "_": r"\_", "\\": r"\\"})
MessageColumns = ReadOnlyColumnCollection[str, Any]  # of the table, or of a selection from it

MAX_KEY_CHARACTERS = 100  # of a text that messages are sorted by: it goes into the address of a page
SORT_KEYS: Mapping[str, Callable[[MessageColumns], ColumnElement[Any]]] = {
    "subject": lambda columns: func.substr(func.lower(columns.subject), 1, MAX_KEY_CHARACTERS, type_=Text),
    "recipient": lambda columns: columns.person,
    "accepted": lambda columns: columns.created_at,
    "status": lambda columns: func.lower(_shown_status(columns), type_=Text),
    "clicks": lambda columns: columns.expected_clicks,
}


def search(
    connection: Connection, account: uuid.UUID, page_request: PageRequest, filters: Mapping[str, Any]
) -> RowPage:
    """Messages of an account that meet all filters: `status` (texts), `sender`, `recipient`, `message_id_header`,
    `subject` (part of it), `tags` (any of them), `from_time`, `to_time`, `domains` (of senders; None: all), and
    `shown_status`: the status where a message with no likely click by a person does not count as clicked.
    """
    return load_page(
        connection, messages, page_request, [messages.c.account_id == account, *_build_conditions(filters)]
    )


def search_texts(
    connection: Connection,
    account: uuid.UUID,
    limit: int,
    after: CursorPosition | None = None,
    *,
    text: str = "",
    tag: str = "",
    shown_status: str = "",
    searched: int = MAX_SEARCHED,
) -> SearchPage:
    """Return a page of the account's messages whose recipient, subject or a tag has this text as a part, with this tag
    (as a whole), and with this status (see `search`); newest first.
    """
    window = _select_newest(account, tag, after)
    newest = window.limit(searched).subquery()
    statement = select(messages).join(newest, messages.c.id == newest.c[1])
    statement = statement.where(*_search(messages.c, text, shown_status))
    order = (newest.c[0].desc(), newest.c[1].desc())
    rows = list(connection.execute(statement.order_by(*order).limit(limit + 1)).mappings())
    if len(rows) > limit:
        return SearchPage(rows[:limit], (rows[limit - 1]["created_at"], rows[limit - 1]["id"]))
    end = connection.execute(window.offset(searched - 1).limit(1)).first()
    return SearchPage(rows, None if end is None else (end[0], end[1]), end is not None)


def search_sorted(
    connection: Connection,
    account: uuid.UUID,
    request: SortRequest,
    *,
    text: str = "",
    tag: str = "",
    shown_status: str = "",
    searched: int = MAX_SEARCHED,
) -> SortedPage:
    """Return a page of those of the account's `searched` newest messages that `search_texts` finds, in the order of one
    of SORT_KEYS.
    """
    newest = _select_newest_rows(account, tag, searched).subquery("newest")
    statement = select(newest).where(*_search(newest.c, text, shown_status))
    order = (SORT_KEYS[request.column](newest.c), newest.c.id)
    is_cut = _has_more_than(connection, account, tag, searched)
    return load_sorted_page(connection, statement, order, request, is_cut=is_cut)


def _select_newest_rows(account: uuid.UUID, tag: str, limit: int) -> Select[Any]:
    """Whole rows: to look each up once more by its id would double the cost."""
    if not tag:
        mine = select(messages).where(messages.c.account_id == account)
        return mine.order_by(messages.c.created_at.desc(), messages.c.id.desc()).limit(limit)
    ids = _select_newest(account, tag).limit(limit).subquery()
    return select(messages).join(ids, messages.c.id == ids.c[1])


def _has_more_than(connection: Connection, account: uuid.UUID, tag: str, number: int) -> bool:
    """Whether the account has more messages (with the tag), found in the index alone."""
    window = _select_tagged(account, tag) if tag else _select_all(account)
    at = window.selected_columns[0]
    beyond = window.with_only_columns(at).order_by(at.desc()).offset(number).limit(1)
    return connection.execute(beyond).first() is not None


def _select_newest(account: uuid.UUID, tag: str, after: CursorPosition | None = None) -> Select[Any]:
    window = _select_tagged(account, tag) if tag else _select_all(account)
    at, key = window.selected_columns
    if after is not None:
        bound = tuple_(literal(after[0], at.type), literal(after[1], key.type))
        window = window.where(at <= after[0], tuple_(at, key) < bound)  # the index is entered by the time
    return window.order_by(at.desc(), key.desc())


def _search(columns: MessageColumns, text: str, shown_status: str) -> list[ColumnElement[bool]]:
    conditions = _text_conditions(columns, text) if text else []
    return conditions + ([func.lower(_shown_status(columns)) == shown_status.lower()] if shown_status else [])


def _shown_status(columns: MessageColumns) -> ColumnElement[str]:
    """The status, but where no person may have clicked that of before."""
    return case(
        (
            and_(columns.status == "Clicked", columns.likely_count == 0),
            case((columns.open_count > 0, "Opened"), else_="Delivered"),
        ),
        else_=columns.status,
    )


def _select_all(account: uuid.UUID) -> Select[Any]:
    return select(messages.c.created_at, messages.c.id).where(messages.c.account_id == account)


def _select_tagged(account: uuid.UUID, tag: str) -> Select[Any]:
    here = (message_tags.c.account_id == account, message_tags.c.tag == tag)
    return select(message_tags.c.created_at, message_tags.c.message_id).where(*here)


def _text_conditions(columns: MessageColumns, text: str) -> list[ColumnElement[bool]]:
    part = f"%{text.translate(LIKE_ESCAPES)}%"
    each = each_text_in(columns.tags)
    in_tags = select(each.c.value).where(each.c.value.ilike(part, escape="\\")).exists()
    texts = (columns.recipient, columns.subject)
    return [or_(*(column.ilike(part, escape="\\") for column in texts), in_tags)]


def list_to_person(connection: Connection, account: uuid.UUID, email: str, page_request: PageRequest) -> RowPage:
    """A page of the account's messages to an address in any letter case, newest first."""
    owner = func.coalesce(messages.c.account_id, messages.c.account_id)  # SQL would go by the account's index
    statement = select(messages).where(messages.c.person == email.lower(), owner == account)
    return load_page_of(connection, statement, (messages.c.created_at, messages.c.id), page_request)


def list_persons_with_prefix(connection: Connection, account: uuid.UUID, prefix: str, limit: int) -> list[str]:
    """The account's recipients whose address begins so, in order; each step goes to the next address in the index,
    whatever the number of messages to one.
    """
    persons: list[str] = []
    prefix = prefix.lower()
    last = ""
    for _ in range(MAX_PERSONS_SEARCHED):
        column = messages.c.person
        bound = column > last if last else column >= prefix
        found = connection.scalar(select(column).where(bound).order_by(column).limit(1))
        if found is None or not found.startswith(prefix) or len(persons) == limit:
            break
        last = found
        mine = select(messages.c.id).where(column == found, messages.c.account_id == account).limit(1)
        if connection.scalar(mine) is not None:
            persons.append(found)
    return persons


def _build_conditions(filters: Mapping[str, Any]) -> Sequence[ColumnElement[Any]]:
    conditions: list[ColumnElement[Any]] = []
    if filters.get("status"):
        conditions.append(func.lower(messages.c.status).in_([status.lower() for status in filters["status"]]))
    if filters.get("shown_status"):
        conditions.append(
            func.lower(_shown_status(messages.c)).in_([status.lower() for status in filters["shown_status"]])
        )
    if filters.get("sender"):
        conditions.append(func.lower(messages.c.sender) == filters["sender"].lower())
    if filters.get("recipient"):
        conditions.append(messages.c.person == filters["recipient"].lower())
    if filters.get("message_id_header"):
        conditions.append(messages.c.message_id == filters["message_id_header"].strip("<> "))
    if filters.get("subject"):
        conditions.append(messages.c.subject.ilike(f"%{filters['subject'].translate(LIKE_ESCAPES)}%", escape="\\"))
    if filters.get("tags"):
        conditions.append(has_tag(filters["tags"]))
    if filters.get("from_time") is not None:
        conditions.append(messages.c.created_at >= filters["from_time"])
    if filters.get("to_time") is not None:
        conditions.append(messages.c.created_at < filters["to_time"])
    if filters.get("domains") is not None:
        conditions.append(messages.c.sender_domain.in_(filters["domains"]))
    return conditions


def has_tag(tags: Sequence[str]) -> ColumnElement[bool]:
    """The message has one of these tags."""
    each = each_text_in(messages.c.tags)
    return select(each.c.value).where(each.c.value.in_(tags)).exists()


def has_attribute(name: str, value: str) -> ColumnElement[bool]:
    """The recipient of the message has this value of an attribute."""
    each = each_pair_in(messages.c.attributes)
    return select(each.c.key).where(each.c.key == name, each.c.value == value).exists()


def cancel(connection: Connection, account: uuid.UUID, message: uuid.UUID, now: int) -> bool:
    """Take a scheduled message off the queue; False when its time has come or somebody delivers it already."""
    here = and_(messages.c.id == message, messages.c.account_id == account)
    mine = select(messages.c.id).where(here, messages.c.scheduled_at.is_not(None))
    free = or_(queue.c.claimed_until_at.is_(None), queue.c.claimed_until_at <= now)
    waiting = and_(queue.c.message_id.in_(mine), queue.c.due_at > now, queue.c.attempts == 0, free)
    if not connection.execute(delete(queue).where(waiting)).rowcount:
        return False
    contents_table.delete_expired(connection, [message], now)
    connection.execute(update(messages).where(here).values(status="Cancelled", updated_at=now))
    return True

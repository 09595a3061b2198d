"""Statements that find clicks and opens by what is known of them, newest first.

A page never costs more than a bounded number of rows: of a message or a person, whose hits an index finds, or of the
`MAX_SEARCHED` newest ones of the account from the cursor on. A search that found too little in these names the place
where the next page goes on.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, exists, func, literal, or_, select, tuple_

from linkweir.db.dimensions import ATTRIBUTE_PREFIX, CLICK_DIMENSION_NAMES, MESSAGE_COLUMN_NAMES
from linkweir.db.message_search import LIKE_ESCAPES, has_attribute
from linkweir.db.schema import click_rows, clicks, message_tags, messages
from linkweir.pagination import CursorPosition, SearchPage

MAX_SEARCHED: Final = 5000  # hits that one page looks at
MESSAGE_COLUMNS: Final = (messages.c.subject, messages.c.recipient, messages.c.person, messages.c.source)


@dataclass(frozen=True, slots=True, kw_only=True)
class HitFilter:
    """Which hits: with one of `verdicts` (none: all), of one kind (`click` or `open`), of messages with a tag, on a
    link (by position, by destination), of a message, of a person (the whole address in lower case), of recipients
    whose address has this part, with a value along a dimension, from one time to before another.
    """

    verdicts: Sequence[str] = ()
    kind: str = ""
    tag: str = ""
    position: int | None = None
    destination: str | None = None
    message: uuid.UUID | None = None
    person: str = ""
    address: str = ""
    dimension: str = ""
    value: str = ""
    first_at: int | None = None
    last_at: int | None = None

    def to_conditions(self) -> list[ColumnElement[bool]]:
        """Return the conditions on clicks and their messages."""
        conditions: list[ColumnElement[bool]] = []
        if self.verdicts:
            conditions.append(clicks.c.verdict.in_(self.verdicts))
        if self.kind:
            conditions.append(clicks.c.kind == self.kind)
        if self.tag:
            here = (message_tags.c.message_id == clicks.c.message_id, message_tags.c.tag == self.tag)
            conditions.append(or_(exists().where(*here), clicks.c.campaign == self.tag))
        if self.position is not None:
            conditions.append(clicks.c.position == self.position)
        if self.destination is not None:
            conditions.append(clicks.c.destination == self.destination)
        if self.address:
            part = f"%{self.address.translate(LIKE_ESCAPES)}%"
            conditions.append(messages.c.recipient.ilike(part, escape="\\"))
        return conditions + self._dimension_conditions()

    def _dimension_conditions(self) -> list[ColumnElement[bool]]:
        if self.dimension in CLICK_DIMENSION_NAMES:
            column = clicks.c[self.dimension]
            return [column == self.value if self.value else or_(column.is_(None), column == "")]
        if self.dimension in MESSAGE_COLUMN_NAMES:
            return [messages.c[self.dimension] == self.value]
        if self.dimension.startswith(ATTRIBUTE_PREFIX):
            return [has_attribute(self.dimension.removeprefix(ATTRIBUTE_PREFIX), self.value)]
        return []


def search_hits(
    connection: Connection,
    account: uuid.UUID,
    hit_filter: HitFilter,
    limit: int,
    after: CursorPosition | None = None,
    *,
    searched: int = MAX_SEARCHED,
) -> SearchPage:
    """Return a page of the account's hits that meet all conditions, newest first."""
    order = (click_rows.c.at.desc(), click_rows.c.id.desc())
    window = _select_window(account, hit_filter, after).order_by(*order)
    newest = window.limit(searched).subquery()
    statement = (
        select(clicks, *MESSAGE_COLUMNS)
        .join(newest, clicks.c.id == newest.c.id)
        .outerjoin(messages, messages.c.id == clicks.c.message_id)
        .where(*hit_filter.to_conditions())
        .order_by(newest.c.at.desc(), newest.c.id.desc())
        .limit(limit + 1)
    )
    rows = list(connection.execute(statement).mappings())
    if len(rows) > limit:
        last = rows[limit - 1]
        return SearchPage(rows[:limit], (last["at"], last["id"]))
    end = connection.execute(window.offset(searched - 1).limit(1)).first()
    return SearchPage(rows, None if end is None else (end.at, end.id), end is not None)


def _select_window(account: uuid.UUID, hit_filter: HitFilter, after: CursorPosition | None) -> Select[Any]:
    """The hits that a page looks at, by columns that indexes have."""
    by_message = hit_filter.message is not None or bool(hit_filter.person)
    owner = click_rows.c.account_id
    # no plain column: SQL would go by the index of all of the account's hits
    conditions: list[ColumnElement[bool]] = [(func.coalesce(owner, owner) if by_message else owner) == account]
    if hit_filter.message is not None:
        conditions.append(click_rows.c.message_id == hit_filter.message)
    elif hit_filter.person:
        to_person = select(messages.c.id).where(messages.c.person == hit_filter.person)
        conditions.append(click_rows.c.message_id.in_(to_person))
    if hit_filter.first_at is not None:
        conditions.append(click_rows.c.at >= hit_filter.first_at)
    if hit_filter.last_at is not None:
        conditions.append(click_rows.c.at < hit_filter.last_at)
    if after is not None:
        conditions.append(click_rows.c.at <= after[0])  # the index is entered here
        bound = tuple_(literal(after[0], click_rows.c.at.type), literal(after[1], click_rows.c.id.type))
        conditions.append(tuple_(click_rows.c.at, click_rows.c.id) < bound)
    return select(click_rows.c.id, click_rows.c.at).where(*conditions)

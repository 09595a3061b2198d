"""Mentions of a person in data of others, and their redaction.

A destination that holds the address is deleted where a click or a link was stored with it; a short link to it answers
410, for it would disclose the address with every click. Stored mails that name the person are deleted, unless the
person sent them: as a sender they are the customer. In subjects, tags, attributes, events, attempts, requests to
webhooks and remembered responses the address is redacted; aggregates of a value that holds it are deleted.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, Protocol, TypeVar

import orjson
from sqlalchemy import Column, Connection

from linkweir.db import contents_table, person_search
from linkweir.db.database import Database, WriteMode
from linkweir.db.schema import links, message_links, messages
from linkweir.privacy.person_matcher import PersonMatcher

T = TypeVar("T")
BATCH_ROWS: Final = 500  # rows in one transaction
LinkDestinations = Callable[[bytes], Iterable[str]]


class ErasureCounts(Protocol):
    """What is counted: see report.person.Erased."""

    contents_of_others: int
    links_of_others: int
    texts_of_others: int
    replies: int
    sums: int


def no_link_destinations(_raw: bytes) -> Iterable[str]:
    """Of mails without links that hold where they lead."""
    return ()


class PersonMentions:
    """Of one person, in one account's rows or (None) in all; `link_destinations`: see report.person.Traces. Every
    look is a transaction of its own that keeps nobody waiting; what is found is then changed in short ones.
    """

    def __init__(
        self,
        database: Database,
        matcher: PersonMatcher,
        account: uuid.UUID | None,
        link_destinations: LinkDestinations = no_link_destinations,
    ) -> None:
        self.matcher = matcher
        self._database = database
        self._account = account
        self._link_destinations = link_destinations

    def destinations(self) -> dict[str, list[str]]:
        """The destinations that hold the address, each once, by table."""
        destinations: dict[str, list[str]] = {}
        with self._database.read() as connection:
            for table, _ in person_search.DESTINATION_TABLES:
                candidates = person_search.find_destinations(connection, table, self.matcher.domain, self._account)
                destinations[str(table.name)] = sorted(
                    {mention.value for mention in candidates if self.matcher.matches(mention.value)}
                )
        return destinations

    def any_indexed(self) -> bool:
        """Whether there are any where the search costs little: in destinations and aggregates, which have an index for
        it, and in the responses of a day.
        """
        with self._database.read() as connection:
            candidates = (
                person_search.find_destinations(connection, table, *self._search_arguments)
                for table, _ in person_search.DESTINATION_TABLES
            )
            return (
                any(self.matcher.matches(text.value) for some in candidates for text in some)
                or any(self._aggregate_rows(connection, *self._aggregate_keys(connection)).values())
                or any(
                    self._reply_names_person(response)
                    for response in person_search.find_idempotent_responses(connection, *self._search_arguments)
                )
            )

    def redact_all(self, counts: ErasureCounts) -> None:
        """Make all of them go, and count them. Raises DatabaseUnavailable; doing it again does the rest."""
        self._delete_destinations(counts)
        for column in person_search.TEXT_COLUMNS:
            counts.texts_of_others += self._redact_texts(column)
        self._delete_aggregates(counts)
        self._redact_replies(counts)
        counts.contents_of_others += self._delete_mails()

    @property
    def _search_arguments(self) -> tuple[str, uuid.UUID | None]:
        return self.matcher.domain, self._account

    def _delete_destinations(self, counts: ErasureCounts) -> None:
        for table, left in person_search.DESTINATION_TABLES:
            with self._database.read() as connection:
                candidates = person_search.find_destinations(connection, table, *self._search_arguments)
                keys = [mention.key for mention in candidates if self.matcher.matches(mention.value)]
            for some in _batch_items(keys):
                with self._database.write(WriteMode.EXCLUSIVE) as connection:
                    person_search.clear_destinations(connection, table, left, some)
            counts.links_of_others += len(keys) if table in (links, message_links) else 0

    def _redact_texts(self, column: Column[Any]) -> int:
        with self._database.read() as connection:
            candidates = person_search.find_texts(connection, column, self.matcher.email, self._account)
            new = [
                person_search.Mention(mention.key, self._redact_value(column, mention.value))
                for mention in candidates
                if self._names_person(mention.value)
            ]
        for some in _batch_items(new):
            with self._database.write(WriteMode.EXCLUSIVE) as connection:
                person_search.update_texts(connection, column, some)
        return len(new)

    def _names_person(self, value: Any) -> bool:
        return self.matcher.matches(value.decode("utf-8", "replace") if isinstance(value, bytes) else _to_text(value))

    def _redact_value(self, column: Column[Any], value: Any) -> Any:
        """What stands there from now on. A tag, variant or attribute goes as a whole: sums are kept along them."""
        is_in = self.matcher.matches
        if column is messages.c.tags:
            return [tag for tag in value if not is_in(tag)]
        if column is messages.c.attributes:
            return {name: item for name, item in value.items() if not is_in(name) and not is_in(item)}
        if column is messages.c.variant:
            return None
        if isinstance(value, bytes):
            return orjson.dumps(self.matcher.redact_json(orjson.loads(value)))
        return self.matcher.redact_json(value)

    def _aggregate_keys(self, connection: Connection) -> tuple[list[int], list[int]]:
        """The words that name them, of whatever account, and the account's axes that do."""
        domain, is_in = self.matcher.domain, self.matcher.matches
        value_ids = [key for key, text in person_search.find_values(connection, domain) if is_in(text)]
        dimension_ids = [
            dimension
            for dimension in person_search.find_dimensions(connection, domain)
            if is_in(dimension.scope) or is_in(dimension.dimension)
        ]
        return value_ids, [dimension.id for dimension in dimension_ids if self._account in (None, dimension.account_id)]

    def _aggregate_rows(
        self, connection: Connection, value_ids: list[int], dimension_ids: list[int]
    ) -> dict[int, set[int]]:
        return person_search.find_aggregates(connection, value_ids, dimension_ids, self._account)

    def _delete_aggregates(self, counts: ErasureCounts) -> None:
        with self._database.read() as connection:
            value_ids, axis = self._aggregate_keys(connection)
            rows = self._aggregate_rows(connection, value_ids, axis)
        for key, values in rows.items():
            with self._database.write(WriteMode.EXCLUSIVE) as connection:
                person_search.delete_aggregates(connection, key, sorted(values))
            counts.sums += len(values)
        with self._database.write(WriteMode.EXCLUSIVE) as connection:
            person_search.delete_unreferenced(connection, value_ids, axis)

    def _reply_names_person(self, response: person_search.Mention) -> bool:
        return self.matcher.matches(response.value.decode("utf-8", "replace"))

    def _redact_replies(self, counts: ErasureCounts) -> None:
        with self._database.read() as connection:
            responses = [
                response
                for response in person_search.find_idempotent_responses(connection, *self._search_arguments)
                if self._reply_names_person(response)
            ]
        for some in _batch_items(responses):
            with self._database.write(WriteMode.EXCLUSIVE) as connection:
                for key, value in some:
                    person_search.update_idempotent_response(
                        connection, key, orjson.dumps(self.matcher.redact_json(orjson.loads(value)))
                    )
        counts.replies += len(responses)

    def _delete_mails(self) -> int:
        message_ids: list[uuid.UUID] = []
        after: uuid.UUID | None = None
        while True:
            with self._database.read() as connection:
                some = person_search.load_mails(connection, after, self._account)
            if not some:
                break
            message_ids += [mail.id for mail in some if not self._is_sender(mail) and self._mail_names_person(mail.raw)]
            after = some[-1].id
        for part in _batch_items(message_ids):
            with self._database.write(WriteMode.EXCLUSIVE) as connection:
                contents_table.delete_once_sent(connection, part)
        return len(message_ids)

    def _mail_names_person(self, raw: bytes) -> bool:
        return self.matcher.matches_mail(raw) or any(map(self.matcher.matches, self._link_destinations(raw)))

    def _is_sender(self, mail: person_search.StoredMail) -> bool:
        return self.matcher.email in (mail.sender.lower(), mail.envelope_from.lower())


def _to_text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _batch_items(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[start : start + BATCH_ROWS] for start in range(0, len(items), BATCH_ROWS))

"""Where the store names a person among what belongs to others, and how the name goes.

A destination goes where a click or a link was noted with it; a short link that leads to such a place is gone (410), for
it would hand the address on with every click. Kept mails that name the person are no longer kept, unless the person
sent them: as a sender they are the customer. In subjects, tags, attributes, events, attempts, requests to webhooks and
remembered replies the address is blotted out; sums along a value that holds it go.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, Protocol, TypeVar

import orjson
from sqlalchemy import Column, Connection, Row

from linkweir.report.named import Named
from linkweir.store import naming
from linkweir.store.engine import Store
from linkweir.store.tables import links, message_links, messages

T = TypeVar("T")
MANY: Final = 500  # rows in one transaction
Leads = Callable[[bytes], Iterable[str]]


class Counts(Protocol):
    """What is counted: see report.person.Erased."""

    contents_of_others: int
    links_of_others: int
    texts_of_others: int
    replies: int
    sums: int


def no_leads(_raw: bytes) -> Iterable[str]:
    """Of mails without links that hold where they lead."""
    return ()


class Mentions:
    """Of one person, in one account's rows or (None) in all; `leads`: see report.person.Traces. Every look is a
    transaction of its own that keeps nobody waiting; what is found is then changed in short ones.
    """

    def __init__(self, store: Store, named: Named, account: uuid.UUID | None, leads: Leads = no_leads) -> None:
        self.named = named
        self._store = store
        self._account = account
        self._leads = leads

    def told(self) -> dict[str, list[str]]:
        """The destinations that hold the address, each once, by table."""
        found: dict[str, list[str]] = {}
        with self._store.read() as connection:
            for table, _ in naming.DESTINATIONS:
                near = naming.destinations(connection, table, self.named.domain, self._account)
                found[str(table.name)] = sorted({one.value for one in near if self.named.is_in(one.value)})
        return found

    def indexed(self) -> bool:
        """Are there any where looking costs little: in destinations and sums, which have an index for it, and in the
        replies of a day?
        """
        with self._store.read() as connection:
            near = (naming.destinations(connection, table, *self._where) for table, _ in naming.DESTINATIONS)
            return (
                any(self.named.is_in(one.value) for some in near for one in some)
                or any(self._sums(connection, *self._keys(connection)).values())
                or any(self._is_reply(one) for one in naming.replies(connection, *self._where))
            )

    def blot(self, done: Counts) -> None:
        """Make all of them go, and count them. Raises StoreUnavailable; doing it again does the rest."""
        self._forget_destinations(done)
        for column in naming.TEXTS:
            done.texts_of_others += self._blot_texts(column)
        self._drop_sums(done)
        self._blot_replies(done)
        done.contents_of_others += self._drop_mails()

    @property
    def _where(self) -> tuple[str, uuid.UUID | None]:
        return self.named.domain, self._account

    def _forget_destinations(self, done: Counts) -> None:
        for table, left in naming.DESTINATIONS:
            with self._store.read() as connection:
                near = naming.destinations(connection, table, *self._where)
                keys = [one.key for one in near if self.named.is_in(one.value)]
            for some in _parts(keys):
                with self._store.write() as connection:
                    naming.forget_destinations(connection, table, left, some)
            done.links_of_others += len(keys) if table in (links, message_links) else 0

    def _blot_texts(self, column: Column[Any]) -> int:
        with self._store.read() as connection:
            near = naming.texts(connection, column, self.named.email, self._account)
            new = [naming.Mention(one.key, self._text(column, one.value)) for one in near if self._is_text(one.value)]
        for some in _parts(new):
            with self._store.write() as connection:
                naming.rewrite_texts(connection, column, some)
        return len(new)

    def _is_text(self, value: Any) -> bool:
        return self.named.is_in(value.decode("utf-8", "replace") if isinstance(value, bytes) else _flat(value))

    def _text(self, column: Column[Any], value: Any) -> Any:
        """What stands there from now on. A tag, variant or attribute goes as a whole: sums are kept along them."""
        is_in = self.named.is_in
        if column is messages.c.tags:
            return [tag for tag in value if not is_in(tag)]
        if column is messages.c.attributes:
            return {name: one for name, one in value.items() if not is_in(name) and not is_in(one)}
        if column is messages.c.variant:
            return None
        if isinstance(value, bytes):
            return orjson.dumps(self.named.blotted(orjson.loads(value)))
        return self.named.blotted(value)

    def _keys(self, connection: Connection) -> tuple[list[int], list[int]]:
        """The words that name them, of whatever account, and the account's axes that do."""
        domain, is_in = self.named.domain, self.named.is_in
        word = [key for key, text in naming.values(connection, domain) if is_in(text)]
        near = [one for one in naming.axes_near(connection, domain) if is_in(one.scope) or is_in(one.dimension)]
        return word, [one.id for one in near if self._account in (None, one.account_id)]

    def _sums(self, connection: Connection, word: list[int], axis: list[int]) -> dict[int, set[int]]:
        return naming.sums(connection, word, axis, self._account)

    def _drop_sums(self, done: Counts) -> None:
        with self._store.read() as connection:
            word, axis = self._keys(connection)
            found = self._sums(connection, word, axis)
        for key, words in found.items():
            with self._store.write() as connection:
                naming.drop_sums(connection, key, sorted(words))
            done.sums += len(words)
        with self._store.write() as connection:
            naming.drop_unused(connection, word, axis)

    def _is_reply(self, one: naming.Mention) -> bool:
        return self.named.is_in(one.value.decode("utf-8", "replace"))

    def _blot_replies(self, done: Counts) -> None:
        with self._store.read() as connection:
            found = [one for one in naming.replies(connection, *self._where) if self._is_reply(one)]
        for some in _parts(found):
            with self._store.write() as connection:
                for key, value in some:
                    naming.rewrite_reply(connection, key, orjson.dumps(self.named.blotted(orjson.loads(value))))
        done.replies += len(found)

    def _drop_mails(self) -> int:
        found: list[uuid.UUID] = []
        after: uuid.UUID | None = None
        while True:
            with self._store.read() as connection:
                some = naming.mails(connection, after, self._account)
            if not some:
                break
            found += [one.id for one in some if not self._sent(one) and self._is_in_mail(one.raw)]
            after = some[-1].id
        for part in _parts(found):
            with self._store.write() as connection:
                naming.drop_mails(connection, part)
        return len(found)

    def _is_in_mail(self, raw: bytes) -> bool:
        return self.named.is_in_mail(raw) or any(map(self.named.is_in, self._leads(raw)))

    def _sent(self, mail: Row[Any]) -> bool:
        return self.named.email in (mail.sender.lower(), mail.envelope_from.lower())


def _flat(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _parts(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[start : start + MANY] for start in range(0, len(items), MANY))

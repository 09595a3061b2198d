"""Everything that is stored of one person: hands it out, and erases it for good.

A person is an address, in any letter case. Erasing removes every message to it with its content, events, attempts,
clicks, links and requests to webhooks. What waits for delivery is not delivered any more, and its copy in the Maildir
outbox goes too. In what belongs to others the address is blotted out (report.mentions), and what the journal and the
database's log still hold is overwritten. Sums stay, for they tell nobody apart; along links, destinations, recipients'
domains and attributes, which may, the person no longer counts. Short links of the person answer 410; sealed ones still
lead on. How files and journals are cleaned is not known here.
"""

import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from linkweir.report.mentions import Leads, Mentions, no_leads
from linkweir.report.named import Named
from linkweir.report.plain import plain
from linkweir.store import person
from linkweir.store.engine import Store

AT_ONCE_BYTES: Final = 256 << 20  # of a database that is written anew while writers wait: a few seconds
AT_ONCE: Final = 200  # messages in one transaction, so that nobody waits long for their turn
Ids = Sequence[uuid.UUID]
Account = uuid.UUID | None


@dataclass(frozen=True, slots=True)
class Traces:
    """What lies outside the database. `alone`: be the only erasure, or raise TooMany; `catch_up`: see clicks that are
    on their way stored, False when they are not for too long; `scrub`: overwrite what was set aside of the journal and
    belongs to messages with these numbers, to clicks from these IP addresses, or names this person; `forget_mail`:
    remove these messages from the outbox on disk, how many there were; `leads`: where links in a mail lead that do not
    show it.
    """

    alone: Callable[[], AbstractContextManager[None]]
    catch_up: Callable[[], bool]
    scrub: Callable[[Sequence[int], set[str], Named], object]
    forget_mail: Callable[[Ids], int]
    leads: Leads = no_leads


@dataclass(slots=True)
class Erased:
    """What was removed: rows by table, files of mail, and what named the person elsewhere: others' kept mails, links
    and texts, remembered replies, and sums by a value that held the address. `overwritten`: no old copy is left in the
    database's files, and no click in the journal.
    """

    rows: Counter[str] = field(default_factory=lambda: Counter(messages=0))
    mails: int = 0
    contents_of_others: int = 0
    links_of_others: int = 0
    texts_of_others: int = 0
    replies: int = 0
    sums: int = 0
    overwritten: bool = False


class People:
    """Export and erasure, for one account or (None) for all."""

    def __init__(self, store: Store, traces: Traces) -> None:
        self._store = store
        self._traces = traces

    def export(self, email: str, account: Account = None) -> Iterator[bytes]:
        """Everything on a person as one JSON object, in pieces: one message is in memory at a time. `named`: the
        destinations that hold the address, wherever they stand.
        """
        self._traces.catch_up()
        with self._store.read() as connection:
            found = person.messages_to(connection, email, account)
        yield b'{"object":"recipient","email":' + orjson.dumps(email) + b',"messages":['
        for place, message in enumerate(found):
            with self._store.read() as connection:
                rows = person.rows_of(connection, message)
            one = {**plain(message), **{name: [plain(row) for row in some] for name, some in rows.items()}}
            yield (b"," if place else b"") + orjson.dumps(one)
        yield b'],"named":' + orjson.dumps(Mentions(self._store, Named(email), account).told()) + b"}"

    def erase(
        self,
        email: str,
        now: int,
        account: Account = None,
        *,
        limit: int | None = AT_ONCE_BYTES,
        thorough: bool = False,
    ) -> Erased:
        """Remove everything on a person. Raises TooMany, StoreUnavailable; what was removed until then stays removed,
        and the next try finishes it.

        `limit`: a larger database (in bytes) is not written anew now, so fragments of removed rows may be left in it;
        None: it is, whatever its size, and who writes waits. `thorough`: look at all rows also for somebody who is
        neither the recipient of a message nor named by a link, a sum or a reply; otherwise such an erasure is cheap.
        """
        with self._traces.alone():
            caught_up = self._traces.catch_up()
            mentions = Mentions(self._store, Named(email), account, self._traces.leads)
            done = Erased()
            with self._store.read() as connection:
                known = thorough or person.is_known(connection, email, account)
            if not known and not mentions.indexed():
                done.overwritten = caught_up and self._store.is_within(limit)
                return done
            with self._store.write() as connection:
                person.begin(connection, email, account, now)
            self._erase_messages(email, now, account, done)
            mentions.blot(done)
            self._traces.scrub([], set(), mentions.named)
            whole = self._store.overwrite(limit)
            if whole or not self._store.is_within(limit):  # else this is to be tried again
                with self._store.write() as connection:
                    person.end(connection, email, account)
            done.overwritten = whole and caught_up
            return done

    def _erase_messages(self, email: str, now: int, account: Account, done: Erased) -> None:
        with self._store.read() as connection:
            found = person.messages_to(connection, email, account)
        for start in range(0, len(found), AT_ONCE):
            self._erase_some(found[start : start + AT_ONCE], now, Named(email), done)

    def _erase_some(self, some: Sequence[Mapping[Any, Any]], now: int, named: Named, done: Erased) -> None:
        """First what can be found by these rows only."""
        ids = [message["id"] for message in some]
        with self._store.read() as connection:
            addresses = person.addresses(connection, ids)
        self._traces.scrub([message["number"] for message in some], addresses, named)
        done.mails += self._traces.forget_mail(ids)
        with self._store.write() as connection:
            done.rows.update(person.erase(connection, some, now))
        done.mails += self._traces.forget_mail(ids)  # one that was delivered meanwhile

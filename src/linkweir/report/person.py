"""Everything that is stored of one person: hands it out, and erases it for good.

A person is an address, in any letter case. Erasing removes every message to it with its content, events, attempts,
clicks, links and requests to webhooks. What waits for delivery is not delivered any more, and its copy in the Maildir
outbox goes too. Names in remembered replies are blotted out, copies of the same mail to others that name the address
are no longer kept, and what the journal and the database's log still hold is overwritten. Sums stay, for they tell
nobody apart; along links, destinations, recipients' domains and attributes, which may, the person no longer counts.
Short links of the person answer 410; sealed ones still lead on. How files and journals are cleaned is not known here.
"""

import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from linkweir.report.plain import plain
from linkweir.store import messages, person
from linkweir.store.engine import Store

AT_ONCE_BYTES: Final = 256 << 20  # of a database that is written anew while writers wait: a few seconds
AT_ONCE: Final = 200  # messages in one transaction, so that nobody waits long for their turn
ERASED: Final = "(erased)"
Ids = Sequence[uuid.UUID]


@dataclass(frozen=True, slots=True)
class Traces:
    """What lies outside the database. `catch_up`: wait until clicks that are on their way are stored, False when they
    are not for too long; `scrub`: overwrite what the journal still holds of messages with these numbers; `forget_mail`:
    remove these messages from the outbox on disk, how many there were.
    """

    catch_up: Callable[[], bool]
    scrub: Callable[[Sequence[int]], object]
    forget_mail: Callable[[Ids], int]


@dataclass(slots=True)
class Erased:
    """What was removed: rows by table, files of mail, others' kept mails and remembered replies that named the person,
    sums by a value that held the address. `overwritten`: no old copy is left in the database's files, and no click in
    the journal.
    """

    rows: Counter[str] = field(default_factory=Counter)
    mails: int = 0
    contents_of_others: int = 0
    replies: int = 0
    sums: int = 0
    overwritten: bool = False


class People:
    """Export and erasure, for one account or (None) for all."""

    def __init__(self, store: Store, traces: Traces) -> None:
        self._store = store
        self._traces = traces

    def export(self, email: str, account: uuid.UUID | None = None) -> Iterator[bytes]:
        """Everything on a person as one JSON object, in pieces: one message is in memory at a time."""
        self._traces.catch_up()
        with self._store.read() as connection:
            found = person.messages_to(connection, email, account)
        yield b'{"object":"recipient","email":' + orjson.dumps(email) + b',"messages":['
        for place, message in enumerate(found):
            with self._store.read() as connection:
                rows = person.rows_of(connection, message)
            one = {**plain(message), **{name: [plain(row) for row in some] for name, some in rows.items()}}
            yield (b"," if place else b"") + orjson.dumps(one)
        yield b"]}"

    def erase(
        self, email: str, now: int, account: uuid.UUID | None = None, *, limit: int | None = AT_ONCE_BYTES
    ) -> Erased:
        """Remove everything on a person. Raises StoreUnavailable; what was removed until then stays removed.

        `limit`: a larger database (in bytes) is not written anew now, so fragments of removed rows may be left in it;
        None: it is, whatever its size, and who writes waits.
        """
        done = Erased()
        caught_up = self._traces.catch_up()
        with self._store.read() as connection:
            found = person.messages_to(connection, email, account)
            others = person.other_copies(connection, found)
        for start in range(0, len(found), AT_ONCE):
            some = found[start : start + AT_ONCE]
            with self._store.write() as connection:
                done.rows.update(person.erase(connection, some, now))
        done.mails = self._traces.forget_mail([message["id"] for message in found])
        done.contents_of_others = self._forget_copies(email, others)
        with self._store.read() as connection:  # these look at everything: nobody must wait for that
            named = person.clicks_naming(connection, email, account)
            followed = person.followed_naming(connection, email, account)
            sums = person.sums_naming(connection, email, account)
            replies = person.replies_naming(connection, email, account)
        with self._store.write() as connection:
            person.forget_destinations(connection, named)
            person.forget_followed(connection, followed)
            person.drop_sums(connection, sums)
            for row in replies:
                body = orjson.dumps(_blotted(orjson.loads(row["body"]), email.lower()))
                person.rewrite_reply(connection, row, body)
        done.sums, done.replies = len(sums), len(replies)
        self._traces.scrub([message["number"] for message in found])
        done.overwritten = self._store.overwrite(limit) and caught_up
        return done

    def _forget_copies(self, email: str, others: Ids) -> int:
        """A mail to several people names them all in its header: the others' copies are no longer kept."""
        named = [key for key in others if self._names(key, email)]
        if named:
            with self._store.write() as connection:
                person.drop_contents(connection, named)
        return len(named)

    def _names(self, message: uuid.UUID, email: str) -> bool:
        with self._store.read() as connection:
            raw = messages.content(connection, message)
        return raw is not None and email.lower().encode() in raw.lower()


def _blotted(value: Any, email: str) -> Any:
    """A remembered reply without the person. Its form stays, for a request made again must not be carried out again."""
    if isinstance(value, str):
        return ERASED if email in value.lower() else value
    if isinstance(value, list):
        return [_blotted(one, email) for one in value]
    if isinstance(value, dict):
        whole = str(value.get("email", "")).lower() == email  # a recipient, with a name and substitutions
        return {name: _field(name, one, email, whole) for name, one in value.items()}
    return value


def _field(name: str, value: Any, email: str, whole: bool) -> Any:
    if whole and name in ("email", "name"):
        return ERASED
    return {} if whole and name == "substitutions" else _blotted(value, email)

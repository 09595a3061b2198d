"""Everything that is stored of one person: hands it out, and erases it for good.

A person is an address, in any letter case. Erasing removes every message to it with its content, events, attempts,
clicks, links and requests to webhooks; what waits for delivery is not delivered any more, and its copy in the Maildir
outbox goes too. Names in remembered replies are blotted out, other people's kept mails that name the address are no
longer kept, and what the journal and the database's log still hold is overwritten. Sums stay, for they tell nobody
apart: a destination or an attribute that only this person had loses its name (see `_forget_values`). Short links of
the person answer 410; sealed ones still lead on. Refuses to know how files and journals are cleaned: it is told.
"""

import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from sqlalchemy import Connection

from linkweir.report.plain import plain
from linkweir.store import messages, person
from linkweir.store.engine import Store
from linkweir.store.person import ERASED
from linkweir.store.tables import rollups, sends, settled

AT_ONCE_BYTES: Final = 256 << 20  # of a database that is written anew while writers wait: a few seconds
AT_ONCE: Final = 200  # messages in one transaction, so that nobody waits long for their turn
SUMS: Final = (rollups, settled, sends)
Ids = Sequence[uuid.UUID]


@dataclass(frozen=True, slots=True)
class Traces:
    """What lies outside the database. `catch_up`: bring in clicks that wait; `scrub`: overwrite what was brought in;
    `forget_mail`: remove these messages from the outbox on disk, how many there were.
    """

    catch_up: Callable[[], None]
    scrub: Callable[[], None]
    forget_mail: Callable[[Ids], int]


@dataclass(slots=True)
class Erased:
    """What was removed: rows by table, files of mail, sums that lost a name; `overwritten`: no old copy is left."""

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
        self._traces.catch_up()
        with self._store.read() as connection:
            found = person.messages_to(connection, email, account)
        with self._store.write() as connection:
            done.sums = _forget_values(connection, found, email)
        for start in range(0, len(found), AT_ONCE):
            some = found[start : start + AT_ONCE]
            with self._store.write() as connection:
                done.rows.update(person.erase(connection, some, now))
        done.mails = self._traces.forget_mail([message["id"] for message in found])
        done.contents_of_others = self._forget_mentions(email, account)
        with self._store.write() as connection:
            done.rows["clicks"] += person.forget_destinations(connection, email, account)
            done.replies = _blot_replies(connection, email, account)
        self._traces.scrub()
        done.overwritten = self._store.overwrite(limit)
        return done

    def _forget_mentions(self, email: str, account: uuid.UUID | None) -> int:
        """A mail to several people names them all in its header: the others' copies are no longer kept."""
        with self._store.read() as connection:
            kept = person.kept_contents(connection, account)
        named = [key for key in kept if self._names(key, email)]
        if named:
            with self._store.write() as connection:
                person.drop_contents(connection, named)
        return len(named)

    def _names(self, message: uuid.UUID, email: str) -> bool:
        with self._store.read() as connection:
            raw = messages.content(connection, message)
        return raw is not None and email.lower().encode() in raw.lower()


def _forget_values(connection: Connection, gone: Sequence[Mapping[Any, Any]], email: str) -> int:
    """Sums stay, but a value must not tell a person apart: one that nobody else ever had (a destination made for one
    reader, a customer number among the attributes) and any that holds the address lose their names.
    """
    hits: dict[tuple[uuid.UUID, str], Counter[str]] = {}
    sent: dict[tuple[uuid.UUID, str], Counter[str]] = {}
    for message in gone:
        account = message["account_id"]
        for name, value in (message["attributes"] or {}).items():
            sent.setdefault((account, f"attribute:{name}"), Counter())[value] += 1
    for row in person.followed(connection, [message["id"] for message in gone]):
        hits.setdefault((row.account_id, "destination"), Counter())[row.destination] += row.hits
        hits.setdefault((row.account_id, "link"), Counter())[f"{row.position}\t{row.destination}"] += row.hits
    changed = 0
    for account in {message["account_id"] for message in gone}:
        doomed = {**_only(connection, rollups, account, hits), **_only(connection, sends, account, sent)}
        for table in SUMS:
            changed += person.merge_values(connection, table, account, doomed, email)
    return changed


def _only(
    connection: Connection, table: Any, account: uuid.UUID, own: Mapping[tuple[uuid.UUID, str], Counter[str]]
) -> dict[str, list[str]]:
    """The values, by dimension, that were counted no more often than this person accounts for."""
    mine = {dimension: counts for (whose, dimension), counts in own.items() if whose == account}
    totals = person.sums_with(connection, table, account, {name: list(counts) for name, counts in mine.items()})
    return {
        dimension: [value for value, count in counts.items() if totals.get((dimension, value), 0) <= count]
        for dimension, counts in mine.items()
    }


def _blot_replies(connection: Connection, email: str, account: uuid.UUID | None) -> int:
    """Remembered replies keep their form, for a request made again must not be carried out again."""
    changed = []
    for row in person.remembered_replies(connection, account):
        if email.lower().encode() in bytes(row["body"]).lower():
            changed.append((row, orjson.dumps(_blotted(orjson.loads(row["body"]), email.lower()))))
    for row, body in changed:
        person.rewrite_reply(connection, row, body)
    return len(changed)


def _blotted(value: Any, email: str) -> Any:
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

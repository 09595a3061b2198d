"""Tests of linkweir.privacy.erasure: what the database's own way of moving rows about leaves behind."""

import contextlib
import dataclasses
import random
import uuid

import pytest
from sqlalchemy import delete, select, update

from linkweir.clicks.ingest.rebuild_worker import rebuild_aggregates
from linkweir.clock import DAY_US
from linkweir.db import messages_table, schema, verdict_memory_table
from linkweir.db.messages_table import NewMessage
from linkweir.db.sqlite_database import SqliteDatabase
from linkweir.privacy.erasure import ExternalData, PrivacyRequests
from tests.stats.aggregate_rows import insert_click

PERSONAL_VALUES = (b"secret.person", b"secretname", b"203.0.113.99", b"secretagent")
ERASURE_CONTEXT = ExternalData(
    lock=contextlib.nullcontext,
    drain_journal=lambda: True,
    redact_dead_letters=lambda _, __, ___: 0,
    delete_maildir_copies=lambda _: 0,
)


def make_message(account: uuid.UUID, number: int, to_person: bool, rng: random.Random) -> NewMessage:
    """A message to the person or to somebody else."""
    key = uuid.UUID(int=rng.getrandbits(128))
    name = "SecretName" if to_person else "Other"
    return NewMessage(
        id=key,
        number=key.int >> 66,
        account_id=account,
        message_id=f"{key}@example.com",
        sender="news@example.com",
        recipient="Secret.Person@example.org" if to_person else f"r{number}@example.net",
        subject=name,
        tags=["spring"],
        track_clicks=True,
        privacy="full",
        raw=name.encode() * rng.randint(1, 400),
        short_links={0: f"https://example.com/?q={name}"},
        now=DAY_US,
        due_at=DAY_US,
        expires_at=2 * DAY_US,
        keep_until_at=9 * DAY_US,
        retain_until_at=9 * DAY_US,
        envelope_from="news@example.com",
        attributes={"name": name if to_person else str(number)},
    )


@pytest.mark.sqlite_only(reason="it reads the files of SQLite; test_postgresql_files.py has PostgreSQL's")
def test_pages_that_were_split_hold_no_old_copies(database: SqliteDatabase, account: uuid.UUID) -> None:
    """Among thousands of rows that grew, moved and went, no byte of the person's is left after erasing."""
    rng = random.Random(4)  # noqa: S311 - the same on every run
    everybody: list[tuple[uuid.UUID, bool]] = []
    for part in range(30):
        some = [make_message(account, part * 50 + n, rng.random() < 0.1, rng) for n in range(50)]
        everybody += [(item.id, item.subject == "SecretName") for item in some]
        with database.write() as connection:
            messages_table.add(connection, some)
        with database.write() as connection:
            for key, theirs in rng.sample(everybody, 40):
                words = {"ip": "203.0.113.99", "user_agent": "SecretAgent " * rng.randint(1, 9)} if theirs else {}
                insert_click(connection, account, message_id=key, at=rng.getrandbits(40), **words)
                longer = ("SecretName " if theirs else "Hi ") * rng.randint(1, 20)
                table = schema.messages
                connection.execute(update(table).where(table.c.id == key).values(subject=longer))
                if rng.random() < 0.3:
                    connection.execute(delete(schema.contents).where(schema.contents.c.message_id == key))
    rebuild_aggregates(database, DAY_US, lambda _what, _count: True)
    people = PrivacyRequests(database, ERASURE_CONTEXT)
    done = people.erase("secret.person@EXAMPLE.org", 10 * DAY_US)
    assert done.overwritten
    assert done.rows["messages"] == sum(theirs for _, theirs in everybody)
    result = {
        path.name: word
        for path in database.path.parent.iterdir()
        for word in PERSONAL_VALUES
        if word in path.read_bytes().lower()
    }
    assert result == {}


@pytest.mark.sqlite_only(reason="it reads the files of SQLite; test_postgresql_files.py has PostgreSQL's")
def test_links_of_others_that_name_the_person_lose_their_destination(
    database: SqliteDatabase, account: uuid.UUID
) -> None:
    """A link in somebody else's mail that was followed keeps its count, not a destination that holds the address."""
    other = make_message(account, 1, False, random.Random(1))  # noqa: S311
    place = "https://example.com/?about=secret.person%40example.org"
    with database.write() as connection:
        messages_table.add(connection, [other])
        insert_click(connection, account, message_id=other.id, destination=place)
    rebuild_aggregates(database, DAY_US, lambda _what, _count: True)
    with database.read() as connection:
        assert [row.destination for row in connection.execute(select(schema.message_links))] == [place]
    assert (
        PrivacyRequests(database, ERASURE_CONTEXT).erase("secret.person@example.org", 10 * DAY_US, account).overwritten
    )
    with database.read() as connection:
        assert [(row.destination, row.human) for row in connection.execute(select(schema.message_links))] == [(None, 1)]
    for path in database.path.parent.iterdir():
        assert b"secret.person" not in path.read_bytes().lower(), path.name


def test_erasure_does_not_vacuum_a_large_database(database: SqliteDatabase, account: uuid.UUID) -> None:
    """Over the limit the rows go all the same, and the answer says that fragments may be left."""
    with database.write() as connection:
        messages_table.add(connection, [make_message(account, 1, True, random.Random(1))])  # noqa: S311
    people = PrivacyRequests(database, ERASURE_CONTEXT)
    done = people.erase("secret.person@example.org", 10 * DAY_US, limit=1000)
    assert (done.rows["messages"], done.overwritten) == (1, False)
    assert people.erase("secret.person@example.org", 10 * DAY_US).rows["messages"] == 0


def test_verdicts_forget_the_messages_of_the_person(database: SqliteDatabase, account: uuid.UUID) -> None:
    """What is remembered of programs and addresses by the person's messages goes with them, and nothing else."""
    person, other = (make_message(account, number, number == 1, random.Random(number)) for number in (1, 2))  # noqa: S311
    hashes = {person.id: 11, other.id: 22}
    with database.write() as connection:
        messages_table.add(connection, [person, other])
        verdict_memory_table.store(
            connection, [(source, hashes[m.id], 1, 5, 9) for source in (1, 2) for m in (person, other)]
        )
    context = dataclasses.replace(ERASURE_CONTEXT, hash_messages=lambda some: [hashes[message] for message in some])
    PrivacyRequests(database, context).erase("secret.person@example.org", 10 * DAY_US)
    with database.read() as connection:
        assert {row[:2] for row in verdict_memory_table.load(connection, [1, 2])} == {(1, 22), (2, 22)}

"""Tests of linkweir.privacy.mentions: a person whom mail to others names, and what it costs to ask for one whom nobody
has heard of.
"""

import base64
import contextlib
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, text

from linkweir.clicks.ingest.rebuild_worker import rebuild_aggregates
from linkweir.db import accounts_table, contents_table, schema
from linkweir.db.sqlite_database import SqliteDatabase
from linkweir.privacy.erasure import ExternalData, PrivacyRequests
from tests.clicks.ingest.click_database import START_US, ClickDatabase

EMAIL = "Ada.Lovelace@example.org"
ENCODED_ADDRESS = b"ada.lovelace"
MENTIONING_URL = "https://example.com/?about=ada.lovelace%40example.org"
ERASURE_CONTEXT = ExternalData(
    lock=contextlib.nullcontext,
    drain_journal=lambda: True,
    redact_dead_letters=lambda _, __, ___: 0,
    delete_maildir_copies=lambda _: 0,
)
BASE64_HEADERS = b"To: bob@example.org\r\nContent-Transfer-Encoding: base64\r\n\r\n"
RAW_MAIL = BASE64_HEADERS + base64.encodebytes(b"Greetings from " + EMAIL.encode() + b"!" * 99)


@pytest.fixture
def click_database(tmp_path: Path) -> Iterator[ClickDatabase]:
    """A database with an account."""
    made = ClickDatabase(tmp_path)
    yield made
    made.database.close()


def make_person_erasure(click_database: ClickDatabase) -> PrivacyRequests:
    """The database of the sample clicks."""
    return PrivacyRequests(click_database.database, ERASURE_CONTEXT)


def add_mention(click_database: ClickDatabase, account: uuid.UUID | None = None) -> int:
    """A message to somebody else that names the person wherever it can, and was clicked; its number."""
    number = click_database.send(
        *("spring", f"user:{EMAIL}"),
        account_id=account or click_database.account,
        recipient="bob@example.net",
        subject=f"News of {EMAIL}",
        attributes={"friend": EMAIL, "plan": "pro"},
        variant=EMAIL,
        short_links={0: MENTIONING_URL, 1: "https://example.com/1"},
        raw=RAW_MAIL,
        keep_until_at=START_US * 2,
    )
    click_database.ingest(
        click_database.make_event(number, destination=MENTIONING_URL), click_database.make_event(number, 1, 5)
    )
    message = {"message_id": click_database.messages[number], "account_id": account or click_database.account}
    hook = uuid.uuid4()
    names = ("account_id", "name", "url", "secret", "scope", "domains", "events", "enabled", "created_at", "updated_at")
    values: tuple[Any, ...] = (message["account_id"], "x", "x", b"", "global", [], [], True, 1, 1)
    told: dict[str, Any] = {"id": uuid.uuid4(), "webhook_id": hook, "kind": "clicked", "state": "waiting"}
    told |= {
        "body": json.dumps({"data": {"url": MENTIONING_URL, "n": 1}}).encode(),
        "attempts": 0,
        "due_at": 1,
        "created_at": 1,
    }
    reply = json.dumps({"data": [{"recipient": {"email": EMAIL, "name": "Ada"}, "id": "x"}]}).encode()
    with click_database.database.write() as connection:
        add = connection.execute
        add(insert(schema.webhooks).values(id=hook, **dict(zip(names, values, strict=True))))
        add(insert(schema.outbox).values(**message, **told, last_error=f"550 {EMAIL}"))
        note = {"id": uuid.uuid4(), "at": 1, "kind": "x", "data": {"say": f"{EMAIL}, twice: {MENTIONING_URL}"}}
        add(insert(schema.events).values(**message, **note))
        log = {"id": uuid.uuid4(), "at": 1, "status": "x", "log": f"250 {EMAIL}"}
        add(insert(schema.attempts).values(message_id=message["message_id"], **log))
        kept = {"key": str(uuid.uuid4()), "fingerprint": b"x", "body": reply, "created_at": 1}
        add(insert(schema.idempotency).values(account_id=message["account_id"], **kept))
    return number


def list_mentioning_files(click_database: ClickDatabase) -> set[str]:
    """The database's files in which the person stands; in PostgreSQL the tables in whose rows they do."""
    if not isinstance(click_database.database, SqliteDatabase):
        rows = {table.name: repr(click_database.rows(table)).lower() for table in schema.metadata.tables.values()}
        return {name for name, text in rows.items() if EMAIL.lower() in text or ENCODED_ADDRESS.decode() in text}
    return {
        path.name for path in click_database.database.folder.iterdir() if ENCODED_ADDRESS in path.read_bytes().lower()
    }


def list_column_values(click_database: ClickDatabase, *columns: Any) -> list[tuple[Any, ...]]:
    """Some columns of all rows."""
    with click_database.database.read() as connection:
        return [tuple(row) for row in connection.execute(select(*columns))]


@pytest.mark.both_databases
def test_what_belongs_to_others_stays_without_the_person(click_database: ClickDatabase) -> None:
    """No byte of the database's files names them any more, though everything that did belongs to somebody else, whose
    message, clicks and counts are as they were; and the sums are those that anyone would count from what is left.
    """
    add_mention(click_database)
    assert list_mentioning_files(click_database)
    done = make_person_erasure(click_database).erase(EMAIL.upper(), START_US, click_database.account, full_scan=True)
    assert list_mentioning_files(click_database) == set()
    assert (done.rows["messages"], done.replies, done.contents_of_others) == (0, 1, 1)
    assert done.overwritten == isinstance(click_database.database, SqliteDatabase)
    assert (done.links_of_others, done.texts_of_others) == (2, 8)
    assert done.sums > 0
    mail = schema.messages.c
    rows = list_column_values(click_database, mail.subject, mail.tags, mail.attributes, mail.variant, mail.click_count)
    assert rows == [("News of (erased)", ["spring"], {"plan": "pro"}, None, 2)]
    assert sorted(list_column_values(click_database, schema.links.c.destination)) == [("",), ("https://example.com/1",)]
    assert [json.loads(body) for (body,) in list_column_values(click_database, schema.outbox.c.body)] == [
        {"data": {"url": "(erased)", "n": 1}}
    ]
    assert sorted(list_column_values(click_database, schema.clicks.c.destination), key=str) == [
        ("https://example.com/1",),
        (None,),
    ]
    counted = click_database.state()
    rebuild_aggregates(click_database.database, START_US, lambda _what, _done: True)
    assert click_database.state() == counted


def test_another_account_is_not_changed(click_database: ClickDatabase) -> None:
    """What another account's mail says of the person is not this account's to erase."""
    other = uuid.uuid4()
    with click_database.database.write() as connection:
        accounts_table.create(connection, other, "Other", START_US)
    add_mention(click_database, other)
    before = (
        click_database.state(),
        list_column_values(click_database, schema.messages),
        list_column_values(click_database, schema.links),
        list_column_values(click_database, schema.events),
    )
    done = make_person_erasure(click_database).erase(EMAIL, START_US, click_database.account, full_scan=True)
    assert (done.links_of_others, done.texts_of_others, done.sums, done.replies, done.contents_of_others) == (0,) * 5
    after = (
        click_database.state(),
        list_column_values(click_database, schema.messages),
        list_column_values(click_database, schema.links),
        list_column_values(click_database, schema.events),
    )
    assert after == before


def test_a_sender_is_not_the_person(click_database: ClickDatabase) -> None:
    """Mail that came from the address keeps its content and its words: there it is the customer's own."""
    number = click_database.send(
        recipient="bob@example.net", sender=EMAIL, subject=f"From {EMAIL}", raw=RAW_MAIL, keep_until_at=START_US * 2
    )
    make_person_erasure(click_database).erase(EMAIL, START_US, click_database.account, full_scan=True)
    with click_database.database.read() as connection:
        assert contents_table.get(connection, click_database.messages[number]) == RAW_MAIL
    assert click_database.message(number)["subject"] == f"From {EMAIL}"


@pytest.mark.both_databases
def test_what_was_interrupted_is_finished(click_database: ClickDatabase) -> None:
    """When the disk fails behind the removal of the messages, the next try still knows that there is work left."""
    click_database.send(recipient=EMAIL)
    number = add_mention(click_database)

    def fails(_: Any) -> int:
        if (
            not list_column_values(click_database, schema.messages.c.id)
            or len(list_column_values(click_database, schema.messages.c.id)) == 1
        ):
            raise OSError("gone")
        return 0

    broken = PrivacyRequests(
        click_database.database,
        ExternalData(ERASURE_CONTEXT.lock, ERASURE_CONTEXT.drain_journal, ERASURE_CONTEXT.redact_dead_letters, fails),
    )
    with pytest.raises(OSError, match="gone"):
        broken.erase(EMAIL, START_US, click_database.account)
    with click_database.database.write() as connection:  # nor is it known by anything that is found at a small cost
        connection.execute(delete(schema.links))
        for table in (schema.click_aggregates, schema.send_aggregates, schema.idempotency, schema.message_link_rows):
            connection.execute(delete(table))
        connection.execute(delete(schema.click_rows))
    assert click_database.message(number)["subject"] == f"News of {EMAIL}"
    assert make_person_erasure(click_database).erase(EMAIL, START_US, click_database.account).texts_of_others == 8
    assert list_mentioning_files(click_database) == set()
    assert list_column_values(click_database, schema.pending_jobs.c.name) == []


def erasure_cost(click_database: ClickDatabase, email: str) -> int:
    """What SQLite does to erase somebody, in thousands of its machine's instructions."""
    steps = [0]

    def step() -> None:
        steps[0] += 1

    raw: Any
    with click_database.database.read() as connection:  # one at a time is in use, so the pool has this one only
        raw = connection.connection.dbapi_connection
        raw.set_progress_handler(step, 1000)
    make_person_erasure(click_database).erase(email, START_US, click_database.account)
    raw.set_progress_handler(None, 0)
    return steps[0]


def add_messages(click_database: ClickDatabase, count: int) -> None:
    """So many messages, each with a short link and a click."""
    numbers = [click_database.send("spring", short_links={0: "https://example.com/1"}) for _ in range(count)]
    click_database.ingest(*map(click_database.make_event, numbers))


def test_an_unknown_address_costs_little(click_database: ClickDatabase) -> None:
    """Asking to erase somebody whom nobody has heard of costs the same whatever is stored, and writes nothing anew."""
    add_messages(click_database, 20)
    few = erasure_cost(click_database, "nobody@example.com")
    add_messages(click_database, 400)
    assert erasure_cost(click_database, "nobody@example.com") <= few + 2
    with click_database.database.write() as connection:
        connection.execute(text("CREATE TABLE freed AS SELECT randomblob(100000) AS x"))
        connection.execute(text("DROP TABLE freed"))

    def free() -> int:
        with click_database.database.read() as connection:
            return int(connection.scalar(text("PRAGMA freelist_count")) or 0)

    before = free()
    assert before > 10
    assert make_person_erasure(click_database).erase("nobody@example.com", START_US, click_database.account).overwritten
    assert free() == before
    assert erasure_cost(click_database, "reader7@example.org") > 10 * (few + 1)  # somebody whom it knows
    assert free() == 0

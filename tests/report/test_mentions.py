"""Tests of linkweir.report.mentions: a person whom mail to others names, and what it costs to ask for one whom nobody
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

from linkweir.click.rebuild import rebuild_all
from linkweir.report.person import People, Traces
from linkweir.store import accounts, messages, tables
from tests.click.world import START, World

EMAIL = "Ada.Lovelace@example.org"
WORD = b"ada.lovelace"
PLACE = "https://example.com/?about=ada.lovelace%40example.org"
TRACES = Traces(
    alone=contextlib.nullcontext, catch_up=lambda: True, scrub=lambda _, __, ___: 0, forget_mail=lambda _: 0
)
BASE64 = b"To: bob@example.org\r\nContent-Transfer-Encoding: base64\r\n\r\n"
RAW = BASE64 + base64.encodebytes(b"Greetings from " + EMAIL.encode() + b"!" * 99)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A store with an account."""
    made = World(tmp_path)
    yield made
    made.store.close()


def people(world: World) -> People:
    """Of the world's store."""
    return People(world.store, TRACES)


def mention(world: World, account: uuid.UUID | None = None) -> int:
    """A message to somebody else that names the person wherever it can, and was clicked; its number."""
    number = world.send(
        *("spring", f"user:{EMAIL}"),
        account_id=account or world.account,
        recipient="bob@example.net",
        subject=f"News of {EMAIL}",
        attributes={"friend": EMAIL, "plan": "pro"},
        variant=EMAIL,
        short_links={0: PLACE, 1: "https://example.com/1"},
        raw=RAW,
        keep_until_at=START * 2,
    )
    world.keep(world.fact(number, destination=PLACE), world.fact(number, 1, 5))
    message = {"message_id": world.messages[number], "account_id": account or world.account}
    hook = uuid.uuid4()
    names = ("account_id", "name", "url", "secret", "scope", "domains", "events", "enabled", "created_at", "updated_at")
    values: tuple[Any, ...] = (message["account_id"], "x", "x", b"", "global", [], [], True, 1, 1)
    told: dict[str, Any] = {"id": uuid.uuid4(), "webhook_id": hook, "kind": "clicked", "state": "waiting"}
    told |= {"body": json.dumps({"data": {"url": PLACE, "n": 1}}).encode(), "attempts": 0, "due_at": 1, "created_at": 1}
    reply = json.dumps({"data": [{"recipient": {"email": EMAIL, "name": "Ada"}, "id": "x"}]}).encode()
    with world.store.write() as connection:
        add = connection.execute
        add(insert(tables.webhooks).values(id=hook, **dict(zip(names, values, strict=True))))
        add(insert(tables.outbox).values(**message, **told, last_error=f"550 {EMAIL}"))
        note = {"id": uuid.uuid4(), "at": 1, "kind": "x", "data": {"say": f"{EMAIL}, twice: {PLACE}"}}
        add(insert(tables.events).values(**message, **note))
        log = {"id": uuid.uuid4(), "at": 1, "status": "x", "log": f"250 {EMAIL}"}
        add(insert(tables.attempts).values(message_id=message["message_id"], **log))
        kept = {"key": str(uuid.uuid4()), "fingerprint": b"x", "body": reply, "created_at": 1}
        add(insert(tables.idempotency).values(account_id=message["account_id"], **kept))
    return number


def named_in(world: World) -> set[str]:
    """The database's files in which the person stands."""
    return {path.name for path in world.store.path.parent.iterdir() if WORD in path.read_bytes().lower()}


def values(world: World, *columns: Any) -> list[tuple[Any, ...]]:
    """Some columns of all rows."""
    with world.store.read() as connection:
        return [tuple(row) for row in connection.execute(select(*columns))]


def test_what_belongs_to_others_stays_without_the_person(world: World) -> None:
    """No byte of the database's files names them any more, though everything that did belongs to somebody else, whose
    message, clicks and counts are as they were; and the sums are those that anyone would count from what is left.
    """
    mention(world)
    assert named_in(world)
    done = people(world).erase(EMAIL.upper(), START, world.account, thorough=True)
    assert named_in(world) == set()
    assert (done.rows["messages"], done.replies, done.contents_of_others, done.overwritten) == (0, 1, 1, True)
    assert (done.links_of_others, done.texts_of_others) == (2, 8)
    assert done.sums > 0
    mail = tables.messages.c
    rows = values(world, mail.subject, mail.tags, mail.attributes, mail.variant, mail.click_count)
    assert rows == [("News of (erased)", ["spring"], {"plan": "pro"}, None, 2)]
    assert values(world, tables.links.c.destination) == [("",), ("https://example.com/1",)]
    assert [json.loads(body) for (body,) in values(world, tables.outbox.c.body)] == [
        {"data": {"url": "(erased)", "n": 1}}
    ]
    assert sorted(values(world, tables.clicks.c.destination), key=str) == [("https://example.com/1",), (None,)]
    counted = world.state()
    rebuild_all(world.store, START, lambda _what, _done: True)
    assert world.state() == counted


def test_another_account_is_left_alone(world: World) -> None:
    """What another account's mail says of the person is not this account's to erase."""
    other = uuid.uuid4()
    with world.store.write() as connection:
        accounts.create(connection, other, "Other", START)
    mention(world, other)
    before = world.state(), values(world, tables.messages), values(world, tables.links), values(world, tables.events)
    done = people(world).erase(EMAIL, START, world.account, thorough=True)
    assert (done.links_of_others, done.texts_of_others, done.sums, done.replies, done.contents_of_others) == (0,) * 5
    after = world.state(), values(world, tables.messages), values(world, tables.links), values(world, tables.events)
    assert after == before


def test_a_sender_is_not_the_person(world: World) -> None:
    """Mail that came from the address keeps its content and its words: there it is the customer's own."""
    number = world.send(
        recipient="bob@example.net", sender=EMAIL, subject=f"From {EMAIL}", raw=RAW, keep_until_at=START * 2
    )
    people(world).erase(EMAIL, START, world.account, thorough=True)
    with world.store.read() as connection:
        assert messages.content(connection, world.messages[number]) == RAW
    assert world.message(number)["subject"] == f"From {EMAIL}"


def test_what_was_interrupted_is_finished(world: World) -> None:
    """When the disk fails behind the removal of the messages, the next try still knows that there is work left."""
    world.send(recipient=EMAIL)
    number = mention(world)

    def fails(_: Any) -> int:
        if not values(world, tables.messages.c.id) or len(values(world, tables.messages.c.id)) == 1:
            raise OSError("gone")
        return 0

    broken = People(world.store, Traces(TRACES.alone, TRACES.catch_up, TRACES.scrub, fails))
    with pytest.raises(OSError, match="gone"):
        broken.erase(EMAIL, START, world.account)
    with world.store.write() as connection:  # nor is it known by anything that is found at a small cost
        connection.execute(delete(tables.links))
        for table in (tables.rollups, tables.sends, tables.idempotency, tables.message_links):
            connection.execute(delete(table))
        connection.execute(delete(tables.clicks))
    assert world.message(number)["subject"] == f"News of {EMAIL}"
    assert people(world).erase(EMAIL, START, world.account).texts_of_others == 8
    assert named_in(world) == set()
    assert values(world, tables.marks.c.name) == []


def cost(world: World, email: str) -> int:
    """What SQLite does to erase somebody, in thousands of its machine's instructions."""
    steps = [0]

    def step() -> None:
        steps[0] += 1

    raw: Any
    with world.store.read() as connection:  # one at a time is in use, so the pool has this one only
        raw = connection.connection.dbapi_connection
        raw.set_progress_handler(step, 1000)
    people(world).erase(email, START, world.account)
    raw.set_progress_handler(None, 0)
    return steps[0]


def fill(world: World, count: int) -> None:
    """So many messages, each with a short link and a click."""
    for _ in range(count):
        number = world.send("spring", short_links={0: "https://example.com/1"})
        world.keep(world.fact(number))


def test_an_unknown_address_costs_little(world: World) -> None:
    """Asking to erase somebody whom nobody has heard of costs the same whatever is stored, and writes nothing anew."""
    fill(world, 20)
    few = cost(world, "nobody@example.com")
    fill(world, 400)
    assert cost(world, "nobody@example.com") <= few + 2
    with world.store.write() as connection:
        connection.execute(text("CREATE TABLE freed AS SELECT randomblob(100000) AS x"))
        connection.execute(text("DROP TABLE freed"))

    def free() -> int:
        with world.store.read() as connection:
            return int(connection.scalar(text("PRAGMA freelist_count")) or 0)

    before = free()
    assert before > 10
    assert people(world).erase("nobody@example.com", START, world.account).overwritten
    assert free() == before
    assert cost(world, "reader7@example.org") > 10 * (few + 1)  # somebody whom it knows
    assert free() == 0

"""Tests of linkweir.report.person: what the database's own way of moving rows about leaves behind."""

import contextlib
import random
import uuid

from sqlalchemy import delete, select, update

from linkweir.click.rebuild import rebuild_all
from linkweir.report.person import People, Traces
from linkweir.store import messages, tables
from linkweir.store.engine import Store
from linkweir.store.messages import NewMessage
from tests.report.filling import click

WORDS = (b"secret.person", b"secretname", b"203.0.113.99", b"secretagent")
DAY = 86_400_000_000
TRACES = Traces(
    alone=contextlib.nullcontext, catch_up=lambda: True, scrub=lambda _, __, ___: 0, forget_mail=lambda _: 0
)


def message(account: uuid.UUID, number: int, theirs: bool, dice: random.Random) -> NewMessage:
    """A message to the person or to somebody else."""
    key = uuid.UUID(int=dice.getrandbits(128))
    name = "SecretName" if theirs else "Other"
    return NewMessage(
        id=key,
        number=key.int >> 66,
        account_id=account,
        message_id=f"{key}@example.com",
        sender="news@example.com",
        recipient="Secret.Person@example.org" if theirs else f"r{number}@example.net",
        subject=name,
        tags=["spring"],
        track_clicks=True,
        privacy="full",
        raw=name.encode() * dice.randint(1, 400),
        short_links={0: f"https://example.com/?q={name}"},
        now=DAY,
        due_at=DAY,
        expires_at=2 * DAY,
        keep_until_at=9 * DAY,
        retain_until_at=9 * DAY,
        envelope_from="news@example.com",
        attributes={"name": name if theirs else str(number)},
    )


def test_pages_that_were_split_hold_no_old_copies(store: Store, account: uuid.UUID) -> None:
    """Among thousands of rows that grew, moved and went, no byte of the person's is left after erasing."""
    dice = random.Random(4)  # noqa: S311 - the same on every run
    everybody: list[tuple[uuid.UUID, bool]] = []
    for part in range(30):
        some = [message(account, part * 50 + n, dice.random() < 0.1, dice) for n in range(50)]
        everybody += [(one.id, one.subject == "SecretName") for one in some]
        with store.write() as connection:
            messages.add(connection, some)
        with store.write() as connection:
            for key, theirs in dice.sample(everybody, 40):
                words = {"ip": "203.0.113.99", "user_agent": "SecretAgent " * dice.randint(1, 9)} if theirs else {}
                click(connection, account, message_id=key, at=dice.getrandbits(40), **words)
                longer = ("SecretName " if theirs else "Hi ") * dice.randint(1, 20)
                table = tables.messages
                connection.execute(update(table).where(table.c.id == key).values(subject=longer))
                if dice.random() < 0.3:
                    connection.execute(delete(tables.contents).where(tables.contents.c.message_id == key))
    rebuild_all(store, DAY, lambda _what, _count: True)
    people = People(store, TRACES)
    done = people.erase("secret.person@EXAMPLE.org", 10 * DAY)
    assert done.overwritten
    assert done.rows["messages"] == sum(theirs for _, theirs in everybody)
    found = {
        path.name: word for path in store.path.parent.iterdir() for word in WORDS if word in path.read_bytes().lower()
    }
    assert found == {}


def test_links_of_others_that_name_the_person_lose_their_destination(store: Store, account: uuid.UUID) -> None:
    """A link in somebody else's mail that was followed keeps its count, not a destination that holds the address."""
    other = message(account, 1, False, random.Random(1))  # noqa: S311
    place = "https://example.com/?about=secret.person%40example.org"
    with store.write() as connection:
        messages.add(connection, [other])
        click(connection, account, message_id=other.id, destination=place)
    rebuild_all(store, DAY, lambda _what, _count: True)
    with store.read() as connection:
        assert [row.destination for row in connection.execute(select(tables.message_links))] == [place]
    assert People(store, TRACES).erase("secret.person@example.org", 10 * DAY, account).overwritten
    with store.read() as connection:
        assert [(row.destination, row.human) for row in connection.execute(select(tables.message_links))] == [(None, 1)]
    for path in store.path.parent.iterdir():
        assert b"secret.person" not in path.read_bytes().lower(), path.name


def test_a_large_database_is_not_written_anew_by_the_way(store: Store, account: uuid.UUID) -> None:
    """Over the limit the rows go all the same, and the answer says that fragments may be left."""
    with store.write() as connection:
        messages.add(connection, [message(account, 1, True, random.Random(1))])  # noqa: S311
    people = People(store, TRACES)
    done = people.erase("secret.person@example.org", 10 * DAY, limit=1000)
    assert (done.rows["messages"], done.overwritten) == (1, False)
    assert people.erase("secret.person@example.org", 10 * DAY).rows["messages"] == 0

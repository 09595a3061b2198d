"""Texts of clicks and links that are stored once: who uses them, and when they go."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from linkweir.db.schema import click_codes, click_rows, click_texts, clicks, message_link_rows, message_links
from tests.clicks.ingest.click_database import ClickDatabase

AGENT = "Phone browser of everybody"


@pytest.fixture
def click_database(dialect: str, tmp_path: Path) -> Iterator[ClickDatabase]:
    """A database with an account."""
    database = ClickDatabase(tmp_path)
    yield database
    database.database.close()


def _list_texts(database: ClickDatabase) -> dict[str, int]:
    with database.database.read() as connection:
        rows = connection.execute(select(click_texts.c.text, click_texts.c.uses))
        return {row.text: row.uses for row in rows}


def test_a_text_is_stored_once_and_its_uses_are_counted(click_database: ClickDatabase) -> None:
    """Clicks and links share a destination and a user agent, and are read with both."""
    number = click_database.send("spring")
    events = [click_database.make_event(number, 1, after=60 * count, user_agent=AGENT) for count in range(1, 4)]
    destination = events[0].destination
    assert destination is not None
    click_database.ingest(*events)
    assert _list_texts(click_database) == {AGENT: 3, destination: 4}  # by three clicks and a link
    with click_database.database.read() as connection:
        seen = connection.execute(select(clicks.c.destination, clicks.c.user_agent)).all()
        assert [tuple(row) for row in seen] == [(destination, AGENT)] * 3
        assert connection.scalars(select(message_links.c.destination)).all() == [destination]


def test_a_text_goes_with_its_last_use(click_database: ClickDatabase) -> None:
    """Whether a click is deleted or only loses the text; the codes of reasons stay, which say nothing of anybody."""
    number = click_database.send("spring")
    click_database.ingest(*[click_database.make_event(number, 1, after=60 * n, user_agent=AGENT) for n in (1, 2)])
    with click_database.database.write() as connection:
        first, second = connection.scalars(select(click_rows.c.id)).all()
        connection.execute(delete(click_rows).where(click_rows.c.id == first))
        assert AGENT in set(connection.scalars(select(click_texts.c.text)))
        connection.execute(update(click_rows).where(click_rows.c.id == second).values(user_agent_id=None))
        assert AGENT not in set(connection.scalars(select(click_texts.c.text)))
        connection.execute(delete(click_rows))
        connection.execute(delete(message_link_rows))
        assert connection.scalars(select(click_texts.c.text)).all() == []
        assert connection.scalars(select(click_codes.c.text)).all() != []


def test_a_destination_that_may_name_a_person_stays_in_its_row(click_database: ClickDatabase) -> None:
    """It is found by an index there, and goes with the click."""
    number, destination = click_database.send("spring"), "https://shop.example/?for=ann%40example.org"
    click_database.ingest(click_database.make_event(number, 1, after=60, destination=destination))
    assert destination not in _list_texts(click_database)
    with click_database.database.read() as connection:
        assert connection.scalars(select(click_rows.c.destination)).all() == [destination]
        assert connection.scalars(select(clicks.c.destination)).all() == [destination]
        assert connection.scalars(select(message_links.c.destination)).all() == [destination]

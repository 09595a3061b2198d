"""Moving a service from SQLite to PostgreSQL and back: nothing is lost on the way, and nothing starts half-way."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import Text, cast, insert, select, update

from linkweir.database_transfer import make_transfer
from linkweir.db import database_copy
from linkweir.db.database import Database
from linkweir.db.schema import click_texts, messages
from linkweir.db.schema_upgrade import create_database, migrate
from linkweir.errors import DataFolderError
from linkweir.settings import Settings
from tests.postgresql_server import require_postgresql
from tests.web.running_service import RunningService


@pytest.fixture
def url() -> Iterator[str]:
    """An empty database of a real server."""
    server = require_postgresql()
    made = server.create(empty=True)
    yield made
    server.drop(made)


def _ignore(_table: str, _rows: int) -> None:
    pass


def _fill(folder: Path) -> list[str]:
    """A data folder with mails and clicks in it: the ids of the mails."""
    with RunningService(folder) as service:
        sent = [entry["id"] for _ in range(3) for entry in service.send(tags=["news"])]
        for one in sent[:2]:
            service.reader.get(service.delivered_links(one)[0])
        service.wait_until_ingested()
    return sent


def _dump(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, JSON as it is written."""
    with database.read() as connection:
        return {
            table.name: sorted(
                (tuple(row) for row in connection.execute(select(*database_copy._columns(table)))), key=repr
            )
            for table in database_copy.TABLES
        }


def _dump_settings(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    database = create_database(settings)
    try:
        return _dump(database)
    finally:
        database.close()


def test_a_service_moves_to_postgresql_and_back(tmp_path: Path, url: str) -> None:
    """Each row is the same there; the service goes on with it, numbers new rows behind the old ones, and the way back
    brings all of it to a new file.
    """
    sent = _fill(tmp_path / "data")
    before = Settings(data=tmp_path / "data")
    arrived: list[int] = []
    transfer = make_transfer(replace(before, database=url), "postgresql")
    expected = transfer.count_rows()
    done = transfer.run(lambda _table, rows: arrived.append(rows))
    assert (done.rows, sum(arrived)) == (expected, expected)
    assert _dump_settings(before) == _dump_settings(replace(before, database=url))
    with RunningService(tmp_path / "data", database=url) as service:
        assert [service.click_count(one) for one in sent] == [1, 1, 0]
        link = urlsplit(service.delivered_links(sent[2])[0]).path  # it names the port of before
        assert service.reader.get(link, headers={"User-Agent": "Another/1"}).status_code == 302
        assert service.click_count(sent[2]) == 1
        service.send(tags=["another"])
    there = _dump_settings(replace(before, database=url))
    (tmp_path / "data/linkweir.db").rename(tmp_path / "data/before.db")
    for rest in ("-wal", "-shm"):
        (tmp_path / f"data/linkweir.db{rest}").unlink(missing_ok=True)
    make_transfer(replace(before, database=url), "sqlite").run(_ignore)
    assert _dump_settings(before) == there
    with RunningService(tmp_path / "data") as service:
        assert [service.click_count(one) for one in sent] == [1, 1, 1]


def test_an_interrupted_move_goes_on(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever batch it ends after, no service starts on the target, and the next run brings the rest."""
    _fill(tmp_path / "data")
    monkeypatch.setattr(database_copy, "BATCH_ROWS", 2)
    before = Settings(data=tmp_path / "data")
    after = replace(before, database=url)
    runs = 0
    for limit in (0, 3, 9, 20, 1_000_000):
        left = [limit]

        def stop(_table: str, rows: int, left: list[int] = left) -> None:
            left[0] -= rows > 0
            if left[0] < 0:
                raise KeyboardInterrupt

        try:
            make_transfer(after, "postgresql").run(stop)
            break
        except KeyboardInterrupt:
            runs += 1
            started = create_database(after)
            with pytest.raises(DataFolderError, match="is not complete"):
                migrate(started)
            started.close()
    assert runs == 4
    assert _dump_settings(before) == _dump_settings(after)


def test_what_another_database_holds_is_never_mixed(tmp_path: Path, url: str) -> None:
    """Neither into a database that is in use, nor into the half of another one's copy."""
    _fill(tmp_path / "one")
    _fill(tmp_path / "other")

    def stop(_table: str, _rows: int) -> None:
        if _table == "messages" and _rows:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_transfer(Settings(data=tmp_path / "one"), url).run(stop)
    with pytest.raises(DataFolderError, match="rows of another database"):
        make_transfer(Settings(data=tmp_path / "other"), url).run(_ignore)
    make_transfer(Settings(data=tmp_path / "one"), url).run(_ignore)
    with pytest.raises(DataFolderError, match="there is an account in it already"):
        make_transfer(Settings(data=tmp_path / "other"), url).run(_ignore)
    with pytest.raises(DataFolderError, match="there is an account in it already"):
        make_transfer(Settings(data=tmp_path / "other", database=url), "sqlite").run(_ignore)


def test_a_running_service_is_not_moved(tmp_path: Path, url: str) -> None:
    """Neither from its data folder, nor from or to a database that it is connected to from anywhere."""
    with (
        RunningService(tmp_path / "data") as running,
        pytest.raises(DataFolderError, match="the service is running"),
    ):
        make_transfer(running.settings, url).run(_ignore)
    make_transfer(Settings(data=tmp_path / "data"), url).run(_ignore)
    with RunningService(tmp_path / "elsewhere", database=url, key_file=tmp_path / "data/keys.json"):
        with pytest.raises(DataFolderError, match="another process of Linkweir uses it"):
            make_transfer(Settings(data=tmp_path / "data", database=url), "sqlite").run(_ignore)
        with pytest.raises(DataFolderError, match="another process of Linkweir uses it"):
            make_transfer(Settings(data=tmp_path / "data"), url).run(_ignore)


def test_a_copy_that_differs_is_not_used(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value that changed on the way is found by the sums, and no service starts on it."""
    sent = _fill(tmp_path / "data")
    settings = Settings(data=tmp_path / "data")
    compare = database_copy.compare_rows

    def damage(source: Any, target: Any) -> list[str]:
        target.execute(update(messages).where(messages.c.click_count == 0).values(click_count=5))
        return compare(source, target)

    monkeypatch.setattr(database_copy, "compare_rows", damage)
    with pytest.raises(DataFolderError, match=r"differ after the copy: \['messages'\]"):
        make_transfer(settings, url).run(_ignore)
    monkeypatch.setattr(database_copy, "compare_rows", compare)
    make_transfer(settings, url).run(_ignore)
    assert len(sent) == 3


def test_a_nul_arrives_as_a_replacement_character(tmp_path: Path, url: str) -> None:
    """PostgreSQL holds no U+0000, which SQLite does: it does not keep a service from moving."""
    _fill(tmp_path / "data")
    settings = Settings(data=tmp_path / "data")
    source = create_database(settings)
    with source.write() as connection:
        connection.execute(insert(click_texts).values(text="a\0b", uses=1))
    source.close()
    make_transfer(settings, url).run(_ignore)
    target = create_database(replace(settings, database=url))
    with target.read() as connection:
        assert connection.scalar(select(cast(click_texts.c.text, Text)).where(click_texts.c.text == "a\ufffdb"))
    target.close()

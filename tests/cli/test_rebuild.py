"""`linkweir rebuild` beside a service that runs."""

from pathlib import Path

from sqlalchemy import delete, update

from linkweir.store.clicks import count_of_account
from linkweir.store.tables import messages, rollups
from tests.cli.running import Command
from tests.edge.serving import Served, wait_until


def test_the_command_counts_anew(linkweir: Command, tmp_path: Path) -> None:
    """Sums and click_count that were lost are there again, and clicks go on being counted."""
    with Served(tmp_path / "data") as served:
        (entry,) = served.send()
        link, _ = served.links(entry["id"])
        served.reader.get(link)
        wait_until(lambda: served.clicks(entry["id"]) == 1)
        with served.service.store.write() as connection:
            connection.execute(delete(rollups))
            connection.execute(update(messages).values(click_count=0))
        done = linkweir("rebuild", "--data", served.settings.data)
        assert (done.code, done.out) == (0, b"The sums were made anew; clicks: 1\n")
        assert "clicks up to 1 of 1" in done.err
        assert served.clicks(entry["id"]) == 1
        served.reader.get(link)
        wait_until(lambda: served.clicks(entry["id"]) == 2)
        with served.service.store.read() as connection:
            assert served.service.account
            assert count_of_account(connection, served.service.account) == 2


def test_without_data_nothing_is_made(linkweir: Command, tmp_path: Path) -> None:
    """A folder that holds no service's data is a mistake in the command line, and stays empty."""
    folder = tmp_path / "nothing"
    folder.mkdir()
    assert linkweir("rebuild", "--data", folder).code == 2
    assert list(folder.iterdir()) == []

"""`linkweir rebuild` beside a service that runs."""

from pathlib import Path

from sqlalchemy import delete, update

from linkweir.db.clicks_table import count_counted_clicks
from linkweir.db.schema import click_aggregates, messages
from tests.cli.command_runner import CommandRunner
from tests.web.running_service import RunningService, wait_until


def test_the_command_counts_anew(linkweir: CommandRunner, tmp_path: Path) -> None:
    """Sums and click_count that were lost are there again, and clicks go on being counted."""
    with RunningService(tmp_path / "data") as served:
        (entry,) = served.send()
        link, _ = served.delivered_links(entry["id"])
        served.reader.get(link)
        wait_until(lambda: served.click_count(entry["id"]) == 1)
        with served.components.database.write() as connection:
            connection.execute(delete(click_aggregates))
            connection.execute(update(messages).values(click_count=0))
        done = linkweir("rebuild", "--data", served.settings.data)
        assert (done.code, done.out) == (0, b"Recalculated the totals from the stored clicks; clicks: 1\n")
        assert "clicks up to 1 of 1" in done.err
        assert served.click_count(entry["id"]) == 1
        served.reader.get(link)
        wait_until(lambda: served.click_count(entry["id"]) == 2)
        with served.components.database.read() as connection:
            assert served.components.account
            assert count_counted_clicks(connection, served.components.account) == 2


def test_without_data_nothing_is_made(linkweir: CommandRunner, tmp_path: Path) -> None:
    """A folder that holds no data of a service is a mistake in the command line, and stays empty."""
    folder = tmp_path / "nothing"
    folder.mkdir()
    assert linkweir("rebuild", "--data", folder).code == 2
    assert list(folder.iterdir()) == []

"""Tests of `linkweir corrections` against a running service's data folder."""

import json
from pathlib import Path

from tests.cli.command_runner import CommandRunner
from tests.web.running_service import RunningService, wait_until
from tests.web.test_redirect import send_and_get_link


def test_a_running_service_follows(linkweir: CommandRunner, tmp_path: Path) -> None:
    """Corrected by command, a link of one campaign leads elsewhere within seconds; removed again, it leads back; both
    are on record.
    """
    wrong, right = "https://example.com/a?x=1&y=2", "https://example.com/right"
    with RunningService(tmp_path / "data") as served:
        _, link = send_and_get_link(served, tags=["spring"])

        def run(*words: str) -> list[bytes]:
            done = linkweir("corrections", *words, "--data", served.settings.data)
            assert done.code == 0, done.err
            return done.out.splitlines()

        (key,) = run("add", wrong, right, "--campaign", "spring")
        wait_until(lambda: served.reader.get(link).headers["location"] == right)
        assert [json.loads(line)["id"] for line in run("list", "--json")] == [key.decode()]
        run("remove", key.decode())
        wait_until(lambda: served.reader.get(link).headers["location"] == wrong)
        assert run("list") == []
        (row,) = map(json.loads, run("list", "--all", "--json"))
        assert (row["campaign"], row["created_by"], row["removed_by"]) == ("spring", "command line", "command line")
        assert b"removed" in run("list", "--all")[0]
        again = linkweir("corrections", "remove", key.decode(), "--data", served.settings.data)
        assert (again.code, again.err) == (1, "linkweir: the correction was removed already\n")
        for words in (["javascript:x", right], [wrong, "ftp://x/"], [wrong, right, "--message", "x"]):
            refused = linkweir("corrections", "add", *words, "--data", served.settings.data)
            assert (words, refused.code, "Traceback" in refused.err) == (words, 2, False)

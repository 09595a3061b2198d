"""Tests of `linkweir block` against a running service's data folder."""

import json
from pathlib import Path

from tests.cli.command_runner import CommandRunner
from tests.web.running_service import RunningService, wait_until
from tests.web.test_redirect import send_and_get_link


def test_a_running_service_follows(linkweir: CommandRunner, tmp_path: Path) -> None:
    """Blocked by command, a link answers 410 within seconds; removed again, it leads on."""
    with RunningService(tmp_path / "data") as served:
        _, link = send_and_get_link(served)
        assert served.reader.get(link).status_code == 302
        run = linkweir("block", "add", "EXAMPLE.com", "--reason", "phishing", "--data", served.settings.data)
        assert (run.code, run.out) == (0, b"linkweir: blocked the host example.com\n")
        wait_until(lambda: served.reader.get(link).status_code == 410)
        assert linkweir("block", "remove", "example.com", "--data", served.settings.data).code == 0
        wait_until(lambda: served.reader.get(link).status_code == 302)


def test_what_is_blocked_is_listed(linkweir: CommandRunner, tmp_path: Path) -> None:
    """Hosts and destinations are listed in their one spelling, each once, with the latest reason."""
    with RunningService(tmp_path / "data") as served:
        folder = str(served.settings.data)
    for words in (["b\u00fccher.example"], ["https://A.example:443/x#y"], ["https://a.example/x", "--reason", "again"]):
        assert linkweir("block", "add", *words, "--data", folder).code == 0
    listed = [json.loads(line) for line in linkweir("block", "list", "--json", "--data", folder).out.splitlines()]
    assert listed == [
        {"kind": "host", "value": "xn--bcher-kva.example", "reason": ""},
        {"kind": "destination", "value": "https://a.example/x", "reason": "again"},
    ]
    assert b"(again)" in linkweir("block", "list", "--data", folder).out


def test_what_is_not_blocked_cannot_be_removed(linkweir: CommandRunner, tmp_path: Path) -> None:
    """Removing what is not there ends with 1 and says so."""
    with RunningService(tmp_path / "data") as served:
        folder = str(served.settings.data)
    run = linkweir("block", "remove", "example.com", "--data", folder)
    assert (run.code, run.err) == (1, "linkweir: example.com is not blocked\n")


def test_nonsense_is_refused(linkweir: CommandRunner, tmp_path: Path) -> None:
    """What is neither host nor http(s) address is an error, and nothing is blocked."""
    with RunningService(tmp_path / "data") as served:
        folder = str(served.settings.data)
    for text in ("ftp://a.example/", "https://", "a.example/x", "a b", "", "javascript:alert(1)"):
        run = linkweir("block", "add", text, "--data", folder)
        assert (text, run.code) == (text, 1)
        assert "Traceback" not in run.err
    assert linkweir("block", "list", "--data", folder).out == b""


def test_a_folder_without_a_service_is_named(linkweir: CommandRunner, tmp_path: Path) -> None:
    """Without a database there is nothing to block in, and none is made."""
    run = linkweir("block", "list", "--data", tmp_path / "nothing")
    assert run.code == 2
    assert "there is no data of a service in" in run.err
    assert not (tmp_path / "nothing").exists()

"""`linkweir open` and `linkweir keys`."""

import json
import re
import stat
from pathlib import Path

import pytest

from linkweir.html.document import rewrite
from linkweir.tokens import keyring_file
from linkweir.tokens.tracker import Tracker
from tests.cli.command_runner import BASE_URL, HTML_LINE, CommandRunner
from tests.web.running_service import WAIT_SECONDS, RunningService


def make_link(linkweir: CommandRunner, *args: str) -> str:
    match = re.search(rb'href="(https://t[^"]+)"', linkweir.rewrite(*args, stdin=HTML_LINE).out)
    assert match
    return match[1].decode()


def test_open_shows_what_a_link_holds(linkweir: CommandRunner) -> None:
    """A link that rewrite made opens to its destination, message, position, key and privacy, as text and as JSON."""
    url = make_link(linkweir, "--message-id", "m-1", "--privacy", "pseudonymous")
    run = linkweir("open", "--json", url)
    assert run.code == 0
    assert json.loads(run.out) == {
        "destination": "https://example.com/a?b=1&c=2",
        "message": "m-1",
        "campaign": None,
        "index": 0,
        "key_id": 1,
        "privacy": "pseudonymous",
        "style": "sealed",
        "version": json.loads(run.out)["version"],
    }
    text = linkweir("open", url).out.decode()
    assert re.search(r"^destination +https://example\.com/a\?b=1&c=2$", text, re.MULTILINE)
    assert re.search(r"^campaign +-$", text, re.MULTILINE)


def test_open_accepts_a_bare_token(linkweir: CommandRunner) -> None:
    """What follows the last slash of a link opens, too."""
    url = make_link(linkweir)
    assert linkweir("open", url.rpartition("/")[2]).out == linkweir("open", url).out


def test_a_changed_link_does_not_open(linkweir: CommandRunner) -> None:
    """A link with one letter changed, a cut one, and another address end with 1 and a reason, without output."""
    url = make_link(linkweir)
    other = url[:-1] + ("A" if url[-1] != "A" else "Q")
    for bad in (other, url[:-8], BASE_URL + "/", "https://example.com/about", "nonsense", "", "grün"):
        run = linkweir("open", bad)
        assert (run.code, run.out) == (1, b"")
        reason, hint = run.err.splitlines()
        assert re.fullmatch(r"linkweir: .+ \([a-z-]+\)", reason)
        assert "--data" in hint  # a service's link opens with the service's keys
        run = linkweir("open", "--key-file", linkweir.key_file, bad)
        assert (run.code, run.err.splitlines()) == (1, [reason])


@pytest.mark.parametrize("style", ["sealed", "short"])
def test_open_beside_a_service_names_the_message(linkweir: CommandRunner, tmp_path: Path, style: str) -> None:
    """With the service's folder a link opens with its keys, to the message's id as the API has it, and a short one to
    where it leads; for a message that is not there, the id is null.
    """
    with RunningService(tmp_path / "data") as served:
        (entry,) = served.send(link_style=style)
        link = served.delivered_links(entry["id"])[1]
        ring = keyring_file.load(served.settings.key_path)
    data = ("--data", served.settings.data)
    told = json.loads(linkweir("open", "--json", *data, link).out)
    assert told["message_id"] == entry["id"].strip("<>").partition("@")[0]
    assert told["destination"] == "https://example.org/b"
    assert re.search(rf"^message id +{told['message_id']}$", linkweir("open", *data, link).out.decode(), re.MULTILINE)
    other = rewrite('<a href="https://example.com">x</a>', Tracker(ring, served.url, message=7)).split('"')[1]
    assert json.loads(linkweir("open", "--json", *data, other).out)["message_id"] is None


def test_open_without_keys_is_a_usage_error(linkweir: CommandRunner) -> None:
    """Without a key file, open says which file it misses, and how a service's links open; keys knows of no service."""
    run = linkweir("open", "https://t.example.com/x")
    assert run.code == 2
    assert str(linkweir.key_file) in run.err
    assert "--data" in run.err
    assert "--data" not in linkweir("keys", "list").err


def test_rotated_keys_still_open(linkweir: CommandRunner) -> None:
    """After rotate a new link names the new key, and a link of the old one still opens."""
    before = make_link(linkweir)
    assert linkweir("keys", "rotate").code == 0
    after = make_link(linkweir)
    assert [json.loads(linkweir("open", "--json", url).out)["key_id"] for url in (before, after)] == [1, 2]
    assert before != after


def test_list_shows_keys_and_no_secrets(linkweir: CommandRunner) -> None:
    """List shows ids, dates and hosts of the ring, the current key marked, and nothing of any secret."""
    make_link(linkweir)
    linkweir("keys", "rotate")
    secrets = [key["secret"] for key in json.loads(linkweir.key_file.read_bytes())["keys"]]
    text, data = linkweir("keys", "list"), linkweir("keys", "list", "--json")
    for run in (text, data):
        assert run.code == 0
        assert not any(secret[:12].encode() in run.out for secret in secrets)
        assert not any(
            bytes(key.secret).hex()[:12].encode() in run.out for key in keyring_file.load(linkweir.key_file).keys
        )
    assert re.search(r"key 1 .*retired \d{4}-", text.out.decode())
    assert re.search(r"key 2 .*current", text.out.decode())
    assert BASE_URL in text.out.decode()
    listed = json.loads(data.out)
    assert [(key["id"], key["current"]) for key in listed["keys"]] == [(1, False), (2, True)]
    assert listed["hosts"] == [BASE_URL + "/"]


def test_export_requires_confirmation(linkweir: CommandRunner) -> None:
    """Export without --yes and without a file is a usage error that prints no secret."""
    make_link(linkweir)
    run = linkweir("keys", "export")
    assert (run.code, run.out) == (2, b"")
    assert "--yes" in run.err


def test_an_exported_ring_opens_the_links(linkweir: CommandRunner, work: Path) -> None:
    """Both kinds of export give a ring that opens the links; the file is for its owner only and is never replaced."""
    url = make_link(linkweir)
    assert linkweir("keys", "export", "--output", "backup.keys").code == 0
    assert stat.S_IMODE((work / "backup.keys").stat().st_mode) == 0o600
    printed = work / "printed.keys"
    printed.touch(mode=0o600)
    printed.write_bytes(linkweir("keys", "export", "--yes").out)
    linkweir.key_file.unlink()
    for name in ("backup.keys", "printed.keys"):
        assert linkweir("open", "--key-file", name, url).code == 0
    again = linkweir("keys", "export", "--key-file", "backup.keys", "--output", "printed.keys")
    assert again.code == 2
    assert "exists already" in again.err


def test_two_commands_at_once_lose_no_key(linkweir: CommandRunner) -> None:
    """Four rotations and four new hosts at the same time all end up in the ring."""
    make_link(linkweir)
    running = [linkweir.start("keys", "rotate", stdout=-1, stderr=-1) for _ in range(4)]
    for n in range(4):
        args = ("rewrite", "--base-url", f"https://h{n}.example.com")
        running.append(linkweir.start(*args, stdin=-1, stdout=-1, stderr=-1))
    for process in running:
        process.communicate(b"" if process.stdin else None, timeout=WAIT_SECONDS)
        assert process.returncode == 0
    ring = keyring_file.load(linkweir.key_file)
    assert len(ring.keys) == 5
    assert len(ring.hosts) == 5


def test_two_first_uses_agree_on_one_ring(linkweir: CommandRunner) -> None:
    """Four commands that all find no key file make one ring together, and each one's links open with it."""
    running = [linkweir.start("rewrite", "--base-url", BASE_URL, stdin=-1, stdout=-1, stderr=-1) for _ in range(4)]
    outs = [process.communicate(HTML_LINE, timeout=WAIT_SECONDS)[0] for process in running]
    assert {process.returncode for process in running} == {0}
    assert len(set(outs)) == 1
    match = re.search(rb'href="(https://t[^"]+)"', outs[0])
    assert match
    assert linkweir("open", match[1].decode()).code == 0


@pytest.mark.parametrize("content", [b"", b"{}", b"not json", b"\xff" * 40])
def test_a_broken_key_file_is_named(linkweir: CommandRunner, work: Path, content: bytes) -> None:
    """A key file that is no key ring ends every command that needs it with 1 and its name, and is left as it is."""
    path = work / "my.keys"
    path.write_bytes(content)
    path.chmod(0o600)
    for args in (["rewrite"], ["keys", "list"], ["keys", "rotate"], ["open", "x"], ["check", "-"]):
        run = linkweir(*args, "--key-file", path, stdin=HTML_LINE)
        assert run.code == 1
        assert "my.keys" in run.err
        assert "Traceback" not in run.err
    assert path.read_bytes() == content

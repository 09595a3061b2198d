"""`linkweir rewrite` over files and folders."""

import json
import os
import re
import stat
from pathlib import Path

import pytest

from linkweir.html import Outcome
from linkweir.tokens import keyring_file, open_link
from tests.cli.command_runner import BASE_URL, HTML_LINE, CommandRunner, list_temporary_files, make_newsletter
from tests.web.running_service import WAIT_SECONDS

LINK_PATTERN = re.compile(rb'href="(https://t\.example\.com/[^"]+)"')


def restore_destinations(html: bytes, command: CommandRunner, key_file: Path | None = None) -> bytes:
    """`html` with every tracking link replaced by the destination it opens to."""
    ring = keyring_file.load(key_file or command.key_file)

    def original(found: re.Match[bytes]) -> bytes:
        destination = open_link(ring, found[1].decode()).destination
        assert destination is not None
        return b'href="' + destination.replace("&", "&amp;").encode() + b'"'

    return LINK_PATTERN.sub(original, html)


def test_one_file_goes_to_standard_output(linkweir: CommandRunner, work: Path) -> None:
    """A file without an output is printed with its link replaced and every other byte as it was."""
    (work / "a.html").write_bytes(HTML_LINE)
    run = linkweir.rewrite("a.html")
    assert run.code == 0
    assert len(LINK_PATTERN.findall(run.out)) == 1
    assert restore_destinations(run.out, linkweir) == HTML_LINE
    assert (work / "a.html").read_bytes() == HTML_LINE


def test_a_folder_is_mirrored(linkweir: CommandRunner, work: Path) -> None:
    """Every HTML file of a tree appears, restorable, under the output; other files are left out and counted."""
    for name in ("a.html", "sub/b.HTM", "sub/deep/c.xhtml"):
        (work / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (work / "in" / name).write_bytes(HTML_LINE * 3)
    (work / "in" / "sub" / "logo.png").write_bytes(b"\x89PNG")
    run = linkweir.rewrite("in", "--output", "out")
    assert run.code == 0
    outputs = sorted(str(path.relative_to(work / "out")) for path in (work / "out").rglob("*") if path.is_file())
    assert outputs == ["a.html", "sub/b.HTM", "sub/deep/c.xhtml"]
    for name in outputs:
        assert restore_destinations((work / "out" / name).read_bytes(), linkweir) == HTML_LINE * 3
    assert "1 other file left out (--copy-others takes them along)" in run.err
    assert re.search(r"^ +9 +tracked ", run.err, re.MULTILINE)
    assert re.search(r"^ +9 +not-http ", run.err, re.MULTILINE)


def test_other_files_are_copied_on_request(linkweir: CommandRunner, work: Path) -> None:
    """With --copy-others the rest of the tree arrives byte for byte with its mode."""
    (work / "in").mkdir()
    (work / "in" / "a.html").write_bytes(HTML_LINE)
    (work / "in" / "run.sh").write_bytes(b'\0<a href="https://example.com/">')
    (work / "in" / "run.sh").chmod(0o755)
    assert linkweir.rewrite("in", "--output", "out", "--copy-others").code == 0
    assert (work / "out" / "run.sh").read_bytes() == (work / "in" / "run.sh").read_bytes()
    assert os.access(work / "out" / "run.sh", os.X_OK)


def test_inplace_writes_changed_files_only(linkweir: CommandRunner, work: Path) -> None:
    """In place a file is rewritten once, keeps its mode, and a second run leaves even its date alone."""
    page = work / "a.html"
    page.write_bytes(HTML_LINE)
    page.chmod(0o604)
    assert linkweir.rewrite("a.html", "--in-place").code == 0
    once = page.read_bytes()
    assert once != HTML_LINE
    assert restore_destinations(once, linkweir) == HTML_LINE
    assert stat.S_IMODE(page.stat().st_mode) == 0o604
    os.utime(page, (1, 1))
    again = linkweir.rewrite("a.html", "--in-place")
    assert page.read_bytes() == once
    assert page.stat().st_mtime == 1
    assert "already-tracked" in again.err


def test_a_dry_run_writes_nothing(linkweir: CommandRunner, work: Path) -> None:
    """A dry run makes no file and no key, and reports the outcomes without replacements."""
    (work / "in").mkdir()
    (work / "in" / "a.html").write_bytes(HTML_LINE)
    run = linkweir.rewrite("in", "--output", "out", "--dry-run", "--report", "-")
    assert run.code == 0
    assert not (work / "out").exists()
    assert not linkweir.key_file.exists()
    rows = [json.loads(line) for line in run.out.splitlines()]
    assert [(row["outcome"], row["replacement"]) for row in rows] == [("tracked", None), ("not-http", None)]
    assert "would be rewritten" in run.err


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_the_key_file_is_made_on_first_use(linkweir: CommandRunner, work: Path) -> None:
    """The first run makes a key file that only its owner can read and says so; the second one just uses it."""
    run = linkweir.rewrite(stdin=HTML_LINE)
    assert stat.S_IMODE(linkweir.key_file.stat().st_mode) == 0o600
    assert f"created {linkweir.key_file}" in run.err
    before = linkweir.key_file.read_bytes()
    again = linkweir("rewrite", stdin=HTML_LINE)
    assert (again.out, again.code) == (run.out, 0)
    assert "created" not in again.err
    assert linkweir.key_file.read_bytes() == before


def test_a_key_file_that_others_can_read_is_refused(linkweir: CommandRunner, work: Path) -> None:
    """A key file open to the group ends the run before anything is written, with a reason."""
    key_file = work / "my.keys"
    assert linkweir.rewrite("--key-file", key_file, stdin=HTML_LINE).code == 0
    key_file.chmod(0o640)
    run = linkweir.rewrite("--key-file", key_file, stdin=HTML_LINE)
    assert run.code == 1
    assert run.out == b""
    assert "chmod 600" in run.err


def test_the_base_url_is_requested_once(linkweir: CommandRunner) -> None:
    """Without a base URL the first run is a usage error; with two known ones a later run is, too."""
    first = linkweir("rewrite", stdin=HTML_LINE)
    assert first.code == 2
    assert "--base-url" in first.err
    assert not linkweir.key_file.exists()
    assert linkweir.rewrite(stdin=HTML_LINE).code == 0
    assert linkweir("rewrite", "--base-url", "https://u.example.com", stdin=HTML_LINE).code == 0
    third = linkweir("rewrite", stdin=HTML_LINE)
    assert third.code == 2
    assert "https://t.example.com/ and https://u.example.com/" in third.err


def test_links_of_every_base_url_count_as_tracked(linkweir: CommandRunner) -> None:
    """What was rewritten for one host of the ring is left alone when rewriting for another."""
    once = linkweir.rewrite(stdin=HTML_LINE).out
    assert linkweir("rewrite", "--base-url", "https://u.example.com", stdin=once).out == once


def test_message_ids_by_pattern(linkweir: CommandRunner, work: Path) -> None:
    """{stem} puts each file's own name into its links, and a plain id is the same for all."""
    for name in ("a.html", "b.html"):
        (work / name).write_bytes(HTML_LINE)
    for pattern, ids in (("m-{stem}", ["m-a", "m-b"]), ("77", [77, 77])):
        assert linkweir.rewrite("a.html", "b.html", "-o", "out", "--message-id", pattern).code == 0
        ring = keyring_file.load(linkweir.key_file)
        result = [LINK_PATTERN.search((work / "out" / name).read_bytes()) for name in ("a.html", "b.html")]
        assert [open_link(ring, match[1].decode()).message for match in result if match] == ids


def test_a_name_that_is_no_message_id_fails_its_file(linkweir: CommandRunner, work: Path) -> None:
    """A file whose {stem} can't be a message id is named with the reason, and the others are done."""
    for name in ("fine.html", "not fine.html"):
        (work / name).write_bytes(HTML_LINE)
    run = linkweir.rewrite("fine.html", "not fine.html", "-o", "out", "--message-id", "{stem}")
    assert run.code == 1
    assert "linkweir: not fine.html: message id must be" in run.err
    assert [path.name for path in (work / "out").iterdir()] == ["fine.html"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--message-id", "someone@example.com", "a.html"], "message id"),
        (["--message-id", "{name}", "a.html"], "{stem}, {sha} and {n}, not {name}"),
        (["--message-id", "{stem}"], "standard input has neither"),
        (["--skip", "(", "a.html"], "regular expression"),
        (["--opt-out", "a b", "a.html"], "opt_out"),
        (["--tag-limit", "4", "a.html"], "tag_limit"),
        (["--tag-limit", "many", "a.html"], "not a size"),
        (["--charset", "klingon", "a.html"], "charset"),
        (["--jobs", "0", "a.html"], "positive"),
        (["--base-url", "ftp://x", "a.html"], "base URL"),
        (["--privacy", "none", "a.html"], "invalid choice"),
        (["--in-place", "-o", "x", "a.html"], "cannot be used together"),
        (["--in-place"], "standard input"),
        (["a.html", "in"], "--output DIR"),
        (["in"], "--output DIR"),
        (["in", "-o", "in/out"], "inside the input folder"),
        (["a.html", "-o", "a.html"], "--in-place"),
        (["a.html", "-o", "out", "--report", "a.html"], "a file of this run"),
        (["a.html", "--report", "-"], "standard output"),
        (["a.html", "-o", "x", "--report", "no/such/folder/r"], "No such file"),
        (["--frobnicate"], "unrecognized"),
    ],
)
def test_mistakes_are_usage_errors(linkweir: CommandRunner, work: Path, args: list[str], said: str) -> None:
    """A mistake in the command line ends with code 2 and a hint, and touches no file."""
    (work / "in").mkdir()
    (work / "in" / "b.html").write_bytes(HTML_LINE)
    (work / "a.html").write_bytes(HTML_LINE)
    run = linkweir.rewrite(*args, stdin=HTML_LINE)
    assert run.code == 2
    assert said in run.err
    assert "Traceback" not in run.err
    assert run.out == b""
    assert sorted(path.name for path in work.rglob("*")) == ["a.html", "b.html", "in"]
    assert (work / "a.html").read_bytes() == HTML_LINE


def test_bad_files_do_not_stop_the_others(linkweir: CommandRunner, work: Path) -> None:
    """Missing, binary and dangling inputs are each named with a reason, the good file is done, the code is 1."""
    tree = work / "in"
    tree.mkdir()
    (tree / "good.html").write_bytes(HTML_LINE)
    (tree / "junk.html").write_bytes(bytes(range(256)) * 8)
    (tree / "gone.html").symlink_to("nowhere")
    (tree / "loop.html").symlink_to("loop.html")
    run = linkweir.rewrite("in", "missing", "-o", "out", "--jobs", "2")
    assert run.code == 1
    assert restore_destinations((work / "out" / "in" / "good.html").read_bytes(), linkweir) == HTML_LINE
    assert re.search(r"^linkweir: in/junk\.html: looks like binary data.*a NUL at byte 0", run.err, re.MULTILINE)
    assert re.search(r"^linkweir: in/gone\.html: No such file", run.err, re.MULTILINE)
    assert re.search(r"^linkweir: in/loop\.html: Too many levels", run.err, re.MULTILINE)
    assert re.search(r"^linkweir: missing: No such file", run.err, re.MULTILINE)
    assert "1 file done, 4 failed" in run.err
    assert [path.name for path in (work / "out" / "in").iterdir()] == ["good.html"]


@pytest.mark.skipif(not os.path.exists("/proc/self/mem"), reason="needs a file that fails to be read (/proc/self/mem)")
def test_an_error_while_reading_names_the_position(linkweir: CommandRunner, work: Path) -> None:
    """A read that fails is reported with the byte it failed at, and no output is made."""
    (work / "a.html").symlink_to("/proc/self/mem")
    run = linkweir.rewrite("a.html", "-o", "out.html")
    assert run.code == 1
    assert "a.html: can't read at byte 0: " in run.err
    assert not (work / "out.html").exists()
    assert list_temporary_files(work) == []


def test_a_target_that_cannot_be_made_is_named(linkweir: CommandRunner, work: Path) -> None:
    """A file where a folder of the output should be fails its file only."""
    for name in ("in/sub/a.html", "in/b.html"):
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).write_bytes(HTML_LINE)
    (work / "out").mkdir()
    (work / "out" / "sub").write_bytes(b"in the way")
    run = linkweir.rewrite("in", "-o", "out")
    assert run.code == 1
    assert "linkweir: in/sub/a.html: can't write out/sub/a.html: " in run.err
    assert (work / "out" / "b.html").exists()
    assert (work / "out" / "sub").read_bytes() == b"in the way"


def test_names_that_are_not_utf8(linkweir: CommandRunner, work: Path) -> None:
    r"""A file name with a byte that is not UTF-8 is mirrored as it is and reported with \xNN."""
    tree = os.fsencode(work / "in")
    os.mkdir(tree)
    try:
        with open(tree + b"/caf\xe9\n.html", "wb") as file:
            file.write(HTML_LINE)
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    run = linkweir.rewrite("in", "-o", "out", "--report", "r.jsonl")
    assert run.code == 0
    assert os.listdir(os.fsencode(work / "out")) == [b"caf\xe9\n.html"]
    rows = [json.loads(line) for line in (work / "r.jsonl").read_bytes().splitlines()]
    assert {row["file"] for row in rows} == {"in/caf\\xe9\\n.html"}


def test_the_report_lists_each_link(linkweir: CommandRunner, work: Path) -> None:
    """The report has a line per link: place, outcome, destination and the replacement that the output has."""
    (work / "a.html").write_bytes(b"<p>\n" + HTML_LINE)
    assert linkweir.rewrite("a.html", "-o", "out.html", "--report", "r.jsonl").code == 0
    first, second = (json.loads(line) for line in (work / "r.jsonl").read_bytes().splitlines())
    assert first["replacement"].encode() in (work / "out.html").read_bytes()
    assert first == {
        "file": "a.html",
        "line": 2,
        "column": 7,
        "offset": 10,
        "index": 0,
        "outcome": "tracked",
        "reason": "the link is replaced by a tracking link",
        "destination": "https://example.com/a?b=1&c=2",
        "replacement": first["replacement"],
        "warning": None,
    }
    assert (second["index"], second["outcome"], second["replacement"]) == (1, "not-http", None)
    assert second["destination"] == "www.example.org"


def test_results_do_not_depend_on_jobs(linkweir: CommandRunner, work: Path) -> None:
    """With one process and with four, the files, the report and the messages are the same bytes."""
    tree = work / "in"
    tree.mkdir()
    for n in range(60):
        (tree / f"{n:02}.html").write_bytes(make_newsletter(3000 * (n % 7), n))
    (tree / "07.html").write_bytes(b"\0\1\2\3" * 100)
    seen = []
    for jobs in ("1", "4"):
        run = linkweir.rewrite("in", "-o", f"out{jobs}", "--jobs", jobs, "--report", "r", "--key-file", "k")
        errors = re.sub(r"[\d.]+ s$", "", run.err, flags=re.MULTILINE).splitlines()
        files = {path.name: path.read_bytes() for path in (work / f"out{jobs}").iterdir()}
        seen.append((run.code, [line for line in errors if "created k;" not in line], files, (work / "r").read_bytes()))
    assert len(seen[0][2]) == 59
    assert seen[0] == seen[1]


@pytest.mark.parametrize(
    ("option", "html", "without", "with_it"),
    [
        (["--vendors"], '<a href="https://e.com/" clicktracking=off>', "tracked", "opted-out"),
        (["--opt-out", "data-x=1"], '<a data-x="1" href="https://e.com/">', "tracked", "opted-out"),
        (["--skip", "/RESET/"], '<a href="https://e.com/reset/1">', "tracked", "skipped"),
        (["--one-time"], '<a href="https://e.com/unsubscribe">', "tracked", "skipped"),
        (["--track-placeholders"], '<a href="https://e.com/{{ x }}">', "placeholder", "tracked"),
        (["--tag-limit", "16"], '<a href="https://e.com/">', "tracked", "too-long"),
        (["--charset", "utf-16"], '<a href="https://e.com/">', "tracked", "encoding"),
        (["--outlook"], '<!--[if mso]><a href="https://e.com/"><![endif]-->', None, "tracked"),
    ],
)
def test_each_switch_has_its_documented_effect(
    linkweir: CommandRunner, option: list[str], html: str, without: str | None, with_it: str
) -> None:
    """A document whose outcome the switch decides has the one outcome without and the other with it."""
    for args, expected in (([], without), (option, with_it)):
        run = linkweir.rewrite(*args, stdin=html.encode())
        result = [outcome for outcome in Outcome if re.search(rf"^ +1 +{outcome} ", run.err, re.MULTILINE)]
        assert result == ([] if expected is None else [expected])
        assert (BASE_URL.encode() in run.out) == (expected == "tracked")


def test_a_campaign_may_be_called_anything_but_an_address(linkweir: CommandRunner) -> None:
    """A campaign's name of several words is written into the links, and `open` reads it; an address is refused."""
    run = linkweir.rewrite("--privacy", "anonymous", "--campaign", "Spring sale ü", stdin=HTML_LINE)
    opened = linkweir("open", "--json", run.out.decode().split('"')[1])
    assert json.loads(opened.out)["campaign"] == "Spring sale ü"
    refused = linkweir.rewrite("--privacy", "anonymous", "--campaign", "ada@example.org", stdin=HTML_LINE)
    assert (refused.code, "never an address" in refused.err) == (2, True)


def test_privacy_and_campaign_reach_the_link(linkweir: CommandRunner) -> None:
    """Anonymous links contain the campaign and no message, and leaving something out is said."""
    run = linkweir.rewrite("--privacy", "anonymous", "--campaign", "spring", "--message-id", "m1", stdin=HTML_LINE)
    match = LINK_PATTERN.search(run.out)
    assert match
    opened = open_link(keyring_file.load(linkweir.key_file), match[1].decode())
    assert (opened.privacy, opened.campaign, opened.message) == ("anonymous", "spring", None)
    assert "anonymous links don't contain the message id" in run.err
    assert "contain the campaign" in linkweir.rewrite("--campaign", "spring", stdin=HTML_LINE).err


def test_a_files_own_charset_counts(linkweir: CommandRunner, work: Path) -> None:
    """A destination is read in the charset that the file's meta names."""
    (work / "a.html").write_bytes('<meta charset=koi8-r><a href="https://e.com/да">'.encode("koi8-r"))
    run = linkweir.rewrite("a.html", "-o", "out.html", "--report", "-")
    assert json.loads(run.out)["destination"] == "https://e.com/да"


def test_utf16_passes_untouched_and_is_reported(linkweir: CommandRunner, work: Path) -> None:
    """A UTF-16 file with a BOM arrives unchanged, with the outcome encoding and a message."""
    data = '<a href="https://e.com/">'.encode("utf-16")
    (work / "a.html").write_bytes(data)
    run = linkweir.rewrite("a.html", "-o", "out.html")
    assert run.code == 0
    assert (work / "out.html").read_bytes() == data
    assert "a.html: passed on unchanged" in run.err
    assert re.search(r"^ +1 +encoding ", run.err, re.MULTILINE)


def test_quiet_prints_errors_only(linkweir: CommandRunner, work: Path) -> None:
    """With --quiet a good run prints nothing on standard error, and a bad file is still named."""
    (work / "a.html").write_bytes(HTML_LINE)
    linkweir.rewrite(stdin=b"")
    assert linkweir.rewrite("a.html", "-o", "out.html", "--quiet").err == ""
    assert "missing.html" in linkweir.rewrite("missing.html", "--quiet").err


def test_several_files_go_under_their_names(linkweir: CommandRunner, work: Path) -> None:
    """Two files of one name from two folders are refused; with different names they land side by side."""
    for name in ("x/a.html", "y/a.html", "y/b.html"):
        (work / name).parent.mkdir(exist_ok=True)
        (work / name).write_bytes(HTML_LINE)
    clash = linkweir.rewrite("x/a.html", "y/a.html", "-o", "out")
    assert clash.code == 2
    assert "would both become" in clash.err
    assert linkweir.rewrite("x/a.html", "y/b.html", "-o", "out").code == 0
    assert sorted(path.name for path in (work / "out").iterdir()) == ["a.html", "b.html"]


def test_a_folder_that_vanishes_fails_its_files_only(linkweir: CommandRunner, work: Path) -> None:
    """Files that are gone between listing and reading are each reported and the rest is done."""
    # A named pipe holds the run between its listing and its second file.
    (work / "b").mkdir()
    for name in ("b/1.html", "b/2.html", "c.html"):
        (work / name).write_bytes(HTML_LINE)
    os.mkfifo(work / "a.html")
    process = linkweir.start(
        *("rewrite", "--base-url", BASE_URL, "a.html", "b", "c.html", "-o", "out", "--jobs", "1"), stderr=-1
    )
    with open(work / "a.html", "wb") as pipe:
        for name in ("b/1.html", "b/2.html"):
            (work / name).unlink()
        (work / "b").rmdir()
        pipe.write(HTML_LINE)
    _, errors = process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == 1
    assert errors.count(b"can't read: No such file") == 2
    assert restore_destinations((work / "out" / "a.html").read_bytes(), linkweir) == HTML_LINE
    assert restore_destinations((work / "out" / "c.html").read_bytes(), linkweir) == HTML_LINE


def test_in_place_changes_nothing_outside_of_the_folder(linkweir: CommandRunner, work: Path) -> None:
    """In a folder, links to files and folders are left out and counted, and what they lead to stays as it is; --follow
    rewrites that, and so does a link that is given itself; all links stay links.
    """
    for name in ("outside.html", "given.html", "in/inside.html", "elsewhere/page.html"):
        (work / name).parent.mkdir(exist_ok=True)
        (work / name).write_bytes(HTML_LINE)
    (work / "in" / "out.html").symlink_to("../outside.html")
    (work / "in" / "again.html").symlink_to("inside.html")
    (work / "in" / "folder").symlink_to("../elsewhere")
    (work / "named").symlink_to("given.html")
    os.link(work / "in" / "inside.html", work / "hard.html")
    for options in ([], ["--dry-run"]):
        run = linkweir.rewrite("in", "--in-place", *options)
        assert run.code == 0
        assert "1 file" in run.err
        assert "2 symbolic links to files left out" in run.err
        assert "1 symbolic link to folders left out" in run.err
    assert BASE_URL in (work / "in" / "inside.html").read_text()
    untouched = ("outside.html", "given.html", "elsewhere/page.html", "hard.html")
    assert all((work / name).read_bytes() == HTML_LINE for name in untouched)
    assert linkweir.rewrite("named", "--in-place").code == 0
    assert linkweir.rewrite("in", "--in-place", "--follow").code == 0
    assert all(BASE_URL in (work / name).read_text() for name in untouched[:-1])
    assert (work / "hard.html").read_bytes() == HTML_LINE
    links = ("in/out.html", "in/again.html", "in/folder", "named")
    assert all((work / name).is_symlink() for name in links)


def test_the_key_file_is_never_an_output(linkweir: CommandRunner, work: Path) -> None:
    """Under any of its names, as output, report, in a mirrored folder or in place, it is refused with 2 and stays."""
    for folder in ("in", "out"):
        (work / folder).mkdir()
    for name in ("a.html", "in/b.html"):
        (work / name).write_bytes(HTML_LINE)
    assert linkweir.rewrite("a.html", "-o", "first.html", "--key-file", "keys").code == 0
    keys = (work / "keys").read_bytes()
    (work / "link").symlink_to("keys")
    os.link(work / "keys", work / "hard")
    (work / "out" / "b.html").symlink_to("../keys")
    (work / "in" / "k.html").symlink_to("../keys")
    for words in (
        ["a.html", "-o", "keys"],
        ["a.html", "-o", "link"],
        ["a.html", "-o", "hard"],
        ["a.html", "--report", "keys"],
        ["in/b.html", "-o", "out/"],
        ["in", "--in-place", "--follow"],
    ):
        run = linkweir.rewrite(*words, "--key-file", "keys")
        assert (run.code, "is the key file" in run.err) == (2, True), (words, run)
        assert (work / "keys").read_bytes() == keys
    fresh = linkweir.rewrite("a.html", "-o", "new", "--key-file", "new")
    assert (fresh.code, (work / "new").exists()) == (2, False), fresh


def test_the_digest_of_a_pipe_is_refused_at_once(linkweir: CommandRunner, work: Path) -> None:
    """--message-id {sha} for a pipe that nobody writes to is an error of that file, not a wait."""
    os.mkfifo(work / "a.html")
    run = linkweir.rewrite("a.html", "-o", "out.html", "--message-id", "{sha}")
    assert run.code == 1
    assert "a.html: {sha} needs a file that can be read twice" in run.err


@pytest.mark.parametrize(("limit", "code"), [(40, 0), (8, 1)])
def test_more_processes_than_the_system_allows(linkweir: CommandRunner, work: Path, limit: int, code: int) -> None:
    """Where open files run out, fewer processes do the work; where there is no room for two, the command says so."""
    (work / "in").mkdir()
    for n in range(30):
        (work / "in" / f"{n}.html").write_bytes(HTML_LINE)
    assert linkweir.rewrite("in/0.html").code == 0
    run = linkweir.run_under(
        ["sh", "-c", f'ulimit -n {limit}; exec "$@"', "sh"], "rewrite", "in", "-o", "out", "--jobs", "1000"
    )
    assert run.code == code, run
    if code:
        assert "worker processes can't be started here (Too many open files); try --jobs 1" in run.err
    else:
        assert len(list((work / "out").iterdir())) == 30

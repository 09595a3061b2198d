"""`linkweir check`: the linter."""

import json
import os
import pty
import re
import select
from pathlib import Path

import pytest

from tests.cli.command_runner import HTML_LINE, CommandRunner
from tests.web.running_service import WAIT_SECONDS

BAD_HTML = """<p>
<a href="https://example.com/">fine</a>
<a href="www.example.org">no scheme</a>
<a href=https://example.com/x>no quotes</a>
<a href= "https://example.com/y">spaces</a>
Grüße <a href="mailto:a@example.com">mail</a> <a href="https://example.com/z">www.example.com/z</a>
""".encode()


def parse_rows(out: bytes) -> list[list[str]]:
    return [re.split(r"  +", line) for line in out.decode().splitlines()]


def test_every_link_is_listed_like_a_linter(linkweir: CommandRunner, work: Path) -> None:
    """Each link is a row: file:line:column in characters, level, outcome, reason, address; problems are code 1."""
    (work / "a.html").write_bytes(BAD_HTML)
    run = linkweir("check", "a.html")
    assert run.code == 1
    assert [(row[0], row[1], row[2], row[4]) for row in parse_rows(run.out)] == [
        ("a.html:2:1", "ok", "tracked", "https://example.com/"),
        ("a.html:3:1", "problem", "not-http", "www.example.org"),
        ("a.html:4:1", "problem", "unquoted", "<a href=https://example.com/x>"),
        ("a.html:5:1", "problem", "spaced-equals", "https://example.com/y"),
        ("a.html:6:7", "note", "not-http", "mailto:a@example.com"),
        ("a.html:6:47", "ok", "tracked", "https://example.com/z"),
        ("a.html:6:47", "warning", "tracked", "www.example.com/z"),
    ]
    assert parse_rows(run.out)[1][3] == "the URL does not begin with http:// or https://"
    assert "1 file, 6 links, 3 problems, 1 warning" in run.err


def test_columns_are_aligned(linkweir: CommandRunner, work: Path) -> None:
    """The reasons of all rows of a file begin in the same column."""
    (work / "a.html").write_bytes(BAD_HTML)
    lines = linkweir("check", "a.html").out.decode().splitlines()
    assert (
        len({line.index(row[3]) for line, row in zip(lines, parse_rows("\n".join(lines).encode()), strict=True)}) == 1
    )


def test_nothing_wrong_is_code_0(linkweir: CommandRunner, work: Path) -> None:
    """Tracked links, opted-out links and mail addresses are no problem."""
    (work / "a.html").write_bytes(
        b'<a href="https://e.com/">x</a><a data-as-no-track href="https://e.com/">x</a><a href="mailto:a@e.com">x</a>'
    )
    assert linkweir("check", "a.html").code == 0


def test_only_problems_leaves_the_rest_out(linkweir: CommandRunner, work: Path) -> None:
    """With --only-problems just the problems and the warnings are listed, and the code is the same."""
    (work / "a.html").write_bytes(BAD_HTML)
    run = linkweir("check", "--only-problems", "a.html")
    assert run.code == 1
    assert [row[1] for row in parse_rows(run.out)] == ["problem", "problem", "problem", "warning"]


def test_json_output_agrees(linkweir: CommandRunner, work: Path) -> None:
    """In JSON there is one object per link, with the problem and the warning as fields."""
    (work / "a.html").write_bytes(BAD_HTML)
    run = linkweir("check", "--format", "json", "a.html")
    assert run.code == 1
    result = [json.loads(line) for line in run.out.splitlines()]
    assert [item["index"] for item in result] == [0, 1, 2, 3, 4, 5]
    assert [item["problem"] for item in result] == [False, True, True, True, False, False]
    assert [item["warning"] is not None for item in result] == [False] * 5 + [True]
    assert result[1] == {
        "file": "a.html",
        "line": 3,
        "column": 1,
        "index": 1,
        "outcome": "not-http",
        "reason": "the URL does not begin with http:// or https://",
        "destination": "www.example.org",
        "text": "no scheme",
        "tag": '<a href="www.example.org">',
        "problem": True,
        "warning": None,
    }


def test_folders_and_standard_input(linkweir: CommandRunner, work: Path) -> None:
    """A folder's HTML files are checked in order, and standard input is called <stdin>."""
    (work / "in" / "sub").mkdir(parents=True)
    for name in ("b.html", "a.html", "sub/c.htm", "notes.txt"):
        (work / "in" / name).write_bytes(HTML_LINE)
    files = [row[0].partition(":")[0] for row in parse_rows(linkweir("check", "in").out)]
    assert list(dict.fromkeys(files)) == ["in/a.html", "in/b.html", "in/sub/c.htm"]
    for args in ([], ["-"]):
        assert linkweir("check", *args, stdin=HTML_LINE).out.startswith(b"<stdin>:1:7   ok ")


def test_an_unreadable_file_is_code_1(linkweir: CommandRunner, work: Path) -> None:
    """A missing and a binary file are named on standard error, the good one is listed, and the code is 1."""
    (work / "a.html").write_bytes(b'<a href="https://e.com/">x</a>')
    (work / "junk.html").write_bytes(bytes(range(256)))
    run = linkweir("check", "missing.html", "junk.html", "a.html")
    assert run.code == 1
    assert "linkweir: missing.html: No such file" in run.err
    assert "linkweir: junk.html: looks like binary data" in run.err
    assert [row[0] for row in parse_rows(run.out)] == ["a.html:1:1"]


def test_an_unsupported_encoding_is_a_problem(linkweir: CommandRunner, work: Path) -> None:
    """A UTF-16 document is one problem, at its first character."""
    (work / "a.html").write_bytes('<a href="https://e.com/">'.encode("utf-16"))
    run = linkweir("check", "a.html")
    assert run.code == 1
    assert [row[:3] for row in parse_rows(run.out)] == [["a.html:1:1", "problem", "encoding"]]


def test_switches_count(linkweir: CommandRunner, work: Path) -> None:
    """A link that a switch excludes is a note with that outcome."""
    run = linkweir("check", "--one-time", stdin=b'<a href="https://e.com/unsubscribe">x</a>')
    assert (run.code, parse_rows(run.out)[0][1:3]) == (0, ["note", "skipped"])


def test_links_tracked_already_are_recognised_with_the_keys(linkweir: CommandRunner) -> None:
    """A rewritten document is all already-tracked for who has the key file, and tracked otherwise."""
    page = linkweir.rewrite(stdin=b'<a href="https://e.com/">x</a>').out
    assert parse_rows(linkweir("check", "--key-file", linkweir.key_file, stdin=page).out)[0][1:3] == [
        "note",
        "already-tracked",
    ]
    assert parse_rows(linkweir("check", stdin=page).out)[0][1:3] == ["ok", "tracked"]


def test_a_destination_never_drives_the_terminal(linkweir: CommandRunner) -> None:
    """Escape codes in an address and a text come out escaped, in text and in JSON."""
    page = b'<a href="https://e.com/#\x9b31m\xe2\x80\xae">www.e.com\xe2\x80\xae</a>'
    for form in ("text", "json"):
        out = linkweir("check", "--charset", "utf-8", "--format", form, stdin=page).out.decode()
        assert out.replace("\n", "").isprintable()


def is_coloured(linkweir: CommandRunner, **env: str) -> str:
    ours, theirs = pty.openpty()
    process = linkweir.start("check", "a.html", stdout=theirs, stderr=-1, env=linkweir.environment(**env))
    os.close(theirs)
    process.communicate(timeout=WAIT_SECONDS)
    parts = []
    while select.select([ours], [], [], 0.5)[0]:
        try:
            parts.append(os.read(ours, 65536))
        except OSError:  # Linux says EIO at the end
            break
    os.close(ours)
    return b"".join(parts).decode()


def test_colour_only_on_a_terminal_that_wants_it(linkweir: CommandRunner, work: Path) -> None:
    """Levels are coloured on a terminal, not with NO_COLOR set to anything, and not in a pipe."""
    (work / "a.html").write_bytes(BAD_HTML)
    assert "\x1b[1;31mproblem\x1b[0m" in is_coloured(linkweir)
    assert "\x1b" not in is_coloured(linkweir, NO_COLOR="1")
    assert b"\x1b" not in linkweir("check", "a.html").out


@pytest.mark.external
def test_the_corpus_is_checked_as_it_is_rewritten(linkweir: CommandRunner, shared_folder: Path) -> None:
    """Over the whole corpus, check finds the outcomes that rewrite has, in the same numbers."""
    folder = shared_folder / "corpus" / "html"
    checked, rewritten = linkweir("check", folder), linkweir.rewrite(folder, "-o", "out")
    counts = [re.findall(r"^ +(\d+) +([a-z-]+)  ", run.err, re.MULTILINE) for run in (checked, rewritten)]
    assert counts[0] == counts[1]
    assert len(counts[0]) >= 5
    assert b"Traceback" not in checked.err.encode()


MIXED_MAIL = (
    b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n"
    b'<a href="https://e.com/">x</a>\r\n--b\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: x-odd\r\n\r\n'
    b'<a href="https://e.com/">x</a>\r\n--b\r\nContent-Type: text/html\r\n\r\n<a href="https://f.com/">y</a>\r\n--b--\r\n'
)


def test_a_part_that_cannot_be_parsed_is_a_problem(linkweir: CommandRunner, work: Path) -> None:
    """Each such part has a line with its section and why, as text and as JSON, also with --only-problems; code 1."""
    (work / "a.eml").write_bytes(MIXED_MAIL)
    run = linkweir("check", "a.eml")
    assert run.code == 1
    assert [row[:3] for row in parse_rows(run.out)] == [
        ["a.eml[1]:1:1", "ok", "tracked"],
        ["a.eml[3]:1:1", "ok", "tracked"],
        ["a.eml[2]:1:1", "problem", "untouched-part"],
    ]
    assert "x-odd" in run.out.decode()
    assert "1 part not judged, 2 links, 1 problem" in run.err
    assert [row[1] for row in parse_rows(linkweir("check", "--only-problems", "a.eml").out)] == ["problem"]
    *links, part = map(json.loads, linkweir("check", "--format", "json", "a.eml").out.splitlines())
    assert [link["index"] for link in links] == [0, 1]
    assert (part["file"], part["index"], part["outcome"], part["problem"]) == ("a.eml[2]", None, "untouched-part", True)


@pytest.mark.parametrize("kind", ["signed", "encrypted"])
def test_a_signed_mail_is_not_checked(linkweir: CommandRunner, work: Path, kind: str) -> None:
    """What is signed or encrypted is named, and the code is 1: its links will not be tracked."""
    head = f"Content-Type: multipart/{kind}; boundary=b\n\n--b\nContent-Type: text/html\n\n"
    (work / "a.eml").write_text(head + '<a href="https://e.com/">x</a>\n--b--\n')
    run = linkweir("check", "a.eml")
    assert (run.code, [row[1:3] for row in parse_rows(run.out)]) == (1, [["problem", kind]])


def test_a_folder_with_nothing_to_check_is_code_1(linkweir: CommandRunner, work: Path) -> None:
    """A folder without one file that is known is an error that says so; with one, the others are left out."""
    (work / "in" / "sub").mkdir(parents=True)
    (work / "in" / "notes.txt").write_bytes(HTML_LINE)
    run = linkweir("check", "in")
    assert (run.code, run.out) == (1, b"")
    assert "linkweir: in: a folder without any file that is known here" in run.err
    (work / "in" / "sub" / "a.html").write_bytes(b'<a href="https://e.com/">x</a>')
    assert linkweir("check", "in").code == 0


@pytest.mark.external
def test_cases_that_were_passed_over(linkweir: CommandRunner, shared_folder: Path) -> None:
    """Base64 without padding and UTF-16 with a byte order mark are read, and their one link is judged."""
    for case in ("b64_nopad.eml", "cs_utf-16.eml"):
        run = linkweir("check", shared_folder / "cases" / case)
        assert (run.code, [row[1:3] for row in parse_rows(run.out)]) == (0, [["ok", "tracked"]])
        assert run.out.rstrip().endswith(b"https://ex.com/?a=1&b=2")


def test_an_error_nobody_has_foreseen_costs_one_file(linkweir: CommandRunner, work: Path) -> None:
    """A file at which the linter itself fails is named with the error, and all others are checked."""
    (work / "custom").mkdir()
    (work / "custom" / "sitecustomize.py").write_text(
        "from linkweir.bulk import file_lint\n"
        "check = file_lint.check\n"
        "def wrong(html, **named):\n"
        "    if b'WRONG' in html:\n"
        "        raise LookupError('nobody knows why')\n"
        "    return check(html, **named)\n"
        "file_lint.check = wrong\n"
    )
    (work / "a.html").write_bytes(b"WRONG" + HTML_LINE)
    (work / "b.html").write_bytes(b'<a href="https://e.com/">x</a>')
    run = linkweir("check", "a.html", "b.html", PYTHONPATH=str(work / "custom"))
    assert run.code == 1
    assert "linkweir: a.html: LookupError: nobody knows why" in run.err
    assert b"https://e.com/" in run.out


def test_lengths_are_those_of_the_links_that_would_be(linkweir: CommandRunner, work: Path) -> None:
    """A line of a mail holds a link or not by the base URL, message id and campaign: the same for check and rewrite."""
    tag = b'<a href="https://example.com/">x</a>'
    lines = [tag + b"y" * count + b"\r\n" for count in range(820, 950)]
    (work / "a.eml").write_bytes(b"Content-Type: text/html\r\n\r\n" + b"".join(lines))
    ways = [
        ["--base-url", "https://t.example.com"],
        ["--base-url", "https://a-longer-host.t.example.com/with/a/path"],
        ["--base-url", "https://t.example.com", "--message-id", "7"],
        ["--base-url", "https://t.example.com", "--message-id", "spring-letter-{stem}-{n}"],
        ["--base-url", "https://t.example.com", "--privacy", "anonymous", "--campaign", "a-campaign-with-a-long-name"],
    ]
    fitting = []
    for number, way in enumerate(ways):
        checked = linkweir("check", "--format", "json", *way, "a.eml")
        said = [json.loads(line)["outcome"] for line in checked.out.splitlines()]
        linkweir("rewrite", *way, "--key-file", f"{number}.keys", "--report", "report", "-o", "out.eml", "a.eml")
        assert [json.loads(line)["outcome"] for line in (work / "report").read_bytes().splitlines()] == said
        assert set(said) == {"tracked", "line-too-long"}
        fitting.append(said.count("tracked"))
    assert len(set(fitting)) == len(ways)
    assert not linkweir.key_file.exists()


def test_the_base_url_of_a_dry_run(linkweir: CommandRunner, work: Path) -> None:
    """It is the one given, else the key file's, else that of the settings; what none can be is a mistake."""
    tag = b'<a href="https://example.com/">x</a>'
    lines = [tag + b"y" * count + b"\r\n" for count in range(820, 950)]
    (work / "a.eml").write_bytes(b"Content-Type: text/html\r\n\r\n" + b"".join(lines))
    linkweir("rewrite", "--base-url", "https://t.example.com", "-o", "out.eml", "a.eml")

    def fitting(*options: str | Path, setting: str = "") -> int:
        return linkweir("check", *options, "a.eml", LINKWEIR_BASE_URL=setting).out.count(b"  tracked  ")

    given = fitting("--base-url", "https://t.example.com")
    assert given == fitting("--key-file", linkweir.key_file, setting="https://longer.t.example.com/c/")
    assert given == fitting(setting="https://t.example.com")
    assert given == fitting("--base-url", "https://t.example.com", setting="https://longer.t.example.com/c/")
    assert given > fitting(setting="https://longer.t.example.com/c/")
    for wrong in (["--base-url", "t.example.com"], ["--message-id", "{x}"], ["--message-id", "a b"]):
        run = linkweir("check", *wrong, "a.eml")
        assert (run.code, run.out) == (2, b"")
        assert "Traceback" not in run.err

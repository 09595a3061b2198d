"""`linkweir render`: one newsletter for many recipients, in each format, whatever ends the command half-way."""

import email
import gzip
import json
import mailbox
import os
import shutil
import signal
import subprocess
import time
from contextlib import closing, suppress
from email import policy
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from linkweir import KeyRing, Tracker, rewrite
from tests.cli.command_runner import BASE_URL, CommandRunner
from tests.web.running_service import WAIT_SECONDS

PAGE = "<p>Hi {{ name }}, <a href='https://example.com/{{ code }}'>yours</a> <a href='https://example.com/'>all</a></p>"
SLOW_PAGE = "{% for i in range(30000) %}{% endfor %}" + PAGE
MAIL = ("--from", "News <news@example.com>", "--subject", "For {{ name }}")


def fill(number: int) -> str:
    return f"<p>Hi N{number} &amp; co, <a href='https://example.com/c{number}'>yours</a> <a href='https://example.com/'>all</a></p>"


@pytest.fixture
def recipients(work: Path) -> list[dict[str, Any]]:
    rows = [
        {"id": n, "email": f"u{n}@example.com", "name": f"N{n} & co", "code": f"c{n}", "side": "ab"[n % 2]}
        for n in range(1, 41)
    ]
    rows[9]["id"], rows[19]["email"] = None, "nobody"
    (work / "page.html").write_text(PAGE)
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (work / "r.ndjson.gz").write_bytes(gzip.compress(lines.encode()))
    parquet.write_table(pyarrow.Table.from_pylist(rows), work / "r.parquet")
    csv = "".join(",".join("" if value is None else str(value) for value in row.values()) + "\n" for row in rows)
    (work / "r.csv").write_text(",".join(rows[0]) + "\n" + csv)
    return rows


def expect(linkweir: CommandRunner, rows: list[dict[str, Any]]) -> list[str]:
    ring = KeyRing.from_json(linkweir.key_file.read_text())
    return [
        rewrite(fill(int(row["code"][1:])), Tracker(ring, BASE_URL, message=row["id"]))
        for row in rows
        if row["id"] is not None and "@" in row["email"]
    ]


def render(linkweir: CommandRunner, *arguments: str) -> Any:
    return linkweir("render", "page.html", "--base-url", BASE_URL, *arguments)


def test_every_input_and_output_holds_the_same_pages(
    linkweir: CommandRunner, work: Path, recipients: list[dict[str, Any]]
) -> None:
    """CSV, NDJSON and Parquet give the same pages as NDJSON, Parquet, mailbox and Maildir; wrong rows are reported."""
    columns = ("--address-column", "email", "--variant-column", "side", "--report", "report")
    found = []
    for name in ("r.csv", "r.ndjson.gz", "r.parquet"):
        done = render(linkweir, "--recipients", name, "-o", "out.ndjson.gz", *columns)
        assert done.code == 1
        assert "38 mails, 76 tracked links" in done.err
        found.append([json.loads(line) for line in gzip.decompress((work / "out.ndjson.gz").read_bytes()).splitlines()])
        report = [json.loads(line) for line in (work / "report").read_bytes().splitlines()]
        assert [(row["row"], row["outcome"]) for row in report] == [(10, "message-id"), (20, "address")]
    expected = expect(linkweir, recipients)
    assert found[0] == found[1] == found[2]
    assert [record["html"] for record in found[0]] == expected
    assert found[0][1] == {"id": "2", "address": "u2@example.com", "variant": "a", "html": expected[1]}
    assert render(linkweir, "--recipients", "r.csv", "-o", "parts", "--format", "parquet", *columns).code == 1
    assert parquet.read_table(work / "parts")["html"].to_pylist() == expected
    for target in ("out.mbox", "maildir"):
        format_ = "mbox" if target == "out.mbox" else "maildir"
        assert render(linkweir, "--recipients", "r.csv", "-o", target, "--format", format_, *MAIL).code == 1
    box: mailbox.Mailbox[Any] = mailbox.mbox(work / "out.mbox")
    folder: mailbox.Mailbox[Any] = mailbox.Maildir(work / "maildir")
    for mails in (box, folder):
        parsed = [email.message_from_bytes(bytes(mail), policy=policy.default) for mail in mails]
        pages = {str(mail["To"]): mail.get_content() for mail in parsed}
        assert pages == {record["address"]: record["html"] for record in found[0]}
        assert str(parsed[0]["Subject"]).startswith("For N")
    box.close()
    piped = render(linkweir, "--recipients", "r.csv", "--quiet", *columns)
    assert [json.loads(line) for line in piped.out.splitlines()] == found[0]
    left = {"out.ndjson.gz", "parts", "out.mbox", "maildir", "report", "page.html", "r.csv", "r.ndjson.gz", "r.parquet"}
    assert {path.name for path in work.iterdir()} == left


def wait_for_rows(progress: Path, more_than: int, process: "subprocess.Popen[bytes]") -> int:
    """Wait until so many rows are durable, or the command has ended; how many are."""
    deadline = time.monotonic() + WAIT_SECONDS
    rows = 0
    while process.poll() is None and time.monotonic() < deadline:
        if progress.exists():
            rows = json.loads(progress.read_bytes())["rows"]
        if rows > more_than:
            break
        time.sleep(0.02)
    return rows


def find_processes(parent: int) -> list[int]:
    """The processes that make mails for a command."""
    children = [int(child) for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
    return [child for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


def is_alive(process: int) -> bool:
    """Whether a process runs; one that has ended may wait for whoever started it."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return ") Z " not in Path(f"/proc/{process}/stat").read_text()
    return False


def wait_until_ended(processes: list[int]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while any(map(is_alive, processes)):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_processes_make_the_same_mails(linkweir: CommandRunner, work: Path, recipients: list[dict[str, Any]]) -> None:
    """With three processes each output has the bytes, order, reports and counts that one process gives."""
    many = [row | {"code": f"{row['code']}x{n}"} for n in range(10) for row in recipients]
    (work / "r.ndjson").write_text("".join(json.dumps(row) + "\n" for row in many) + "no JSON\n")
    found = []
    for jobs in ("1", "3"):
        reports = []
        columns = ("--recipients", "r.ndjson", "--address-column", "email", "--jobs", jobs)
        for target, more in (("o.ndjson.zst", ()), ("parts.parquet", ()), ("o.mbox", MAIL), ("dir", MAIL)):
            format_ = ("--format", "maildir") if target == "dir" else ()
            done = render(linkweir, *columns, "-o", target, *format_, *more, "--restart", "--report", "report")
            assert done.code == 1
            assert "380 mails, 760 tracked links" in done.err
            reports.append((work / "report").read_text())
        assert len(set(reports)) == 1
        table = parquet.read_table(work / "parts.parquet")["html"].to_pylist()
        in_box, in_folder = list_mails(mailbox.mbox(work / "o.mbox")), list_mails(mailbox.Maildir(work / "dir"))
        assert sorted(in_box) == sorted(in_folder)
        with pyarrow.input_stream(work / "o.ndjson.zst", compression="zstd") as stream:
            lines = stream.read()
        assert render(linkweir, *columns, "--quiet").out == lines
        assert [json.loads(line)["html"] for line in lines.splitlines()] == table
        found.append((reports, in_box, lines))
        shutil.rmtree(work / "dir")
    assert found[0] == found[1]


def list_mails(box: "mailbox.Mailbox[Any]") -> list[tuple[str, str, str]]:
    """The subject, recipient and content of each mail."""
    with closing(box):
        return [(str(mail["Subject"]), str(mail["To"]), mail.get_payload()) for mail in box]


def test_a_process_that_is_killed_stops_the_run(linkweir: CommandRunner, work: Path) -> None:
    """The command says that a process has ended, exits with an error, and started again it makes the other mails."""
    (work / "page.html").write_text(SLOW_PAGE)
    rows = [{"id": n, "code": f"c{n}"} for n in range(1, 1201)]
    (work / "r.ndjson").write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = [
        "render",
        "page.html",
        "--base-url",
        BASE_URL,
        "--recipients",
        "r.ndjson",
        "-o",
        "o.ndjson",
        "--jobs",
        "2",
    ]
    process = linkweir.start(*command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert 0 < wait_for_rows(work / "o.ndjson.progress", 0, process) < len(rows)
    processes = find_processes(process.pid)
    os.kill(processes[0], signal.SIGKILL)
    _, errors = process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode != 0
    assert b"a process that makes mails has ended" in errors
    assert b"Traceback" not in errors
    wait_until_ended(processes)
    assert linkweir(*command).code == 0
    lines = (work / "o.ndjson").read_bytes().splitlines()
    assert [json.loads(line)["id"] for line in lines] == [str(row["id"]) for row in rows]


@pytest.mark.parametrize(
    ("target", "jobs"),
    [("out.ndjson.gz", 1), ("out.mbox", 1), ("maildir", 1), ("out.ndjson.gz", 2), ("maildir", 2)],
)
def test_a_killed_run_goes_on_where_it_was(linkweir: CommandRunner, work: Path, target: str, jobs: int) -> None:
    """A run that is killed twice ends with each mail and each reported row once, in order, and leaves no process."""
    (work / "page.html").write_text(SLOW_PAGE)
    count = 1200
    rows = [{"id": n, "email": f"u{n}@example.com", "code": f"c{n}"} for n in range(1, count + 1)]
    rows[100]["id"] = rows[1100]["id"] = ""
    (work / "r.ndjson").write_text("".join(json.dumps(row) + "\n" for row in rows))
    format_ = "maildir" if target == "maildir" else "mbox" if target == "out.mbox" else "ndjson"
    more = ("--from", "news@example.com", "--subject", "{{ code }}") if format_ != "ndjson" else ()
    command = ["render", "page.html", "--base-url", BASE_URL, "--recipients", "r.ndjson", "-o", target]
    command += ["--format", format_, "--report", "report", "--jobs", str(jobs), *more]
    progress, rows_done = work / f"{target}.progress", 0
    for _ in range(2):
        process = linkweir.start(*command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        rows_done = wait_for_rows(progress, rows_done, process)
        assert process.poll() is None
        assert 0 < rows_done < count
        processes = find_processes(process.pid)
        assert len(processes) == (jobs if jobs > 1 else 0)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        wait_until_ended(processes)
        assert target == "maildir" or not (work / target).exists()
    other = linkweir(*command, "--skip", "x")
    assert other.code == 2
    assert "with other templates, recipients or options" in other.err
    done = linkweir(*command)
    assert done.code == 1
    assert f"going on after {rows_done} rows" in done.err
    assert f"{count - 2} mails, " in done.err
    assert [json.loads(line)["row"] for line in (work / "report").read_bytes().splitlines()] == [101, 1101]
    expected = [str(row["code"]) for row in rows if row["id"]]
    if format_ == "ndjson":
        data = (work / target).read_bytes()
        lines = (gzip.decompress(data) if target.endswith(".gz") else data).splitlines()
        assert [f"c{json.loads(line)['id']}" for line in lines] == expected
    else:
        box: mailbox.Mailbox[Any] = (mailbox.Maildir if target == "maildir" else mailbox.mbox)(work / target)
        mails = [(str(mail["Subject"]), str(mail["Message-ID"])) for mail in box]
        box.close()
        found: list[str] = [subject for subject, _ in mails]
        assert sorted(found) == sorted(expected)
        assert format_ == "maildir" or found == expected
        assert len({name for _, name in mails}) == count - 2
    assert not progress.exists()


def test_pipes_and_links_are_never_replaced(
    linkweir: CommandRunner, work: Path, recipients: list[dict[str, Any]]
) -> None:
    """A pipe with a name gets the mails and stays one, and a link leads to the new file."""
    os.mkfifo(work / "pipe")
    reader = subprocess.Popen(["cat", "pipe"], cwd=work, stdout=subprocess.PIPE)  # noqa: S607
    assert render(linkweir, "--recipients", "r.csv", "-o", "pipe", "--format", "ndjson").code == 1
    out, _ = reader.communicate(timeout=WAIT_SECONDS)
    assert len(out.splitlines()) == 39
    assert (work / "pipe").is_fifo()
    (work / "link").symlink_to("target")
    assert render(linkweir, "--recipients", "r.csv", "-o", "link").code == 1
    assert (work / "link").is_symlink()
    assert (work / "target").read_bytes() == out
    assert recipients


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--recipients", "gone.csv"), "gone.csv"),
        (("--recipients", "page.html"), "--recipients-format"),
        (("--recipients", "r.csv", "--format", "mbox"), "needs --from and --subject"),
        (("--recipients", "r.csv", "--format", "parquet"), "needs --output FOLDER"),
        (("--recipients", "r.csv", "-o", "r.csv"), "another file of this run"),
        (("--recipients", "r.csv", "-o", "x.mbox", "--from", "a", "--subject", "b"), "e-mail address"),
        (("--recipients", "r.csv", "--subject", "{{ x"), "subject: template error"),
        (("--recipients", "r.csv", "--id-column", "key"), "there is no column 'key', only 'id', 'email'"),
    ],
)
def test_contradictions_are_usage_errors(
    linkweir: CommandRunner, work: Path, recipients: list[dict[str, Any]], arguments: tuple[str, ...], problem: str
) -> None:
    """What makes no sense is said before anything is written."""
    before = sorted(work.iterdir())
    done = render(linkweir, *arguments)
    assert (done.code, done.out) == (2, b"")
    assert problem in done.err
    assert sorted(work.iterdir()) == before
    assert recipients

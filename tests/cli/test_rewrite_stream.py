"""`linkweir rewrite` as a filter between pipes."""

import json
import os
import pty
import re
import resource
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.cli.command_runner import BASE_URL, HTML_LINE, CommandRunner, make_newsletter
from tests.web.running_service import WAIT_SECONDS

MEGABYTE_BYTES = 1 << 20


def peak_memory(process: "subprocess.Popen[bytes]") -> int:
    """Wait for the process and return its largest resident size in bytes."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def feed(process: "subprocess.Popen[bytes]", block: bytes, times: int) -> None:
    assert process.stdin is not None
    for _ in range(times):
        process.stdin.write(block)
    process.stdin.close()


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="needs wait4 to measure another process")
@pytest.mark.parametrize("report", [False, True])
def test_fifty_megabytes_stream_through_bounded_memory(linkweir: CommandRunner, report: bool) -> None:
    """A stream of 50 MB arrives whole with less than 16 MB more memory than one of 1 MB, also with a report."""
    linkweir.rewrite(stdin=b"")
    block = (HTML_LINE + b"<p>" + b"words " * 150 + b"</p>\n") * 1060
    more = ["--report", "r.jsonl"] if report else []
    peaks, sizes = [], []
    for times in (1, 50):
        process = linkweir.start_anew("rewrite", "--quiet", *more, stdin=-1, stdout=-1)
        assert process.stdout is not None
        feeder = threading.Thread(target=feed, args=(process, block, times))
        feeder.start()
        size = 0
        while data := process.stdout.read(1 << 20):
            size += len(data)
        feeder.join()
        peaks.append(peak_memory(process))
        process.stdout.close()
        sizes.append(size)
        assert process.returncode == 0
    assert sizes[1] == pytest.approx(sizes[0] * 50, rel=0.02)
    assert sizes[1] > 50 * MEGABYTE_BYTES
    assert peaks[1] - peaks[0] < 16 * MEGABYTE_BYTES
    if report:
        with open(linkweir.work / "r.jsonl", "rb") as rows:
            assert sum(1 for _ in rows) == 50 * block.count(b"<a ")


def test_output_comes_before_the_input_ends(linkweir: CommandRunner) -> None:
    """The rewritten beginning of a stream can be read while its end has not been written yet."""
    linkweir.rewrite(stdin=b"")
    process = linkweir.start("rewrite", "-", stdin=-1, stdout=-1, stderr=-1)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(HTML_LINE * 20)
    process.stdin.flush()
    assert select.select([process.stdout], [], [], 30)[0]
    first = os.read(process.stdout.fileno(), 65536)
    assert first.startswith(b'<p>Hi <a href="' + BASE_URL.encode())
    rest, _ = process.communicate(HTML_LINE, timeout=WAIT_SECONDS)
    assert (first + rest).count(b"www.example.org") == 21


def test_with_a_charset_the_first_bytes_come_at_once(linkweir: CommandRunner) -> None:
    """Told the charset, the command does not wait for a kilobyte before it writes."""
    linkweir.rewrite(stdin=b"")
    process = linkweir.start("rewrite", "--charset", "utf-8", stdin=-1, stdout=-1, stderr=-1)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(HTML_LINE)
    process.stdin.flush()
    assert select.select([process.stdout], [], [], 30)[0]
    process.communicate(timeout=WAIT_SECONDS)


@pytest.mark.parametrize("size", [0, 1, 3, 4, 1023, 1024, 1025, 300_000])
def test_any_size_arrives_whole(linkweir: CommandRunner, size: int) -> None:
    """Input of any size without links comes out as it went in."""
    data = (b"<p>no links here</p>\n" * (size // 20 + 1))[:size]
    assert linkweir.rewrite(stdin=data).out == data


def test_a_document_is_never_cut(linkweir: CommandRunner) -> None:
    """Input that ends inside a tag comes out with that tag as it was."""
    data = HTML_LINE + b'<a href="https://example.com/'
    run = linkweir.rewrite(stdin=data)
    assert run.out.endswith(b'<a href="https://example.com/')
    assert re.search(r"^ +1 +unterminated ", run.err, re.MULTILINE)


def test_a_link_that_cannot_be_minted_does_not_cut_the_stream(linkweir: CommandRunner) -> None:
    """A destination too long for any link stays as it is, with its outcome, and the rest is done."""
    data = b'<a href="https://example.com/' + b"x" * 300_000 + b'">long</a>' + HTML_LINE
    run = linkweir.rewrite("--tag-limit", "1M", stdin=data)
    assert run.out.startswith(data[: -len(HTML_LINE)])
    assert run.out.count(BASE_URL.encode()) == 1
    assert re.search(r"^ +1 +too-long-destination ", run.err, re.MULTILINE)


def test_a_broken_pipe_is_quiet(linkweir: CommandRunner) -> None:
    """When nobody reads the output any more, the command ends with 141 and says nothing."""
    linkweir.rewrite(stdin=b"")
    process = linkweir.start("rewrite", stdin=-1, stdout=-1, stderr=-1)
    assert process.stdout is not None
    process.stdout.close()
    _, errors = process.communicate(make_newsletter(MEGABYTE_BYTES), timeout=WAIT_SECONDS)
    assert process.returncode == 141
    assert errors == b""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_behind_standard_output_is_named(linkweir: CommandRunner) -> None:
    """When standard output can't be written, the command says so and ends with 1."""
    with open("/dev/full", "wb") as full:
        process = linkweir.start("rewrite", "--base-url", BASE_URL, stdin=-1, stdout=full, stderr=-1)
        _, errors = process.communicate(HTML_LINE, timeout=WAIT_SECONDS)
    assert process.returncode == 1
    assert b"<stdin>: can't write standard output: No space left" in errors
    assert b"Traceback" not in errors


def test_a_closed_standard_input_is_named(linkweir: CommandRunner) -> None:
    """Without a standard input at all the command says that it can't read it."""
    process = linkweir.start(
        *("rewrite", "--base-url", BASE_URL, "-"), stdout=-1, stderr=-1, preexec_fn=lambda: os.close(0)
    )
    out, errors = process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == 1
    assert out == b""
    assert b"<stdin>: can't read" in errors


@pytest.mark.skipif(not os.path.exists("/dev/stdout"), reason="needs /dev/stdout")
def test_devices_of_the_shell_are_written_to(linkweir: CommandRunner, work: Path) -> None:
    """/dev/stdout as the output is standard output, and a named pipe as the input is read like a file."""
    os.mkfifo(work / "pipe")
    process = linkweir.start("rewrite", "--base-url", BASE_URL, "pipe", "-o", "/dev/stdout", stdout=-1, stderr=-1)
    (work / "pipe").write_bytes(HTML_LINE)
    out, errors = process.communicate(timeout=WAIT_SECONDS)
    assert (process.returncode, out) == (0, linkweir("rewrite", stdin=HTML_LINE).out), errors


def test_a_terminal_is_no_input(linkweir: CommandRunner) -> None:
    """Without a path and with a terminal as standard input, both rewrite and check end with 2 and a hint."""
    ours, theirs = pty.openpty()
    try:
        for command in ("rewrite", "check"):
            process = linkweir.start(command, stdin=theirs, stdout=-1, stderr=-1)
            _, errors = process.communicate(timeout=WAIT_SECONDS)
            assert process.returncode == 2
            assert b"standard input is a terminal" in errors
    finally:
        os.close(ours)
        os.close(theirs)


def read_terminal(terminal: int) -> str:
    """Everything that was written to a terminal whose other side has been closed."""
    parts = []
    while select.select([terminal], [], [], 0.5)[0]:
        try:
            parts.append(os.read(terminal, 65536))
        except OSError:  # Linux says EIO at the end
            break
    return b"".join(parts).decode()


def test_a_terminal_sees_progress_and_then_the_summary(linkweir: CommandRunner, work: Path) -> None:
    """A terminal sees a line with share, files, speed and time left, then, with that erased, the summary."""
    for n in range(2):
        (work / f"{n}.html").write_bytes(HTML_LINE * 50)
    os.mkfifo(work / "slow.html")
    ours, theirs = pty.openpty()
    process = linkweir.start(
        *("rewrite", "--base-url", BASE_URL, "0.html", "slow.html", "1.html", "-o", "out", "--jobs", "1"),
        stderr=theirs,
    )
    os.close(theirs)
    with open(work / "slow.html", "wb") as pipe:
        time.sleep(0.3)  # longer than the line's redraw interval
        pipe.write(HTML_LINE)
    assert process.wait(60) == 0
    seen = read_terminal(ours)
    os.close(ours)
    assert re.search(r"\d+% [━╌]+ \d/3 files  \S+ \w+/s  ETA \d+:\d\d", seen)
    assert "\r\x1b[K" in seen
    assert "3 files done" in seen.rpartition("\x1b[K")[2]


def test_no_progress_without_a_terminal(linkweir: CommandRunner) -> None:
    """Standard error that is a pipe gets no control characters."""
    assert re.fullmatch(r"[^\x00-\x09\x0b-\x1f]*", linkweir.rewrite(stdin=make_newsletter(MEGABYTE_BYTES)).err)


def test_a_stream_on_a_terminal_shows_bytes_and_speed(linkweir: CommandRunner) -> None:
    """A stream of unknown length shows how much has passed and how fast."""
    ours, theirs = pty.openpty()
    process = linkweir.start("rewrite", "--base-url", BASE_URL, stdin=-1, stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    assert process.stdin is not None
    for _ in range(3):
        process.stdin.write(make_newsletter(MEGABYTE_BYTES))
        process.stdin.flush()
        time.sleep(0.2)
    process.stdin.close()
    assert process.wait(30) == 0
    seen = read_terminal(ours)
    os.close(ours)
    assert re.search(r"\x1b\[K[\d.]+ MB  [\d.]+ \w+/s", seen)


def test_an_interrupt_ends_quietly(linkweir: CommandRunner, work: Path) -> None:
    """Ctrl-C within a stream to a file ends with 130 and one line, and leaves no file of any kind."""
    process = linkweir.start(
        *("rewrite", "--base-url", BASE_URL, "-", "-o", "out.html"), stdin=-1, stdout=-1, stderr=-1
    )
    assert process.stdin is not None
    process.stdin.write(
        make_newsletter(MEGABYTE_BYTES)
    )  # more than a pipe holds: it is reading when this has been taken
    process.stdin.flush()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == 130
    assert errors.decode().splitlines()[-1] == "linkweir: interrupted"
    assert b"Traceback" not in errors
    assert list(work.iterdir()) == []


def test_a_report_of_a_stream_names_it(linkweir: CommandRunner, work: Path) -> None:
    """The report of standard input calls the file <stdin>."""
    linkweir.rewrite("--report", "r.jsonl", stdin=HTML_LINE)
    assert {json.loads(row)["file"] for row in (work / "r.jsonl").read_bytes().splitlines()} == {"<stdin>"}


def test_a_limit_on_file_size_preserves_the_old_output(linkweir: CommandRunner, work: Path) -> None:
    """When the output can't be written to its end, the old file stays whole and no temporary file is left."""
    (work / "in.html").write_bytes(make_newsletter(MEGABYTE_BYTES))
    (work / "out.html").write_bytes(b"old")
    linkweir.rewrite(stdin=b"")
    process = linkweir.start(
        *("rewrite", "in.html", "-o", "out.html"),
        stderr=-1,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
    )
    _, errors = process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == 1
    assert b"in.html: can't write out.html: File too large" in errors
    assert (work / "out.html").read_bytes() == b"old"
    assert sorted(path.name for path in work.iterdir()) == ["in.html", "out.html"]


def test_a_report_that_cannot_be_written_does_not_cut_the_stream(linkweir: CommandRunner, work: Path) -> None:
    """When the report hits a limit, the stream still arrives whole, and then the command says so and ends with 1."""
    data = make_newsletter(MEGABYTE_BYTES)
    whole = linkweir.rewrite(stdin=data).out
    process = linkweir.start(
        *("rewrite", "--report", "r.jsonl"),
        stdin=-1,
        stdout=-1,
        stderr=-1,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
    )
    out, errors = process.communicate(data, timeout=WAIT_SECONDS)
    assert process.returncode == 1
    assert out == whole
    assert b"linkweir: can't write the report: File too large" in errors
    assert list(work.iterdir()) == []

"""`linkweir classify`: lines in, the same lines with verdicts out; errors, signals and full disks."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from tests.cli.command_runner import CommandRunner

AT = 1_769_853_600_000_000
VERDICT_FIELDS = ["verdict", "confidence", "p_machine", "reasons"]


def make_line(message: str = "m1", link: int = 0, at: int = AT, **fields: Any) -> bytes:
    """One click as a line."""
    return json.dumps({"at": at, "message": message, "link": link, "ip": "192.0.2.7", **fields}).encode() + b"\n"


def make_burst(message: str = "m1", **fields: Any) -> bytes:
    """Eight links of a message within a second."""
    return b"".join(make_line(message, link, AT + link * 50_000, **fields) for link in range(8))


@pytest.fixture
def command(tmp_path: Path) -> CommandRunner:
    for name in ("home", "work"):
        (tmp_path / name).mkdir()
    return CommandRunner(tmp_path / "home", tmp_path / "work")


def test_lines_come_out_as_they_came_in(command: CommandRunner) -> None:
    """Every line keeps its bytes and its place; what is added stands before the last brace."""
    lines = [b'{"at":%d, "message" :"m", "link": 0,\t"x": [1.50, "\\u00e9"]}' % (AT + number) for number in (9, 1, 5)]
    done = command("classify", stdin=b"\n".join(lines) + b"\n\n")
    assert done.code == 0
    found = done.out.splitlines()
    assert len(found) == 3
    for before, after in zip(lines, found, strict=True):
        assert after.startswith(before[:-1] + b", ")
        assert list(json.loads(after)) == [*json.loads(before), *VERDICT_FIELDS]
    assert done.err.startswith("linkweir: 3 clicks classified; ")


def test_verdicts_that_a_line_has_are_replaced(command: CommandRunner) -> None:
    """A line that was classified before gets one verdict and not two."""
    once = command("classify", "--as-they-came", stdin=make_burst()).out
    assert command("classify", "--as-they-came", stdin=once).out.replace(b" ", b"") == once.replace(b" ", b"")
    assert b"first_verdict" not in command("classify", stdin=once).out


def test_bad_lines_are_named_and_left_out(command: CommandRunner) -> None:
    """Bad lines are named by file and number, the others are classified, and the exit code is 1."""
    (command.work / "a.ndjson").write_bytes(
        make_line() + b"{\n" + make_line(link=-1) + b'\xff\n{"at": NaN}\n' + make_line()
    )
    done = command("classify", "a.ndjson", "-", "gone.ndjson", stdin=b"x\n" + make_line())
    assert done.code == 1
    assert len(done.out.splitlines()) == 3
    errors = done.err.splitlines()[:6]
    places = ["a.ndjson:2", "a.ndjson:3", "a.ndjson:4", "a.ndjson:5", "<stdin>:1", "gone.ndjson"]
    assert [line.removeprefix("linkweir: ").partition(": ")[0] for line in errors] == places
    assert "link: -1 is neither a position from 0 nor a URL" in errors[1]
    assert "3 clicks classified, 5 lines left out" in done.err


def test_stop_at_error_ends_at_the_first(command: CommandRunner) -> None:
    """With --stop-at-error nothing comes out, and the output file stays as it was."""
    (command.work / "out.ndjson").write_text("before")
    done = command("classify", "--stop-at-error", "-o", "out.ndjson", stdin=make_line() + b"x\n" + b"y\n")
    assert (done.code, done.out) == (1, b"")
    assert done.err.startswith("linkweir: <stdin>:2: no JSON")
    assert done.err.count("\n") == 1
    assert (command.work / "out.ndjson").read_text() == "before"


def test_many_bad_lines_are_one_mistake(command: CommandRunner) -> None:
    """Of a hundred bad lines the first twenty are printed, and the number of the others."""
    done = command("classify", "--quiet", stdin=b"x\n" * 100)
    assert done.code == 1
    assert len(done.err.splitlines()) == 21
    assert done.err.endswith("linkweir: and 80 more such lines\n")


def test_summary_measures_labels(command: CommandRunner) -> None:
    """With labels the summary says precision, recall and calibration, for people and as JSON."""
    lines = make_burst(label="machine") + make_line("m2", 1, ip="198.51.100.9", label="human")
    done = command("classify", "--summary", "--json", stdin=lines)
    found = json.loads(done.out)
    assert (done.code, done.err) == (0, "")
    assert found["clicks"] == 9
    assert (found["verdicts"]["machine"], found["verdicts"]["prefetch"]) == (8, 0)
    assert found["reasons"]["burst"] == 8
    assert found["labels"]["precision"]["machine"] == found["labels"]["recall"]["machine"] == 1.0
    assert found["labels"]["human_not_counted"] == 0.0
    assert sum(one["clicks"] for one in found["labels"]["calibration"] if one) == 9
    text = command("classify", "--summary", stdin=lines).out.decode()
    assert "  machine             8   88.9%" in text
    assert "Several links of the message were followed within about a second." in text
    assert "  machine    precision 100.00%  recall 100.00%  of 8" in text
    assert "calibration error" in text


def test_provider_events_are_classified(command: CommandRunner) -> None:
    """Events of a provider come out one a line with their verdicts; deliveries and opens do not."""
    events = [
        {"event": kind, "sg_message_id": "m", "email": "a@example.com", "timestamp": AT // 10**6 + seconds, **fields}
        for kind, seconds, fields in (
            ("delivered", 0, {}),
            ("click", 3000, {"url": "https://example.com/a", "useragent": "curl/8.0", "ip": "192.0.2.1"}),
            ("open", 10, {}),
        )
    ]
    done = command("classify", "--from", "sendgrid", stdin=json.dumps(events, indent=1).encode())
    assert done.code == 0
    (line,) = done.out.splitlines()
    assert list(json.loads(line)) == [*events[1], *VERDICT_FIELDS]
    assert json.loads(line)["verdict"] == "machine"
    assert "later" in json.loads(line)["reasons"] or "much-later" in json.loads(line)["reasons"]
    assert "1 click classified, 1 other event;" in done.err


def test_parquet_goes_in_and_out(command: CommandRunner) -> None:
    """A Parquet file from lines has their fields and verdicts as columns; classified again, it says the same."""
    stdin = make_burst(headers={"accept": "*/*"}, note="x") + make_line("m2", label="human")
    assert command("classify", "-o", "one.parquet", stdin=stdin).code == 0
    table = pyarrow.parquet.read_table(command.work / "one.parquet")
    assert table["verdict"].to_pylist()[:8] == ["machine"] * 8
    assert table["verdict"].to_pylist()[8] in ("human", "unsure")
    assert table["other"].to_pylist() == ['{"note":"x"}'] * 8 + [None]
    assert table["headers"].to_pylist()[0] == [("accept", "*/*")]
    again = command("classify", "one.parquet")
    assert again.code == 0
    assert [json.loads(line)["verdict"] for line in again.out.splitlines()] == table["verdict"].to_pylist()
    (command.work / "broken.parquet").write_bytes((command.work / "one.parquet").read_bytes()[:-9])
    done = command("classify", "broken.parquet")
    assert done.code == 1
    assert done.err.startswith("linkweir: broken.parquet: can't read the Parquet file: ")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--summary", "--quiet"], "cannot be used together"),
        (["--summary", "-o", "x"], "--summary writes no clicks"),
        (["--temp", "gone"], "--temp gone: not a writable folder"),
        (["--from", "nobody"], "invalid choice"),
        (["-o", "gone/x"], "--output gone/x: No such file or directory"),
        (["--networks", "gone"], "LINKWEIR_NETWORKS: gone"),
    ],
)
def test_mistakes_in_the_command_line(command: CommandRunner, arguments: list[str], error: str) -> None:
    """What cannot be done is said in one line."""
    done = command("classify", *arguments, stdin=make_line())
    assert done.code in (1, 2)
    assert error in done.err


def test_no_input_is_no_error(command: CommandRunner) -> None:
    """An empty stream has no clicks and no verdicts."""
    done = command("classify", stdin=b"")
    assert (done.code, done.out) == (0, b"")
    assert done.err.startswith("linkweir: 0 clicks classified; ")


def test_a_killed_run_leaves_no_file(command: CommandRunner) -> None:
    """While it runs and after it was killed, the folder of temporary files shows none."""
    folder = command.work / "temp"
    folder.mkdir()
    process = command.start("classify", "--temp", str(folder), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    assert process.stdin is not None
    for number in range(40):
        process.stdin.write(make_line(f"m{number}", note="x" * 900_000))
    process.stdin.flush()
    targets = [os.readlink(f"/proc/{process.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{process.pid}/fd")]
    assert any(target.startswith(str(folder)) and target.endswith("(deleted)") for target in targets)
    assert os.listdir(folder) == []
    process.send_signal(signal.SIGKILL)
    process.stdin.close()
    assert process.wait(30) == -signal.SIGKILL
    assert os.listdir(folder) == []


def test_a_reader_that_leaves_ends_the_run(command: CommandRunner) -> None:
    """When nobody reads the output any more, the command ends with the code of a broken pipe and says nothing."""
    (command.work / "a.ndjson").write_bytes(make_line(note="x" * 1000) * 2000)
    process = command.start("classify", "--quiet", "a.ndjson", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(60) == 141


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_a_full_output_is_one_line(command: CommandRunner) -> None:
    """Standard output without space is named, and the exit code is 1."""
    script = f"exec {sys.executable} -m linkweir classify --quiet a.ndjson > /dev/full"
    (command.work / "a.ndjson").write_bytes(make_line())
    done = subprocess.run(  # noqa: S603 -- our own command
        ["/bin/sh", "-c", script], cwd=command.work, env=command.environment(), capture_output=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == b"linkweir: standard output: No space left on device\n"


@pytest.mark.parametrize("size", [200, 90_000])  # KiB a file may have: of the lines, and of the database
def test_a_full_disk_is_one_line(command: CommandRunner, size: int) -> None:
    """When temporary files may not grow any more, the command says so in one line and leaves nothing."""
    line = make_line(note="x" * 900_000) if size > 1000 else make_line(note="x" * 5000)
    (command.work / "a.ndjson").write_bytes(line * 110)
    limit = ["/bin/sh", "-c", f'ulimit -f {2 * size}; exec "$@"', "sh"]
    done = command.run_under(limit, "classify", "--temp", str(command.work), "--quiet", "a.ndjson")
    assert done.code == 1
    assert done.err.startswith("linkweir: can't write temporary files in ")
    assert done.err.count("\n") == 1
    assert os.listdir(command.work) == ["a.ndjson"]


def test_own_people_are_left_out_of_the_summary(command: CommandRunner) -> None:
    """Internal clicks are counted by themselves, and neither expected to be people's nor measured by their label."""
    lines = make_line(label="human", ip="203.0.113.7") + make_line("m2", 1, ip="198.51.100.9", label="human")
    lines += make_line("m3", 2, ip="198.51.100.9", recipient="ada@example.com")
    own = ("--internal-network", "203.0.113.0/24", "--internal-address", "@example.com")
    found = json.loads(command("classify", "--summary", "--json", *own, stdin=lines).out)
    assert (found["clicks"], found["verdicts"]["internal"], found["labels"]["clicks"]) == (3, 2, 1)
    assert found["expected_human_clicks"] < 1
    first, _, last = map(json.loads, command("classify", "--quiet", *own, stdin=lines).out.splitlines())
    assert [(one["verdict"], one["p_machine"]) for one in (first, last)] == [("internal", None)] * 2


@pytest.mark.parametrize(
    ("option", "value", "reason"),
    [
        ("--internal-network", "10.0.0.0/4", "is too large: /8 is the largest network of IPv4 allowed here"),
        ("--internal-address", "ada", "must be an address like ada@example.com"),
    ],
)
def test_own_people_that_cannot_be_are_refused(command: CommandRunner, option: str, value: str, reason: str) -> None:
    """The error names the option, its value and what is allowed."""
    done = command("classify", option, value, stdin=make_line())
    assert (done.code, done.out) == (2, b"")
    assert f"{option} {value} {reason}" in done.err

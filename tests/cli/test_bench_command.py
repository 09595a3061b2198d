"""`linkweir bench`: what it measures, how it judges, what it reports. Limits are such that no speed matters."""

import json
import re
from pathlib import Path

import pytest

from linkweir.benchmark.workload import SWEEP
from tests.cli.command_runner import HTML_LINE, CommandRunner, make_newsletter
from tests.manual.examples import MAIL

QUICK = ("--seconds", "0.01", "--max-spread", "100000%")
NOISY = ("--seconds", "0.01", "--max-spread", "0%")


@pytest.fixture
def folder(work: Path) -> Path:
    """Two pages and a mail."""
    (work / "mails").mkdir()
    (work / "mails" / "a.html").write_bytes(make_newsletter(5_000))
    (work / "mails" / "b.html.j2").write_bytes(HTML_LINE)
    (work / "mails" / "c.eml").write_bytes(MAIL)
    return work / "mails"


def test_everything_is_measured_and_checked(linkweir: CommandRunner, folder: Path) -> None:
    """The JSON has both kinds of documents with their links, the sweep, Linkweir and peers with their answers, and is
    what --save writes.
    """
    run = linkweir("bench", "mails", *QUICK, "--format", "json", "--save", "speed.json")
    assert run.code == 0, run.err
    record = json.loads(run.out)
    assert record == json.loads((linkweir.work / "speed.json").read_bytes())
    html, mail = record["workloads"]
    assert (html["kind"], html["documents"], mail["kind"], mail["documents"]) == ("HTML", 2, "mail", 1)
    assert html["bytes"] == len(make_newsletter(5_000)) + len(HTML_LINE)
    assert (html["links"], mail["links"]) == (102, 2)
    engines = {item["name"]: item for item in html["engines"]}
    assert engines["rewrite"]["answer"] == "right"
    assert engines["careful re.sub"]["answer"] == "same links"  # of the peers the one that is always there
    assert engines[SWEEP]["ratio"]["median"] == 1
    for item in engines.values():
        speed = item["megabytes_per_second"]
        assert 0 < speed["q1"] <= speed["median"] <= speed["q3"] <= speed["best"]
    assert mail["engines"][-1]["name"] == "email (standard library)"
    assert record["machine"]["python"]


def test_a_limit_decides(linkweir: CommandRunner, folder: Path) -> None:
    """A limit that anything meets is met, one that nothing meets ends with 1, as ratio and as speed; rounds that
    scatter more than is accepted end with 3.
    """
    met = linkweir("bench", "mails", *QUICK, "--no-peers", "--min", "0.000001", "--min", "0.0001MB/s")
    assert (met.code, met.out.count(b": met\n"), b"verdict: fast enough" in met.out) == (0, 4, True)
    for limit in ("1", "99999999MB/s"):
        slow = linkweir("bench", "mails/a.html", *QUICK, "--no-peers", "--min", limit)
        assert (slow.code, b"verdict: too slow" in slow.out) == (1, True)
        assert re.search(rb"HTML, rewrite: .* interval .*at least .*\(--min\): too slow", slow.out)
    noisy = linkweir("bench", "mails/a.html", *NOISY, "--no-peers", "--min", "1")
    assert (noisy.code, b"too noisy to judge" in noisy.out) == (3, True)


def test_a_baseline_is_compared_by_ratio(linkweir: CommandRunner, folder: Path) -> None:
    """A saved run is reached within a wide tolerance; one that was a thousand times faster is not; other documents are
    said to be others.
    """
    words = ("bench", "mails/a.html", "--no-peers", *QUICK)
    assert linkweir(*words, "--save", "speed.json").code == 0
    run = linkweir(*words, "--baseline", "speed.json", "--tolerance", "99.9%")
    assert (run.code, b"(baseline): met" in run.out, "other documents" in run.err) == (0, True, False)
    record = json.loads((linkweir.work / "speed.json").read_bytes())
    record["workloads"][0]["ratio"]["median"] *= 1000
    (linkweir.work / "fast.json").write_text(json.dumps(record))
    (folder / "a.html").write_bytes(HTML_LINE)
    run = linkweir(*words, "--baseline", "fast.json")
    assert (run.code, b"(baseline): too slow" in run.out, "other documents" in run.err) == (1, True, True)


def test_reports_for_machines(linkweir: CommandRunner, folder: Path) -> None:
    """GitHub gets a command for each judgement, or a notice without limits; github-action-benchmark gets rows in which
    bigger is better.
    """
    words = ("bench", "mails/a.html", "--no-peers", *QUICK)
    assert linkweir(*words, "--format", "github", "--min", "1").out.startswith(b"::error title=linkweir bench::HTML, ")
    assert linkweir(*words, "--format", "github").out.startswith(b"::notice title=linkweir bench::HTML, rewrite: ")
    rows = json.loads(linkweir(*words, "--format", "github-action-benchmark").out)
    assert [(row["name"], row["unit"]) for row in rows] == [
        ("HTML: rewrite / memory sweep", "ratio"),
        ("HTML: rewrite", "MB/s"),
    ]
    assert all(row["value"] > 0 and row["range"].startswith("± ") for row in rows)


def test_the_users_settings_count(linkweir: CommandRunner, folder: Path) -> None:
    """[tool.linkweir] says which links are tracked, its table `bench` what is judged, and settings of check are left
    alone; the command line comes first.
    """
    settings = """
    [tool.linkweir]
    skip = ["example.com/0/1"]
    strict = true
    format = "gitlab"
    baseline = "known.json"
    [tool.linkweir.bench]
    min = [0.000001, "1MB/s"]
    max-spread = "100000%"
    seconds = 0.01
    format = "json"
    """
    (linkweir.work / "pyproject.toml").write_text(settings)
    run = linkweir("bench", "mails/a.html", "--no-peers")
    assert run.code == 0, run.err
    record = json.loads(run.out)
    assert record["workloads"][0]["links"] < 90
    assert [item["unit"] for item in record["judgements"]] == ["ratio", "MB/s"]
    plain = linkweir("bench", "mails/a.html", "--no-peers", "--no-config", *QUICK, "--format", "json")
    assert json.loads(plain.out)["workloads"][0]["links"] == 101
    (linkweir.work / "known.json").write_text('{"version": 1, "findings": []}')
    assert linkweir("check", "mails/a.html").code == 0


@pytest.mark.parametrize(
    ("args", "code", "reason"),
    [
        (["a.html", "--min", "fast"], 2, "neither a share of the memory sweep"),
        (["a.html", "--max-spread", "x"], 2, "--max-spread 'x' is not a percentage"),
        (["a.html", "--tolerance", "100%"], 2, "must be less than 100%"),
        (["a.html", "--seconds", "0"], 2, "--seconds '0' is not a number of seconds"),
        (["a.html", "--baseline", "missing.json"], 2, "No such file"),
        (["a.html", "--baseline", "a.html"], 2, "is not a record of linkweir bench"),
        (["a.html", "--format", "xml"], 2, "invalid choice"),
        (["a.html", "--config", "bad.toml"], 2, "[tool.linkweir.bench] minimum is not a setting"),
        (["a.html", "--baseline", "nan.json"], 2, "is not a record of linkweir bench"),
        (["a.html", "--baseline", "mails.json"], 2, "no figures for documents of the kind HTML"),
        (["missing.html"], 1, "no document, so nothing was measured"),
        (["none.html"], 1, "no link that can be tracked"),
    ],
)
def test_nonsense_is_an_error_with_a_reason(
    linkweir: CommandRunner, work: Path, args: list[str], code: int, reason: str
) -> None:
    """Limits, files and settings that are none are named before anything is measured."""
    (work / "a.html").write_bytes(HTML_LINE)
    (work / "none.html").write_bytes(b"<p>none</p>")
    (work / "bad.toml").write_text("[tool.linkweir.bench]\nminimum = 1")
    for name, kind, ratio in (("nan", "HTML", "NaN"), ("mails", "mail", "0.1")):
        record = f'{{"version":1, "fingerprint":"", "workloads":[{{"kind":"{kind}", "ratio":{{"median":{ratio}}}}}]}}'
        (work / f"{name}.json").write_text(record)
    run = linkweir("bench", *args)
    assert (run.code, run.out) == (code, b"")
    assert reason in run.err


def test_an_unreadable_file_fails_and_the_rest_is_measured(linkweir: CommandRunner, folder: Path) -> None:
    """Binary data is named and ends with 1 although the limits are met; a mailbox and standard input are measured; a
    peer that a mail is too much for is left out with a reason.
    """
    (folder / "broken.html").write_bytes(bytes(range(32)) * 20)
    run = linkweir("bench", "mails", *QUICK, "--no-peers", "--min", "0.0000001")
    assert (run.code, "binary" in run.err, b"fast enough" in run.out) == (1, True, True)
    mailbox = b"From a@example.com Thu Jan  1 00:00:00 2026\n" + MAIL + b"\n"
    run = linkweir("bench", "--kind", "mbox", *QUICK, "--format", "json", stdin=mailbox * 3)
    assert run.code == 0, run.err
    (workload,) = json.loads(run.out)["workloads"]
    assert (workload["kind"], workload["documents"], workload["links"]) == ("mail", 3, 6)
    odd = MAIL.replace(b"text/html", b"text/html; charset=nonsense")
    run = linkweir("bench", "--kind", "eml", *QUICK, stdin=odd)
    assert (run.code, b"left out: email (standard library) fails: LookupError" in run.out) == (0, True), run.err

"""`linkweir rewrite --html-column`: tables as files and streams, compressed or not."""

import csv
import gzip
import json
import uuid
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from linkweir import KeyRing, Tracker, rewrite
from tests.cli.command_runner import BASE_URL, CommandRunner

COLUMNS = ("--html-column", "html", "--id-column", "id")
HTMLS = [f'<a href="https://example.com/{number}">é "x", y;</a>\n' for number in range(100)]
IDS = [str(uuid.UUID(int=n)) if n % 3 == 0 else str(n) if n % 3 == 1 else f"m.{n}" for n in range(100)]


def expect(linkweir: CommandRunner) -> list[str]:
    """The documents as the library rewrites them, with the shortest form of each message id."""
    ring = KeyRing.from_json(linkweir.key_file.read_text())
    messages = [uuid.UUID(text) if n % 3 == 0 else int(text) if n % 3 == 1 else text for n, text in enumerate(IDS)]
    return [
        rewrite(html, Tracker(ring, BASE_URL, message=message)) for html, message in zip(HTMLS, messages, strict=True)
    ]


def make_table() -> "pyarrow.Table":
    """A table of many types, with metadata."""
    return pyarrow.table(
        {
            "id": IDS,
            "html": pyarrow.array([*HTMLS[:-1], None]),
            "number": pyarrow.array(range(100), pyarrow.int16()),
            "at": pyarrow.array(range(100), pyarrow.timestamp("ms", "UTC")),
            "list": [[n] for n in range(100)],
            "side": pyarrow.array(["a", "b"] * 50).dictionary_encode(),
        }
    ).replace_schema_metadata({"owner": "crm"})


@pytest.mark.parametrize("kind", ["large_string", "binary", "dictionary"])
def test_parquet_keeps_types_and_other_columns(linkweir: CommandRunner, work: Path, kind: str) -> None:
    """A Parquet file comes out with the links of each row's message and the same schema, columns, compression and
    metadata, as a file, as a stream and with a report.
    """
    table = make_table()
    html = table["html"].combine_chunks()
    html = html.dictionary_encode() if kind == "dictionary" else html.cast(getattr(pyarrow, kind)())
    table = table.set_column(1, "html", html)
    codecs = {name: "gzip" if name == "id" else "zstd" for name in ("id", "html", "number", "at", "side")}
    parquet.write_table(
        table, work / "in.parquet", row_group_size=30, compression=codecs | {"list.list.element": "none"}
    )
    table = parquet.read_table(work / "in.parquet")  # as Parquet names the elements of lists
    done = linkweir.rewrite("in.parquet", "-o", "out.parquet", *COLUMNS)
    assert (done.code, done.out) == (0, b"")
    assert "100 rows in tables" in done.err
    found = parquet.read_table(work / "out.parquet")
    assert found.schema.equals(table.schema, check_metadata=True)
    texts = found["html"].cast(pyarrow.string()).to_pylist()
    assert texts == [*expect(linkweir)[:-1], None]
    for name in set(table.column_names) - {"html"}:
        assert found[name].equals(table[name])
    before, after = (parquet.read_metadata(work / name).row_group(0) for name in ("in.parquet", "out.parquet"))
    for i in range(before.num_columns):
        assert after.column(i).compression == before.column(i).compression
    streamed = linkweir.rewrite("--kind", "parquet", *COLUMNS, stdin=(work / "in.parquet").read_bytes())
    assert parquet.read_table(pyarrow.BufferReader(streamed.out)).equals(found)
    assert linkweir.rewrite("in.parquet", "--in-place", "--report", "links", *COLUMNS).code == 0
    assert parquet.read_table(work / "in.parquet").equals(found)
    assert [json.loads(line)["row"] for line in (work / "links").read_bytes().splitlines()] == list(range(1, 100))


def test_lines_and_records_agree(linkweir: CommandRunner, work: Path) -> None:
    """NDJSON and CSV, compressed by gzip and zstd or not, as files in a folder and as streams, get the same links."""
    (work / "in").mkdir()
    lines = "".join(json.dumps({"id": i, "html": html}) + "\n" for i, html in zip(IDS, HTMLS, strict=True)).encode()
    (work / "in" / "a.ndjson.gz").write_bytes(gzip.compress(lines))
    (work / "in" / "b.jsonl.zst").write_bytes(pyarrow.Codec("zstd").compress(lines, asbytes=True))
    with open(work / "in" / "c.csv", "w", newline="") as file:
        csv.writer(file).writerows([("id", "html"), *zip(IDS, HTMLS, strict=True)])
    done = linkweir.rewrite("in", "-o", "out", "--jobs", "2", *COLUMNS)
    assert done.code == 0
    assert "300 rows in tables" in done.err
    expected = expect(linkweir)
    streamed = linkweir.rewrite("--kind", "ndjson", *COLUMNS, stdin=gzip.compress(lines))
    unpacked = [
        gzip.decompress((work / "out" / "a.ndjson.gz").read_bytes()),
        pyarrow.input_stream(work / "out" / "b.jsonl.zst", compression="zstd").read(),
        gzip.decompress(streamed.out),
        linkweir.rewrite("--kind", "ndjson", *COLUMNS, stdin=lines).out,
    ]
    for found in unpacked:
        assert [json.loads(line)["html"] for line in found.splitlines()] == expected
    with open(work / "out" / "c.csv", newline="") as file:
        assert [row["html"] for row in csv.DictReader(file)] == expected


def test_rows_that_stay_are_reported(linkweir: CommandRunner, work: Path) -> None:
    """A row without a message id stays as it was in each format; the command names it, counts on, and exits with 1."""
    rows = [{"id": 1 if n != 50 else None, "html": html} for n, html in enumerate(HTMLS)]
    (work / "t.ndjson").write_text("".join(json.dumps(row) + "\n" for row in rows))
    parquet.write_table(pyarrow.Table.from_pylist(rows), work / "t.parquet")
    with open(work / "t.csv", "w", newline="") as file:
        csv.writer(file).writerows([("id", "html"), *(row.values() for row in rows)])
    for name in ("t.ndjson", "t.parquet", "t.csv"):
        done = linkweir.rewrite(name, "--in-place", *COLUMNS, "--report", "report")
        assert done.code == 1
        assert f"{name}: row 51: its message id is missing" in done.err
        assert "100 rows in tables; 1 could not be rewritten and stay" in done.err
        report = [json.loads(line) for line in (work / "report").read_bytes().splitlines()]
        assert [row["row"] for row in report if row["outcome"] == "unchanged-row"] == [51]
        assert len(report) == 100
    many = b'{"html": 5}\n' * 1000
    done = linkweir.rewrite("--kind", "ndjson", "--html-column", "html", stdin=many)
    assert (done.code, done.out) == (1, many)
    assert "and 980 more such rows" in done.err
    assert done.err.count("\n") < 30


def test_anonymous_links_and_patterns(linkweir: CommandRunner, work: Path) -> None:
    """Anonymous links of a table need no message id; a pattern gives each row one of its own."""
    parquet.write_table(pyarrow.table({"html": HTMLS}), work / "t.parquet")
    (work / "t.ndjson").write_text("".join(json.dumps({"html": html}) + "\n" for html in HTMLS))
    found = []
    for name in ("t.parquet", "t.ndjson"):
        done = linkweir.rewrite(name, "-o", "out." + name, "--html-column", "html", "--message-id", "{stem}-{n}")
        assert done.code == 0
        anonymous = ("--privacy", "anonymous", "--campaign", "spring")
        assert linkweir.rewrite(name, "--dry-run", *anonymous, "--html-column", "html").code == 0
    found = parquet.read_table(work / "out.t.parquet")["html"].to_pylist()
    assert [json.loads(line)["html"] for line in (work / "out.t.ndjson").read_bytes().splitlines()] == found
    opened = linkweir("open", "--json", found[41].split('"')[1])
    assert json.loads(opened.out)["message"] == "t-42"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("t.csv",), "t.csv is a table: --html-column names the column"),
        (("t.html", "--html-column", "html"), "there is no table here"),
        (("t.csv", "--id-column", "id"), "--html-column"),
        (("t.csv", *COLUMNS, "--message-id", "7"), "cannot be used together"),
        (("t.csv", *COLUMNS, "-o", "t.parquet"), "its name stands for parquet"),
    ],
)
def test_contradictions_are_usage_errors(
    linkweir: CommandRunner, work: Path, arguments: tuple[str, ...], problem: str
) -> None:
    """What makes no sense is said before anything is written."""
    for name in ("t.csv", "t.html"):
        (work / name).write_text("id,html\n")
    done = linkweir.rewrite(*arguments)
    assert (done.code, done.out) == (2, b"")
    assert problem in done.err
    assert sorted(path.name for path in work.iterdir()) == ["t.csv", "t.html"]


def test_missing_columns_and_damaged_files_leave_the_target(linkweir: CommandRunner, work: Path) -> None:
    """A table without the column, and one that is cut, are errors of their own, and no target appears."""
    parquet.write_table(make_table(), work / "a.parquet")
    whole = (work / "a.parquet").read_bytes()
    (work / "cut.parquet").write_bytes(whole[:-100])
    (work / "a.ndjson").write_text('{"body": "x"}\n')
    (work / "a.csv").write_text("id,body\n1,x\n")
    (work / "cut.csv.gz").write_bytes(gzip.compress(b"id,html\n" + b"1,x\n" * 1000)[:-9])
    for name in ("a.parquet", "cut.parquet", "a.ndjson", "a.csv", "cut.csv.gz"):
        column = "html" if name.startswith("cut") else "text"
        done = linkweir.rewrite(name, "-o", "out." + name, "--html-column", column)
        assert done.code == 1, name
        assert name in done.err
        assert "Traceback" not in done.err
        assert not (work / f"out.{name}").exists()


def test_without_pyarrow_one_sentence_says_what_to_install(linkweir: CommandRunner, work: Path) -> None:
    """Parquet and zstd need an extra, which the command names; CSV needs none."""
    (work / "custom").mkdir()
    (work / "custom" / "pyarrow.py").write_text("raise ModuleNotFoundError('no pyarrow', name='pyarrow')")
    (work / "t.csv").write_text("id,html\n1,<a href='https://example.com/'>\n")
    (work / "t.parquet").write_bytes(b"")
    for name, target, code in (("t.parquet", "x.parquet", 2), ("t.csv", "x.csv.zst", 2), ("t.csv", "x.csv", 0)):
        done = linkweir.run_under(
            [], "rewrite", name, "-o", target, "--base-url", BASE_URL, *COLUMNS, PYTHONPATH=str(work / "custom")
        )
        assert done.code == code, done.err
        assert (work / target).exists() == (code == 0)
        if code:
            assert done.err == (
                "linkweir: the package 'pyarrow' is not installed; install it with: pip install 'linkweir[parquet]'\n"
            )

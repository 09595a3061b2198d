"""Each library and engine gives what `rewrite` gives, and no engine gets a secret that it was not meant to have."""

import os
import pickle
import re
import shutil
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import linkweir
from linkweir import BadSwitch, KeyFile, Tracker

pa = pytest.importorskip("pyarrow")

BASE_URL = "https://t.example.com/c/"
HTMLS = ['<a href="https://example.com/1">x</a>', None, "no link", '<p><a href="https://example.com/ü">y</a>']
IDS = [11, 12, 13, 14]


@pytest.fixture
def tracker(tmp_path: Path) -> Tracker:
    """A tracker that carries the name of its key file."""
    keys = KeyFile(tmp_path / "keys.json")
    keys.load_or_create([BASE_URL])
    return Tracker(keys, BASE_URL)


def expect(tracker: Tracker) -> list[str | None]:
    """What `rewrite` makes of each row."""
    return [
        None if html is None else linkweir.rewrite(html, tracker.for_message(number))
        for html, number in zip(HTMLS, IDS, strict=True)
    ]


def test_polars_has_a_namespace(tracker: Tracker) -> None:
    """On expressions, eager and lazy, and on series."""
    pl = pytest.importorskip("polars")
    pytest.importorskip("linkweir.integrations.polars")
    frame = pl.DataFrame({"html": HTMLS, "id": IDS})
    for source in (frame, frame.lazy()):
        for ids in ("id", pl.col("id")):
            done = source.with_columns(pl.col("html").linkweir.rewrite(tracker, message_ids=ids)).lazy().collect()
            assert done["html"].to_list() == expect(tracker)
            assert done.schema == frame.schema
    judged = pl.col("html").linkweir.rewrite(tracker, message_ids=pl.when(False).then("id"), outcomes=True)
    for rows in (frame.select(judged)["html"].to_list(), frame.lazy().select(judged).collect()["html"].to_list()):
        assert [row["html"] for row in rows] == HTMLS
        assert [row["outcome"] for row in rows] == ["message-id", None, "message-id", "message-id"]
    alone = frame.select(pl.col("html").linkweir.rewrite(tracker))["html"].to_list()
    assert alone == [None if html is None else linkweir.rewrite(html, tracker) for html in HTMLS]
    assert frame["html"].linkweir.rewrite(tracker, message_ids=IDS, threads=2).to_list() == expect(tracker)


def test_duckdb_has_a_function(tracker: Tracker) -> None:
    """In SQL, over every type of number or texts as message ids; null stays null, and so does a row without an id."""
    duckdb = pytest.importorskip("duckdb")
    module = pytest.importorskip("linkweir.integrations.duckdb")
    connection = duckdb.connect()
    module.create_function(connection, tracker)
    module.create_function(connection, tracker, name="rewrite_text_ids", id_type="VARCHAR")
    module.create_function(connection, tracker, name="rewrite_uuid_ids", id_type="UUID")
    for kind in ("UBIGINT", "BIGINT", "INTEGER", "HUGEINT"):
        connection.execute(f"CREATE OR REPLACE TABLE mails (html VARCHAR, id {kind})")
        connection.executemany("INSERT INTO mails VALUES (?, ?)", list(zip(HTMLS, IDS, strict=True)))
        rows = connection.execute("SELECT rewrite_links(html, id), rewrite_text_ids(html, 'm') FROM mails ORDER BY id")
        done = rows.fetchall()
        assert [row[0] for row in done] == expect(tracker)
    for number in ("-1", "NULL", "18446744073709551616"):
        assert connection.execute(f"SELECT rewrite_links('{HTMLS[0]}', {number})").fetchone() == (HTMLS[0],)
    identity = uuid.UUID("550e8400-e29b-41d4-a716-446655440000")
    for kind, name in (("UUID", "rewrite_uuid_ids"), ("VARCHAR", "rewrite_text_ids")):
        row = connection.execute(f"SELECT {name}('{HTMLS[0]}', '{identity}'::{kind})").fetchone()
        assert row == (linkweir.rewrite(HTMLS[0] or "", tracker.for_message(identity)),)
    largest = connection.execute(f"SELECT rewrite_links('{HTMLS[0]}', 18446744073709551615)").fetchone()
    assert largest == (linkweir.rewrite(HTMLS[0] or "", tracker.for_message(2**64 - 1)),)
    assert done[0][1] == linkweir.rewrite(HTMLS[0] or "", tracker.for_message("m"))


@pytest.mark.parametrize("dtype", ["object", "str", "string[pyarrow]", "bytes"])
def test_pandas_series_keep_index_name_and_dtype(tracker: Tracker, dtype: str) -> None:
    """Whatever holds the texts, the values are those of `rewrite`, and missing ones stay missing."""
    pd = pytest.importorskip("pandas")
    module = pytest.importorskip("linkweir.integrations.pandas")
    values: list[Any] = [html and html.encode() for html in HTMLS] if dtype == "bytes" else HTMLS
    series = pd.Series(values, index=list("abcd"), name="html", dtype="object" if dtype == "bytes" else dtype)
    done = module.rewrite_series(series, tracker, message_ids=pd.Series(IDS))
    assert [None if pd.isna(v) else v.decode() if dtype == "bytes" else v for v in done] == expect(tracker)
    assert (list(done.index), done.name, done.dtype) == (list(series.index), "html", series.dtype)
    with pytest.raises(TypeError, match="htmls must be a pandas Series, not list"):
        module.rewrite_series(HTMLS, tracker)
    with pytest.raises(TypeError, match="not of float64; whole numbers with nulls need an integer type, such as Int64"):
        module.rewrite_series(series, tracker, message_ids=pd.Series([1, 2, 3, None]))


def test_dask_rewrites_partitions(tracker: Tracker) -> None:
    """Two partitions, message ids in a series beside them."""
    pd, dd = pytest.importorskip("pandas"), pytest.importorskip("dask.dataframe")
    module = pytest.importorskip("linkweir.integrations.dask")
    frame = dd.from_pandas(pd.DataFrame({"html": HTMLS, "id": IDS}), npartitions=2)
    done = module.rewrite_dask_series(frame["html"], tracker, message_ids=frame["id"])
    values = done.compute(scheduler="synchronous")
    assert [None if pd.isna(value) else value for value in values] == expect(tracker)
    with pytest.raises(BadSwitch, match="carries its keys"):
        module.rewrite_dask_series(frame["html"], Tracker(tracker.ring, BASE_URL))


def test_what_engines_pickle_has_no_secret(tracker: Tracker) -> None:
    """A tracker with its keys is refused unless asked for; a batch keeps its other columns."""
    batches = pytest.importorskip("linkweir.integrations.batches")
    with pytest.raises(BadSwitch, match="allow_secrets"):
        batches.BatchRewriter(Tracker(tracker.ring, BASE_URL))
    assert batches.BatchRewriter(Tracker(tracker.ring, BASE_URL), allow_secrets=True).tracker.carries_secrets
    rewriter = batches.BatchRewriter(tracker, message_ids="id")
    data = pickle.dumps(rewriter)
    assert tracker.ring.current.secret not in data
    table = pa.table({"id": IDS, "html": HTMLS, "other": list("abcd")})
    done = pickle.loads(data)(table)  # noqa: S301 - our own
    assert done.to_pydict() == {"id": IDS, "html": expect(tracker), "other": list("abcd")}
    assert done.schema == table.schema
    judged = batches.BatchRewriter(tracker, message_ids="id", outcome_column="outcome")(table)
    assert judged["outcome"].to_pylist() == ["rewritten", None, "unchanged", "rewritten"]
    assert judged.drop_columns("outcome") == done
    with pytest.raises(KeyError, match="no column 'x', only id, html, other"):
        batches.BatchRewriter(tracker, column="x")(table)


@pytest.fixture
def spark(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """A Spark session in this process, where pyspark and a JVM are."""
    sql = pytest.importorskip("pyspark.sql")
    if shutil.which("java") is None:
        pytest.skip("no JVM")
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    monkeypatch.chdir(tmp_path)  # in which Spark reads and writes what has no folder
    builder = sql.SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    session = builder.config("spark.sql.shuffle.partitions", "1").getOrCreate()
    yield session
    session.stop()


def read_example(package: str) -> str:
    """What the manual's page on columns shows for a package."""
    page = (Path(linkweir.__file__).parent / "manual" / "columns.md").read_text("utf-8")
    blocks = [block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if f"import {package}" in block]
    (block,) = blocks
    return str(block)


def run_parquet_example(package: str, tracker: Tracker, folder: Path, target: str) -> Any:
    """Run an example that reads `mails.parquet` and writes the folder `target`; what is in there, by id."""
    from pyarrow import parquet

    parquet.write_table(pa.table({"id": IDS, "html": HTMLS}), folder / "mails.parquet")
    exec(read_example(package), {"tracker": tracker})  # noqa: S102 - our own
    parts = [parquet.read_table(path) for path in (folder / target).glob("*.parquet")]
    return pa.concat_tables(parts).sort_by("id")


@pytest.mark.filterwarnings("ignore")
def test_spark_rewrites_a_data_frame(tracker: Tracker, spark: Any, tmp_path: Path) -> None:
    """In Spark's own Python workers, with the key file's name only; the manual's example does the same with a file."""
    module = pytest.importorskip("linkweir.integrations.spark")
    frame = spark.createDataFrame(list(zip(IDS, HTMLS, strict=True)), "id long, html string")
    rewritten = module.rewrite_frame(frame, tracker, message_ids="id", outcome_column="outcome")
    done = rewritten.orderBy("id").collect()
    assert [row["html"] for row in done] == expect(tracker)
    assert [row["outcome"] for row in done] == ["rewritten", None, "unchanged", "rewritten"]
    written = run_parquet_example("SparkSession", tracker, tmp_path, "tracked")
    assert written["html"].to_pylist() == expect(tracker)


@pytest.mark.filterwarnings("ignore")
def test_ray_rewrites_a_dataset(tracker: Tracker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a worker process of a Ray instance of one processor; the manual's example does the same with a file."""
    ray = pytest.importorskip("ray")
    module = pytest.importorskip("linkweir.integrations.ray")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_raylet_start_wait_time_s", "300")  # on a busy machine
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    monkeypatch.chdir(tmp_path)
    ray.init(num_cpus=1, include_dashboard=False, logging_level="error", _node_ip_address="127.0.0.1")
    try:
        dataset = ray.data.from_arrow(pa.table({"id": IDS, "html": HTMLS}))
        rows = module.rewrite_dataset(dataset, tracker, message_ids="id").take_all()
        assert [row["html"] for row in sorted(rows, key=lambda row: row["id"])] == expect(tracker)
        written = run_parquet_example("ray\n", tracker, tmp_path, "tracked-by-ray")
        assert written["html"].to_pylist() == expect(tracker)
    finally:
        ray.shutdown()


@pytest.mark.parametrize("package", ["polars", "duckdb", "dask.dataframe"])
def test_examples_of_the_manual_run(
    package: str, tracker: Tracker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the manual's page on columns shows for a package runs as it stands there, and rewrites the file it names."""
    from pyarrow import parquet

    pytest.importorskip(package)
    pd = pytest.importorskip("pandas")
    monkeypatch.chdir(tmp_path)
    parquet.write_table(pa.table({"id": IDS, "html": HTMLS}), "mails.parquet")
    frame = pd.DataFrame({"id": IDS, "html": HTMLS})
    exec(read_example(package), {"tracker": tracker, "frame": frame})  # noqa: S102 - our own
    if package != "dask.dataframe":
        assert parquet.read_table("tracked.parquet")["html"].to_pylist() == expect(tracker)

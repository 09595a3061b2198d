"""Tests of linkweir.stats.export: the same rows in three formats, harmless in a spreadsheet, in bounded memory."""

import builtins
import csv
import io
import tracemalloc
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from linkweir.errors import UnsupportedRequest, ValidationError
from linkweir.stats.export import (
    FORMATS,
    ROWS_PER_ROW_GROUP,
    ColumnTypes,
    ExportRow,
    export_chunks,
    parse_format,
)

COLUMNS: ColumnTypes = {"id": "text", "at": "time", "text": "text", "count": "whole", "rate": "number", "ok": "bool"}
KEY = uuid.UUID(int=7)
ROWS: list[ExportRow] = [
    {"id": KEY, "at": 1_700_000_000_000_001, "text": 'ä "quoted", two\nlines', "count": 3, "rate": 0.25, "ok": True},
    {"id": KEY, "at": None, "text": None, "count": None, "rate": None, "ok": None},
    {"id": KEY, "at": 0, "text": "", "count": -1, "rate": -0.5, "ok": False},
]


def export_rows(name: str, rows: Any = ROWS, columns: ColumnTypes = COLUMNS) -> bytes:
    """The whole file."""
    return b"".join(export_chunks(rows, columns, parse_format(name)))


def test_csv_reads_back() -> None:
    """A CSV reader finds the names and the values; what is None is empty."""
    result = list(csv.DictReader(io.StringIO(export_rows("csv").decode(), newline="")))
    assert list(result[0]) == list(COLUMNS)
    assert result[0]["text"] == ROWS[0]["text"]
    assert (result[0]["at"], result[0]["ok"], result[0]["rate"]) == ("2023-11-14T22:13:20.000001Z", "true", "0.25")
    assert set(result[1].values()) == {str(KEY), ""}
    assert (result[2]["count"], result[2]["rate"]) == ("-1", "-0.5")


@pytest.mark.parametrize("start", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"])  # noqa: RUF001
def test_no_text_is_a_formula(start: str) -> None:
    """A text that a spreadsheet would calculate gets an apostrophe in front, and only such a text does."""
    rows = [{"text": start + '|cmd"'}, {"text": "https://example.com/?a=1"}, {"text": " =1"}]
    result = list(csv.reader(io.StringIO(export_rows("csv", rows, {"text": "text"}).decode(), newline="")))
    assert [row[0] for row in result[1:]] == ["'" + start + '|cmd"', "https://example.com/?a=1", " =1"]


def test_excel_gets_a_byte_order_mark() -> None:
    """The file for Excel is that of CSV behind U+FEFF in UTF-8, also without any row."""
    assert export_rows("excel") == b"\xef\xbb\xbf" + export_rows("csv")
    assert export_rows("excel", []) == b"\xef\xbb\xbf" + export_rows("csv", [])


def test_ndjson_reads_back() -> None:
    """Each line is one row, with nulls, numbers and truth as they are and times as text."""
    result = [orjson.loads(line) for line in export_rows("ndjson").splitlines()]
    assert result[0] == {**ROWS[0], "id": str(KEY), "at": "2023-11-14T22:13:20.000001Z"}
    assert result[1] == {**ROWS[1], "id": str(KEY)}
    assert len(result) == 3


def test_parquet_reads_back() -> None:
    """Another reader finds the same values, times as times."""
    parquet = pytest.importorskip("pyarrow.parquet")
    result = parquet.read_table(io.BytesIO(export_rows("parquet"))).to_pylist()
    assert result[0]["at"] == datetime(2023, 11, 14, 22, 13, 20, 1, tzinfo=UTC)
    assert [{**row, "at": None} for row in result] == [{**row, "id": str(KEY), "at": None} for row in ROWS]


def test_several_texts_in_one_cell() -> None:
    """Tags are a list where the format has lists, and stand between commas in CSV, where none makes a formula."""
    rows: list[ExportRow] = [{"tags": ["spring", "=1+1"]}, {"tags": []}, {"tags": None}, {"tags": ["=1+1", "a"]}]
    columns: ColumnTypes = {"tags": "texts"}
    cells = list(csv.reader(io.StringIO(export_rows("csv", rows, columns).decode(), newline="")))
    assert [row for row in cells[1:] if row] == [["spring,=1+1"], [""], [""], ["'=1+1,a"]]
    assert [orjson.loads(line) for line in export_rows("ndjson", rows, columns).splitlines()] == rows
    parquet = pytest.importorskip("pyarrow.parquet")
    assert parquet.read_table(io.BytesIO(export_rows("parquet", rows, columns))).to_pylist() == rows


@pytest.mark.parametrize("name", list(FORMATS))
def test_no_rows_are_a_file_too(name: str) -> None:
    """Without rows CSV has its heading, Parquet its schema, and NDJSON nothing."""
    data = export_rows(name, [])
    if name in ("csv", "excel"):
        assert data.decode("utf-8-sig") == ",".join(COLUMNS) + "\r\n"
    elif name == "parquet":
        parquet = pytest.importorskip("pyarrow.parquet")
        assert parquet.read_table(io.BytesIO(data)).column_names == list(COLUMNS)
    else:
        assert data == b""


@pytest.mark.parametrize("name", list(FORMATS))
def test_memory_does_not_grow_with_the_rows(name: str) -> None:
    """Ten times as many rows need no more memory at a time."""

    def rows(count: int) -> Iterator[dict[str, Any]]:
        for number in range(count):
            yield {"text": f"https://example.com/{number}" * 3, "count": number}

    def peak(count: int) -> int:
        tracemalloc.start()
        for piece in export_chunks(rows(count), {"text": "text", "count": "whole"}, parse_format(name)):
            assert len(piece) < 4 << 20
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    peak(10)
    assert peak(6 * ROWS_PER_ROW_GROUP) < 1.5 * peak(2 * ROWS_PER_ROW_GROUP) + (1 << 20)


def test_formats_that_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown format is refused by name; Parquet without its package says what to install."""
    with pytest.raises(ValidationError, match=r"format: must be one of csv, excel, ndjson, parquet"):
        parse_format("xlsx")
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ModuleNotFoundError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UnsupportedRequest, match=r"pip install 'linkweir\[parquet\]'"):
        parse_format("parquet")

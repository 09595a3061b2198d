"""Arrow columns: those of others, imported, and our own, which any library takes. Knows no links."""

from __future__ import annotations

import operator
import uuid
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Protocol, TypeAlias

from linkweir import _arrow
from linkweir.errors import BadSwitch
from linkweir.html.outcome import Outcome
from linkweir.tokens import Privacy, Tracker

TEXT_FORMATS = (b"u", b"U", b"vu")
DOCUMENT_FORMATS = (*TEXT_FORMATS, b"z", b"Z", b"vz")
UUID_FORMAT = b"w:16"
_TYPE_NAMES = {
    **dict(zip("cCsSiIlL", ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"), strict=True)),
    **{"n": "null", "b": "booleans", "e": "float16", "f": "float32", "g": "float64", "d": "decimal"},
    **{"u": "text", "U": "text", "vu": "text", "z": "bytes", "Z": "bytes", "vz": "bytes"},
    **{"+l": "lists", "+L": "lists", "+s": "structs"},
}
_ID_FORMATS = (*TEXT_FORMATS, UUID_FORMAT, *(bytes([c]) for c in b"csilCSIL"))


class ArrowArray(Protocol):
    """An array of any library."""

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]: ...


class ArrowStream(Protocol):
    """A column in chunks, of any library."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...


ArrowColumn: TypeAlias = ArrowArray | ArrowStream
MessageIds: TypeAlias = ArrowColumn | Sequence[int] | Sequence[str] | Sequence[uuid.UUID]


class Column:
    """A column in chunks, which any Arrow library takes: `pyarrow.chunked_array(column)`, `polars.Series(column)`.

    `link_counts`: of a rewritten column, how many links had each outcome; of others empty.
    """

    def __init__(
        self, kind: _arrow.ArrayData, chunks: list[_arrow.ArrayData], link_counts: dict[Outcome, int] | None = None
    ) -> None:
        self._kind = kind
        self._chunks = chunks
        self.link_counts = link_counts or {}

    def __len__(self) -> int:
        return sum(chunk.length for chunk in self._chunks)

    def __repr__(self) -> str:
        return f"<Column of {len(self)} rows in {len(self._chunks)} chunks>"

    def __arrow_c_schema__(self) -> object:
        return self._kind.export_schema()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return _arrow.export_stream(self._kind, self._chunks)

    @property
    def __arrow_c_array__(self) -> Callable[..., tuple[object, object]]:
        """Only of a column in one chunk: libraries that find both protocols may prefer this one."""
        if len(self._chunks) > 1:
            raise AttributeError(f"this column has {len(self._chunks)} chunks: take it as a stream")
        return (self._chunks or [self._kind])[0].export_array


@dataclass(frozen=True, slots=True)
class ImportedColumn:
    """A column of somebody else. `is_single`: it was handed over as one array."""

    format: bytes
    chunks: list[_arrow.ForeignArray]
    is_single: bool

    def __len__(self) -> int:
        return sum(map(len, self.chunks))


def import_column(name: str, column: Any, formats: tuple[bytes, ...], allowed: str) -> ImportedColumn:
    """Raises TypeError, which names the argument."""
    is_single = not hasattr(column, "__arrow_c_stream__")
    try:
        if not is_single:
            stream = _arrow.ForeignStream(column.__arrow_c_stream__())
            imported = ImportedColumn(stream.format, list(stream), is_single)
        elif hasattr(column, "__arrow_c_array__"):
            single = _arrow.import_array(*column.__arrow_c_array__())
            imported = ImportedColumn(single.format, [single], is_single)
        else:
            raise TypeError(f"{name} must be an Arrow column of {allowed}, not {type(column).__name__}")
    except _arrow.UnsupportedFormat as error:
        raise TypeError(f"{name} must be a column of {allowed}, not of {_name_format(str(error))}") from None
    if imported.format not in formats:
        format_ = imported.format.decode("ascii", "replace")
        raise TypeError(f"{name} must be a column of {allowed}, not of {_name_format(format_)}")
    return imported


def _name_format(format_: str) -> str:
    """A type as its users call it; `format_` is how the C data interface spells it."""
    kind, _, parameters = format_.partition(":")
    name = _TYPE_NAMES.get(kind)
    if name is None:
        return f"the Arrow format {format_!r}"
    hint = "; whole numbers with nulls need an integer type, such as Int64" if name == "float64" else ""
    return f"{name}({parameters})" if kind == "d" else name + hint


def import_ids(message_ids: Any, rows: int, tracker: Tracker) -> ImportedColumn | None:
    """None where the tracker's own message or campaign stands in all rows."""
    if message_ids is None:
        return None
    if not hasattr(message_ids, "__arrow_c_stream__") and not hasattr(message_ids, "__arrow_c_array__"):
        message_ids = _make_id_array(message_ids)
    ids = import_column("message_ids", message_ids, _ID_FORMATS, "numbers, texts or UUIDs")
    if len(ids) != rows:
        raise ValueError(f"message_ids has {len(ids)} values, but there are {rows} rows")
    return None if tracker.privacy is Privacy.ANONYMOUS else ids


def _make_id_array(values: Any) -> Column:
    """A sequence as a column. Raises TypeError and BadSwitch, which name the argument."""
    if isinstance(values, str | bytes) or not hasattr(values, "__iter__"):
        raise TypeError(f"message_ids must be a column or a sequence, not {type(values).__name__}")
    ids: list[Any] = [value if isinstance(value, str | uuid.UUID) else _to_number(value) for value in values]
    if all(isinstance(value, int) for value in ids):
        numbers = array("Q", ids)
        kind = _arrow.ArrayData(b"L", len(ids), 0, (None, numbers))
    elif all(isinstance(value, uuid.UUID) for value in ids):
        kind = _arrow.ArrayData(UUID_FORMAT, len(ids), 0, (None, b"".join(value.bytes for value in ids)))
    elif all(isinstance(value, str) for value in ids):
        kind = make_texts(ids)
    else:
        raise TypeError("message_ids must be all numbers, all texts or all UUIDs")
    return Column(kind, [kind])


def _to_number(value: Any) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"message_ids must be numbers, texts or UUIDs, not {type(value).__name__}") from None
    if isinstance(value, bool) or not 0 <= number < 1 << 64:
        raise BadSwitch(f"message_ids must be from 0 to 2**64-1, not {value!r}")
    return number


def make_texts(values: Sequence[str | None], format_: bytes = b"u") -> _arrow.ArrayData:
    """An array of texts."""
    encoded = [b"" if value is None else value.encode("utf-8", "replace") for value in values]
    if format_ in (b"vu", b"vz"):
        return _arrow.ArrayData(format_, 0, 0, (None, b"", b""))
    code = "q" if format_ in (b"U", b"Z") else "i"
    offsets = array(code, accumulate(map(len, encoded), initial=0))
    validity, nulls = make_bitmap([value is not None for value in values])
    return _arrow.ArrayData(format_, len(values), nulls, (validity, offsets, b"".join(encoded)))


def make_bitmap(valid: list[bool]) -> tuple[bytes | None, int]:
    nulls = len(valid) - sum(valid)
    if not nulls:
        return None, 0
    bitmap = bytearray(-(-len(valid) // 8))
    for i, bit in enumerate(valid):
        bitmap[i >> 3] |= bit << (i & 7)
    return bytes(bitmap), nulls


def make_numbers(values: list[int]) -> _arrow.ArrayData:
    return _arrow.ArrayData(b"l", len(values), 0, (None, array("q", values)))

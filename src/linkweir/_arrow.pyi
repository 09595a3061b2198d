"""Types of the extension `linkweir._arrow`; the meanings are written in ext/_arrow.pyx."""

from collections.abc import Callable, Sequence
from typing import Self, final

from typing_extensions import Buffer

class UnsupportedFormat(TypeError): ...

@final
class Memory(Buffer):
    size: int
    def __new__(cls, size: int) -> Self: ...

@final
class ArrayData:
    format: bytes
    names: tuple[bytes, ...]
    length: int
    null_count: int
    buffers: tuple[Buffer | None, ...]
    children: tuple[ArrayData, ...]
    def __new__(
        cls,
        format: bytes,
        length: int,
        null_count: int,
        buffers: tuple[Buffer | None, ...],
        children: tuple[ArrayData, ...] = (),
        names: tuple[bytes, ...] = (),
    ) -> Self: ...
    def export_array(self, requested_schema: object = None) -> tuple[object, object]: ...
    def export_schema(self) -> object: ...

@final
class ForeignArray:
    @property
    def format(self) -> bytes: ...
    def __len__(self) -> int: ...
    def read(self, row: int) -> int | bytes | None: ...
    def count_bytes(self, start: int, stop: int) -> int: ...

@final
class ForeignStream:
    @property
    def format(self) -> bytes: ...
    def __new__(cls, capsule: object) -> Self: ...
    def __iter__(self) -> Self: ...
    def __next__(self) -> ForeignArray: ...

@final
class TextRows:
    count: int
    text: Memory
    ends: Memory
    outcomes: Memory
    def to_array(self, format: bytes) -> ArrayData: ...
    def null_bitmap(self) -> tuple[Memory | None, int]: ...

@final
class RowRange:
    documents: ForeignArray
    ids: ForeignArray | None
    start: int
    def __new__(
        cls, documents: ForeignArray, start: int, stop: int, ids: ForeignArray | None = None, first_id: int = 0
    ) -> Self: ...
    @property
    def bytes_left(self) -> int: ...
    def divide(self) -> RowRange | None: ...
    def cancel(self) -> None: ...

@final
class RowRewriter:
    def __new__(
        cls,
        options: object,
        base_url: bytes,
        *,
        key: bytes,
        person: bytes,
        key_id: int,
        privacy: int,
        sealed: bool,
        prefix: bytes | None,
        locations: tuple[tuple[bytes, bytes], ...],
        utf8: bool,
        needs_caller: bool,
        rewrite_row: Callable[[bytes, int | bytes | None], tuple[bytes, int, Sequence[int]]],
    ) -> Self: ...
    def rewrite(self, rows_left: RowRange, *, text_limit: int) -> tuple[list[TextRows], list[int]]: ...

def export_stream(kind: ArrayData, chunks: list[ArrayData]) -> object: ...
def import_array(schema_capsule: object, array_capsule: object) -> ForeignArray: ...
def join_rows(chunks: list[TextRows]) -> TextRows: ...

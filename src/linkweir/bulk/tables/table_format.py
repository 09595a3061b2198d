"""Formats and compression of tables, by the names of their files. `.zst` needs pyarrow."""

import io
import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any, Literal

from linkweir.bulk.document_io import UnreadableInput

TableFormat = Literal["ndjson", "csv", "parquet"]
Compression = Literal["gzip", "zstd"]
TABLE_FORMATS: tuple[TableFormat, ...] = ("ndjson", "csv", "parquet")
TABLE_SUFFIXES: dict[str, TableFormat] = {
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
}
COMPRESSION_SUFFIXES: dict[str, Compression] = {".gz": "gzip", ".zst": "zstd"}
_MAGIC: dict[bytes, Compression] = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_GZIP = 16 + zlib.MAX_WBITS
_INFLATE_BYTES = 1 << 20  # a step: a small file may hold gigabytes


def detect_table_format(path: str) -> TableFormat | None:
    """The format of a table by its name, without the suffix of its compression; None if it is no table."""
    stem, suffix = os.path.splitext(path.lower())
    if suffix in COMPRESSION_SUFFIXES:
        suffix = os.path.splitext(stem)[1]
    return TABLE_SUFFIXES.get(suffix)


def compression_of_name(path: str) -> Compression | None:
    """The compression that a name stands for."""
    return COMPRESSION_SUFFIXES.get(os.path.splitext(path.lower())[1])


def compression_of_bytes(start: bytes) -> Compression | None:
    """The compression of data that begins so."""
    return next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), None)


def decompress(chunks: Iterable[bytes], compression: Compression | None) -> Iterator[bytes]:
    """Yield the data of a compressed stream. Raises UnreadableInput where it is damaged or cut."""
    if compression is None:
        yield from chunks
    elif compression == "gzip":
        yield from _decompress_gzip(chunks)
    else:
        yield from _decompress_zstd(chunks)


def _decompress_gzip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    member = zlib.decompressobj(_GZIP)
    begun = False  # a member, which has not ended
    try:
        for chunk in chunks:
            data = chunk
            while data:
                begun = True
                yield member.decompress(data, _INFLATE_BYTES)
                data = member.unconsumed_tail
                if member.eof:
                    data = member.unused_data.lstrip(b"\0")  # which may pad the last one
                    member, begun = zlib.decompressobj(_GZIP), False
    except zlib.error as error:
        raise UnreadableInput(f"the gzip data is damaged: {error}") from None
    if begun:
        raise UnreadableInput("the gzip data ends too early")


class _ChunkReader(io.RawIOBase):
    """Chunks as a file."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = b""
        self.is_at_end = False

    def readable(self) -> bool:
        """It is."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Up to so many bytes; empty at the end."""
        if not self._rest:
            self._rest = next(self._chunks, b"")
            self.is_at_end = not self._rest
        data, self._rest = (self._rest, b"") if size < 0 else (self._rest[:size], self._rest[size:])
        return data


def _decompress_zstd(chunks: Iterable[bytes]) -> Iterator[bytes]:
    import pyarrow

    source: IO[bytes] = _ChunkReader(chunks)  # type: ignore[assignment]
    try:
        with pyarrow.CompressedInputStream(pyarrow.PythonFile(source, mode="r"), "zstd") as stream:
            while data := stream.read(_INFLATE_BYTES):
                yield data
    except OSError as error:
        raise UnreadableInput(f"the zstd data is damaged or ends too early: {error}") from None


class ByteCollector(io.RawIOBase):
    """A file that is only appended to; `take` returns what was written since."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: Any) -> int:
        """Take the bytes."""
        self._parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        """What was written since this was called last."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


def compress(chunks: Iterable[bytes], compression: Compression | None) -> Iterator[bytes]:
    """Yield the compressed stream of the chunks, one piece for each, which may be empty, and one for the end."""
    if compression is None:
        yield from chunks
        return
    write, finish = _open_gzip() if compression == "gzip" else _open_zstd()
    for chunk in chunks:
        yield write(chunk)
    yield finish()


Compressor = tuple[Callable[[bytes], bytes], Callable[[], bytes]]


def _open_gzip() -> Compressor:
    packer = zlib.compressobj(wbits=_GZIP)
    return packer.compress, packer.flush


def _open_zstd() -> Compressor:
    import pyarrow

    output = ByteCollector()
    stream = pyarrow.CompressedOutputStream(pyarrow.PythonFile(output, mode="w"), "zstd")

    def write(data: bytes) -> bytes:
        stream.write(data)
        return output.take()

    def finish() -> bytes:
        stream.close()
        return output.take()

    return write, finish

"""Types of the C extension; what each thing means stands in `ext/_tokens.pyx`."""

from typing import Any, Self, TypeVar, overload

Mark = TypeVar("Mark")

MAX_DESTINATION_BYTES: int
MAX_TOKEN_CHARACTERS: int

def compress_url(destination: bytes) -> bytes | None: ...
def decompress_url(compressed: bytes) -> bytes | None: ...
def encode_base64url(data: bytes) -> bytes: ...
def decode_base64url(text: bytes) -> bytes | None: ...
def blake2s(data: bytes, *, digest_size: int, key: bytes, person: bytes) -> bytes: ...
def open_common(
    token: str, modes: dict[int, Mark], keys: tuple[Any, ...], person: bytes
) -> tuple[Mark, int, int, int, str] | None: ...

class Minter:
    def __new__(
        cls,
        base_url: bytes,
        prefix: bytes,
        key: bytes,
        person: bytes,
        sealed: bool,
        locations: tuple[tuple[bytes, bytes], ...],
    ) -> Self: ...
    @overload
    def mint_many(self, destinations: list[bytes], indexes: list[int]) -> list[bytes | None]: ...
    @overload
    def mint_many(
        self, destinations: list[bytes], indexes: list[int], *, known: Mark, refused: Mark
    ) -> list[bytes | Mark]: ...
    def is_tracked(self, destination: bytes) -> bool: ...

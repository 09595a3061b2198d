"""Types of the C extension; what each thing means stands in `ext/_tokens.pyx`."""

from typing import Any, Self, TypeAlias, TypeVar, final, overload

Mark = TypeVar("Mark")
Identity: TypeAlias = int | str | bytes | None  # bytes: the 16 of a UUID

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
def encode_token_prefix(identity: Identity, *, short: bool, privacy: int, key_id: int) -> bytes | None: ...

@final
class Issuer:
    def __new__(
        cls,
        base_url: bytes,
        *,
        key: bytes,
        person: bytes,
        key_id: int,
        privacy: int,
        sealed: bool,
        campaign: str | int | None,
        locations: tuple[tuple[bytes, bytes], ...],
        options: Any = None,
    ) -> Self: ...
    @property
    def options(self) -> Any: ...

class Minter:
    issuer: Issuer
    def __new__(cls, issuer: Issuer, message: Identity) -> Self: ...
    @overload
    def mint_many(self, destinations: list[bytes], indexes: list[int]) -> list[bytes | None]: ...
    @overload
    def mint_many(
        self, destinations: list[bytes], indexes: list[int], *, known: Mark, refused: Mark
    ) -> list[bytes | Mark]: ...
    def is_tracked(self, destination: bytes) -> bool: ...

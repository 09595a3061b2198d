"""Types of the extension `linkweir._html`; the meanings are written in ext/_html.pyx."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias, final

from typing_extensions import Buffer

Resolve: TypeAlias = Callable[[list[bytes], list[int]], Sequence[bytes | int]]
Replacement: TypeAlias = tuple[int, int, bytes]
Report: TypeAlias = Callable[[list[RawLink]], object]

def simd_variants() -> list[str]: ...
def count_outcomes(html: Buffer, options: NativeOptions) -> list[int]: ...
def count_byte(data: Buffer, byte: int) -> int: ...
def decode_value(raw: Buffer) -> bytes: ...

class RawLink(NamedTuple):
    link_index: int
    outcome: int
    destination: bytes | None
    start: int
    end: int
    value_start: int
    value_end: int
    element: str
    line: int
    column: int
    warnings: int
    replacement: bytes | None

@final
class NativeOptions:
    def __init__(
        self,
        opt_out: Sequence[tuple[bytes, bytes | None]] = (),
        *,
        outlook: bool = False,
        track_placeholders: bool = False,
        tag_limit: int = 65536,
        simd: str | None = None,
    ) -> None: ...
    def as_capsule(self) -> object: ...

@final
class LinkRewriter:
    def __init__(
        self,
        options: NativeOptions,
        resolve: Resolve,
        transcode: Callable[[bytes], tuple[bytes, bool]],
        report: Report | None = None,
    ) -> None: ...
    def feed(self, data: Buffer) -> bytes: ...
    def close(self) -> bytes: ...
    def replacements(self, data: Buffer) -> list[Replacement]: ...
    def outcome_counts(self) -> list[int]: ...
    def pass_through_rest(self) -> None: ...

@final
class LinkTemplate:
    link_count: int
    def __init__(self, source: bytes, offsets: Sequence[tuple[int, int]]) -> None: ...
    def fill(self, values: list[bytes | int]) -> bytes: ...

"""Types of the extension `linkweir._html`; the meanings are written in ext/_html.pyx."""

from collections.abc import Callable, Sequence
from typing import TypeAlias, final

from typing_extensions import Buffer

Row: TypeAlias = tuple[int, int, bytes | None, int, int, int, int, str, int, int, int, bytes | None]
Resolve: TypeAlias = Callable[[list[bytes], list[int]], Sequence[bytes | int]]
Replacement: TypeAlias = tuple[int, int, bytes]
Report: TypeAlias = Callable[[list[Row]], object]

def sweeps() -> list[str]: ...
def count(html: Buffer, rules: Rules) -> list[int]: ...
def decode_value(raw: Buffer) -> bytes: ...

@final
class Rules:
    def __init__(
        self,
        opt_out: Sequence[tuple[bytes, bytes | None]] = (),
        *,
        outlook: bool = False,
        track_placeholders: bool = False,
        tag_limit: int = 65536,
        sweep: str | None = None,
    ) -> None: ...

@final
class Splice:
    def __init__(
        self,
        rules: Rules,
        resolve: Resolve,
        transcode: Callable[[bytes], tuple[bytes, bool]],
        report: Report | None = None,
    ) -> None: ...
    def feed(self, data: Buffer) -> bytes: ...
    def close(self) -> bytes: ...
    def replacements(self, data: Buffer) -> list[Replacement]: ...
    def counted(self) -> list[int]: ...
    def pass_on(self) -> None: ...

@final
class Template:
    places: int
    def __init__(self, source: bytes, places: Sequence[tuple[int, int]]) -> None: ...
    def fill(self, values: list[bytes | int]) -> bytes: ...

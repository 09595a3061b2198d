"""What an engine is to the benchmarks: two ways of rewriting a document, one to be timed and one to be
judged."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

# destination -> the link to put in its place
Replace = Callable[[str], str]

CONSTANT = "https://t.example.com/c/0123456789abcdef"


_STRIPPED = "".join(map(chr, range(33)))
_REMOVED = dict.fromkeys(map(ord, "\t\r\n"))


class EngineNotInstalledError(Exception):
    """An engine can't be used here; the message says why."""


@dataclass(frozen=True, slots=True)
class Engine:
    """One contestant.

    `constant` is what is timed: every link replaced by `CONSTANT` in the leanest way the library offers.
    `rewrite` is what is judged: the same technique, but with a function that sees each destination, decoded.
    `chunks`, where the library can stream: like `constant`, over pieces, returning the size of the output.
    `ours` is held to the link rules, the peers only to HTML (see `Case.excused`).
    """

    name: str
    constant: Callable[[bytes], bytes]
    rewrite: Callable[[bytes, Replace], bytes]
    chunks: Callable[[Iterable[bytes]], int] | None = None
    is_linkweir: bool = False


def normalize_destination(value: str) -> str | None:
    """What the peers are told about a decoded value: the web address in it, or None if it is none.

    The URL standard strips controls and spaces at both ends and drops tabs and line ends.
    """
    value = value.strip(_STRIPPED).translate(_REMOVED)
    return value if value[:8].lower().startswith(("http://", "https://")) and "{{" not in value else None

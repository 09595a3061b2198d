"""The list of engines. One that is not installed is left out, with its reason."""

from collections.abc import Callable
from functools import cache

from bench.who import ours, pattern, streaming_peers, tree_peers
from bench.who.engine import Engine, MissingError

PEERS: dict[str, Callable[[], Engine]] = {
    "python-lolhtml": streaming_peers.lolhtml,
    "careful re.sub": pattern.pattern,
    "turbohtml": streaming_peers.turbohtml,
    "selectolax": tree_peers.selectolax,
    "lxml": tree_peers.lxml,
    "html5-parser": tree_peers.html5_parser,
}


@cache
def engine(name: str) -> Engine:
    """The engine of that name. Raises MissingError with the reason when it is not installed."""
    try:
        if name in PEERS:
            return PEERS[name]()
        return {each.name: each for each in ours.load()}[name]
    except ImportError as error:
        raise MissingError(f"{name} is not installed here ({error})") from error


def engines() -> tuple[list[Engine], list[str]]:
    """All engines that can be used here, and for each of the others why it can't."""
    found: list[Engine] = []
    reasons: list[str] = []
    for name in ["linkweir.rewrite", "linkweir.Rewriter, 64 KiB chunks", *PEERS]:
        try:
            found.append(engine(name))
        except MissingError as reason:
            reasons.append(str(reason))
    return found, reasons

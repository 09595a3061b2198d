"""The list of engines. One that is not installed is left out, with its reason."""

from collections.abc import Callable
from functools import cache

from linkweir.benchmark import linkweir_engines, regex_engine, streaming_engines, tree_engines
from linkweir.benchmark.rewriting_engine import Engine, EngineNotInstalledError

PEER_LOADERS: dict[str, Callable[[], Engine]] = {
    "python-lolhtml": streaming_engines.load_lolhtml,
    "careful re.sub": regex_engine.load_regex,
    "turbohtml": streaming_engines.load_turbohtml,
    "selectolax": tree_engines.load_selectolax,
    "lxml": tree_engines.load_lxml,
    "html5-parser": tree_engines.load_html5_parser,
}


@cache
def load_engine(name: str) -> Engine:
    """The engine of that name. Raises EngineNotInstalledError with the reason when it is not installed."""
    try:
        if name in PEER_LOADERS:
            return PEER_LOADERS[name]()
        return {each.name: each for each in linkweir_engines.load_linkweir()}[name]
    except ImportError as error:
        raise EngineNotInstalledError(f"{name} is not installed here ({error})") from error


def load_engines() -> tuple[list[Engine], list[str]]:
    """All engines that can be used here, and for each of the others why it can't."""
    result: list[Engine] = []
    reasons: list[str] = []
    for name in ["linkweir.rewrite", "linkweir.Rewriter, 64 KiB chunks", *PEER_LOADERS]:
        try:
            result.append(load_engine(name))
        except EngineNotInstalledError as reason:
            reasons.append(str(reason))
    return result, reasons

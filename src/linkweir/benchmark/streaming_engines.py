"""Peers that rewrite while they tokenize: python-lolhtml and turbohtml."""

import html
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

from linkweir.benchmark.rewriting_engine import CONSTANT, Engine, Replace, normalize_destination

# Everything that the selector can decide is left to it: that is the fastest form.
SELECTOR = 'a[href^="http"]:not([data-as-no-track])'


def load_lolhtml() -> Engine:
    """python-lolhtml. It does not decode attribute values: `html.unescape` stands in where the value
    matters."""
    library: Any = import_module("lolhtml")

    class Constant:
        def element(self, element: Any) -> None:
            element.set_attribute("href", CONSTANT)

    class Careful:
        def __init__(self, replace: Replace) -> None:
            self.replace = replace

        def element(self, element: Any) -> None:
            destination = normalize_destination(html.unescape(element.get_attribute("href")))
            if destination:
                element.set_attribute("href", self.replace(destination))

    def run(pieces: Iterable[bytes], selector: str, handler: object, sink: Callable[[bytes], object]) -> None:
        rewriter = library.HTMLRewriter(sink)
        rewriter.on(selector, handler)
        for piece in pieces:
            rewriter.write(piece)
        rewriter.end()

    def rewrite_collecting(document: bytes, selector: str, handler: object) -> bytes:
        out: list[bytes] = []
        run((document,), selector, handler, out.append)
        return b"".join(out)

    def chunks(pieces: Iterable[bytes]) -> int:
        out: list[int] = []
        run(pieces, SELECTOR, Constant(), lambda piece: out.append(len(piece)))
        return sum(out)

    return Engine(
        "python-lolhtml",
        lambda document: rewrite_collecting(document, SELECTOR, Constant()),
        lambda document, replace: rewrite_collecting(document, "a[href]:not([data-as-no-track])", Careful(replace)),
        chunks,
    )


def load_turbohtml() -> Engine:
    """turbohtml.rewrite, which takes and gives text."""
    library: Any = import_module("turbohtml.rewrite")

    def constant_handler(element: Any) -> None:
        element.set_attribute("href", CONSTANT)

    def run(document: bytes, selector: str, handler: Callable[[Any], None]) -> bytes:
        text: str = library.rewrite(document.decode(), elements=[(selector, handler)])
        return text.encode()

    def rewrite(document: bytes, replace: Replace) -> bytes:
        def handler(element: Any) -> None:
            destination = normalize_destination(element.get("href") or "")
            if destination:
                element.set_attribute("href", replace(destination))

        return run(document, "a[href]:not([data-as-no-track])", handler)

    return Engine("turbohtml", lambda document: run(document, SELECTOR, constant_handler), rewrite)

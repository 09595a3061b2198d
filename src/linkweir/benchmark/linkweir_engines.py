"""Linkweir as an engine, in its several forms."""

from collections.abc import Iterable

from linkweir.benchmark.rewriting_engine import CONSTANT, Engine, Replace

CHUNK_BYTES = 65536


def load_linkweir() -> list[Engine]:
    """`rewrite` with a function, and the same streamed."""
    import linkweir

    def constant_link(destination: str, index: int) -> str:
        return CONSTANT

    def constant(document: bytes) -> bytes:
        return linkweir.rewrite(document, constant_link)

    def rewrite(document: bytes, replace: Replace) -> bytes:
        return linkweir.rewrite(document, lambda destination, index: replace(destination))

    def chunks(pieces: Iterable[bytes]) -> int:
        rewriter = linkweir.Rewriter(constant_link)
        size = sum(len(rewriter.feed(piece)) for piece in pieces)
        return size + len(rewriter.close())

    def rewrite_stream(document: bytes, rewriter: "linkweir.Rewriter") -> bytes:
        view = memoryview(document)
        out = [rewriter.feed(view[at : at + CHUNK_BYTES]) for at in range(0, len(document), CHUNK_BYTES)]
        return b"".join([*out, rewriter.close()])

    return [
        Engine("linkweir.rewrite", constant, rewrite, chunks, is_linkweir=True),
        Engine(
            "linkweir.Rewriter, 64 KiB chunks",
            lambda document: rewrite_stream(document, linkweir.Rewriter(constant_link)),
            lambda document, replace: rewrite_stream(
                document, linkweir.Rewriter(lambda destination, index: replace(destination))
            ),
            chunks,
            is_linkweir=True,
        ),
    ]

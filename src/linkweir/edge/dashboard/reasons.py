"""The reasons of a verdict as sentences, in the order in which they counted."""

from linkweir.click.verdict import REASONS


def sentences(codes: str) -> list[str]:
    """A sentence for each code; a code that is not known any more stands for itself."""
    return [REASONS.get(code, code) for code in codes.split()]

"""The reasons of a verdict as sentences, in the order in which they counted."""

from linkweir.clicks.classify import VERDICT_REASONS


def reason_sentences(codes: str) -> list[str]:
    """A sentence for each code; a code that is not known any more stands for itself."""
    return [VERDICT_REASONS.get(code, code) for code in codes.split()]

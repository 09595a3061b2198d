"""The reasons of a verdict as sentences, the heaviest first."""

from linkweir.clicks.classify import VERDICT_REASONS


def reason_sentences(codes: str) -> list[str]:
    """Return a sentence for each code; a code of a removed rule is returned as it is."""
    return [VERDICT_REASONS.get(code, code) for code in codes.split()]

"""The reasons of a verdict as sentences, the heaviest first."""

from linkweir.clicks.classify import VERDICT_REASONS
from linkweir.translation import translate


def reason_sentences(codes: str) -> list[str]:
    """Return a sentence for each code; a code of a removed rule is returned as it is."""
    return [translate(VERDICT_REASONS.get(code, code)) for code in codes.split()]

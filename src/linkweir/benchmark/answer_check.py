"""Is an engine's answer right? Judged against what the generator knows, never against another engine."""

import re
from collections import Counter
from dataclasses import dataclass

from linkweir.benchmark.case import Case
from linkweir.benchmark.rewriting_engine import CONSTANT, Engine

_MARK = re.compile(rb"https://t\.example\.com/mark/\d+")


class WrongAnswerError(AssertionError):
    """What was to be timed does not give the right answer: its time means nothing."""


@dataclass(frozen=True, slots=True)
class Correctness:
    """`wrong` links (missed, invented, or with another destination) of `total`; were the other bytes left
    alone?"""

    wrong: int
    total: int
    bytes_preserved: bool
    failure: str = ""

    @property
    def is_correct(self) -> bool:
        """Every link and every byte."""
        return not self.failure and self.wrong == 0 and self.bytes_preserved

    def __str__(self) -> str:
        if self.failure:
            return f"fails: {self.failure}"
        faults = [f"wrong: {self.wrong} of {self.total} links"] if self.wrong else []
        faults += [] if self.bytes_preserved else ["bytes changed outside"]
        return "; ".join(faults) or "right"


def check_output(engine: Engine, case: Case) -> Correctness:
    """Run the engine once on the case, and see which links it found and what it did to the rest."""
    seen: list[str] = []

    def mark(destination: str) -> str:
        seen.append(destination)
        return f"https://t.example.com/mark/{len(seen)}"

    total = len(case.sites)
    try:
        output = engine.rewrite(case.document, mark)
        constant = engine.constant(case.document)
    except Exception as error:
        return Correctness(total, total, False, type(error).__name__)
    if case.peer_exemption and not engine.is_linkweir:
        seen = [destination for destination in seen if case.peer_exemption not in destination]
    wrong = count_wrong_links(case.destinations, seen)
    if case.peer_exemption is None and wrong == 0:  # what is timed must do the judged work
        wrong = abs(constant.count(CONSTANT.encode()) - total)
    return Correctness(
        wrong, total, are_bytes_preserved(case.document, output) and are_bytes_preserved(case.document, constant)
    )


def count_wrong_links(expected: list[str], seen: list[str]) -> int:
    """How many links are missed or invented; one with a wrong destination is both, and counts once."""
    missed, invented = Counter(expected) - Counter(seen), Counter(seen) - Counter(expected)
    return max(missed.total(), invented.total())


def are_bytes_preserved(document: bytes, output: bytes) -> bool:
    """True if the output is the document with nothing but whole attribute values replaced.

    The pieces between our links must all be found in the document, in order, the first at its start and the
    last at its end; which values were replaced is not asked here, so a missed link is not counted a second
    time.
    """
    pieces = re.split(_MARK.pattern + b"|" + re.escape(CONSTANT.encode()), output)
    if len(pieces) == 1:
        return output == document
    if not document.startswith(pieces[0]) or not document.endswith(pieces[-1]):
        return False
    at = len(pieces[0])
    for piece in pieces[1:-1]:
        at = document.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return at + len(pieces[-1]) <= len(document)

"""Hits with what they are in truth and what was said of them, as columns; what belongs to a mail in one row of a mail.

Judges nothing: the verdicts come from `bench.classification_run` and from `peers`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bench.simulator.clients import Mail, Request
from linkweir.clicks.classify import Classification
from linkweir.clicks.classify.calibration import shift_base_rate

Mask = NDArray[np.bool_]
Numbers = NDArray[np.float64]
COUNTED_VERDICTS = ("human", "unsure")  # what the contract's `Clicked` and `click_count` take for clicks
HABITS = ("habit:tester", "habit:opens-all")  # people who are told apart from machines by nobody
SIZES = ((1, 1, "1 link"), (2, 2, "2 links"), (3, 5, "3 to 5"), (8, 10**6, "8 and more"), (3, 10**6, "3 and more"))


@dataclass(frozen=True, slots=True)
class LabelledHits:
    """Columns of hits; `mail` is the row of a hit's mail, `links` how many it has."""

    mail: NDArray[np.int64]
    links: NDArray[np.int64]
    truth: NDArray[np.str_]
    actor: NDArray[np.str_]
    traits: tuple[tuple[str, ...], ...]
    verdict: NDArray[np.str_]
    machine_probability: Numbers
    reference_probability: Numbers  # not a number where one rule decided
    mails: int

    def is_truth(self, *truths: str) -> Mask:
        """The hits that are one of these in truth."""
        return np.isin(self.truth, truths)

    def is_verdict(self, *verdicts: str) -> Mask:
        """The hits of which one of these was said."""
        return np.isin(self.verdict, verdicts)

    def has_trait(self, *traits: str) -> Mask:
        """The hits of people with one of these traits."""
        return np.array([any(trait in own for trait in traits) for own in self.traits], dtype=bool)

    def has_links(self, low: int, high: int) -> Mask:
        """The hits on mails with so many links."""
        return (self.links >= low) & (self.links <= high)

    def any_of_mail(self, hits: Mask) -> Mask:
        """The mails with one of these hits."""
        return np.bincount(self.mail, weights=hits, minlength=self.mails) > 0

    def count_by_mail(self, values: Mask | Numbers) -> Numbers:
        """The sum over each mail's hits."""
        return np.bincount(self.mail, weights=values, minlength=self.mails).astype(np.float64)

    def with_verdicts(self, verdicts: Sequence[str]) -> "LabelledHits":
        """The same hits with what somebody else says of them: a machine for certain, or not."""
        said = np.array(verdicts, dtype=np.str_)
        return replace(self, verdict=said, machine_probability=(said == "machine").astype(np.float64))

    def with_base_rate(self) -> "LabelledHits":
        """The same hits with their probabilities where it is known which part of them is machines'."""
        shifted = [
            given if np.isnan(reference) else shift_base_rate(reference, self.base_rate)
            for given, reference in zip(self.machine_probability, self.reference_probability, strict=True)
        ]
        return replace(self, machine_probability=np.array(shifted))

    @property
    def base_rate(self) -> float:
        """The part of machines among the hits that are weighed: no single rule decided, and nobody of the sender's."""
        weighed = ~np.isnan(self.reference_probability) & ~self.is_truth("prefetch") & ~self.has_trait("habit:tester")
        return float(self.is_truth("machine")[weighed].mean())


def label_hits(
    campaigns: Iterable[Iterable[tuple[Mail, Request, Classification]]], sizes: Sequence[int]
) -> LabelledHits:
    """The columns of several campaigns with so many mails each."""
    rows: list[tuple[int, Mail, Request, Classification]] = []
    offset = 0
    for campaign, mails in zip(campaigns, sizes, strict=True):
        rows += [(offset + mail.number, mail, request, said) for mail, request, said in campaign]
        offset += mails
    return LabelledHits(
        mail=np.array([number for number, *_ in rows]),
        links=np.array([mail.links for _, mail, *_ in rows]),
        truth=np.array([request.truth for *_, request, _ in rows]),
        actor=np.array([request.actor for *_, request, _ in rows]),
        traits=tuple(request.traits for *_, request, _ in rows),
        verdict=np.array([said.verdict for *_, said in rows]),
        machine_probability=np.array([said.machine_probability for *_, said in rows]),
        reference_probability=np.array([said.reference_probability for *_, said in rows], dtype=np.float64),
        mails=offset,
    )

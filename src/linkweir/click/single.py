"""One click while it is judged and counted: as it came from the journal or from the store, and what becomes of it.

Knows what it counts under by itself; refuses to know its message.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

from linkweir.store.hits import Name
from linkweir.store.sums import BITS, COUNTED, OVERALL

Key = tuple[str, str]  # a dimension and a value along it; ("", "") for all
WHOLE: Key = ("", "")
BIT = {"": OVERALL, **BITS}


@dataclass(slots=True, eq=False)
class Click:
    """A hit on a link or pixel. The fields to `tell_at` are the columns that `store.hits` reads, in their order.

    `before` is the verdict that the sums have it under so far (None: not yet), `bits` along which dimensions it is the
    first counted click of its message (see store.sums), `bits_before` what the store has of that.
    """

    id: uuid.UUID
    at: int
    kind: str
    method: str
    privacy: str
    account: uuid.UUID | None
    message: uuid.UUID | None
    ref: str | None
    position: int
    destination: str | None
    ip: str | None
    user_agent: str | None
    prefetch: bool
    signals: str
    client: str | None
    device: str | None
    country: str | None
    network: str | None
    verdict: str = "unsure"
    confidence: float = 0.0
    reasons: str = ""
    first: bool = False
    firsts: int = 0
    told: str | None = None
    tell_at: int | None = None
    before: str | None = None
    bits: int = 0
    bits_before: int = 0
    own: tuple[Key, ...] = ()
    order: tuple[int, int] = field(default=(0, 0))

    def __post_init__(self) -> None:
        """Fill what follows from the rest."""
        self.bits = self.bits_before = self.firsts | (OVERALL if self.first else 0)
        self.order = (self.at, self.id.int)
        self.own = tuple(self._own()) if self.kind == "click" else ()

    def _own(self) -> Iterator[Key]:
        yield WHOLE
        if self.privacy == "anonymous":
            yield "link", str(self.position)
        elif self.destination is not None:
            yield "link", f"{self.position}\t{self.destination}"
            yield "destination", self.destination
        if self.country is not None:
            yield "country", self.country
        if self.device is not None:
            yield "device", self.device
        if self.client is not None:
            yield "client", self.client

    @property
    def name(self) -> Name | None:
        """What clicks of the same message have in common: its id, or what its tokens call it."""
        return self.message or self.ref

    @property
    def judgement(self) -> tuple[str, float, str]:
        """Verdict, confidence and reasons."""
        return self.verdict, self.confidence, self.reasons

    @property
    def flags(self) -> tuple[bool, int]:
        """`first` and `firsts`."""
        return bool(self.bits & OVERALL), self.bits & ~OVERALL

    @property
    def counts(self) -> bool:
        """Whether a person may have clicked: see store.sums."""
        return self.verdict in COUNTED and self.kind == "click"

    @property
    def counted(self) -> bool:
        """Whether the sums have it as one of a person so far."""
        return self.before in COUNTED and self.kind == "click"

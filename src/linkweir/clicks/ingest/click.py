"""One click while it is judged and counted: as it came from the journal or from the store, and what becomes of it.

Knows what it counts under by itself; refuses to know its message.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

from linkweir.db.aggregate_columns import COUNTED_VERDICTS, UNIQUE_BITS, UNIQUE_OVERALL_BIT
from linkweir.db.reclassification_queries import MessageRef

DimensionValue = tuple[str, str]  # a dimension and a value along it; ("", "") for all
ALL_CLICKS: DimensionValue = ("", "")
DIMENSION_FLAGS = {"": UNIQUE_OVERALL_BIT, **UNIQUE_BITS}


@dataclass(slots=True, eq=False)
class IngestedClick:
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
    message_ref: str | None
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
    notified_verdict: str | None = None
    notify_at: int | None = None
    counted_verdict: str | None = None
    unique_flags: int = 0
    stored_unique_flags: int = 0
    own_dimensions: tuple[DimensionValue, ...] = ()
    sort_key: tuple[int, int] = field(default=(0, 0))

    def __post_init__(self) -> None:
        """Fill what follows from the rest."""
        self.unique_flags = self.stored_unique_flags = self.firsts | (UNIQUE_OVERALL_BIT if self.first else 0)
        self.sort_key = (self.at, self.id.int)
        self.own_dimensions = tuple(self._iter_dimensions()) if self.kind == "click" else ()

    def _iter_dimensions(self) -> Iterator[DimensionValue]:
        yield ALL_CLICKS
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
    def message_key(self) -> MessageRef | None:
        """What clicks of the same message have in common: its id, or what its tokens call it."""
        return self.message or self.message_ref

    @property
    def classification(self) -> tuple[str, float, str]:
        """Verdict, confidence and reasons."""
        return self.verdict, self.confidence, self.reasons

    @property
    def flag_columns(self) -> tuple[bool, int]:
        """`first` and `firsts`."""
        return bool(self.unique_flags & UNIQUE_OVERALL_BIT), self.unique_flags & ~UNIQUE_OVERALL_BIT

    @property
    def is_counted(self) -> bool:
        """Whether a person may have clicked: see store.sums."""
        return self.verdict in COUNTED_VERDICTS and self.kind == "click"

    @property
    def was_counted(self) -> bool:
        """Whether the sums have it as one of a person so far."""
        return self.counted_verdict in COUNTED_VERDICTS and self.kind == "click"

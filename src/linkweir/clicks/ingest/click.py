"""One click while it is judged and counted: as it came from the journal or from the store, and what becomes of it.

Knows what it counts under by itself; refuses to know its message.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

from linkweir.db.aggregate_columns import COUNTED_VERDICTS
from linkweir.db.dimensions import CLICK_DIMENSION_NAMES, UNIQUE_FLAGS, UNIQUE_OVERALL_FLAG, DimensionValue
from linkweir.db.reclassification_queries import MessageRef

ALL_CLICKS: DimensionValue = ("", "")
DIMENSION_FLAGS = {"": UNIQUE_OVERALL_FLAG, **UNIQUE_FLAGS}
CLIENT_INDEX = CLICK_DIMENSION_NAMES.index("client")
DEVICE_INDEX = CLICK_DIMENSION_NAMES.index("device")


@dataclass(slots=True, eq=False)
class IngestedClick:
    """A hit on a link or pixel. The fields to `notify_at` are those of `reclassification_queries.HIT_COLUMNS`, in their
    order; `dimension_values` are the columns that follow there, those of `dimensions.CLICK_DIMENSIONS`.

    `counted_verdict` is the verdict that aggregates have it under so far (None: not yet), `unique_flags` the dimensions
    along which it is the first counted click of its message, `stored_unique_flags` what the database has of that.
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
    network: str | None
    verdict: str = "unsure"
    confidence: float = 0.0
    reasons: str = ""
    first: bool = False
    firsts: int = 0
    notified_verdict: str | None = None
    notify_at: int | None = None
    dimension_values: tuple[str | None, ...] = (None,) * len(CLICK_DIMENSION_NAMES)
    counted_verdict: str | None = None
    unique_flags: int = 0
    stored_unique_flags: int = 0
    own_dimensions: tuple[DimensionValue, ...] = ()
    sort_key: tuple[int, int] = field(default=(0, 0))

    def __post_init__(self) -> None:
        """Fill what follows from the rest."""
        self.unique_flags = self.stored_unique_flags = self.firsts | (UNIQUE_OVERALL_FLAG if self.first else 0)
        self.sort_key = (self.at, self.id.int)
        self.own_dimensions = tuple(self._iter_dimensions()) if self.kind == "click" else ()

    def _iter_dimensions(self) -> Iterator[DimensionValue]:
        yield ALL_CLICKS
        if self.privacy == "anonymous":
            yield "link", str(self.position)
        elif self.destination is not None:
            yield "link", f"{self.position}\t{self.destination}"
            yield "destination", self.destination
        for name, value in zip(CLICK_DIMENSION_NAMES, self.dimension_values, strict=True):
            if value is not None:
                yield name, value

    @property
    def client(self) -> str | None:
        """Browser or mail program."""
        return self.dimension_values[CLIENT_INDEX]

    @property
    def device(self) -> str | None:
        """Device class."""
        return self.dimension_values[DEVICE_INDEX]

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
        return bool(self.unique_flags & UNIQUE_OVERALL_FLAG), self.unique_flags & ~UNIQUE_OVERALL_FLAG

    @property
    def is_counted(self) -> bool:
        """Whether a person may have clicked: see store.sums."""
        return self.verdict in COUNTED_VERDICTS and self.kind == "click"

    @property
    def was_counted(self) -> bool:
        """Whether the sums have it as one of a person so far."""
        return self.counted_verdict in COUNTED_VERDICTS and self.kind == "click"

"""A click: one row of the table `clicks` with its enrichment, target and verdict, while it is classified and counted.

Knows what it counts under and how the rules see it; refuses to know the other clicks of its message.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from operator import attrgetter
from typing import Any

from linkweir.clicks.classify import Hit, InternalOrigin
from linkweir.clicks.click_event import ClickEvent
from linkweir.clicks.enrichment import Enricher, Enrichment
from linkweir.db.aggregate_columns import COUNTED_VERDICTS
from linkweir.db.click_probabilities import BASIS_POINTS, ProbableHit, list_click_values
from linkweir.db.clicks_table import INSERT_COLUMNS
from linkweir.db.dimensions import (
    CLICK_DIMENSION_NAMES,
    CLICK_DIMENSIONS,
    UNIQUE_FLAGS,
    UNIQUE_OVERALL_FLAG,
    DimensionValue,
    iter_message_values,
    message_scopes,
)
from linkweir.db.reclassification_queries import CLICK_COLUMNS, MessageRef
from linkweir.tokens.campaign_tags import SANDBOX_TAG

MAX_KNOWN_SIGNALS = 1024  # codes of requests, as they came together, that are remembered
DIMENSION_FLAGS = {"": UNIQUE_OVERALL_FLAG, **UNIQUE_FLAGS}
_FIELD_BY_COLUMN = {"told": "notified_verdict", "tell_at": "notify_at"}  # the others have the names of their columns
_STORED_FIELDS = tuple(
    (_FIELD_BY_COLUMN.get(name, name), name)
    for name in CLICK_COLUMNS
    if name not in ("first", "firsts", *CLICK_DIMENSION_NAMES)
)


@dataclass(frozen=True, slots=True)
class AggregationTarget:
    """Where a click counts because of its message: whose account, within which scopes, and along which dimensions that
    all clicks of the message share.
    """

    account_id: uuid.UUID
    scopes: tuple[str, ...] = ("",)
    shared_dimensions: tuple[DimensionValue, ...] = ()


def target_for_message(row: Mapping[Any, Any]) -> AggregationTarget | None:
    """The target of clicks on a message; None for one of the sandbox, which was not delivered to anybody."""
    if row["sandbox_result"] is not None:
        return None
    return AggregationTarget(row["account_id"], message_scopes(row), tuple(iter_message_values(row)))


def target_for_campaign(account_id: uuid.UUID, campaign: str | None) -> AggregationTarget | None:
    """The target of clicks that are tied to no message of this service: anonymous ones, and links minted in bulk; None
    for those of the sandbox.
    """
    if campaign == SANDBOX_TAG:
        return None
    if campaign is None:
        return AggregationTarget(account_id)
    return AggregationTarget(account_id, ("", f"tag:{campaign}"), (("tag", campaign),))


@dataclass(slots=True, eq=False, kw_only=True)
class Click:
    """A hit on a link, pixel or honeypot. Fields have the names of their columns but `notified_verdict` (`told`) and
    `notify_at` (`tell_at`); `dimensions` holds the columns of `db.dimensions.CLICK_DIMENSIONS`, in their order.

    `unique_flags`: along which dimensions it is the first counted click of its message (`db.aggregate_columns`), and
    `stored_unique_flags` what the database has of that. `machine_basis_points`: how likely a machine followed.
    `counted_verdict` and `counted_machine_basis_points`: what the aggregates have it under; None for a new click.
    `internal`: by what the sender's own people made it. `target`: None where it counts nowhere.
    """

    id: uuid.UUID
    at: int
    kind: str
    method: str
    privacy: str
    account_id: uuid.UUID | None
    message_id: uuid.UUID | None
    message_ref: str | None
    key_id: int
    campaign: str | None
    position: int
    destination: str | None
    ip: str | None
    user_agent: str | None
    prefetch: bool
    signals: str
    dimensions: dict[str, str | None]
    system: str | None
    region: str | None
    network: str | None
    internal: InternalOrigin | None = None
    verdict: str = "unsure"
    confidence: float = 0.0
    reasons: str = ""
    machine_basis_points: int = BASIS_POINTS // 2
    notified_verdict: str | None = None
    notify_at: int | None = None
    unique_flags: int = 0
    stored_unique_flags: int = 0
    counted_verdict: str | None = None
    counted_machine_basis_points: int | None = None
    target: AggregationTarget | None = None
    own_dimensions: tuple[DimensionValue, ...] = field(init=False)
    sort_key: tuple[int, int] = field(init=False)

    def __post_init__(self) -> None:
        """Fill what follows from the rest."""
        self.sort_key = (self.at, self.id.int)
        if self.kind == "click":
            self.own_dimensions = list_click_values(self.privacy, self.position, self.destination, self.dimensions)
        else:
            self.own_dimensions = ()

    @classmethod
    def from_event(
        cls,
        event: ClickEvent,
        enrichment: Enrichment,
        *,
        account_id: uuid.UUID | None,
        message_id: uuid.UUID | None,
        campaign: str | None,
        internal: InternalOrigin | None = None,
    ) -> "Click":
        """A new click: an event with what is derived from it and whom it belongs to."""
        return cls(
            id=event.id,
            at=event.at,
            kind=event.kind,
            method=event.method,
            privacy=event.privacy,
            account_id=account_id,
            message_id=message_id,
            message_ref=None if event.objected or message_id is not None else event.message_ref,
            key_id=event.key_id,
            campaign=campaign,
            position=event.position,
            destination=event.destination,
            ip=event.ip,
            user_agent=event.user_agent,
            prefetch=event.prefetch,
            signals=event.signals,
            dimensions={
                dimension.name: getattr(event if dimension.from_request else enrichment, dimension.name)
                for dimension in CLICK_DIMENSIONS
            },
            system=enrichment.system,
            region=enrichment.region,
            network=enrichment.network,
            internal=internal,
        )

    @classmethod
    def from_row(cls, row: Mapping[Any, Any], target: AggregationTarget | None = None) -> "Click":
        """A stored click, from a row with at least CLICK_COLUMNS."""
        flags = row["firsts"] | (UNIQUE_OVERALL_FLAG if row["first"] else 0)
        return cls(
            **{name: row[column] for name, column in _STORED_FIELDS},
            dimensions={name: row[name] for name in CLICK_DIMENSION_NAMES},
            unique_flags=flags,
            stored_unique_flags=flags,
            counted_verdict=row["verdict"],
            counted_machine_basis_points=row["machine_basis_points"],
            target=target,
        )

    def to_row(self) -> tuple[Any, ...]:
        """The values of `clicks_table.INSERT_COLUMNS`."""
        return (*_insert_values(self), *self.dimensions.values())

    def to_hit(self, enricher: Enricher) -> Hit:
        """The click as the rules see it."""
        return Hit(
            id=self.id.int,
            at=self.at,
            method=self.method,
            position=self.position,
            kind=self.kind,
            ip=self.ip,
            user_agent=self.user_agent,
            prefetch=self.prefetch,
            signals=_split_signals(self.signals),
            client=self.dimensions["client"],
            device=self.dimensions["device"],
            network=self.network,
            network_certain=enricher.is_scanner_network(self.network, self.ip),
            user_agent_class=enricher.user_agent_class(self.user_agent),
            internal=self.internal,
        )

    def to_probable_hit(self) -> ProbableHit:
        """The click as expected numbers see it."""
        return ProbableHit(self.at, self.id.int, self.machine_basis_points, self.own_dimensions)

    @property
    def message_key(self) -> MessageRef | None:
        """What clicks of the same message have in common: its id, or what its tokens call it."""
        return self.message_id or self.message_ref

    @property
    def first(self) -> bool:
        """Whether it is the first counted click of its message."""
        return bool(self.unique_flags & UNIQUE_OVERALL_FLAG)

    @property
    def firsts(self) -> int:
        """The dimensions along which it is the first counted click of its message, as bits."""
        return self.unique_flags & ~UNIQUE_OVERALL_FLAG

    @property
    def is_counted(self) -> bool:
        """Whether a person may have clicked: see `db.aggregate_columns`."""
        return self.verdict in COUNTED_VERDICTS and self.kind == "click"

    @property
    def probability_changed(self) -> bool:
        """Whether the expected numbers have it otherwise, or not at all."""
        return self.kind == "click" and self.machine_basis_points != self.counted_machine_basis_points

    @property
    def was_counted(self) -> bool:
        """Whether the aggregates count it as a person's so far."""
        return self.counted_verdict in COUNTED_VERDICTS and self.kind == "click"


@lru_cache(MAX_KNOWN_SIGNALS)
def _split_signals(signals: str) -> tuple[str, ...]:
    return tuple(signals.split())


_insert_values = attrgetter(
    *(_FIELD_BY_COLUMN.get(name, name) for name in INSERT_COLUMNS if name not in CLICK_DIMENSION_NAMES)
)

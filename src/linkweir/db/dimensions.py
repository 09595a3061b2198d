"""The dimensions of statistics: all that clicks can be counted by, in one table.

Columns of `clicks`, aggregates, rebuilds, the API's `group_by`, segments of the dashboard, exports, retention and the
privacy page follow from it. The manual's page on contributing says how to add a dimension.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import Column, String, Text
from sqlalchemy.types import TypeEngine

DimensionValue = tuple[str, str]  # a dimension and a value along it; ("", "") for all clicks
ATTRIBUTE_PREFIX: Final = "attribute:"  # before the name of a recipient's attribute, which is a dimension too
UNIQUE_OVERALL_FLAG: Final = 1 << 15  # of `clicks.first`, beside the flags of `clicks.firsts`, which have 15 bits


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """One dimension. `source` is what its values are known of:

    - link: position and destination of the link;
    - click: the column of `clicks` that bears its name, with the type `column_type`; it is a field of `ClickEvent` if
      the redirect reads it (`from_request`), else of `Enrichment`;
    - message: the column of `messages` that bears its name.

    `unique_flag` is its bit in `clicks.firsts`, set on the first counted click of a message with each value: a flag is
    stored and must not change. `is_coarse`: recorded in every privacy mode, and kept when the message is deleted.
    `names_person`: a value may identify a recipient, so erasure subtracts it. `segment_rank`: place on a campaign's
    page; 0 shows it on a page of its own only; without a `title` there is none. `disclosure`: words for the value on
    the privacy page.
    """

    name: str
    source: Literal["link", "click", "message"]
    title: str = ""
    unique_flag: int = 0
    column_type: TypeEngine[str] | None = None
    from_request: bool = False
    is_coarse: bool = False
    names_person: bool = False
    segment_rank: int = 0
    disclosure: str = ""

    @property
    def article_disclosure(self) -> str:
        """The words for the value in the middle of a sentence."""
        return f"the {self.disclosure}"


DIMENSIONS: Final = (
    Dimension(name="link", source="link", unique_flag=1, names_person=True),
    Dimension(name="destination", source="link", unique_flag=2, names_person=True, disclosure="destination"),
    Dimension(
        name="country",
        source="click",
        title="Country",
        unique_flag=4,
        column_type=String(2),  # ISO 3166
        is_coarse=True,
        segment_rank=4,
        disclosure="country",
    ),
    Dimension(
        name="device",
        source="click",
        title="Device",
        unique_flag=8,
        column_type=String(16),
        is_coarse=True,
        segment_rank=2,
        disclosure="kind of device",
    ),
    Dimension(
        name="client",
        source="click",
        title="Browser or mail program",
        unique_flag=16,
        column_type=Text(),
        segment_rank=3,
        disclosure="program",
    ),
    Dimension(
        name="corrected_destination",  # where a link led instead of its destination
        source="click",
        unique_flag=32,
        column_type=Text(),
        from_request=True,
        disclosure="destination after a correction",
    ),
    Dimension(name="tag", source="message", disclosure="campaign"),
    Dimension(name="sender_domain", source="message", disclosure="sender"),
    Dimension(
        name="recipient_domain",
        source="message",
        title="Recipient domain",
        names_person=True,
        segment_rank=1,
        disclosure="recipients' domain",
    ),
    Dimension(name="variant", source="message", title="Variant", disclosure="variant of the mail"),
)
DIMENSION_NAMES: Final = tuple(dimension.name for dimension in DIMENSIONS)
CLICK_DIMENSIONS: Final = tuple(
    dimension for dimension in DIMENSIONS if dimension.source == "click"
)  # columns of `clicks`
CLICK_DIMENSION_NAMES: Final = tuple(dimension.name for dimension in CLICK_DIMENSIONS)
# columns of `messages` that are dimensions as they stand; a message has several tags
MESSAGE_COLUMN_NAMES: Final = tuple(
    dimension.name for dimension in DIMENSIONS if dimension.source == "message" and dimension.name != "tag"
)
PERSONAL_DIMENSIONS: Final = (ATTRIBUTE_PREFIX, *(dimension.name for dimension in DIMENSIONS if dimension.names_person))
SEGMENT_TITLES: Final = {dimension.name: dimension.title for dimension in DIMENSIONS if dimension.title}
CAMPAIGN_SEGMENTS: Final = tuple(
    dimension.name
    for dimension in sorted(DIMENSIONS, key=lambda dimension: dimension.segment_rank)
    if dimension.segment_rank
)


def collect_flags(dimensions: tuple[Dimension, ...]) -> dict[str, int]:
    """Return the flag of each dimension of links and clicks. Raises ValueError for a flag that is no bit of its own."""
    flags = {dimension.name: dimension.unique_flag for dimension in dimensions if dimension.source != "message"}
    taken = 0
    for name, flag in flags.items():
        if flag.bit_count() != 1 or flag >= UNIQUE_OVERALL_FLAG or flag & taken:
            raise ValueError(f"dimension {name!r}: unique_flag {flag} is not a bit below 2**15 that no other has")
        taken |= flag
    return flags


UNIQUE_FLAGS: Final = collect_flags(DIMENSIONS)


def click_columns() -> list[Column[str]]:
    """The columns of `clicks` that are dimensions."""
    return [Column(dimension.name, dimension.column_type) for dimension in CLICK_DIMENSIONS]


def is_message_dimension(name: str) -> bool:
    """Whether its values are known of messages, too, so that there are rates."""
    return name.startswith(ATTRIBUTE_PREFIX) or name in MESSAGE_COLUMN_NAMES or name == "tag"


def message_scopes(row: Mapping[Any, Any]) -> tuple[str, ...]:
    """Return the scopes that clicks on a message count within, from its row: `tags` and `sender_domain`."""
    return ("", *(f"tag:{tag}" for tag in dict.fromkeys(row["tags"])), f"sender:{row['sender_domain']}")


def iter_message_values(row: Mapping[Any, Any]) -> Iterator[DimensionValue]:
    """The dimensions of a message, from its row: `tags`, `attributes` and MESSAGE_COLUMN_NAMES."""
    for tag in dict.fromkeys(row["tags"]):
        yield "tag", tag
    for name in MESSAGE_COLUMN_NAMES:
        if row[name] is not None:
            yield name, row[name]
    for name, value in (row["attributes"] or {}).items():
        yield ATTRIBUTE_PREFIX + name, value

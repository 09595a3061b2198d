"""What the endpoints on clicks and people answer, as types; all of it ours."""

from typing import Any, Literal
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from linkweir.accounts.resource_changes import PrivacyName
from linkweir.html import Outcome

VerdictName = Literal["human", "prefetch", "machine", "unsure", "internal"]


class VerdictReason(Struct):
    """One thing that speaks for a verdict: a stable code, and the same for people."""

    code: str
    sentence: str


class ClickResource(Struct, kw_only=True, tag_field="object", tag="click"):
    """One hit on a link. What the privacy mode does not allow is null. `machine_probability`: how likely a machine
    followed the link, or one that nobody reads (a HEAD request, a prefetch); null for an internal click.
    """

    id: UUID
    time: str
    position: int
    destination: str | None
    method: str
    privacy: PrivacyName
    verdict: VerdictName
    confidence: float
    machine_probability: float | None
    first: bool
    ip: str | None
    user_agent: str | None
    client: str | None
    system: str | None
    device: str | None
    country: str | None
    region: str | None
    network: str | None
    reasons: list[VerdictReason]


class MessageLinkResource(Struct):
    """One link of a message; `text` and `part` are known while the mail is kept. `warning`: the text is an address, and
    the link leads to another one, which looks like phishing.
    """

    position: int
    part: str | None
    text: str | None
    destination: str | None
    outcome: Outcome
    reason: str
    warning: str | None
    human: int
    unsure: int
    machine: int
    prefetch: int
    internal: int
    total: int
    click_count: int
    expected_clicks: float
    expected_clicks_low: float
    expected_clicks_high: float
    first_at: str | None


class MessageLinkList(Struct, kw_only=True, tag_field="object", tag="list"):
    """The links in order; not `complete` when the mail is gone, and then `note` says so."""

    data: list[MessageLinkResource]
    complete: bool
    note: str | None


class ClickCountFields(Struct, kw_only=True):
    """Clicks by verdict, of which `total` are all; `click_count` are human and unsure, `clickers` messages whose first
    counted click it was. `internal` ones, by the sender's own people, are in `total` and in no other figure.

    Beside them: how many of all clicks, and how many messages clicked, are expected to be by people, from the
    probability of each click; `…_low` to `…_high` holds the true number in 95 of 100 cases. `certain_clickers`:
    messages that a person clicked with a probability of 0.95 or more.
    """

    human: int
    unsure: int
    machine: int
    prefetch: int
    internal: int
    total: int
    click_count: int
    clickers: int
    expected_clicks: float
    expected_clicks_low: float
    expected_clicks_high: float
    expected_clickers: float
    expected_clickers_low: float
    expected_clickers_high: float
    certain_clickers: int


class StatisticsRow(ClickCountFields, kw_only=True):
    """One period, or one value; messages and rate where the value is known before anybody clicks."""

    from_timestamp: str | UnsetType = UNSET
    to_timestamp: str | UnsetType = UNSET
    value: str | UnsetType = UNSET
    position: int | UnsetType = UNSET
    destination: str | UnsetType | None = UNSET
    sent: int | UnsetType = UNSET
    delivered: int | UnsetType = UNSET
    click_rate: float | UnsetType | None = UNSET
    expected_click_rate: float | UnsetType | None = UNSET


class RateFields(ClickCountFields, kw_only=True):
    """Clicks beside messages; `click_rate` is clickers by delivered messages, null without any, and
    `expected_click_rate` the same of expected clickers.
    """

    sent: int
    delivered: int
    click_rate: float | None
    expected_click_rate: float | None


class CampaignRow(RateFields, kw_only=True):
    """One tag."""

    tag: str


class VariantRow(RateFields, kw_only=True):
    """One variant of a campaign."""

    variant: str


class ClickStatistics(Struct, kw_only=True, tag_field="object", tag="list"):
    """The rows, and the whole hours that they are of."""

    data: list[StatisticsRow]
    from_timestamp: str
    to_timestamp: str
    has_more: bool


class CampaignStatistics(Struct, kw_only=True, tag_field="object", tag="list"):
    """The campaigns, and the whole hours that they are of."""

    data: list[CampaignRow]
    from_timestamp: str
    to_timestamp: str
    has_more: bool


class VariantDifference(Struct):
    """How much more `other` is clicked than `base`: the difference, the interval that holds the true one (95 %), the
    p-value, and what that means. For several comparisons the interval is wider and the p-value larger (Bonferroni);
    `significant` is `p_value` below 0.05, exactly when the interval excludes 0. Where nothing can be judged (groups of
    fewer than 50 messages) these four are null, and `meaning` says why.
    """

    base: str
    other: str
    difference: float
    low: float | None
    high: float | None
    p_value: float | None
    significant: bool | None
    meaning: str


class VariantStatistics(Struct, kw_only=True, tag_field="object", tag="variants"):
    """A campaign's variants, and how they differ."""

    tag: str
    data: list[VariantRow]
    differences: list[VariantDifference]


class ClickerResource(Struct, kw_only=True, tag_field="object", tag="clicker"):
    """One message whose recipient clicked; with which probability a person did, and how many clicks people are expected
    to have made (on the link asked for).
    """

    message_id: UUID
    recipient: str
    variant: str | None
    click_count: int
    expected_clicks: float
    expected_clicks_low: float
    expected_clicks_high: float
    click_probability: float
    links: int
    machine: int
    sent_at: str
    first_at: str | None


class RecipientExport(Struct, kw_only=True, tag_field="object", tag="recipient"):
    """Everything that is stored on one person: messages with every row that belongs to them, column by column, and by
    table the destinations that hold the address.
    """

    email: str
    messages: list[dict[str, Any]]
    named: dict[str, list[str]]


class ErasureResponse(Struct, kw_only=True, tag_field="object", tag="erased"):
    """What was removed. `overwritten`: no old copy is left in the database's files."""

    messages: int
    rows: dict[str, int]
    mails: int
    contents_of_others: int
    links_of_others: int
    texts_of_others: int
    replies: int
    sums: int
    overwritten: bool

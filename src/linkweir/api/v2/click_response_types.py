"""Responses of the endpoints on clicks and recipients; all of them are extensions."""

from typing import Any, Literal
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from linkweir.accounts.resource_changes import PrivacyName
from linkweir.html import Outcome

VerdictName = Literal["human", "prefetch", "machine", "unsure", "internal"]


class VerdictReason(Struct):
    """A reason of a verdict: a stable code and a sentence."""

    code: str
    sentence: str


class ClickResource(Struct, kw_only=True, tag_field="object", tag="click"):
    """One click. Fields that the privacy mode does not allow are null. `corrected_destination`: where the link led, if
    its destination was corrected. `machine_probability`: how likely a machine followed the link, or one that nobody
    reads (a HEAD request, a prefetch); null for an internal click.
    """

    id: UUID
    time: str
    position: int
    destination: str | None
    corrected_destination: str | None
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
    """One link of a message; `text` and `part` are known while the mail is stored. `warning`: the text is an address
    other than the link's, which looks like phishing.
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
    """The links in order; `complete` is false when the mail is no longer stored, as `note` says."""

    data: list[MessageLinkResource]
    complete: bool
    note: str | None


class ClickCountFields(Struct, kw_only=True):
    """Clicks by verdict. `total`: all; `click_count`: human and unsure; `clickers`: messages with their first counted
    click. `internal` clicks, by the sender's own people, count in `total` and in no other figure.

    `expected_…`: the expected number of clicks by people and of messages they clicked, from the probability of each
    click; the range `…_low` to `…_high` contains the true number in 95 of 100 cases. `certain_clickers`:
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
    """One period or one value; messages and rates only where the value is known of messages, not just of clicks."""

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
    """Clicks and messages. `click_rate`: clickers per delivered message, null without any; `expected_click_rate`:
    expected clickers per delivered message.
    """

    sent: int
    delivered: int
    click_rate: float | None
    expected_click_rate: float | None


class CampaignRow(RateFields, kw_only=True):
    """One campaign (tag)."""

    tag: str


class VariantRow(RateFields, kw_only=True):
    """One variant of a campaign."""

    variant: str


class ClickStatistics(Struct, kw_only=True, tag_field="object", tag="list"):
    """The rows and the period, in whole hours."""

    data: list[StatisticsRow]
    from_timestamp: str
    to_timestamp: str
    has_more: bool


class CampaignStatistics(Struct, kw_only=True, tag_field="object", tag="list"):
    """The campaigns and the period, in whole hours."""

    data: list[CampaignRow]
    from_timestamp: str
    to_timestamp: str
    has_more: bool


class VariantDifference(Struct):
    """How much the click rate of `other` exceeds that of `base`: the difference, its 95 % interval, the p-value and
    their meaning. For several comparisons the interval is wider and the p-value larger (Bonferroni);
    `significant` is `p_value` below 0.05, exactly when the interval excludes 0. For groups of fewer than
    50 messages these four are null, and `meaning` says why.
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
    """The variants of a campaign and their differences."""

    tag: str
    data: list[VariantRow]
    differences: list[VariantDifference]


class ClickerResource(Struct, kw_only=True, tag_field="object", tag="clicker"):
    """One message whose recipient clicked: the probability that a person clicked it, and the expected clicks by people
    (on the requested link).
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
    """All data stored about one person: messages with all their rows and columns, and by table the destinations that
    contain the address.
    """

    email: str
    messages: list[dict[str, Any]]
    named: dict[str, list[str]]


class ErasureResponse(Struct, kw_only=True, tag_field="object", tag="erased"):
    """What was erased. `overwritten`: no old copy is left in the database files. `remaining_copies`: where some may be
    left: `tables`, `write_ahead_log`, `log_archive`, `replicas`. `pending_machines`: those that were silent and may
    hold clicks of this person; not done while there are any.
    """

    messages: int
    rows: dict[str, int]
    mails: int
    contents_of_others: int
    links_of_others: int
    texts_of_others: int
    replies: int
    sums: int
    overwritten: bool
    remaining_copies: list[str]
    pending_machines: list[str]

"""Response bodies of the API, described in the OpenAPI document.

Times are RFC 3339 texts. Fields that are UNSET are omitted.
"""

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType, defstruct, structs

from linkweir.accounts.resource_changes import PrivacyName, UtmOptions
from linkweir.clock import rfc3339
from linkweir.html import Outcome
from linkweir.webhooks.event_kinds import EVENT_NAMES, UNSUPPORTED_EVENT_NAMES

T = TypeVar("T")
S = TypeVar("S", bound=Struct)

# Fields of the contract that are answered for its clients' sake, and here always null or false, are left out of the
# OpenAPI document: nobody should build on them.
UNDESCRIBED = Meta(extra_json_schema={"undescribed": True})
AlwaysNull = Annotated[None, UNDESCRIBED]
AlwaysFalse = Annotated[bool, UNDESCRIBED]


def from_row(shape: type[S], row: Mapping[Any, Any], **values: Any) -> S:
    """Build a response from a row: required fields that are not in `values` are columns of the same name.

    Columns whose names end in `_at` hold microseconds since 1970.
    """
    columns = {name: row[name] for name in _required_fields(shape) if name not in values}
    times = {name: rfc3339(at) for name, at in columns.items() if name.endswith("_at")}
    return shape(**{**columns, **times, **values})


@functools.cache
def _required_fields(shape: type[Struct]) -> tuple[str, ...]:
    return tuple(field.name for field in structs.fields(shape) if field.required)


class Pagination(Struct):
    """Pass `next_cursor` as `after`, `previous_cursor` as `before`."""

    has_more: bool
    next_cursor: str | UnsetType = UNSET
    previous_cursor: str | UnsetType = UNSET


class ResourceList(Struct, Generic[T], tag_field="object", tag="list"):
    """A list."""

    data: list[T]


class ResourcePage(ResourceList[T], Generic[T], tag_field="object", tag="list"):
    """A page of a list."""

    pagination: Pagination


class ErrorResponse(Struct):
    """Every error."""

    message: str


class Acknowledgement(Struct):
    """Confirmation of a request without other results."""

    message: str


class PolicyFields(Struct, kw_only=True):
    """Tracking preferences (extension)."""

    privacy: PrivacyName | None
    link_style: Literal["sealed", "short"] | None
    opt_out: list[str]
    skip: list[str]
    outlook: bool | None
    honeypot: bool | None
    utm: UtmOptions | None


def policy_fields(policy: Mapping[str, Any]) -> dict[str, Any]:
    """Return the preferences of a stored policy by field; null: not set."""
    lists: dict[str, Any] = {"opt_out": [], "skip": []}
    return {name: policy.get(name, lists.get(name)) for name in PolicyFields.__struct_fields__}


class AccountResource(PolicyFields, kw_only=True, tag_field="object", tag="account"):
    """An account."""

    id: UUID
    created_at: str
    updated_at: str
    name: str
    website: str
    about: str
    track_opens: bool
    track_clicks: bool
    message_metadata_retention: int
    message_data_retention: int
    confirm: list[str]  # patterns of destinations that readers must confirm
    internal_networks: list[str]
    internal_addresses: list[str]
    internal_own_domains: bool
    click_count: int  # includes links created in bulk, which belong to no message here
    expected_clicks: float
    expected_clicks_low: float
    expected_clicks_high: float
    parent_account_id: AlwaysNull = None


class DnsRecord(Struct):
    """A DNS record to add."""

    type: str
    label: str
    host: str
    content: str
    required: bool
    propagated: bool = False


class DomainResource(PolicyFields, kw_only=True, tag_field="object", tag="domain"):
    """A sending domain. `dns_valid`: its tracking host may serve links. `dns_problem`, `tls_problem`, `proof_problem`:
    what the last check found (extensions).
    """

    id: UUID
    created_at: str
    updated_at: str
    domain: str
    account_id: UUID
    dns_records: list[DnsRecord]
    dns_valid: bool
    tracking_subdomain: str | None
    dns_problem: str | None
    tls_problem: str | None
    proof_problem: str | None
    dkim_selector: str | None
    track_clicks: bool | None
    track_opens: bool | None
    last_dns_check_at: str | None = None
    return_path_subdomain: AlwaysNull = None
    subscription_subdomain: AlwaysNull = None
    media_subdomain: AlwaysNull = None
    dkim_rotation_interval_days: AlwaysNull = None
    rotation_ready: AlwaysFalse = False
    dsn_recipient: AlwaysNull = None


class ApiKeyScope(Struct):
    """One permission of a key."""

    id: UUID
    created_at: str
    updated_at: str
    api_key_id: UUID
    scope: str
    domain_id: UUID | None


class ApiKeyResource(Struct, kw_only=True, tag_field="object", tag="api_key"):
    """An API key; `secret_key` is in the response to the creation only."""

    id: UUID
    created_at: str
    updated_at: str
    last_used_at: str | None
    account_id: UUID
    label: str
    public_key: str
    scopes: list[ApiKeyScope]
    ip_allow_list: list[str]
    secret_key: str | UnsetType = UNSET


class CorrectionResource(Struct, kw_only=True, tag_field="object", tag="correction"):
    """A correction: the `destination` of sent links leads to `replacement` while `removed_at` is null. It is for one
    message, for messages with one tag, or for the account. `created_by`, `removed_by`: a user, an API key or the
    command line.
    """

    id: UUID
    created_at: str
    created_by: str
    destination: str
    replacement: str
    campaign: str | None
    message_id: UUID | None
    removed_at: str | None
    removed_by: str | None


class SmtpCredentialResource(Struct, kw_only=True, tag_field="object", tag="credential_smtp"):
    """An SMTP credential; `password` is in the response to the creation only."""

    id: UUID
    created_at: str
    updated_at: str
    name: str
    username: str
    sandbox: bool
    scope: Literal["global", "scoped"]
    domains: list[str]
    password: str | UnsetType = UNSET


if TYPE_CHECKING:
    SubscriptionFields = Struct
else:  # one field `on_<name>` for each kind of event
    SubscriptionFields = defstruct(
        "SubscriptionFields", [(f"on_{name}", bool) for name in (*EVENT_NAMES, *UNSUPPORTED_EVENT_NAMES)], kw_only=True
    )


class WebhookResource(SubscriptionFields, kw_only=True, tag_field="object", tag="webhook"):
    """A webhook; `secret` is in the response to the creation only."""

    id: UUID
    created_at: str
    updated_at: str
    name: str
    url: str
    enabled: bool
    scope: Literal["global", "scoped"]
    domains: list[str]
    verdict_wait_seconds: int
    success_count: int
    error_count: int
    errors_since_last_success: int
    last_request_at: str | None
    secret: str | UnsetType = UNSET


class ResultRecipient(Struct):
    """A recipient as in the request."""

    email: str
    name: str | None
    substitutions: Mapping[str, Any] | UnsetType = UNSET


class ScheduleTimes(Struct):
    """Schedule of a message."""

    first_attempt: str | UnsetType = UNSET
    expires: str | UnsetType = UNSET


class SendResult(Struct, kw_only=True, tag_field="object", tag="message"):
    """The result for one recipient; `id` is the Message-ID with its angle brackets."""

    id: str | None
    recipient: ResultRecipient
    status: Literal["queued", "scheduled", "error"]
    error: str | None
    schedule: ScheduleTimes | UnsetType = UNSET


class DeliveryAttemptResource(Struct):
    """One delivery attempt."""

    time: str
    log: str
    status: str


class MessageEventResource(Struct):
    """An event of a message (extension)."""

    time: str
    kind: str
    data: dict[str, Any]


class TextPart(Struct):
    """One text part of a mail."""

    content_type: str
    content: str


class AttachmentResource(Struct):
    """One attachment; `content` is base64."""

    filename: str
    content: str
    content_type: str
    content_id: str


class ParsedContent(Struct):
    """The parsed content of a mail."""

    parts: list[TextPart]
    attachments: list[AttachmentResource]
    headers: dict[str, list[str]]


class MessageResource(Struct, kw_only=True, tag_field="object", tag="message"):
    """A message; events and content are in the response for a single message, content only while it is stored.

    Extensions: the expected number of clicks by people (`…_low` to `…_high`: its 95 % interval), and
    `click_probability`: how likely a person clicked.
    """

    id: UUID
    message_id: str
    account_id: UUID
    domain_id: UUID
    created_at: str
    updated_at: str
    sent_at: str | None
    delivered_at: str | None
    retain_until: str
    direction: Literal["outbound"]
    is_bounce_notification: bool
    bounce_classification: str
    subject: str
    tags: list[str]
    sender: str
    recipient: str
    status: str
    num_attempts: int
    click_count: int
    expected_clicks: float
    expected_clicks_low: float
    expected_clicks_high: float
    click_probability: float
    open_count: int
    delivery_attempts: list[DeliveryAttemptResource]
    events: list[MessageEventResource] | UnsetType = UNSET
    content: str | UnsetType = UNSET
    content_parsed: ParsedContent | UnsetType = UNSET
    reference_message_id: AlwaysNull = None


class DeliverabilityRow(Struct):
    """Delivery events of one period."""

    from_timestamp: str
    to_timestamp: str
    reception_count: int
    delivered_count: int
    deferred_count: int
    bounced_count: int
    failed_count: int
    suppressed_count: int
    opened_count: int
    clicked_count: int
    expected_clicked: float
    expected_clicked_low: float
    expected_clicked_high: float


class CheckedLink(Struct):
    """One link of the HTML. `warning`: a problem of a link that would be tracked, such as a text that is an address: it
    differs from the tracking link, which looks like phishing.
    """

    position: int
    line: int
    column: int
    text: str
    destination: str | None
    outcome: Outcome
    reason: str
    looks_trackable: bool
    warning: str | None


class CheckResponse(Struct, kw_only=True, tag_field="object", tag="check"):
    """Which links would be tracked, and why not the others (extension)."""

    track_clicks: bool
    track_opens: bool
    privacy: PrivacyName
    link_style: Literal["sealed", "short"]
    honeypot: bool
    utm: UtmOptions | None
    data: list[CheckedLink]


class V1SendResponse(Struct):
    """The response of API v1."""

    success_count: int
    fail_count: int
    failed_recipients: list[ResultRecipient]
    errors: list[str]


class V1ErrorResponse(Struct):
    """An error of API v1."""

    status: str

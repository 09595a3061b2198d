"""What the API answers, as types: the described form of what the endpoints show, held against the running service.

Fields of the contract that are answered for its clients' sake, and here always null or false, are not described:
nobody should build on them.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from msgspec import Struct, defstruct

from linkweir.accounts.resource_changes import PrivacyName, UtmOptions
from linkweir.html import Outcome
from linkweir.webhooks.event_kinds import EVENT_NAMES, UNSUPPORTED_EVENT_NAMES


class ErrorResponse(Struct):
    """Every error, and nothing else."""

    message: str


class Acknowledgement(Struct):
    """What was done."""

    message: str


class Pagination(Struct, omit_defaults=True):
    """`next_cursor` goes into `after`, `previous_cursor` into `before`."""

    has_more: bool
    next_cursor: str = ""
    previous_cursor: str = ""


class PolicyFields(Struct):
    """Wishes about tracking; ours."""

    privacy: PrivacyName | None
    link_style: Literal["sealed", "short"] | None
    opt_out: list[str]
    skip: list[str]
    outlook: bool | None
    honeypot: bool | None
    utm: UtmOptions | None


class AccountResource(PolicyFields):
    """An account."""

    object: Literal["account"]
    id: UUID
    created_at: datetime
    updated_at: datetime
    name: str
    website: str
    about: str
    track_opens: bool
    track_clicks: bool
    message_metadata_retention: int
    message_data_retention: int
    confirm: list[str]
    click_count: int


class DnsRecord(Struct):
    """What belongs into the DNS."""

    type: str
    label: str
    host: str
    content: str
    required: bool


class DomainResource(PolicyFields):
    """A domain that mail is sent from."""

    object: Literal["domain"]
    id: UUID
    created_at: datetime
    updated_at: datetime
    domain: str
    account_id: UUID
    dns_records: list[DnsRecord]
    dns_valid: bool
    tracking_subdomain: str | None
    dkim_selector: str | None
    track_clicks: bool | None
    track_opens: bool | None


class ApiKeyScope(Struct):
    """One thing that a key may do."""

    id: UUID
    created_at: datetime
    updated_at: datetime
    api_key_id: UUID
    scope: str
    domain_id: UUID | None


class ApiKeyResource(Struct, omit_defaults=True):
    """An API key; `secret_key` is in the answer to its making only."""

    object: Literal["api_key"]
    id: UUID
    created_at: datetime
    updated_at: datetime
    last_used_at: datetime | None
    account_id: UUID
    label: str
    public_key: str
    scopes: list[ApiKeyScope]
    ip_allow_list: list[str]
    secret_key: str = ""


class SmtpCredentialResource(Struct, omit_defaults=True):
    """An SMTP credential; `password` is in the answer to its making only."""

    object: Literal["credential_smtp"]
    id: UUID
    created_at: datetime
    updated_at: datetime
    name: str
    username: str
    sandbox: bool
    scope: Literal["global", "scoped"]
    domains: list[str]
    password: str = ""


if TYPE_CHECKING:
    SubscriptionFields = Struct
else:  # one field `on_<name>` for each kind of event
    SubscriptionFields = defstruct(
        "SubscriptionFields", [(f"on_{name}", bool) for name in (*EVENT_NAMES, *UNSUPPORTED_EVENT_NAMES)], kw_only=True
    )


class WebhookResource(SubscriptionFields, omit_defaults=True):
    """A webhook; `secret` is in the answer to its making only."""

    object: Literal["webhook"]
    id: UUID
    created_at: datetime
    updated_at: datetime
    name: str
    url: str
    enabled: bool
    scope: Literal["global", "scoped"]
    domains: list[str]
    verdict_wait_seconds: int
    success_count: int
    error_count: int
    errors_since_last_success: int
    last_request_at: datetime | None
    secret: str = ""


class ResultRecipient(Struct, omit_defaults=True):
    """A recipient as it was asked for."""

    email: str
    name: str | None
    substitutions: dict[str, Any] = {}


class ScheduleTimes(Struct, omit_defaults=True, frozen=True):
    """When a scheduled message is tried."""

    first_attempt: datetime | None = None
    expires: datetime | None = None


class SendResult(Struct, omit_defaults=True):
    """What became of one recipient; `id` is the Message-ID with its angle brackets."""

    object: Literal["message"]
    id: str | None
    recipient: ResultRecipient
    status: Literal["queued", "scheduled", "error"]
    error: str | None
    schedule: ScheduleTimes = ScheduleTimes()


class DeliveryAttemptResource(Struct):
    """One attempt to deliver."""

    time: datetime
    log: str
    status: str


class MessageEventResource(Struct):
    """What happened to a message; ours."""

    time: datetime
    kind: str
    data: dict[str, Any]


class TextPart(Struct):
    """One text of a mail."""

    content_type: str
    content: str


class AttachmentResource(Struct):
    """One attachment; `content` is base64."""

    filename: str
    content: str
    content_type: str
    content_id: str


class ParsedContent(Struct):
    """A mail taken apart."""

    parts: list[TextPart]
    attachments: list[AttachmentResource]
    headers: dict[str, list[str]]


class MessageResource(Struct, omit_defaults=True):
    """A message; events and content are in the answer for a single one, content only while it is kept.

    Ours: of its clicks so many are expected to be by people (`…_low` to `…_high`: in 95 of 100 cases), and a person
    clicked it with the probability `click_probability`.
    """

    object: Literal["message"]
    id: UUID
    message_id: str
    account_id: UUID
    domain_id: UUID
    created_at: datetime
    updated_at: datetime
    sent_at: datetime | None
    delivered_at: datetime | None
    retain_until: datetime
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
    events: list[MessageEventResource] = []
    content: str = ""
    content_parsed: ParsedContent | None = None


class DeliverabilityRow(Struct):
    """What happened in one period."""

    from_timestamp: datetime
    to_timestamp: datetime
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
    """One link of the page that was looked at. `warning`: what to look at although it would be tracked, such as a
    text that is an address, and so another one than the tracking link, which looks like phishing.
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


class CheckResponse(Struct):
    """What would be tracked, and why; ours."""

    object: Literal["check"]
    track_clicks: bool
    track_opens: bool
    privacy: PrivacyName
    link_style: Literal["sealed", "short"]
    honeypot: bool
    utm: UtmOptions | None
    data: list[CheckedLink]


class V1SendResponse(Struct):
    """What became of a request of API v1."""

    success_count: int
    fail_count: int
    failed_recipients: list[ResultRecipient]
    errors: list[str]


class V1ErrorResponse(Struct):
    """An error of API v1."""

    status: str

"""Request bodies of API v2. Unknown fields are ignored; wrong types and missing fields are errors."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Raw, Struct, field

from linkweir.accounts.resource_changes import (
    NO_NUL,
    DataRetentionDays,
    MetadataRetentionDays,
    PrivacyName,
    UtmOptions,
)

Tag = Annotated[str, Meta(min_length=1, max_length=64, pattern=NO_NUL)]
AttributeName = Annotated[str, Meta(min_length=1, max_length=64, pattern=NO_NUL)]
AttributeText = Annotated[str, Meta(max_length=255, pattern=NO_NUL)]
VariantName = Annotated[str, Meta(min_length=1, max_length=64, pattern=NO_NUL)]
HeaderFields = Annotated[dict[str, str], Meta(max_length=500)]
# raw JSON, decoded later with orjson: msgspec takes a second for long numbers of a few megabytes
Substitutions = Annotated[Raw, Meta(extra_json_schema={"type": ["object", "null"]})]


class EmailAddress(Struct):
    """An address with an optional name."""

    email: str
    name: str | None = None


class TrackingOptions(Struct):
    """Tracking of one message; null: as set in the account."""

    open: bool | None = None
    click: bool | None = None


class SendRecipient(Struct):
    """One recipient; the fields from `tracking` on are extensions."""

    email: str
    name: str | None = None
    substitutions: Substitutions = field(default_factory=Raw)
    tracking: TrackingOptions | None = None
    privacy: PrivacyName | None = None
    attributes: Annotated[dict[AttributeName, AttributeText], Meta(max_length=20)] | None = None
    variant: VariantName | None = None


class SendAttachment(Struct):
    """An attachment; `data` is text, or base64 if `base64` is true."""

    data: str
    content_type: str
    file_name: str
    base64: bool = False
    content_disposition: str | None = None
    content_id: str | None = None


class SendSchedule(Struct):
    """First delivery attempt and expiry."""

    first_attempt: Annotated[datetime, Meta(tz=True)] | None = None
    expires: Annotated[datetime, Meta(tz=True)] | None = None


class RetentionOptions(Struct):
    """Retention of a message's metadata and content, in days."""

    metadata: MetadataRetentionDays | None = None
    data: DataRetentionDays | None = None


class SendRequest(Struct, rename={"sender": "from"}):
    """A request to send; the fields from `privacy` on are extensions."""

    sender: EmailAddress
    recipients: Annotated[list[SendRecipient], Meta(min_length=1, max_length=100)]
    subject: str
    text_content: str | None = None
    html_content: str | None = None
    amp_content: str | None = None
    reply_to: EmailAddress | None = None
    attachments: list[SendAttachment] | None = None
    headers: HeaderFields | None = None
    substitutions: Substitutions = field(default_factory=Raw)
    tags: Annotated[list[Tag], Meta(max_length=10)] | None = None
    sandbox: bool | None = None
    sandbox_result: Literal["deliver", "bounce", "defer", "fail", "suppress"] | None = None
    tracking: TrackingOptions | None = None
    retention: RetentionOptions | None = None
    schedule: SendSchedule | None = None
    privacy: PrivacyName | None = None
    link_style: Literal["sealed", "short"] | None = None
    utm: UtmOptions | None = None
    opt_out: list[str] | None = None
    skip: list[str] | None = None
    outlook: bool | None = None
    honeypot: bool | None = None


class CheckRequest(Struct, rename={"sender": "from"}):
    """HTML to check under the policy of a message with the other fields (extension)."""

    html_content: str
    sender: EmailAddress | None = None
    headers: HeaderFields | None = None
    tracking: TrackingOptions | None = None
    privacy: PrivacyName | None = None
    link_style: Literal["sealed", "short"] | None = None
    utm: UtmOptions | None = None
    opt_out: list[str] | None = None
    skip: list[str] | None = None
    outlook: bool | None = None
    honeypot: bool | None = None

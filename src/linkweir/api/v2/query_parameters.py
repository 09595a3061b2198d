"""Query parameters: one struct per operation, for parsing, error messages and the OpenAPI schema."""

import functools
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct, inspect
from starlette.datastructures import QueryParams

from linkweir.accounts.domain_names import to_ascii_domain
from linkweir.errors import ValidationError
from linkweir.stats.click_statistics import GROUP_BY_ATTRIBUTE_PATTERN, GROUP_BY_NAMES
from linkweir.stats.export import FORMATS
from linkweir.stats.periods import PeriodUnit
from linkweir.web.request_body import to_validation_error
from linkweir.webhooks.event_kinds import EVENT_NAMES, UNSUPPORTED_EVENT_NAMES

MAX_TEXT_CHARACTERS = 8000  # as of a destination; SQLite rejects patterns of 50,000 bytes
MAX_VALUES = 100  # of one list
S = TypeVar("S", bound=Struct)

FormatName = Annotated[str, Meta(extra_json_schema={"enum": list(FORMATS)})]
GroupBy = Annotated[
    str,
    Meta(
        extra_json_schema={
            "anyOf": [
                {"type": "string", "enum": [*GROUP_BY_NAMES]},
                {"type": "string", "pattern": GROUP_BY_ATTRIBUTE_PATTERN},
            ]
        }
    ),
]
Timestamp = Annotated[datetime, Meta(tz=True)]
RowLimit = Annotated[int, Meta(ge=1, le=1000)]


class PageQuery(Struct, kw_only=True):
    """A page of a list."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 100
    after: str | None = None
    before: str | None = None
    cursor: Annotated[str, Meta(description="The same as `after`, by its older name")] | None = None


class TimeRangeQuery(Struct, kw_only=True):
    """A range of time; `to_time` is exclusive."""

    from_time: Timestamp | None = None
    to_time: Timestamp | None = None


class MessageQuery(PageQuery, kw_only=True):
    """Filters of messages; all must match."""

    from_time: Timestamp | None = None
    to_time: Timestamp | None = None
    sender: str | None = None
    recipient: str | None = None
    subject: str | None = None
    message_id_header: str | None = None
    status: list[str] = []
    tags: list[str] = []


class DomainQuery(PageQuery, kw_only=True):
    """Filters of domains."""

    dns_valid: bool | None = None


class CorrectionQuery(PageQuery, kw_only=True):
    """Filters of corrections; without `in_force`, also those that were removed."""

    in_force: bool | None = None


class EnabledQuery(PageQuery, kw_only=True):
    """Filters of webhooks, without the fields of event kinds."""

    enabled: bool | None = None


if TYPE_CHECKING:
    WebhookQuery = EnabledQuery
else:
    WebhookQuery = msgspec.defstruct(
        "WebhookQuery",
        [(f"on_{kind}", bool | None, None) for kind in (*EVENT_NAMES, *UNSUPPORTED_EVENT_NAMES)],
        bases=(EnabledQuery,),
        kw_only=True,
    )


class DeliverabilityQuery(TimeRangeQuery, kw_only=True):
    """Delivery events by period."""

    sender_domain: str | None = None
    recipient_domains: list[str] = []
    tags: list[str] = []
    group_by: Annotated[PeriodUnit, Meta(extra_json_schema={"type": "string"})] = "day"


class ClickExportQuery(TimeRangeQuery, kw_only=True):
    """An export of clicks."""

    tag: str | None = None
    format: FormatName = "csv"


class ClickStatisticsQuery(TimeRangeQuery, kw_only=True):
    """Clicks by period or by one dimension."""

    tag: str | None = None
    sender_domain: str | None = None
    time_zone: str = "UTC"
    group_by: GroupBy = "day"
    limit: RowLimit = 100
    format: FormatName | None = None


class CampaignQuery(TimeRangeQuery, kw_only=True):
    """Campaigns to compare."""

    tags: list[str] = []
    limit: RowLimit = 100
    format: FormatName | None = None


class VariantQuery(TimeRangeQuery, kw_only=True):
    """Variants of one campaign to compare."""

    tag: str
    baseline: str | None = None
    format: FormatName | None = None


class ClickerQuery(PageQuery, kw_only=True):
    """Recipients who clicked."""

    tag: str
    destination: str | None = None
    position: Annotated[int, Meta(ge=0, le=999_999_999)] | None = None
    format: FormatName | None = None


def parse_query(query: QueryParams, shape: type[S]) -> S:
    """Parse the parameters; an empty value counts as missing, a list may be repeated or separated by commas.

    Raises ValidationError.
    """
    values: dict[str, Any] = {}
    types = _field_types(shape)
    for name, kind in types.items():
        text = query.get(name)
        if isinstance(kind, inspect.ListType):
            values[name] = _split_list(query, name)
        elif text and isinstance(kind, inspect.DateTimeType):
            values[name] = _parse_datetime(text, name)
        elif text:
            if len(text) > MAX_TEXT_CHARACTERS:
                raise ValidationError(name, f"is longer than {MAX_TEXT_CHARACTERS} characters")
            values[name] = _require_text(text, name)
    try:
        return msgspec.convert(values, shape, strict=False)
    except msgspec.ValidationError as raised:
        error = to_validation_error(str(raised))
        raise ValidationError(error.field, _allowed_values(types[error.field]) or error.reason) from None


@functools.cache
def _field_types(shape: type[Struct]) -> dict[str, inspect.Type]:
    """Return the type of each field without null."""
    described = inspect.type_info(shape)
    assert isinstance(described, inspect.StructType)
    return {field.name: _without_null(field.type) for field in described.fields}


def _without_null(kind: inspect.Type) -> inspect.Type:
    while isinstance(kind, inspect.Metadata | inspect.UnionType):
        options = [kind.type] if isinstance(kind, inspect.Metadata) else kind.types
        kind = next(option for option in options if not isinstance(option, inspect.NoneType))
    return kind


def _allowed_values(kind: inspect.Type) -> str:
    if isinstance(kind, inspect.BoolType):
        return "must be true or false"
    if isinstance(kind, inspect.IntType):
        return f"must be a number from {kind.ge} to {kind.le}"
    if isinstance(kind, inspect.LiteralType):
        return "must be one of " + ", ".join(map(str, kind.values))
    return ""


def _split_list(query: QueryParams, name: str) -> list[str]:
    items = [item.strip() for text in query.getlist(name) for item in text.split(",") if item.strip()]
    if len(items) > MAX_VALUES:
        raise ValidationError(name, f"has more than {MAX_VALUES} values")
    return [_require_text(item, name) for item in items]


def _require_text(text: str, name: str) -> str:
    """The text, if a database can look for it. Raises ValidationError."""
    if "\0" in text:
        raise ValidationError(name, "must not hold U+0000")
    return text


def _parse_datetime(text: str, name: str) -> datetime:
    """Parse a time, to UTC. A space is a plus sign that was not percent-encoded."""
    try:
        parsed = datetime.fromisoformat(text.replace(" ", "+"))
        if parsed.tzinfo is None:
            raise ValidationError(name, "must have a time zone, as in 2026-01-31T10:00:00Z")
        return parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValidationError(name, "must be a time like 2026-01-31T10:00:00Z") from None


def to_microseconds(at: datetime | None) -> int | None:
    """Convert to microseconds since 1970; None stays None."""
    return None if at is None else int(at.timestamp()) * 1_000_000 + at.microsecond


def normalize_email(text: str | None) -> str | None:
    """Convert an address to its stored form. A space is a plus sign that was not percent-encoded."""
    if not text:
        return None
    local, at, domain = text.replace(" ", "+").rpartition("@")
    return local + at + normalize_domain(domain)


def normalize_domain(domain: str) -> str:
    """Convert a domain to its stored form; an invalid one to lower case, which matches nothing."""
    try:
        return to_ascii_domain(domain, "domain")
    except ValidationError:
        return domain.lower()

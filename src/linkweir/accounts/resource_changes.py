"""The JSON that the endpoints around sending take. Unknown fields are tolerated, wrong types and missing fields not."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, defstruct

from linkweir.webhooks.event_kinds import EVENT_NAMES

NO_NUL = r"^[^\u0000]*$"  # PostgreSQL can store no other text, and SQLite shall take no more than it
PrivacyName = Literal["full", "pseudonymous", "anonymous", "none"]
HostName = Annotated[
    str, Meta(pattern=r"^[^\s/\\?#@:%\[\]<>|^*.]+(?:\.[^\s/\\?#@:%\[\]<>|^*.]+)*\.?$", min_length=1, max_length=253)
]
UtmText = Annotated[str, Meta(min_length=1, max_length=255, pattern=NO_NUL)]
MetadataRetentionDays = Annotated[int, Meta(ge=1, le=30)]
DataRetentionDays = Annotated[int, Meta(ge=0, le=30)]

LabelText = Annotated[str, Meta(min_length=1, max_length=255, pattern=NO_NUL)]
DnsLabel = Annotated[str, Meta(pattern="^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\\.|$)){1,8}$", max_length=100)]
DomainName = Annotated[str, Meta(min_length=1, max_length=253)]
PatternText = Annotated[str, Meta(max_length=200, pattern=NO_NUL)]
VerdictWaitSeconds = Annotated[int, Meta(ge=0, le=86_400)]  # 0: it does not wait
NetworkList = Annotated[list[str], Meta(max_length=1000)]  # with repeats; fewer are left of them

AddressList = Annotated[list[Annotated[str, Meta(min_length=1, max_length=320)]], Meta(max_length=1000)]


class ApiKeyCreate(Struct):
    """A key to be made; with an `ip_allow_list` (addresses and networks) it opens from there alone."""

    label: LabelText
    scopes: Annotated[list[str], Meta(min_length=1, max_length=100)]
    ip_allow_list: NetworkList | None = None


class ApiKeyUpdate(Struct):
    """What is None stays; an empty `ip_allow_list` lets the key open from everywhere."""

    label: LabelText | None = None
    scopes: Annotated[list[str], Meta(min_length=1, max_length=100)] | None = None
    ip_allow_list: NetworkList | None = None


class SmtpCredentialCreate(Struct):
    """A username and password to be made; `domains` are needed when `scope` is scoped."""

    name: LabelText
    scope: Literal["global", "scoped"]
    sandbox: bool = False
    domains: Annotated[list[DomainName], Meta(max_length=100)] | None = None


if TYPE_CHECKING:
    SubscriptionCreate = Struct
    SubscriptionUpdate = Struct
else:  # one field `on_<name>` for each kind of event
    SubscriptionCreate = defstruct(
        "SubscriptionCreate", [(f"on_{name}", bool, False) for name in EVENT_NAMES], kw_only=True
    )
    SubscriptionUpdate = defstruct(
        "SubscriptionUpdate", [(f"on_{name}", bool | None, None) for name in EVENT_NAMES], kw_only=True
    )


class WebhookCreate(SubscriptionCreate):
    """A webhook to be made; `domains` are needed when `scope` is scoped. `verdict_wait_seconds`: how long it waits at
    most until the verdict on a click or open is settled.
    """

    name: LabelText
    url: Annotated[str, Meta(min_length=1, max_length=2000)]
    scope: Literal["global", "scoped"]
    enabled: bool = True
    domains: Annotated[list[DomainName], Meta(max_length=100)] | None = None
    verdict_wait_seconds: VerdictWaitSeconds = 0


class WebhookUpdate(SubscriptionUpdate):
    """What is None stays."""

    name: LabelText | None = None
    url: Annotated[str, Meta(min_length=1, max_length=2000)] | None = None
    scope: Literal["global", "scoped"] | None = None
    enabled: bool | None = None
    domains: Annotated[list[DomainName], Meta(max_length=100)] | None = None
    verdict_wait_seconds: VerdictWaitSeconds | None = None


class UtmOptions(Struct, omit_defaults=True):
    """Campaign parameters that are added to destinations; ours. With `hosts` only to those on one of them or below;
    never to a signed address, nor where the tag says `data-no-utm`.
    """

    source: UtmText | None = None
    medium: UtmText | None = None
    campaign: UtmText | None = None
    term: UtmText | None = None
    content: UtmText | None = None
    hosts: Annotated[list[HostName], Meta(max_length=100)] | None = None


class PolicyUpdate(Struct):
    """What an account or a domain wants of tracking; ours. null takes a wish back."""

    privacy: PrivacyName | UnsetType | None = UNSET
    link_style: Literal["sealed", "short"] | UnsetType | None = UNSET
    opt_out: Annotated[list[PatternText], Meta(max_length=50)] | UnsetType | None = UNSET
    skip: Annotated[list[PatternText], Meta(max_length=50)] | UnsetType | None = UNSET
    outlook: bool | UnsetType | None = UNSET
    honeypot: bool | UnsetType | None = UNSET
    utm: UtmOptions | UnsetType | None = UNSET

    def merge_into(self, stored: dict[str, Any]) -> dict[str, Any]:
        """Return the stored preferences with these changes."""
        names = (*PolicyUpdate.__struct_fields__, "confirm")
        values = {name: getattr(self, name, UNSET) for name in names}
        merged = dict(stored)
        for name, value in values.items():
            if value is None or value == []:
                merged.pop(name, None)
            elif value is not UNSET:
                merged[name] = _utm_to_dict(value) if isinstance(value, UtmOptions) else value
        return merged


class AccountUpdate(PolicyUpdate):
    """A partial change: what is not named stays. Clicks from `internal_networks`, and on mail to `internal_addresses`
    (`@example.com`: to a whole domain) and, with `internal_own_domains`, to the account's own domains, are internal.
    """

    name: LabelText | UnsetType = UNSET
    website: Annotated[str, Meta(max_length=2000, pattern=NO_NUL)] | UnsetType = UNSET
    about: Annotated[str, Meta(max_length=10_000, pattern=NO_NUL)] | UnsetType = UNSET
    track_opens: bool | UnsetType = UNSET
    track_clicks: bool | UnsetType = UNSET
    message_metadata_retention: MetadataRetentionDays | UnsetType = UNSET
    message_data_retention: DataRetentionDays | UnsetType = UNSET
    confirm: Annotated[list[PatternText], Meta(max_length=50)] | UnsetType | None = UNSET
    internal_networks: NetworkList | UnsetType = UNSET
    internal_addresses: AddressList | UnsetType = UNSET
    internal_own_domains: bool | UnsetType = UNSET

    def changed_columns(self) -> dict[str, Any]:
        """The account's own fields that were named."""
        policy = (*PolicyUpdate.__struct_fields__, "confirm")
        names = [name for name in AccountUpdate.__struct_fields__ if name not in policy]
        return {name: value for name in names if (value := getattr(self, name)) is not UNSET}


class DomainUpdate(PolicyUpdate):
    """What is not named stays; null takes a value back. `dkim` "generate" makes a new key pair, "off" removes it, as
    `dkim_private_key` null does; a key keeps its selector unless another is named.
    """

    tracking_subdomain: DnsLabel | Literal[""] | UnsetType | None = UNSET
    track_clicks: bool | UnsetType | None = UNSET
    track_opens: bool | UnsetType | None = UNSET
    dkim_selector: Annotated[str, Meta(max_length=62)] | UnsetType | None = UNSET
    dkim_private_key: Annotated[str, Meta(max_length=20_000)] | UnsetType | None = UNSET
    dkim: Literal["generate", "off"] | None = None


class DomainCreate(DomainUpdate, kw_only=True):
    """A domain to send from."""

    domain: DomainName


def _utm_to_dict(utm: UtmOptions) -> dict[str, Any]:
    values = ((name, getattr(utm, name)) for name in UtmOptions.__struct_fields__)
    return {name: value for name, value in values if value is not None}

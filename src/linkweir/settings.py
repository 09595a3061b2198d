"""The settings of a service: `LINKWEIR_*` read once into a frozen object.

The only file that reads the environment. An unknown `LINKWEIR_*` name is an error, because a misspelt
setting that is silently ignored is found months later; secrets are left out of `repr`.
"""

import contextlib
import ipaddress
import os
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from linkweir.error_hints import suggest_name
from linkweir.errors import SettingsError
from linkweir.nats_servers import parse_nats_servers

PREFIX = "LINKWEIR_"
DNS_PORT = 53
MAX_REPLICAS = 5  # of a stream
ProxyHeader = Literal["x-forwarded-for", "forwarded"]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
MAX_BODY_BYTES = 30 * 1024 * 1024  # the outside contract's limit for one request
MAX_MESSAGE_BYTES = 20 * 1024 * 1024  # and for one message over SMTP
WILDCARD_ADDRESSES = ("0.0.0.0", "::")  # noqa: S104 - addresses to listen on, which are nobody's address
POSITIVE_FLOATS = (
    *("click_wait", "store_wait", "spool_retry", "claim_seconds", "retry_seconds"),
    *("webhook_timeout", "webhook_retry_seconds", "retention_seconds", "domain_check_seconds"),
    *("tell_seconds", "correct_seconds"),
)
PATH_FIELDS = (
    *("data", "key_file", "master_key_file", "spool", "maildir", "smtp_certificate", "smtp_key", "mmdb", "networks"),
    *("apple_app_links", "android_app_links", "unknown_link_page", "root_page"),
    *("oidc_client_secret_file", "nats_ca"),
)
POSITIVE_INTS = (
    *("threads", "max_body", "max_message", "max_incoming", "delivery_connections", "webhook_connections"),
    *("rate_burst", "statistics_burst", "journal_facts", "nats_replicas"),
)

ROLES = (  # what a machine does
    *("redirect", "api", "dashboard", "smtp", "filter"),
    *("deliver", "count", "notify", "housekeeping"),
)

CLICK_TRANSPORTS = ("local", "postgresql", "jetstream")

SECTIONS = {  # of the reference: the first setting of each
    "data": "Service",
    "base_url": "Tracking links",
    "api_hosts": "HTTP",
    "oidc_issuer": "Single sign-on",
    "transport": "Delivery",
    "smtp_host": "SMTP",
    "webhook_networks": "Webhooks",
    "spool": "Clicks",
}


def doc(text: str) -> dict[str, str]:
    """Return the metadata of a field that is documented by `text`, in the manual."""
    return {"doc": text}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything an operator can choose. Durations are seconds, sizes bytes.

    `base_url` is what tracking links begin with (default: `http://host:port/c/`), `click_path` the path
    under which this application answers them; it follows `base_url` unless a front proxy or a mount
    changes paths on the way.
    """

    data: Path = field(
        default=Path("linkweir-data"), metadata=doc("Folder of the database, the keys, the outbox and the journal.")
    )
    database: str = field(
        default="",
        repr=False,
        metadata=doc(
            "PostgreSQL database, as `postgresql://user:password@host:port/name`; if empty, SQLite in the data folder."
        ),
    )
    master_key: str = field(
        default="",
        repr=False,
        metadata=doc(
            "32 random bytes in base64, under which the database holds the key ring and the vault key, for all "
            "machines; if empty, both are files in the data folder."
        ),
    )
    master_key_file: Path | None = field(default=None, metadata=doc("File that holds the master key."))
    vault_key: str = field(
        default="",
        repr=False,
        metadata=doc(
            "Key that encrypts secrets in the database, as in `vault.key`; if empty, that file or the database's."
        ),
    )
    host: str = field(default="127.0.0.1", metadata=doc("Address that HTTP listens on."))
    port: int = field(default=8025, metadata=doc("Port that HTTP listens on; 0 takes a free one."))
    threads: int = field(default=8, metadata=doc("Threads for database work."))
    roles: tuple[str, ...] = field(
        default=ROLES,
        metadata=doc("What this machine does, of several that share a database; separated by commas. If empty, all."),
    )
    log_level: Literal["debug", "info", "warning", "error"] = field(
        default="info",
        metadata=doc("Least severe level that is logged: `debug`, `info`, `warning` or `error`."),
    )
    log_format: Literal["auto", "text", "json"] = field(
        default="auto",
        metadata=doc(
            "`json`: one JSON object a line; `text`: lines for people; `auto`: text where standard error is a "
            "terminal, else JSON."
        ),
    )

    base_url: str = field(
        default="", metadata=doc("Beginning of every tracking link; if empty, `http://HOST:PORT/c/`.")
    )
    dns_servers: tuple[tuple[str, int], ...] = field(
        default=(),
        metadata=doc(
            "Name servers that tracking domains are looked up with, as ADDRESS or ADDRESS:PORT, separated by commas; "
            "without any, those of the system."
        ),
    )
    click_path: str = field(
        default="",
        metadata=doc(
            "Path under which the service answers tracking links, if a proxy or a mount changes that of the base URL."
        ),
    )
    link_style: Literal["sealed", "short"] = field(
        default="sealed",
        metadata=doc("`sealed` links carry their destination; `short` ones look it up in the database."),
    )
    key_file: Path | None = field(
        default=None, metadata=doc("Key ring that signs the links; if empty, `keys.json` in the data folder.")
    )
    key_ring: str = field(
        default="",
        repr=False,
        metadata=doc(
            "Key ring itself, as `linkweir keys export` prints it; its keys cannot be changed by the service."
        ),
    )
    opt_out: tuple[str, ...] = field(
        default=(),
        metadata=doc(
            "More attributes (`name` or `name=value`) that exclude a link, or presets such as `vendors`; "
            "separated by commas."
        ),
    )
    skip: tuple[str, ...] = field(
        default=(),
        metadata=doc(
            "Regular expressions of destinations never to track, or presets such as `one-time`; separated by "
            "white space."
        ),
    )
    outlook: bool = field(default=False, metadata=doc("Also rewrite links in Outlook's conditional comments and VML."))
    unknown_link_page: Path | None = field(
        default=None, metadata=doc("HTML file shown with 404 to readers whose link is not valid.")
    )
    root_page: Path | None = field(default=None, metadata=doc("HTML file shown at `/` of every host."))
    root_address: str = field(default="", metadata=doc("URL that `/` redirects to; not together with a root page."))
    apple_app_links: Path | None = field(
        default=None, metadata=doc("JSON file served as `/.well-known/apple-app-site-association`.")
    )
    android_app_links: Path | None = field(
        default=None, metadata=doc("JSON file served as `/.well-known/assetlinks.json`.")
    )

    api_hosts: tuple[str, ...] = field(
        default=(),
        metadata=doc(
            "The only host names that serve the API, the dashboard and this manual; separated by commas. If empty, "
            "all but the tracking hosts of domains."
        ),
    )
    api_key: str = field(default="", repr=False, metadata=doc("API key that is always valid, at least 32 characters."))
    trusted_proxies: tuple[Network, ...] = field(
        default=(), metadata=doc("Networks of the proxies whose forwarding header is believed; separated by commas.")
    )
    proxy_header: ProxyHeader = field(
        default="x-forwarded-for", metadata=doc("Header in which the proxies pass the client's address.")
    )
    max_body: int = field(default=MAX_BODY_BYTES, metadata=doc("Largest HTTP request in bytes."))
    max_incoming: int = field(
        default=256 * 1024 * 1024,
        metadata=doc(
            "Bytes of all requests and mails that are received and not yet stored; beyond it, senders are told to "
            "retry (503, 421, 451)."
        ),
    )
    rate_limit: float = field(default=100.0, metadata=doc("Requests per second of one account."))
    rate_burst: int = field(default=200, metadata=doc("Requests that one account may send at once."))
    statistics_rate: float = field(default=1.0, metadata=doc("Statistics requests per second of one account."))
    statistics_burst: int = field(default=1, metadata=doc("Statistics requests that one account may send at once."))
    store_wait: float = field(default=5.0, metadata=doc("Seconds that a request waits for a locked database."))

    oidc_issuer: str = field(
        default="",
        metadata=doc("Issuer URL of an OpenID Connect provider that users sign in by; needs `linkweir[oidc]`."),
    )
    oidc_client_id: str = field(default="", metadata=doc("The client id that the provider gave to this service."))
    oidc_client_secret: str = field(
        default="", repr=False, metadata=doc("The client secret; without one, PKCE alone protects the sign-in.")
    )
    oidc_client_secret_file: Path | None = field(
        default=None, metadata=doc("File with the client secret, instead of the setting.")
    )
    oidc_scopes: tuple[str, ...] = field(
        default=("openid", "email", "profile"),
        metadata=doc("Scopes to ask for, separated by white space; some providers need another one for groups."),
    )
    oidc_name: str = field(default="single sign-on", metadata=doc("What the sign-in page calls the provider."))
    oidc_role_claim: str = field(
        default="",
        metadata=doc(
            "Claim that gives roles, such as `groups` or `realm_access.roles`; if empty, only users who were invited "
            "may sign in, with the roles that they have."
        ),
    )
    oidc_owners: tuple[str, ...] = field(
        default=(), metadata=doc("Values of the role claim that make an owner; separated by commas.")
    )
    oidc_editors: tuple[str, ...] = field(
        default=(), metadata=doc("Values of the role claim that make an editor; separated by commas.")
    )
    oidc_viewers: tuple[str, ...] = field(
        default=(), metadata=doc("Values of the role claim that make a viewer; separated by commas.")
    )
    oidc_account: str = field(
        default="", metadata=doc("Id of the account that the role claim is about; if empty, the oldest.")
    )
    oidc_only: bool = field(
        default=False, metadata=doc("Refuse passwords: users sign in by the provider only, and set no password.")
    )

    transport: str = field(
        default="maildir",
        repr=False,
        metadata=doc(
            "Where mail goes: `maildir`, `discard`, or a relay: `smtp://`, `smtp+starttls://` or `smtps://` with "
            "`user:password@host:port`."
        ),
    )
    maildir: Path | None = field(
        default=None, metadata=doc("Maildir of transport `maildir`; if empty, `outbox` in the data folder.")
    )
    delivery_connections: int = field(default=4, metadata=doc("Mails that are delivered at the same time."))
    mail_hostname: str = field(
        default="", metadata=doc("Host name in EHLO and in delivery reports; if empty, that of the machine.")
    )
    notice_sender: str = field(
        default="",
        metadata=doc(
            "Address that invitations to the dashboard and password resets come from; if empty, `linkweir@` the mail "
            "host name or the host of the base URL. They are mailed only through a relay."
        ),
    )
    claim_seconds: float = field(
        default=30.0,
        metadata=doc(
            "Seconds after which a delivery that did not finish is tried again. Clicks that a worker took from the "
            "inbox and did not store are taken again after four times as many."
        ),
    )
    retry_seconds: float = field(
        default=30.0, metadata=doc("Seconds before the first retry of a delivery; later ones wait longer.")
    )
    retention_seconds: float = field(
        default=60.0, metadata=doc("Seconds between deletions of mail whose retention period has ended.")
    )

    domain_check_seconds: float = field(
        default=21600.0,
        metadata=doc("Seconds between two checks whether a tracking domain leads here; after a problem at most 900."),
    )

    smtp_host: str = field(default="127.0.0.1", metadata=doc("Address that SMTP submission listens on."))
    smtp_port: int | None = field(
        default=None, metadata=doc("Port with STARTTLS; if empty, 8587 with `linkweir serve` and off elsewhere.")
    )
    smtps_port: int | None = field(
        default=None, metadata=doc("Port with implicit TLS; if empty, 8465 beside port 8587, otherwise off.")
    )
    smtp_certificate: Path | None = field(
        default=None, metadata=doc("TLS certificate (PEM); if empty, a self-signed one for testing.")
    )
    smtp_key: Path | None = field(default=None, metadata=doc("Private key (PEM) of that certificate."))
    max_message: int = field(default=MAX_MESSAGE_BYTES, metadata=doc("Largest mail over SMTP in bytes."))
    filter_listen: str = field(
        default="", metadata=doc("`HOST:PORT` at which the content filter takes mail from the mail server.")
    )
    filter_return: str = field(
        default="", metadata=doc("`HOST:PORT` of the mail server, where the content filter returns mail.")
    )
    filter_max_message: int = field(
        default=0, metadata=doc("Largest mail for the content filter in bytes; 0 is no limit of its own.")
    )

    webhook_networks: tuple[Network, ...] = field(
        default=(),
        metadata=doc("Private networks that webhooks may be in, beside all public addresses; separated by commas."),
    )
    webhook_timeout: float = field(default=5.0, metadata=doc("Seconds that a webhook may take for one request."))
    webhook_retry_seconds: float = field(
        default=1.0, metadata=doc("Unit of the waits between attempts: 1, 16, 81, 256 and 625 times this.")
    )
    webhook_connections: int = field(default=20, metadata=doc("Webhook requests that are sent at the same time."))
    tell_seconds: float = field(
        default=2.0, metadata=doc("Seconds that `message.clicked` waits for further clicks of a scanner.")
    )
    correct_seconds: float = field(
        default=5.0, metadata=doc("Seconds that `message.click_corrected` waits for further changes.")
    )

    spool: Path | None = field(
        default=None,
        metadata=doc(
            "Folder of the click journal, best on another disk than the database; if empty, `spool` in the data folder."
        ),
    )
    journal_facts: int = field(
        default=100_000, metadata=doc("Clicks that the journal has preallocated space for, 512 bytes each.")
    )
    click_wait: float = field(default=2.0, metadata=doc("Seconds that a redirect waits for its click to be written."))
    click_transport: Literal["local", "postgresql", "jetstream"] = field(
        default="local",
        metadata=doc(
            "How clicks get from this machine's journal to the workers that count them: `local`, those of this machine "
            "read it; `postgresql`, through a table that the workers of all machines read; or `jetstream`, through a "
            "stream of NATS servers."
        ),
    )
    nats_url: str = field(
        default="",
        repr=False,
        metadata=doc(
            "NATS servers of the transport `jetstream`, separated by commas: `nats://` or `tls://` with "
            "`user:password@host:port` or `token@host:port`."
        ),
    )
    nats_ca: Path | None = field(
        default=None,
        metadata=doc("Certificates (PEM) that sign those of the servers; if empty, those of the system."),
    )
    nats_stream: str = field(
        default="linkweir-clicks",
        metadata=doc(
            "Stream of the clicks, made at the first start; each service that shares the servers needs its own."
        ),
    )
    nats_replicas: int = field(
        default=3, metadata=doc("Servers that hold each click: 3 or 5, or 1 if there is a single one.")
    )
    nats_monitoring: tuple[str, ...] = field(
        default=(),
        metadata=doc(
            "HTTP monitoring addresses of all NATS servers, such as `http://10.0.0.1:8222`, separated by commas, at "
            "which `sync_interval: always` is checked."
        ),
    )
    click_durable: Literal["node", "cluster"] = field(
        default="node",
        metadata=doc(
            "What a redirect waits for: `node`, until its click is durable on this machine, or `cluster`, until the "
            "transport has brought it to where another machine can count it; at most as long as `LINKWEIR_CLICK_WAIT`."
        ),
    )
    spool_retry: float = field(
        default=5.0, metadata=doc("Seconds between attempts to store clicks after the database has failed.")
    )
    heed_objections: bool = field(
        default=True,
        metadata=doc("Treat a click as anonymous if the browser sends Global Privacy Control or Do Not Track."),
    )
    shorten_addresses: bool = field(
        default=False, metadata=doc("Store only the network of IP addresses: /24 of IPv4, /48 of IPv6.")
    )
    mmdb: Path | None = field(
        default=None, metadata=doc("MaxMind DB file with countries or cities; reloaded when it changes.")
    )
    networks: Path | None = field(
        default=None, metadata=doc("List of known scanner networks instead of the included one; reloaded too.")
    )

    def __post_init__(self) -> None:
        """Fill what follows from other settings and refuse what cannot work."""
        self._validate_types()
        for name in ("port", "smtp_port", "smtps_port"):
            if not 0 <= (getattr(self, name) or 0) <= 65535:
                raise SettingsError(f"{PREFIX}{name.upper()}: {getattr(self, name)} is not a port")
        if not self.base_url:
            host = f"[{self.host}]" if ":" in self.host else self.host
            path = self.click_path or "/c/"
            object.__setattr__(self, "base_url", f"http://{host}:{self.port}{path}")
        object.__setattr__(self, "base_url", _parse_base_url(self.base_url))
        path = self.click_path or urlsplit(self.base_url).path
        object.__setattr__(self, "click_path", "/" + path.strip("/") + "/" if path.strip("/") else "/")
        for name in POSITIVE_FLOATS:
            if not getattr(self, name) > 0:
                raise SettingsError(f"{PREFIX}{name.upper()}: must be more than 0 seconds")
        for name in POSITIVE_INTS:
            if getattr(self, name) < 1:
                raise SettingsError(f"{PREFIX}{name.upper()}: must be at least 1")
        if self.filter_max_message < 0:
            raise SettingsError("LINKWEIR_FILTER_MAX_MESSAGE: must be a number of bytes, or 0 for no limit")
        for name in ("rate_limit", "statistics_rate"):
            if not getattr(self, name) > 0:
                raise SettingsError(f"{PREFIX}{name.upper()}: must be more than 0 requests a second")
        self._validate_combinations()
        self._validate_roles()
        if self.database:
            validate_database_url(self.database)

    def _validate_types(self) -> None:
        """Paths may be given as text; numbers may not, and are refused here with their name."""
        for name in PATH_FIELDS:
            value = getattr(self, name)
            if isinstance(value, (str, os.PathLike)):
                object.__setattr__(self, name, Path(value))
            elif value is not None or name == "data":
                raise SettingsError(f"{PREFIX}{name.upper()}: {value!r} is not a path")
        for name in (*POSITIVE_FLOATS, *POSITIVE_INTS, "rate_limit", "statistics_rate", "port"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise SettingsError(f"{PREFIX}{name.upper()}: {value!r} is not a number")

    def _validate_combinations(self) -> None:
        if (self.smtp_certificate is None) != (self.smtp_key is None):
            raise SettingsError("LINKWEIR_SMTP_CERTIFICATE and LINKWEIR_SMTP_KEY belong together")
        if self.max_incoming < max(self.max_body, 2 * self.max_message):
            raise SettingsError("LINKWEIR_MAX_INCOMING: must have room for one request and twice one message")
        self._validate_transport()
        if bool(self.filter_listen) != bool(self.filter_return):
            raise SettingsError("LINKWEIR_FILTER_LISTEN and LINKWEIR_FILTER_RETURN belong together")
        self._validate_oidc()
        if self.root_page and self.root_address:
            raise SettingsError("LINKWEIR_ROOT_PAGE and LINKWEIR_ROOT_ADDRESS exclude each other")
        if self.api_key and len(self.api_key) < 32:
            raise SettingsError("LINKWEIR_API_KEY: must have at least 32 characters, taken from a random source")

    def _validate_transport(self) -> None:
        if self.click_transport not in CLICK_TRANSPORTS:
            raise SettingsError(f"LINKWEIR_CLICK_TRANSPORT: must be {_join_choices(CLICK_TRANSPORTS)}")
        if self.click_transport != "local" and not self.database:
            raise SettingsError(f"LINKWEIR_CLICK_TRANSPORT={self.click_transport} needs LINKWEIR_DATABASE")
        if self.click_durable == "cluster" and self.click_transport == "local":
            raise SettingsError(
                "LINKWEIR_CLICK_DURABLE=cluster needs a LINKWEIR_CLICK_TRANSPORT that brings clicks to other machines, "
                "such as postgresql: with local they stay on this one"
            )
        if (self.click_transport == "jetstream") != bool(self.nats_url):
            raise SettingsError("LINKWEIR_CLICK_TRANSPORT=jetstream and LINKWEIR_NATS_URL belong together")
        if self.nats_url:
            parse_nats_servers(self.nats_url)
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", self.nats_stream):
            raise SettingsError("LINKWEIR_NATS_STREAM: must be up to 64 letters, digits, hyphens and underscores")
        if self.nats_replicas > MAX_REPLICAS:
            raise SettingsError(f"LINKWEIR_NATS_REPLICAS: must be at most {MAX_REPLICAS}")
        for address in self.nats_monitoring:
            if not re.fullmatch(r"https?://[^/?#@\s]+/?", address):
                raise SettingsError("LINKWEIR_NATS_MONITORING: must hold addresses like http://10.0.0.1:8222")

    def _validate_oidc(self) -> None:
        if bool(self.oidc_issuer) != bool(self.oidc_client_id):
            raise SettingsError("LINKWEIR_OIDC_ISSUER and LINKWEIR_OIDC_CLIENT_ID belong together")
        if self.oidc_issuer and not (
            is_secure_url(self.oidc_issuer) and not set("?#") & set(self.oidc_issuer)  # OpenID Connect Core, section 2
        ):
            raise SettingsError("LINKWEIR_OIDC_ISSUER: must be an https URL without query and fragment")
        if self.oidc_client_secret and self.oidc_client_secret_file:
            raise SettingsError("LINKWEIR_OIDC_CLIENT_SECRET and LINKWEIR_OIDC_CLIENT_SECRET_FILE exclude each other")
        if bool(self.oidc_role_claim) != bool(self.oidc_owners or self.oidc_editors or self.oidc_viewers):
            raise SettingsError(
                "LINKWEIR_OIDC_ROLE_CLAIM and LINKWEIR_OIDC_OWNERS, _EDITORS or _VIEWERS belong together"
            )
        if self.oidc_only and not self.oidc_issuer:
            raise SettingsError("LINKWEIR_OIDC_ONLY: nobody could sign in without LINKWEIR_OIDC_ISSUER")
        if "openid" not in self.oidc_scopes:
            raise SettingsError("LINKWEIR_OIDC_SCOPES: must hold openid")
        if self.oidc_account:
            try:
                uuid.UUID(self.oidc_account)
            except ValueError:
                raise SettingsError(
                    f"LINKWEIR_OIDC_ACCOUNT: {self.oidc_account!r} is not the id of an account"
                ) from None

    def _validate_roles(self) -> None:
        """Put them in one order. Raises SettingsError for one that there is not."""
        if unknown := [name for name in self.roles if name not in ROLES]:
            raise SettingsError(f"LINKWEIR_ROLES: {unknown[0]!r} is not a role; there are {', '.join(ROLES)}")
        object.__setattr__(self, "roles", tuple(name for name in ROLES if name in self.roles) or ROLES)
        if "redirect" in self.roles and "count" not in self.roles and self.click_transport == "local":
            raise SettingsError(
                "LINKWEIR_ROLES: redirect needs count beside it, which reads this machine's journal, or "
                "LINKWEIR_CLICK_TRANSPORT=postgresql or jetstream"
            )

    def has_role(self, *names: str) -> bool:
        """Whether this machine has one of these roles."""
        return any(name in self.roles for name in names)

    @property
    def sqlite_path(self) -> Path:
        """The SQLite file, which is the database unless there is another one."""
        return self.data / "linkweir.db"

    @property
    def key_path(self) -> Path:
        """The key ring file; whoever has it can mint links."""
        return self.key_file or self.data / "keys.json"

    @property
    def vault_path(self) -> Path:
        """The key that seals secrets in the database."""
        return self.data / "vault.key"

    @property
    def maildir_path(self) -> Path:
        """The Maildir that takes outgoing mail."""
        return self.maildir or self.data / "outbox"

    @property
    def spool_path(self) -> Path:
        """The journal of clicks, where each goes first; best on another disk than the database."""
        return self.spool or self.data / "spool"


def is_secure_url(text: str) -> bool:
    """Whether secrets may go there: an https URL, or for trying out an http one of this machine."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    is_local = parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")
    return (parts.scheme == "https" or is_local) and bool(parts.hostname)


def validate_database_url(text: str) -> None:
    """Raises SettingsError, whose text holds nothing of the URL: it may have a password."""
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("postgresql", "postgres") and bool(parts.path.strip("/")) and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise SettingsError("LINKWEIR_DATABASE: must look like postgresql://user:password@host:port/name")


def _parse_base_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port  # which raises where there is no such port
        valid = parts.scheme in ("http", "https") and bool(host)
    except ValueError:
        valid = False
    if not valid or parts.query or parts.fragment:
        raise SettingsError(
            f"LINKWEIR_BASE_URL: {text!r} must look like https://t.example.com/ (no query, no fragment)"
        )
    return text if text.endswith("/") else text + "/"


def _parse_bool(text: str) -> bool:
    values = {
        "1": True,
        "true": True,
        "yes": True,
        "on": True,
        "0": False,
        "false": False,
        "no": False,
        "off": False,
    }
    if text.lower() not in values:
        raise ValueError("true or false")
    return values[text.lower()]


def _parse_networks(text: str) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(item.strip(), strict=False) for item in text.split(",") if item.strip())
    except ValueError:
        raise ValueError("networks separated by commas, such as 10.0.0.0/8, ::1") from None


def _parse_name_servers(text: str) -> tuple[tuple[str, int], ...]:
    try:
        return tuple(_parse_name_server(item.strip()) for item in text.split(",") if item.strip())
    except ValueError:
        raise ValueError(
            "addresses of name servers separated by commas, such as 192.0.2.53, [2001:db8::53]:5353"
        ) from None


def _parse_name_server(text: str) -> tuple[str, int]:
    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_address(text)), DNS_PORT
    host, _, port = text.rpartition(":")
    number = int(port)
    if not 0 < number < 1 << 16:
        raise ValueError(port)
    return str(ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))), number


def _make_number_parser(kind: type[int] | type[float], description: str) -> Callable[[str], Any]:
    def number(text: str) -> Any:
        try:
            return kind(text)
        except ValueError:
            raise ValueError(description) from None

    return number


def _join_choices(allowed: Sequence[str]) -> str:
    return ", ".join(allowed[:-1]) + " or " + allowed[-1]


def _parse_hosts(text: str) -> tuple[str, ...]:
    hosts = tuple(item.strip().lower().strip("[]").rstrip(".") for item in text.split(",") if item.strip())
    for host in hosts:
        if set("/@ ") & set(host) or (":" in host and host.count(":") < 2):
            raise ValueError("hosts without scheme, port and path, separated by commas")
    return hosts


def _parse_address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or not text.isascii() or not text.isprintable():
        raise ValueError("an address like https://www.example.com/")
    return text


def _make_choice_parser(*allowed: str) -> Callable[[str], str]:
    def choose(text: str) -> str:
        if text not in allowed:
            raise ValueError(_join_choices(allowed))
        return text

    return choose


PARSERS: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(PATH_FIELDS, Path),
    **dict.fromkeys(
        ("port", "smtp_port", "smtps_port", "filter_max_message", *POSITIVE_INTS),
        _make_number_parser(int, "a whole number"),
    ),
    **dict.fromkeys((*POSITIVE_FLOATS, "rate_limit", "statistics_rate"), _make_number_parser(float, "a number")),
    **dict.fromkeys(("outlook", "heed_objections", "shorten_addresses", "oidc_only"), _parse_bool),
    "proxy_header": _make_choice_parser("x-forwarded-for", "forwarded"),
    "api_hosts": _parse_hosts,
    "root_address": _parse_address,
    **dict.fromkeys(
        ("opt_out", "roles", "oidc_owners", "oidc_editors", "oidc_viewers", "nats_monitoring"),
        lambda text: tuple(item.strip() for item in text.split(",") if item.strip()),
    ),
    **dict.fromkeys(("skip", "oidc_scopes"), lambda text: tuple(text.split())),
    "trusted_proxies": _parse_networks,
    "webhook_networks": _parse_networks,
    "dns_servers": _parse_name_servers,
    "link_style": _make_choice_parser("sealed", "short"),
    "click_durable": _make_choice_parser("node", "cluster"),
    "click_transport": _make_choice_parser(*CLICK_TRANSPORTS),
    "log_level": _make_choice_parser("debug", "info", "warning", "error"),
    "log_format": _make_choice_parser("auto", "text", "json"),
}


def base_url_of(environment: Mapping[str, str]) -> str:
    """What the service's tracking links begin with, for who needs no other setting. Raises SettingsError."""
    names = ("BASE_URL", "HOST", "PORT")
    return from_environment({PREFIX + n: environment[PREFIX + n] for n in names if PREFIX + n in environment}).base_url


def from_environment(environment: Mapping[str, str], **overrides: Any) -> Settings:
    """Settings from `environment`; `overrides` (the command line's) win where they are not None.

    Raises SettingsError naming the variable that is unknown or cannot be used.
    """
    known = {item.name for item in fields(Settings)}
    values: dict[str, Any] = {}
    for variable, text in environment.items():
        if not variable.startswith(PREFIX):
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name not in known or variable != variable.upper():
            hint = suggest_name(name.upper(), map(str.upper, known), PREFIX)
            raise SettingsError(f"{variable}: there is no such setting{hint}")
        values[name] = _parse_variable(variable, name, text)
    values.update({name: value for name, value in overrides.items() if value is not None})
    return Settings(**values)


def _parse_variable(variable: str, name: str, text: str) -> Any:
    try:
        return PARSERS.get(name, str)(text)
    except ValueError as error:
        # a secret's text must not end up in a log, and only texts read by a READER can fail
        raise SettingsError(f"{variable}: {text!r} cannot be used; it must be {error}") from None

"""Domains that an account sends from: policy, tracking host, DKIM key."""

import contextlib
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET
from sqlalchemy import ColumnElement, Connection, RowMapping, false
from sqlalchemy.exc import IntegrityError
from structlog.typing import FilteringBoundLogger

from linkweir.accounts import dkim_keys
from linkweir.accounts.domain_names import DOMAIN_PATTERN, to_ascii_domain
from linkweir.accounts.host_checks import HostCheck
from linkweir.accounts.resource_changes import DomainCreate, DomainUpdate
from linkweir.accounts.skip_patterns import to_link_options
from linkweir.db import domains_table, keyset_pagination
from linkweir.db.database import Database
from linkweir.db.schema import domains
from linkweir.errors import BadSwitch, Conflict, DatabaseUnavailable, NotFound, ValidationError
from linkweir.pagination import PageRequest, RowPage
from linkweir.translation import gettext

TRACKING_FIELDS = ("track_clicks", "track_opens")
MAX_DOMAINS = 1000  # domains of one account
MAX_LOST = 5  # that are named
EMPTY_DOMAIN: dict[str, Any] = {"tracking_subdomain": None, "policy": {}, "dkim_selector": None, "dkim_key": None}
UNCHECKED: dict[str, Any] = dict.fromkeys(
    ("dns_checked_at", "dns_problem", "tls_problem", "proof_problem", "proven_at", "found_at", "lost_at")
)
AddTrackingHost = Callable[[str], None]  # adds a host to the key ring


def create_domain(
    connection: Connection,
    account: uuid.UUID,
    request: DomainCreate,
    now: int,
    *,
    add_tracking_host: AddTrackingHost,
    dkim_key: Mapping[str, Any] | None = None,
) -> RowMapping:
    """Create a domain and return its row; `dkim_key` comes from `dkim_keys.parse_key`.

    Raises ValidationError, also when the account has as many as it may have, and Conflict when it has this one already.
    """
    name = parse_domain_name(request.domain)
    if domains_table.count(connection, account) >= MAX_DOMAINS:
        raise ValidationError(
            "domain", gettext("is one too many: an account may have %(most)s domains", most=MAX_DOMAINS)
        )
    columns = EMPTY_DOMAIN | _to_columns(request, EMPTY_DOMAIN, dkim_key or {})
    names = {"id": uuid.uuid4(), "account_id": account, "domain": name, "created_at": now, "updated_at": now}
    try:
        domains_table.add(connection, names | columns)
    except IntegrityError:
        raise Conflict(gettext("the account has this domain already")) from None
    row = get_domain(connection, account, name)
    _add_tracking_host(connection, add_tracking_host, row)
    return row


def parse_domain_name(text: str) -> str:
    """Return the name as the DNS has it. Raises ValidationError."""
    name = to_ascii_domain(text.removesuffix("."), "domain")
    if not DOMAIN_PATTERN.fullmatch(name):
        raise ValidationError("domain", gettext("is not a domain"))
    return name


def get_domain(connection: Connection, account: uuid.UUID, name_or_id: str) -> RowMapping:
    """Return the row of the domain with this name or id. Raises NotFound."""
    row = domains_table.find(connection, account, name_or_id.lower()) if "\0" not in name_or_id else None
    if row is None:
        with contextlib.suppress(ValueError):
            row = domains_table.get(connection, account, uuid.UUID(name_or_id))
    if row is None:
        raise NotFound(gettext("there is no such domain"))
    return row


def list_domains(
    connection: Connection, account: uuid.UUID, page: PageRequest, *, dns_valid: bool | None = None
) -> RowPage:
    """Return a page of the account's domains, newest first. `dns_valid`: those that may serve links, or the others."""
    filters: list[ColumnElement[bool]] = [domains.c.account_id == account]
    if dns_valid is not None and needs_proof(connection):
        filters.append(domains.c.proven_at.is_not(None) if dns_valid else domains.c.proven_at.is_(None))
    elif dns_valid is False:
        filters.append(false())
    return keyset_pagination.load_page(connection, domains, page, filters)


def update_domain(
    connection: Connection,
    account: uuid.UUID,
    name_or_id: str,
    change: DomainUpdate,
    now: int,
    *,
    add_tracking_host: AddTrackingHost,
    dkim_key: Mapping[str, Any] | None = None,
) -> RowMapping:
    """Update a domain and return its row; `dkim_key` comes from `dkim_keys.parse_key`.

    Raises NotFound, ValidationError.
    """
    row = get_domain(connection, account, name_or_id)
    columns = _to_columns(change, row, dkim_key or {})
    if columns.get("tracking_subdomain", row["tracking_subdomain"]) != row["tracking_subdomain"]:
        columns |= UNCHECKED
    domains_table.update_row(connection, row["id"], columns | {"updated_at": now})
    changed = get_domain(connection, account, str(row["id"]))
    if columns.get("tracking_subdomain"):
        _add_tracking_host(connection, add_tracking_host, changed)
    return changed


def serves_links(connection: Connection, row: Mapping[Any, Any]) -> bool:
    """Return whether links may be on the tracking host of this domain."""
    return domains_table.serves_links(connection, row)


def needs_proof(connection: Connection) -> bool:
    """Return whether domains have to be proven: a host that leads here does so for all accounts of the service."""
    return domains_table.has_several_accounts(connection)


def store_check(
    connection: Connection,
    account: uuid.UUID,
    row: Mapping[Any, Any],
    check: HostCheck,
    now: int,
    *,
    add_tracking_host: AddTrackingHost,
) -> RowMapping:
    """Store what was found of a domain's tracking host and return its row; what is proven stays so. A host that led
    here is lost after two checks in a row that say otherwise.

    Raises NotFound, ValidationError, and Conflict when the host was changed meanwhile.
    """
    stored = get_domain(connection, account, str(row["id"]))
    if stored["tracking_subdomain"] != row["tracking_subdomain"]:
        raise Conflict(gettext("the tracking subdomain was changed meanwhile; check it again"))
    is_proven = check.dns_problem is None and check.proof_problem is None
    problems = {name: getattr(check, name) for name in ("dns_problem", "tls_problem", "proof_problem")}
    proven_at = stored["proven_at"] or (now if is_proven else None)
    known = {"proven_at": proven_at, "found_at": stored["found_at"], "lost_at": stored["lost_at"]}
    if check.leads_here:
        known |= {"found_at": now, "lost_at": None}
    elif stored["found_at"] and stored["found_at"] != stored["dns_checked_at"]:  # networks fail for minutes
        known["lost_at"] = stored["lost_at"] or now
    domains_table.update_row(connection, row["id"], {**problems, **known, "dns_checked_at": now})
    checked = get_domain(connection, account, str(row["id"]))
    if is_proven:
        _add_tracking_host(connection, add_tracking_host, checked)
    return checked


def list_lost(connection: Connection, account: uuid.UUID) -> Sequence[RowMapping]:
    """Return the account's domains whose tracking host led here and no longer does, some of them if they are many."""
    return domains_table.list_lost(connection, account, MAX_LOST)


def set_tracking_host(
    connection: Connection,
    account: uuid.UUID,
    domain: str,
    subdomain: str | None,
    now: int,
    *,
    add_tracking_host: AddTrackingHost,
) -> RowMapping:
    """Put the tracking links of a domain on one of its subdomains (None: on the service's own host).

    Creates the domain where the account does not have it. Raises ValidationError.
    """
    name = parse_domain_name(domain)
    values = {"domain": name, "tracking_subdomain": subdomain}
    try:
        if domains_table.find(connection, account, name) is None:
            created = msgspec.convert(values, DomainCreate)
            return create_domain(connection, account, created, now, add_tracking_host=add_tracking_host)
        change = msgspec.convert(values, DomainUpdate)
    except msgspec.ValidationError:
        raise ValidationError(
            "subdomain", gettext("must be a name such as links: letters, digits and hyphens")
        ) from None
    return update_domain(connection, account, name, change, now, add_tracking_host=add_tracking_host)


def delete_domain(connection: Connection, domain: uuid.UUID) -> None:
    """Delete a domain; mail that was sent from it stays, and so do the links on its host."""
    domains_table.remove(connection, domain)


def list_tracking_hosts(connection: Connection) -> list[str]:
    """Return every host that tracking links of some domain are on."""
    return domains_table.list_tracking_hosts(connection)


class TrackingHosts:
    """Every host that tracking links of some domain are on: `current`, as the database had it at the last refresh."""

    def __init__(self, database: Database, log: FilteringBoundLogger) -> None:
        self.current: Collection[str] = frozenset()
        self.needs_proof = False
        self._database = database
        self._log = log

    def refresh(self) -> None:
        """Read the hosts again; they stay as they are while the database is unavailable."""
        try:
            with self._database.read() as connection:
                self.current = frozenset(list_tracking_hosts(connection))
                self.needs_proof = needs_proof(connection)
        except DatabaseUnavailable as error:
            self._log.warning("hosts.database_unavailable", error=str(error))


def _to_columns(change: DomainUpdate, stored: Mapping[Any, Any], dkim_key: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns to set, given the row as it is. Raises ValidationError."""
    policy = change.merge_into(stored["policy"])
    to_link_options(policy.get("opt_out"), policy.get("skip"), policy.get("outlook"))
    for name in TRACKING_FIELDS:
        value = getattr(change, name)
        if value is None:
            policy.pop(name, None)
        elif value is not UNSET:
            policy[name] = value
    has_key = {**stored, **dkim_key}["dkim_key"] is not None
    values = {"policy": policy, **dkim_key}
    values["dkim_selector"] = dkim_keys.parse_selector(change, stored["dkim_selector"], has_key=has_key)
    if change.tracking_subdomain is not UNSET:
        values["tracking_subdomain"] = change.tracking_subdomain or None
    return values


def _add_tracking_host(connection: Connection, add: AddTrackingHost, row: Mapping[Any, Any]) -> None:
    """Add the host to the key ring, so that links there are recognised as tracking links, once it may serve them.

    Raises ValidationError.

    The last step before the commit: what was refused adds no host. A host is never removed, for mails with links on it
    have been sent.
    """
    if row["tracking_subdomain"] and domains_table.serves_links(connection, row):
        try:
            add(f"{row['tracking_subdomain']}.{row['domain']}")
        except (BadSwitch, Conflict) as error:
            raise ValidationError("tracking_subdomain", str(error)) from None

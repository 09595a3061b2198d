"""API keys: creation, restrictions, authentication.

Only a key's SHA-256 is stored: a key is random, so nothing slower is needed.
"""

import contextlib
import hashlib
import hmac
import secrets
import string
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping

from linkweir.accounts import ip_allow_list as networks_of
from linkweir.accounts import scopes as scopes_of
from linkweir.accounts.resource_changes import ApiKeyUpdate
from linkweir.db import accounts_table, api_keys_table, keyset_pagination
from linkweir.db.accounts_table import WILDCARD_SCOPE
from linkweir.db.database import Database, WriteMode
from linkweir.db.schema import api_keys
from linkweir.errors import (
    Conflict,
    DatabaseUnavailable,
    Forbidden,
    ForbiddenIp,
    NotFound,
    Unauthorized,
    ValidationError,
)
from linkweir.pagination import PageRequest, RowPage
from linkweir.translation import gettext

KEY_ALPHABET = string.ascii_letters + string.digits
KEY_PREFIX = "linkweir-sk-"
KEY_HINT_LENGTH = len(KEY_PREFIX) + 6  # characters of a key that tell it from others
MAX_LABEL_CHARACTERS = 255
LAST_USED_INTERVAL_US = 60_000_000  # microseconds between two updates of `last_used_at`


@dataclass(frozen=True, slots=True)
class ApiPrincipal:
    """The authenticated client: the account's row, the key's id, scopes and networks, and the client's address."""

    account: RowMapping
    key_id: uuid.UUID
    scopes: tuple[str, ...]
    networks: tuple[str, ...] = ()
    address: str | None = None

    def require(self, scope: str, domain: str | None = None) -> None:
        """Raises Forbidden unless the key has the scope, for `domain` or for all."""
        scopes_of.require(self.scopes, scope, domain)

    def require_networks(self, networks: Sequence[str]) -> None:
        """Raises Forbidden unless what opens from these networks (none: from everywhere) opens nowhere where this key
        does not.
        """
        if not networks_of.covers(self.networks, networks):
            raise Forbidden("", "the API key may grant access only from its own IP addresses")

    def domains_for(self, action: str) -> list[str] | None:
        """Return the domains that the key may do this for; None: all."""
        return scopes_of.domains_for_action(self.scopes, action)


def owner_principal(account: RowMapping) -> ApiPrincipal:
    """Return the principal of somebody who owns the account and may do everything in it, without an API key."""
    return ApiPrincipal(account, uuid.UUID(int=0), (WILDCARD_SCOPE,))


def generate_api_key() -> str:
    """Generate an API key: 64 random characters, 381 bits."""
    return KEY_PREFIX + "".join(secrets.choice(KEY_ALPHABET) for _ in range(64))


def key_hint(key: str) -> str:
    """Return the first characters of a key: enough to recognise it, not enough to guess it."""
    return key[:KEY_HINT_LENGTH]


def key_digest(key: str) -> bytes:
    """Return what is stored of a key."""
    return hashlib.sha256(key.encode()).digest()


def create_api_key(
    connection: Connection,
    account: uuid.UUID,
    label: str,
    now: int,
    *,
    scopes: Sequence[str] | None = None,
    ip_allow_list: Sequence[str] = (),
) -> tuple[RowMapping, str]:
    """Create a key; return its row and the key, which cannot be read again. Without `scopes` it may do everything.

    Raises ValidationError.
    """
    if not 1 <= len(label) <= MAX_LABEL_CHARACTERS:
        raise ValidationError(
            "label", gettext("must have %(least)s to %(most)s characters", least=1, most=MAX_LABEL_CHARACTERS)
        )
    granted = [WILDCARD_SCOPE] if scopes is None else scopes_of.parse_scopes(scopes)
    networks = networks_of.parse_entries(ip_allow_list)
    key = generate_api_key()
    key_id = accounts_table.add_api_key(
        connection,
        account,
        label=label,
        digest=key_digest(key),
        hint=key_hint(key),
        now=now,
        scopes=granted,
        ip_allow_list=networks,
    )
    return get_api_key(connection, account, key_id), key


def authorize_grant(principal: ApiPrincipal, scopes: Sequence[str], ip_allow_list: Sequence[str]) -> None:
    """Raises Forbidden when a key with these scopes and networks would open more than the principal's does, and
    ValidationError.
    """
    granted, networks = scopes_of.parse_scopes(scopes), networks_of.parse_entries(ip_allow_list)
    scopes_of.require_subset(principal.scopes, granted)
    principal.require_networks(networks)


def get_api_key(connection: Connection, account: uuid.UUID, key_id: uuid.UUID) -> RowMapping:
    """Return the row of a key. Raises NotFound."""
    row = api_keys_table.get(connection, account, key_id)
    if row is None:
        raise NotFound(gettext("there is no such API key"))
    return row


def list_api_keys(connection: Connection, account: uuid.UUID, page: PageRequest) -> RowPage:
    """Return a page of the account's keys, newest first."""
    return keyset_pagination.load_page(connection, api_keys, page, [api_keys.c.account_id == account])


def list_all_api_keys(connection: Connection, account: uuid.UUID) -> list[RowMapping]:
    """Return all keys of the account, oldest first."""
    return api_keys_table.list_for_account(connection, account)


def update_api_key(
    connection: Connection, principal: ApiPrincipal, key_id: uuid.UUID, change: ApiKeyUpdate, now: int
) -> RowMapping:
    """Update a key of the principal's account and return its row.

    Raises ValidationError, NotFound, Forbidden for a key that may do more than the principal's, before or after, and
    Conflict when the principal would lock itself out.
    """
    values: dict[str, Any] = {"updated_at": now}
    if change.label is not None:
        values["label"] = change.label
    if change.scopes is not None:
        values["scopes"] = scopes_of.parse_scopes(change.scopes)
    if change.ip_allow_list is not None:
        values["ip_allow_list"] = networks_of.parse_entries(change.ip_allow_list)
    row = get_api_key(connection, principal.account["id"], key_id)
    _authorize_update(principal, row, values)
    api_keys_table.update_row(connection, key_id, values)
    return get_api_key(connection, principal.account["id"], key_id)


def _authorize_update(principal: ApiPrincipal, row: RowMapping, values: dict[str, Any]) -> None:
    scopes_of.require_subset(principal.scopes, row["scopes"])
    scopes_of.require_subset(principal.scopes, values.get("scopes", ()))
    networks = values.get("ip_allow_list", row["ip_allow_list"])
    if "ip_allow_list" in values or "scopes" in values:
        principal.require_networks(networks)
    if row["id"] == principal.key_id and not networks_of.allows(networks, principal.address):
        raise Conflict("ip_allow_list: does not contain the address that this request comes from")


def revoke_api_key(connection: Connection, account: uuid.UUID, key_id: uuid.UUID) -> None:
    """Delete a key. Raises NotFound."""
    if not api_keys_table.remove(connection, account, key_id):
        raise NotFound(gettext("there is no such API key"))


def authenticate_api_key(
    database: Database, key: str, account_id: uuid.UUID | None, address: str | None, now: int
) -> ApiPrincipal:
    """Return the principal of a key that belongs to this account (None: to any) and opens from this address.

    The key is found by its digest, so the time that the index takes tells nothing about any key; then the digests are
    compared in constant time. Raises Unauthorized, ForbiddenIp, DatabaseUnavailable.
    """
    presented = key_digest(key)
    with database.read() as connection:
        row = api_keys_table.get_by_digest(connection, presented)
        if row is None or not hmac.compare_digest(row["digest"], presented):
            raise Unauthorized
        if account_id is not None and row["account_id"] != account_id:
            raise Unauthorized
        account = accounts_table.get(connection, row["account_id"])
    if account is None:
        raise Unauthorized
    if not networks_of.allows(row["ip_allow_list"], address):
        raise ForbiddenIp
    if (row["last_used_at"] or 0) + LAST_USED_INTERVAL_US < now:
        _record_use(database, row["id"], now)
    return ApiPrincipal(account, row["id"], tuple(row["scopes"]), tuple(row["ip_allow_list"]), address)


def _record_use(database: Database, key_id: uuid.UUID, now: int) -> None:
    """Not worth a wait or a failure: a database that cannot be written to must still be readable."""
    with contextlib.suppress(DatabaseUnavailable), database.write(WriteMode.CONCURRENT, timeout=0.05) as connection:
        api_keys_table.touch(connection, key_id, now)

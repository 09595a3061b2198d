"""API keys: `Authorization: Bearer <key>`. Only a key's SHA-256 is stored; it is random, so nothing slower
is needed.
"""

import contextlib
import hashlib
import hmac
import secrets
import string
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping
from starlette.requests import Request

from linkweir.accounts import ip_allow_list, scopes
from linkweir.clock import now
from linkweir.db import accounts_table, api_keys_table
from linkweir.db.database import Database
from linkweir.errors import DatabaseUnavailable, Forbidden, ForbiddenIp, Unauthorized
from linkweir.web import client_ip
from linkweir.web.services import AppServices

KEY_ALPHABET = string.ascii_letters + string.digits
KEY_PREFIX = "linkweir-sk-"
MAX_KEY_LENGTH = 256
KEY_HINT_LENGTH = len(KEY_PREFIX) + 6  # characters of a key that tell it from others
LAST_USED_INTERVAL_US = 60_000_000  # microseconds between two notes of a key's use


@dataclass(frozen=True, slots=True)
class ApiPrincipal:
    """Who asks, and from which address: the account's row, the key's id, its scopes and networks."""

    account: RowMapping
    key_id: uuid.UUID
    scopes: tuple[str, ...]
    networks: tuple[str, ...] = ()
    address: str | None = None

    def require(self, scope: str, domain: str | None = None) -> None:
        """Raises NotAllowed unless the key may do this, for `domain` or for all."""
        scopes.require(self.scopes, scope, domain)

    def require_networks(self, networks: Sequence[str]) -> None:
        """Raises NotAllowed unless what opens from these networks (none: from everywhere) opens nowhere where this key
        does not.
        """
        if not ip_allow_list.covers(self.networks, networks):
            raise Forbidden("", "the API key may not hand on access from other addresses than its own")

    def domains_for(self, action: str) -> list[str] | None:
        """The domains that the key may do this for; None: all."""
        return scopes.domains_for_action(self.scopes, action)


def generate_api_key() -> str:
    """A fresh API key: 64 random characters, 381 bits."""
    return KEY_PREFIX + "".join(secrets.choice(KEY_ALPHABET) for _ in range(64))


def key_hint(key: str) -> str:
    """How a key begins: enough to recognise it, and nothing to open with."""
    return key[:KEY_HINT_LENGTH]


def key_digest(key: str) -> bytes:
    """What is stored of a key."""
    return hashlib.sha256(key.encode()).digest()


def create_api_key(
    connection: Connection,
    account: uuid.UUID,
    label: str,
    now: int,
    *,
    scopes: Iterable[str] = (accounts_table.WILDCARD_SCOPE,),
    ip_allow_list: Iterable[str] = (),
) -> tuple[uuid.UUID, str]:
    """A new key of this account: its id, and the key, which nobody can know later."""
    key = generate_api_key()
    limits = {"scopes": scopes, "ip_allow_list": ip_allow_list}
    key_id = accounts_table.add_api_key(
        connection, account, label=label, digest=key_digest(key), now=now, hint=key_hint(key), **limits
    )
    return key_id, key


async def authenticate(request: Request, services: AppServices, key: str | None = None) -> ApiPrincipal:
    """Who asks, if the request's key belongs to the account in its path. Raises AccessDenied, and NotFromHere for a key
    that does not open from the client's address.
    """
    presented = bearer_token(request) if key is None else key
    wanted: uuid.UUID | None = None
    if "account_id" in request.path_params:
        try:
            wanted = uuid.UUID(request.path_params["account_id"])
        except ValueError:
            raise Unauthorized from None
    address = client_ip.client_ip(request.scope, services.settings.trusted_proxies, services.settings.proxy_header)
    return await services.run_blocking(lambda: _authenticate_key(services.store, presented, wanted, address))


def bearer_token(request: Request) -> str:
    """The key of the request. Raises AccessDenied when it has none."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    key = key.strip()
    if scheme.lower() != "bearer" or not key or len(key) > MAX_KEY_LENGTH:
        raise Unauthorized
    return key


def _authenticate_key(store: Database, key: str, account_id: uuid.UUID | None, address: str | None) -> ApiPrincipal:
    """Found by digest, so the time that the index takes says nothing about any key; then compared in
    constant time.
    """
    presented = key_digest(key)
    with store.read() as connection:
        found = api_keys_table.get_by_digest(connection, presented)
        if found is None or not hmac.compare_digest(found["digest"], presented):
            raise Unauthorized
        if account_id is not None and found["account_id"] != account_id:
            raise Unauthorized
        account = accounts_table.get(connection, found["account_id"])
    if account is None:
        raise Unauthorized
    if not ip_allow_list.allows(found["ip_allow_list"], address):
        raise ForbiddenIp
    moment = now()
    if (found["last_used_at"] or 0) + LAST_USED_INTERVAL_US < moment:
        _record_use(store, found["id"], moment)
    return ApiPrincipal(account, found["id"], tuple(found["scopes"]), tuple(found["ip_allow_list"]), address)


def _record_use(store: Database, key: uuid.UUID, moment: int) -> None:
    """Not worth a wait or a failure: a store that cannot be written must still be read."""
    with contextlib.suppress(DatabaseUnavailable), store.write(timeout=0.05) as connection:
        api_keys_table.touch(connection, key, moment)

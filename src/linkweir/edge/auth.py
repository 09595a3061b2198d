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

from linkweir.edge import allow_list, client, scopes
from linkweir.edge.parts import Parts, now
from linkweir.errors import AccessDenied, NotAllowed, NotFromHere, StoreUnavailable
from linkweir.store import accounts, api_keys
from linkweir.store.engine import Store

ALPHABET = string.ascii_letters + string.digits
PREFIX = "linkweir-sk-"
KEY_LIMIT = 256
HINT = len(PREFIX) + 6  # characters of a key that tell it from others
SEEN_EVERY = 60_000_000  # microseconds between two notes of a key's use


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who asks, and from which address: the account's row, the key's id, its scopes and networks."""

    account: RowMapping
    key: uuid.UUID
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
        if not allow_list.covers(self.networks, networks):
            raise NotAllowed("", "the API key may not hand on access from other addresses than its own")

    def domains(self, deed: str) -> list[str] | None:
        """The domains that the key may do this for; None: all."""
        return scopes.domains(self.scopes, deed)


def new_key() -> str:
    """A fresh API key: 64 random characters, 381 bits."""
    return PREFIX + "".join(secrets.choice(ALPHABET) for _ in range(64))


def hint(key: str) -> str:
    """How a key begins: enough to recognise it, and nothing to open with."""
    return key[:HINT]


def digest(key: str) -> bytes:
    """What is stored of a key."""
    return hashlib.sha256(key.encode()).digest()


def add_key(
    connection: Connection,
    account: uuid.UUID,
    label: str,
    now: int,
    *,
    scopes: Iterable[str] = (accounts.EVERYTHING,),
    ip_allow_list: Iterable[str] = (),
) -> tuple[uuid.UUID, str]:
    """A new key of this account: its id, and the key, which nobody can know later."""
    key = new_key()
    limits = {"scopes": scopes, "ip_allow_list": ip_allow_list}
    key_id = accounts.add_api_key(
        connection, account, label=label, digest=digest(key), now=now, hint=hint(key), **limits
    )
    return key_id, key


async def signed_in(request: Request, parts: Parts, key: str | None = None) -> SignedIn:
    """Who asks, if the request's key belongs to the account in its path. Raises AccessDenied, and NotFromHere for a key
    that does not open from the client's address.
    """
    presented = presented_key(request) if key is None else key
    wanted: uuid.UUID | None = None
    if "account_id" in request.path_params:
        try:
            wanted = uuid.UUID(request.path_params["account_id"])
        except ValueError:
            raise AccessDenied from None
    address = client.address(request.scope, parts.settings.trusted_proxies, parts.settings.proxy_header)
    return await parts.in_thread(lambda: _find(parts.store, presented, wanted, address))


def presented_key(request: Request) -> str:
    """The key of the request. Raises AccessDenied when it has none."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    key = key.strip()
    if scheme.lower() != "bearer" or not key or len(key) > KEY_LIMIT:
        raise AccessDenied
    return key


def _find(store: Store, key: str, wanted: uuid.UUID | None, address: str | None) -> SignedIn:
    """Found by digest, so the time that the index takes says nothing about any key; then compared in
    constant time.
    """
    presented = digest(key)
    with store.read() as connection:
        found = api_keys.by_digest(connection, presented)
        if found is None or not hmac.compare_digest(found["digest"], presented):
            raise AccessDenied
        if wanted is not None and found["account_id"] != wanted:
            raise AccessDenied
        account = accounts.get(connection, found["account_id"])
    if account is None:
        raise AccessDenied
    if not allow_list.allows(found["ip_allow_list"], address):
        raise NotFromHere
    moment = now()
    if (found["last_used_at"] or 0) + SEEN_EVERY < moment:
        _note_use(store, found["id"], moment)
    return SignedIn(account, found["id"], tuple(found["scopes"]), tuple(found["ip_allow_list"]), address)


def _note_use(store: Store, key: uuid.UUID, moment: int) -> None:
    """Not worth a wait or a failure: a store that cannot be written must still be read."""
    with contextlib.suppress(StoreUnavailable), store.write(wait=0.05) as connection:
        api_keys.seen(connection, key, moment)

"""API keys: `Authorization: Bearer <key>`. Only a key's SHA-256 is stored; it is random, so nothing slower
is needed.
"""

import hashlib
import hmac
import secrets
import string
import uuid

from sqlalchemy import RowMapping
from starlette.requests import Request

from linkweir.edge.parts import Parts
from linkweir.errors import AccessDenied
from linkweir.store import accounts
from linkweir.store.engine import Store

ALPHABET = string.ascii_letters + string.digits
PREFIX = "linkweir-sk-"
KEY_LIMIT = 256


def new_key() -> str:
    """A fresh API key: 64 random characters, 381 bits."""
    return PREFIX + "".join(secrets.choice(ALPHABET) for _ in range(64))


def digest(key: str) -> bytes:
    """What is stored of a key."""
    return hashlib.sha256(key.encode()).digest()


async def signed_in(request: Request, parts: Parts) -> RowMapping:
    """The account in the request's path, if the request's key is one of its keys. Raises AccessDenied."""
    key = presented_key(request)
    try:
        wanted = uuid.UUID(request.path_params["account_id"])
    except ValueError:
        raise AccessDenied from None
    return await parts.in_thread(lambda: _account(parts.store, key, wanted))


async def check_key(request: Request, parts: Parts) -> None:
    """Raises AccessDenied unless the request's key is somebody's."""
    key = presented_key(request)
    await parts.in_thread(lambda: _account(parts.store, key, None))


def presented_key(request: Request) -> str:
    """The key of the request. Raises AccessDenied when it has none."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    key = key.strip()
    if scheme.lower() != "bearer" or not key or len(key) > KEY_LIMIT:
        raise AccessDenied
    return key


def _account(store: Store, key: str, wanted: uuid.UUID | None) -> RowMapping:
    """Found by digest, so the time that the index takes says nothing about any key; then compared in
    constant time.
    """
    presented = digest(key)
    with store.read() as connection:
        found = accounts.api_key(connection, presented)
        if found is None or not hmac.compare_digest(found["digest"], presented):
            raise AccessDenied
        if wanted is not None and found["account_id"] != wanted:
            raise AccessDenied
        account = accounts.get(connection, found["account_id"])
    if account is None:
        raise AccessDenied
    return account

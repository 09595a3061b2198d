"""Authentication of HTTP requests by API key: `Authorization: Bearer <key>`."""

import uuid

from starlette.requests import Request

from linkweir.accounts.api_keys import ApiPrincipal, authenticate_api_key
from linkweir.clock import now
from linkweir.errors import Unauthorized
from linkweir.web import client_ip
from linkweir.web.services import AppServices

MAX_KEY_LENGTH = 256


async def authenticate(request: Request, services: AppServices, key: str | None = None) -> ApiPrincipal:
    """Return the principal of the request's key, or of `key`, for the account in the path.

    Raises Unauthorized, and ForbiddenIp for a key that does not open from the client's address.
    """
    presented = bearer_token(request) if key is None else key
    account_id: uuid.UUID | None = None
    if "account_id" in request.path_params:
        try:
            account_id = uuid.UUID(request.path_params["account_id"])
        except ValueError:
            raise Unauthorized from None
    address = client_ip.client_ip(request.scope, services.settings.trusted_proxies, services.settings.proxy_header)
    return await services.run_blocking(
        lambda: authenticate_api_key(services.database, presented, account_id, address, now())
    )


def bearer_token(request: Request) -> str:
    """Return the key of the request. Raises Unauthorized when it has none."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    key = key.strip()
    if scheme.lower() != "bearer" or not key or len(key) > MAX_KEY_LENGTH:
        raise Unauthorized
    return key

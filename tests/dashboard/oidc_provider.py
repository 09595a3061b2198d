"""A small identity provider, which can be told to lie: discovery, authorization without a question, code for tokens."""

import base64
import functools
import hashlib
import secrets
import socket
import time
from typing import Any, Self
from urllib.parse import parse_qs, urlencode

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.web.running_service import UvicornThread

CLIENT_ID, CLIENT_SECRET = "linkweir", "a secret of the client, from a random source"


class OidcProvider:
    """Signs everybody in with `claims`. `lies` replaces claims of the ID token, `metadata_lies` fields of the metadata;
    `header` and `key` replace those of its signature; `requests` collects what was asked at the token endpoint.
    """

    def __init__(self) -> None:
        self.claims: dict[str, Any] = {"sub": "ada", "email": "ada@example.com", "email_verified": True}
        self.lies: dict[str, Any] = {}
        self.metadata_lies: dict[str, Any] = {}
        self.userinfo: dict[str, Any] | None = None
        self.key = _make_key()
        self.signing_key: Any = None
        self.header: dict[str, Any] = {"alg": "RS256", "kid": "1"}
        self.requests: list[dict[str, str]] = []
        self._codes: dict[str, dict[str, str]] = {}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.issuer = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        routes = [
            Route("/.well-known/openid-configuration", self._show_metadata),
            Route("/keys", self._show_keys),
            Route("/authorize", self._authorize),
            Route("/token", self._issue_token, methods=["POST"]),
            Route("/userinfo", self._show_userinfo),
        ]
        self._running = UvicornThread(Starlette(routes=routes), self._listener)

    def __enter__(self) -> Self:
        self._running.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._running.__exit__(*error)

    async def _show_metadata(self, _request: Request) -> Response:
        paths = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
        if self.userinfo is not None:
            paths["userinfo_endpoint"] = "/userinfo"
        urls = {name: self.issuer + path for name, path in paths.items()}
        return JSONResponse({"issuer": self.issuer, **urls, **self.metadata_lies})

    async def _show_keys(self, _request: Request) -> Response:
        return JSONResponse(KeySet([self.key]).as_dict(private=False))

    async def _authorize(self, request: Request) -> Response:
        query = dict(request.query_params)
        assert (query["response_type"], query["client_id"]) == ("code", CLIENT_ID)
        assert query["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self._codes[code] = query
        answer = {"code": code, "state": query["state"], "iss": self.issuer}
        return RedirectResponse(f"{query['redirect_uri']}?{urlencode(answer)}")

    async def _issue_token(self, request: Request) -> Response:
        """Check what RFC 6749 section 4.1.3 and RFC 7636 section 4.6 ask for."""
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        self.requests.append(form)
        asked = self._codes.pop(form["code"], None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).decode()
        basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if request.headers.get("authorization") not in (f"Basic {basic}",):
            return JSONResponse({"error": "invalid_client"}, 401)
        if (
            asked is None
            or asked["code_challenge"] != challenge.rstrip("=")
            or asked["redirect_uri"] != form["redirect_uri"]
        ):
            return JSONResponse({"error": "invalid_grant", "error_description": "of a stranger"}, 400)
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        claims = {name: value for name, value in {**claims, **self.claims, **self.lies}.items() if value is not None}
        token = jwt.encode(self.header, claims, self.signing_key or self.key, algorithms=["RS256", "HS256", "none"])
        return JSONResponse({"access_token": "access", "token_type": "Bearer", "expires_in": 60, "id_token": token})

    async def _show_userinfo(self, request: Request) -> Response:
        assert request.headers["authorization"] == "Bearer access"
        return JSONResponse(self.userinfo)


@functools.cache
def _make_key() -> RSAKey:
    """The same for all providers of a run: making one takes longer than most tests."""
    return RSAKey.generate_key(2048, {"kid": "1"}, private=True)

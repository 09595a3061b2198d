"""OpenID Connect: asks a provider who somebody is, by the authorization code flow with PKCE. Knows no accounts.

Everything that comes back is checked: the state belongs to this browser, the code to this attempt (PKCE), the ID token
has the provider's signature, issuer, our audience, a time and this attempt's nonce. Authlib does the protocol, joserfc
the signatures; both are an extra, so they are imported when a provider is configured.
"""

import base64
import binascii
import hashlib
import hmac
import json
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from linkweir.error_hints import explain_missing_package
from linkweir.errors import SettingsError, SingleSignOnError
from linkweir.settings import Settings, is_secure_url

# signatures that only the provider can make: a client's secret (HS256) or nothing at all ("none") will not do
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
TIMEOUT_SECONDS = 10.0  # seconds for one request to the provider
METADATA_SECONDS = 300.0  # seconds that its metadata is used: each start of a sign-in would be a request otherwise
LEEWAY_SECONDS = 60  # seconds that clocks may differ
MAX_RESPONSE_BYTES = 1024 * 1024
MAX_SECRET_BYTES = 4096  # bytes of a file with the client's secret
Claims = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SignInAttempt:
    """One attempt of one browser. State, nonce and code verifier follow from the `secret` in its cookie, so nothing is
    stored here, and an answer is of use to that browser only. `next_path`: the page to show afterwards.
    """

    secret: str
    next_path: str

    @property
    def state(self) -> str:
        """What the provider gives back, so that nobody is signed in by a link of somebody else (CSRF)."""
        return self._derive("state " + self.next_path)

    @property
    def nonce(self) -> str:
        """What the ID token must hold: one of another attempt is of no use."""
        return self._derive("nonce")

    @property
    def code_verifier(self) -> str:
        """What proves to the provider that the code came to who asked for it (RFC 7636)."""
        return self._derive("code verifier")

    def _derive(self, purpose: str) -> str:
        digest = hmac.new(self.secret.encode(), f"linkweir oidc {purpose}".encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def to_cookie(self) -> str:
        """Return the value of the browser's cookie."""
        return f"{self.secret}.{base64.urlsafe_b64encode(self.next_path.encode()).decode().rstrip('=')}"

    @classmethod
    def from_cookie(cls, value: str, state: str) -> "SignInAttempt":
        """Return the attempt in a cookie. Raises SingleSignOnError unless `state` is its."""
        secret, _, path = value.partition(".")
        try:
            attempt = cls(secret, base64.urlsafe_b64decode(path + "=" * (-len(path) % 4)).decode())
        except (binascii.Error, UnicodeDecodeError):
            raise SingleSignOnError("the cookie is malformed") from None
        if not secret or not hmac.compare_digest(attempt.state.encode(), state.encode("utf-8", "replace")):
            raise SingleSignOnError("the state is not that of this browser")
        return attempt


class OidcClient:
    """A client of the provider in the settings."""

    def __init__(self, settings: Settings) -> None:
        self.issuer = settings.oidc_issuer
        self._client_id = settings.oidc_client_id
        self._client_secret = settings.oidc_client_secret or _read_secret(settings)
        self._scope = " ".join(settings.oidc_scopes)
        self._metadata: dict[str, Any] = {}
        self._metadata_until = 0.0

    async def make_authorization_url(self, attempt: SignInAttempt, redirect_uri: str) -> str:
        """Return the URL of the provider that the browser goes to. Raises SingleSignOnError."""
        async with self._open_session(await self._load_metadata(), redirect_uri) as session:
            url, _ = session.create_authorization_url(
                self._metadata["authorization_endpoint"],
                state=attempt.state,
                nonce=attempt.nonce,
                code_verifier=attempt.code_verifier,
            )
        return str(url)

    async def fetch_claims(self, attempt: SignInAttempt, redirect_uri: str, code: str) -> Claims:
        """Exchange a code for what the provider says of the user: the claims of the ID token, and of the userinfo
        endpoint where there is one. Raises SingleSignOnError.
        """
        from authlib.integrations.base_client import OAuthError

        metadata = await self._load_metadata()
        async with self._open_session(metadata, redirect_uri) as session:
            try:
                token = await session.fetch_token(
                    metadata["token_endpoint"],
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=attempt.code_verifier,
                )
            except (OAuthError, httpx.HTTPError, ValueError) as error:
                raise SingleSignOnError(f"the code was not accepted ({describe(error)})") from None
            claims = self._validate_id_token(token, await _fetch_json(session, metadata["jwks_uri"]), attempt.nonce)
            if "userinfo_endpoint" in metadata and "access_token" in token:
                headers = {"Authorization": f"Bearer {token['access_token']}"}
                more = await _fetch_json(session, metadata["userinfo_endpoint"], headers)
                if more.get("sub") != claims["sub"]:  # OpenID Connect Core 1.0 section 5.3.2
                    raise SingleSignOnError("the userinfo endpoint speaks of another user")
                claims = {**more, **claims}
        return claims

    def _open_session(self, metadata: Mapping[str, Any], redirect_uri: str) -> Any:
        from authlib.integrations.httpx_client import AsyncOAuth2Client

        known = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        with_secret = "client_secret_post" if "client_secret_basic" not in known else "client_secret_basic"
        return AsyncOAuth2Client(
            self._client_id,
            self._client_secret,
            token_endpoint_auth_method=with_secret if self._client_secret else "none",
            scope=self._scope,
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            timeout=TIMEOUT_SECONDS,
        )

    async def _load_metadata(self) -> dict[str, Any]:
        """Return the provider's metadata (OpenID Connect Discovery 1.0), at most some minutes old."""
        if time.monotonic() < self._metadata_until:
            return self._metadata
        async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS) as client:
            url = self.issuer.rstrip("/") + "/.well-known/openid-configuration"
            metadata = await _fetch_json(client, url)
        if metadata.get("issuer") != self.issuer:  # section 4.3: it must be the very same
            raise SingleSignOnError("the metadata is that of another issuer")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"):
            missing = self.issuer if name == "userinfo_endpoint" else ""  # the only one that is not required
            if not is_secure_url(str(metadata.get(name, missing))):
                raise SingleSignOnError(f"the metadata has no usable {name}")
        self._metadata, self._metadata_until = metadata, time.monotonic() + METADATA_SECONDS
        return metadata

    def _validate_id_token(self, token: Mapping[str, Any], keys: dict[str, Any], nonce: str) -> dict[str, Any]:
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet
        from joserfc.jws import JWSRegistry

        try:
            registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
            decoded = jwt.decode(str(token["id_token"]), KeySet.import_key_set(keys), registry=registry)  # type: ignore[arg-type]
            audience = decoded.claims.get("aud")
            if self._client_id not in (audience if isinstance(audience, list) else [audience]):
                raise SingleSignOnError("the ID token is for another audience")
            options = {"iss": {"essential": True, "value": self.issuer}}
            params = {"nonce": nonce, "client_id": self._client_id, "access_token": token.get("access_token")}
            claims = CodeIDToken(decoded.claims, decoded.header, options, params)
            claims.validate(leeway=LEEWAY_SECONDS)
        except (JoseError, KeyError, ValueError, TypeError) as error:
            raise SingleSignOnError(f"the ID token is not valid ({describe(error)})") from None
        return dict(claims)


def make_oidc_client(settings: Settings) -> OidcClient | None:
    """Return the client of the provider in the settings, None where there is none. Raises SettingsError."""
    if not settings.oidc_issuer:
        return None
    try:
        with warnings.catch_warnings():
            from authlib.deprecate import AuthlibDeprecationWarning

            warnings.simplefilter("ignore", AuthlibDeprecationWarning)  # it says that httpx works, but httpx2 is newer
            import authlib.integrations.httpx_client
            import authlib.oidc.core  # noqa: F401
    except ModuleNotFoundError as error:
        raise SettingsError(f"LINKWEIR_OIDC_ISSUER: {explain_missing_package(error.name or 'authlib')}") from None
    return OidcClient(settings)


def describe(error: Exception) -> str:
    """Name an error for the log without what strangers wrote, but for the code that the standard defines."""
    code = str(getattr(error, "error", "") or "")[:60]
    return f"{type(error).__name__} {code}".strip() if code.replace("_", "").isalnum() else type(error).__name__


def _read_secret(settings: Settings) -> str:
    path = settings.oidc_client_secret_file
    if path is None:
        return ""
    try:
        data = path.read_bytes()
        secret = data.decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"LINKWEIR_OIDC_CLIENT_SECRET_FILE: {path} cannot be read ({describe(error)})") from None
    if not secret or len(data) > MAX_SECRET_BYTES:
        raise SettingsError(f"LINKWEIR_OIDC_CLIENT_SECRET_FILE: {path} holds no secret")
    return secret


async def _fetch_json(client: Any, url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Fetch a JSON object from the provider; redirects are not followed. Raises SingleSignOnError."""
    where = urlsplit(url).path
    try:
        extra = {"withhold_token": True} if hasattr(client, "fetch_token") else {}
        response = await client.request("GET", url, headers=headers, **extra)
        if response.status_code != 200 or len(response.content) > MAX_RESPONSE_BYTES:
            raise SingleSignOnError(f"the provider answered {where} with status {response.status_code}")
        found = json.loads(response.content)
    except (httpx.HTTPError, ValueError) as error:
        raise SingleSignOnError(f"the provider did not answer {where} ({describe(error)})") from None
    if not isinstance(found, dict):
        raise SingleSignOnError(f"the provider answered {where} with no object")
    return found

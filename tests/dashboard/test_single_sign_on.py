"""Sign-in by an identity provider: a real one that is run for it, and one that lies."""

import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from joserfc.jwk import OctKey, RSAKey

from linkweir.accounts import account_settings, user_links, users
from linkweir.accounts.single_sign_on import RoleMapping
from linkweir.clock import now
from linkweir.errors import Forbidden, SettingsError
from linkweir.settings import Settings, from_environment
from linkweir.web.oidc_client import make_oidc_client
from tests.cli.command_runner import CommandRunner
from tests.dashboard.browser_client import EMAIL, PASSWORD, DashboardClient, add_user, read_form_token
from tests.dashboard.oidc_provider import CLIENT_ID, CLIENT_SECRET, OidcProvider
from tests.web.running_service import WAIT_SECONDS, RunningService, find_free_port, wait_until

ROLES = {
    "oidc_role_claim": "groups",
    "oidc_owners": ("admins",),
    "oidc_editors": ("marketing",),
    "oidc_viewers": ("staff", "all"),
}
FAILED = "Signing in with single sign-on failed"


@pytest.fixture
def provider() -> Iterator[OidcProvider]:
    """A provider."""
    with OidcProvider() as running:
        yield running


@pytest.fixture
def service(dialect: str, tmp_path: Path, provider: OidcProvider) -> Iterator[RunningService]:
    """A service whose users sign in by it; the secret comes from a file."""
    (tmp_path / "secret").write_text(CLIENT_SECRET + "\n")
    known: dict[str, Any] = {"oidc_issuer": provider.issuer, "oidc_client_id": CLIENT_ID}
    with RunningService(
        tmp_path / "data", **known, oidc_client_secret_file=tmp_path / "secret", **ROLES, oidc_only=False
    ) as running:
        yield running


def start_at_provider(client: DashboardClient, next_path: str = "/") -> str:
    """Begin to sign in; where the provider sends the browser back."""
    started = client.http.get("/single-sign-on", params={"next": next_path})
    assert started.status_code == 303, started.text
    return httpx.get(started.headers["location"], timeout=WAIT_SECONDS).headers["location"]


def first_account(service: RunningService) -> uuid.UUID:
    """The only account."""
    account = service.components.account
    assert account is not None
    return account


def get_role(service: RunningService, email: str) -> str | None:
    """The role of a user in the account, None if there is none."""
    with service.components.database.read() as connection:
        members = users.list_members(connection, first_account(service))
        return next((row["role"] for row in members if row["email"] == email), None)


@contextmanager
def run_real_provider() -> Iterator[str]:
    """A provider that others wrote; its issuer. It signs in whoever is named in its form."""
    port = find_free_port()
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce", "true"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - for tests
    issuer = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: is_answering(f"{issuer}/.well-known/openid-configuration"))
        yield issuer
    finally:
        process.terminate()
        process.wait(WAIT_SECONDS)


def sign_in_as(client: DashboardClient, issuer: str, subject: str, path: str = "/", **claims: Any) -> httpx.Response:
    """Where the form of the real provider leads to, for a subject with these claims."""
    known = {"email_verified": True, "groups": ["marketing"], **claims}
    assert httpx.put(f"{issuer}/users/{subject}", json=known, timeout=WAIT_SECONDS).is_success
    form = client.http.get("/single-sign-on", params={"next": path}).headers["location"]
    return client.http.get(httpx.post(form, data={"sub": subject}, timeout=WAIT_SECONDS).headers["location"])


@pytest.mark.both_databases
def test_a_real_provider_signs_people_in(tmp_path: Path) -> None:
    """With a provider that others wrote somebody signs in by its form, becomes an editor by a claim, and comes to the
    page that they wanted; after they have lost the claim they are refused.
    """
    with run_real_provider() as issuer:
        known: dict[str, Any] = {"oidc_issuer": issuer, "oidc_client_id": "any", "oidc_client_secret": CLIENT_SECRET}
        with RunningService(tmp_path / "data", **known, **ROLES) as served, DashboardClient(served) as client:
            assert "Sign in with single sign-on" in client.get("/sign-in")
            for groups, status in (["marketing"], 303), ([], 403):
                path = "/campaign?tag=a%26b"
                answer = sign_in_as(client, issuer, "grace", path, email="grace@example.com", groups=groups)
                assert answer.status_code == status, answer.text
                if groups:
                    assert answer.headers["location"] == "/dashboard/campaign?tag=a%26b"
                    assert client.http.get("/settings").status_code == 200
                    assert client.http.get("/people").status_code == 403
            assert get_role(served, "grace@example.com") == "editor"
            assert CLIENT_SECRET not in str(served.logs) + repr(served.settings)


@pytest.mark.both_databases
def test_an_address_that_changes_hands_carries_no_user(tmp_path: Path) -> None:
    """Who has signed in once is known by the provider's subject: whoever gets their address is refused, they go on with
    an address that is new or not verified, and the old address then opens a user of its own.
    """
    with run_real_provider() as issuer:
        known: dict[str, Any] = {"oidc_issuer": issuer, "oidc_client_id": "any", "oidc_client_secret": CLIENT_SECRET}
        with RunningService(tmp_path / "data", **known, **ROLES) as served, DashboardClient(served) as client:
            old, new = "grace@example.com", "hopper@example.com"
            assert sign_in_as(client, issuer, "grace", email=old).status_code == 303
            with served.components.database.write() as connection:
                first = users.get_user(connection, old)
                reset = user_links.create_password_reset(connection, first, now())
            refused = sign_in_as(client, issuer, "eve", email=old)
            assert (refused.status_code, "somebody else at the provider" in refused.text) == (403, True)
            assert sign_in_as(client, issuer, "grace", email="x@example.com", email_verified=False).status_code == 303
            assert get_role(served, old) == "editor"
            assert sign_in_as(client, issuer, "grace", email=new.upper()).status_code == 303
            assert (get_role(served, old), get_role(served, new)) == (None, "editor")
            assert client.http.get(f"/link/{reset}").status_code == 404
            assert sign_in_as(client, issuer, "eve", email=old, groups=["staff"]).status_code == 303
            assert (get_role(served, old), get_role(served, new)) == ("viewer", "editor")
            assert sign_in_as(client, issuer, "grace", email=old).status_code == 303  # eve has it: hers stays as it was
            assert "dashboard.address_taken" in [line["event"] for line in served.logs]
            with served.components.database.write() as connection:
                assert users.get_user(connection, new)["id"] == first["id"]
                users.remove_member(connection, first_account(served), users.get_user(connection, old)["id"])
            assert sign_in_as(client, issuer, "grace", email=old).status_code == 303
            assert (get_role(served, old), get_role(served, new)) == ("editor", None)


@pytest.mark.sqlite_only(reason="the command finds the service by its data folder")
def test_an_operator_unlinks_a_user(service: RunningService, provider: OidcProvider, tmp_path: Path) -> None:
    """After `linkweir user unlink` the session ends, and whoever has the address at the provider then is the user."""
    provider.claims["groups"] = "admins"
    with DashboardClient(service) as client:
        assert client.http.get(start_at_provider(client)).status_code == 303
        provider.claims["sub"] = "another"
        assert client.http.get(start_at_provider(client)).status_code == 403
        assert client.http.get("/people").status_code == 200
        linkweir = CommandRunner(home=tmp_path, work=tmp_path)
        assert b"signed out" in linkweir("user", "unlink", EMAIL, "--data", service.settings.data).out
        assert client.http.get("/people").status_code == 303
        assert client.http.get(start_at_provider(client)).status_code == 303
        assert client.http.get("/people").status_code == 200


def is_answering(url: str) -> bool:
    """Whether a server answers."""
    try:
        return httpx.get(url, timeout=WAIT_SECONDS).is_success
    except httpx.TransportError:
        return False


def test_the_code_and_the_token_belong_to_one_browser(service: RunningService, provider: OidcProvider) -> None:
    """A way back works once and in the browser that began it; the cookie is gone then, and holds nothing readable by
    scripts. The provider got a code verifier that fits (PKCE), and the client's secret.
    """
    provider.claims["groups"] = "admins"
    with DashboardClient(service) as ada, DashboardClient(service) as eve:
        back = start_at_provider(ada)
        stolen = dict(parse_qsl(urlsplit(start_at_provider(eve)).query))["code"]
        for path in (back, back.replace("state=", "state=x"), back.replace("code=", "kode=")):
            assert FAILED in eve.http.get(path).text
            assert eve.http.get("/settings").status_code == 303
        assert FAILED in ada.http.get(back.replace("iss=http", "iss=https")).text
        answer = ada.http.get(back)
        assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard/")
        cookies = answer.headers.get_list("set-cookie")
        assert any(item.startswith('linkweir_single_sign_on=""') for item in cookies)
        assert FAILED in ada.http.get(back).text  # the cookie is gone
        assert ada.http.get("/people").status_code == 200
        assert len(provider.requests) == 1
        again = dict(parse_qsl(urlsplit(start_at_provider(ada)).query))
        assert FAILED in ada.http.get("/single-sign-on/callback", params={**again, "code": stolen}).text
        reasons = [entry["reason"] for entry in service.logs if "reason" in entry]
        assert reasons[-1] == "the code was not accepted (OAuthError invalid_grant)"
    assert len(provider.requests[0]["code_verifier"]) == 43
    assert get_role(service, EMAIL) == "owner"


def break_key(provider: OidcProvider) -> None:
    """Another key with the same id."""
    provider.signing_key = RSAKey.generate_key(2048, {"kid": "1"}, private=True)


def sign_with_secret(provider: OidcProvider) -> None:
    """The client's secret as the key, which the client would have to believe."""
    provider.header, provider.signing_key = {"alg": "HS256"}, OctKey.import_key(CLIENT_SECRET)


def lie_in_userinfo(provider: OidcProvider) -> None:
    """Somebody else's claims."""
    provider.userinfo = {"sub": "eve", "groups": ["admins"]}


LIES: dict[str, tuple[Callable[[OidcProvider], Any], str]] = {
    "issuer": (lambda provider: provider.lies.update(iss="https://evil.example"), "InvalidClaimError"),
    "audience": (lambda provider: provider.lies.update(aud="another client"), "another audience"),
    "audience with our azp": (
        lambda provider: provider.lies.update(aud="another client", azp=CLIENT_ID),
        "another audience",
    ),
    "two audiences, another party": (
        lambda provider: provider.lies.update(aud=[CLIENT_ID, "x"], azp="x"),
        "InvalidClaimError",
    ),
    "nonce": (lambda provider: provider.lies.update(nonce="of another attempt"), "InvalidClaimError"),
    "no nonce": (lambda provider: provider.lies.update(nonce=None), "MissingClaimError"),
    "expired": (lambda provider: provider.lies.update(exp=int(time.time()) - 3600), "ExpiredTokenError"),
    "no expiry": (lambda provider: provider.lies.update(exp=None), "MissingClaimError"),
    "no subject": (lambda provider: provider.lies.update(sub=None), "MissingClaimError"),
    "not verified": (lambda provider: provider.lies.update(email_verified=False), "did not verify"),
    "verified in words": (lambda provider: provider.lies.update(email_verified="yes"), "did not verify"),
    "no address": (lambda provider: provider.lies.update(email=None), "did not verify"),
    "an odd address": (
        lambda provider: provider.lies.update(email="Ada <ada@example.com> x"),
        "address is none",
    ),
    "another key": (break_key, "BadSignatureError"),
    "our own secret": (sign_with_secret, "the ID token is not valid"),
    "another user's claims": (lie_in_userinfo, "another user"),
    "another issuer's metadata": (
        lambda provider: provider.metadata_lies.update(issuer="https://evil.example"),
        "another issuer",
    ),
    "a token endpoint in the open": (
        lambda provider: provider.metadata_lies.update({"token_endpoint": "http://e.example/"}),
        "no usable token_endpoint",
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_what_cannot_be_trusted_signs_nobody_in(service: RunningService, provider: OidcProvider, lie: str) -> None:
    """A wrong issuer, audience, nonce, time, signature or address is a page without a reason; the log names it, without
    the token; no user is made.
    """
    provider.claims["groups"] = ["admins"]
    tell, reason = LIES[lie]
    tell(provider)
    with DashboardClient(service) as client:
        started = client.http.get("/single-sign-on")
        answer = started
        if started.status_code == 303:
            back = httpx.get(started.headers["location"], timeout=WAIT_SECONDS).headers["location"]
            answer = client.http.get(back)
        assert answer.status_code in (403, 502)
        assert FAILED in answer.text
        assert client.http.get("/settings").status_code == 303
    assert get_role(service, EMAIL) is None
    (line,) = [line for line in service.logs if line["event"] == "dashboard.single_sign_on_failed"]
    assert reason in line["reason"]
    assert "eyJ" not in str(service.logs)


def test_roles_follow_the_claim(service: RunningService, provider: OidcProvider) -> None:
    """The highest role of the claim's values applies from each sign-in on; the only owner stays one; who has no value
    is refused. Claims may come from the userinfo endpoint.
    """
    add_user(service, "root@example.com")
    with DashboardClient(service) as client:
        for groups, role in ((["staff", "marketing"], "editor"), ("all", "viewer"), (["admins"], "owner")):
            provider.userinfo = {"sub": "ada", "groups": groups}
            assert client.http.get(start_at_provider(client)).status_code == 303
            assert get_role(service, EMAIL) == role
        provider.userinfo = {"sub": "ada", "groups": ["Admins", 7, None]}
        refused = client.http.get(start_at_provider(client))
        assert (refused.status_code, "You may not sign in here" in refused.text) == (403, True)
        with service.components.database.write() as connection:
            assert service.components.account is not None
            root = users.get_user(connection, "root@example.com")
            users.remove_member(connection, service.components.account, root["id"])
        provider.userinfo = {"sub": "ada", "groups": "staff"}
        assert client.http.get(start_at_provider(client)).status_code == 303
        assert get_role(service, EMAIL) == "owner"


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example/", "/\\evil.example", "/../../x"])
def test_the_way_back_leads_to_no_other_site(service: RunningService, provider: OidcProvider, back: str) -> None:
    """Whatever `next` says, and whatever the Host header, the browser stays on this service and the provider is told
    the configured address.
    """
    provider.claims["groups"] = "staff"
    with DashboardClient(service) as client:
        started = client.http.get("/single-sign-on", params={"next": back}, headers={"X-Forwarded-Host": "e.example"})
        asked = dict(parse_qsl(urlsplit(started.headers["location"]).query))
        assert asked["redirect_uri"] == f"{service.url}/dashboard/single-sign-on/callback"
        assert client.http.get(start_at_provider(client, back)).headers["location"] == "/dashboard/"


def test_without_a_claim_only_known_people_come_in(tmp_path: Path, provider: OidcProvider) -> None:
    """Users keep their roles, invitations of the verified address are accepted and their link ends, strangers are
    refused; passwords open nothing where only the provider counts.
    """
    known: dict[str, Any] = {"oidc_issuer": provider.issuer, "oidc_client_id": CLIENT_ID}
    with RunningService(
        tmp_path / "data", **known, oidc_client_secret=CLIENT_SECRET, oidc_only=True, oidc_name="Example Ltd"
    ) as served:
        with DashboardClient(served) as client:
            refused = client.http.get(start_at_provider(client))
            assert (refused.status_code, get_role(served, EMAIL)) == (403, None)
            assert served.components.account is not None
            with served.components.database.write() as connection:
                link = user_links.create_invitation(connection, served.components.account, EMAIL, "viewer", now())
            assert client.http.get(f"/link/{link}").status_code == 403
            assert client.http.get(start_at_provider(client)).status_code == 303
            assert get_role(served, EMAIL) == "viewer"
            assert client.post("/password", {"current": PASSWORD, "new": "another password"}).status_code == 403
        add_user(served, "ben@example.com")
        with DashboardClient(served) as other:
            page = other.get("/sign-in")
            assert 'type="password"' not in page
            assert "Sign in with Example Ltd" in page
            fields = {"token": read_form_token(page), "email": "ben@example.com", "password": PASSWORD}
            assert other.http.post("/sign-in", data=fields).status_code == 403
            assert other.http.get("/forgot").status_code == 403


def test_who_made_a_user_first_does_not_get_their_access(service: RunningService, provider: OidcProvider) -> None:
    """A user of another account, whose password somebody chose, gets a new one when the provider lets them into this
    account; their sessions end.
    """
    database = service.components.database
    with database.write() as connection:
        elsewhere = account_settings.create_account(connection, "Elsewhere", now())
    users.create_user(database, elsewhere, EMAIL, PASSWORD, now())
    provider.claims["groups"] = "admins"
    with DashboardClient(service) as squatter, DashboardClient(service) as ada:
        squatter.signed_in_client()
        assert ada.http.get(start_at_provider(ada)).status_code == 303
        assert squatter.http.get("/settings").status_code == 303
        assert squatter.sign_in().status_code == 401
        assert ada.http.get("/people").status_code == 200


def test_nested_claims_give_roles() -> None:
    """A path with dots leads into claims; a claim of that very name comes first."""
    mapping = RoleMapping("realm.roles", {"owner": ("a",), "viewer": ("c",)})
    assert mapping.choose_role({"realm": {"roles": ["x", "a"]}}) == "owner"
    assert mapping.choose_role({"realm": {"roles": ["a"]}, "realm.roles": "c"}) == "viewer"
    for claims in ({}, {"realm": None}, {"realm": {"roles": {"a": 1}}}, {"realm": "a"}, {"realm": {"roles": [["a"]]}}):
        with pytest.raises(Forbidden):
            mapping.choose_role(claims)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"OIDC_ISSUER": "https://id.example"}, "OIDC_CLIENT_ID"),
        ({"OIDC_ISSUER": "http://id.example", "OIDC_CLIENT_ID": "x"}, "OIDC_ISSUER"),
        ({"OIDC_ISSUER": "https://id.example/?x", "OIDC_CLIENT_ID": "x"}, "OIDC_ISSUER"),
        ({"OIDC_ONLY": "yes"}, "OIDC_ONLY"),
        ({"OIDC_ROLE_CLAIM": "groups"}, "OIDC_ROLE_CLAIM"),
        ({"OIDC_VIEWERS": "all"}, "OIDC_ROLE_CLAIM"),
        ({"OIDC_SCOPES": "email"}, "OIDC_SCOPES"),
        ({"OIDC_ACCOUNT": "first"}, "OIDC_ACCOUNT"),
        ({"OIDC_CLIENT_SECRET": "hidden", "OIDC_CLIENT_SECRET_FILE": "x"}, "OIDC_CLIENT_SECRET"),
    ],
)
def test_settings_that_cannot_work_are_named(values: dict[str, str], name: str) -> None:
    """Each is refused with its name, and no secret is repeated."""
    with pytest.raises(SettingsError, match=f"LINKWEIR_{name}") as raised:
        from_environment({f"LINKWEIR_{key}": value for key, value in values.items()})
    assert "hidden" not in str(raised.value)


def test_the_secret_file_must_hold_one(tmp_path: Path) -> None:
    """A missing and an empty file prevent the start."""
    (tmp_path / "empty").write_text("\n")
    for file in ("empty", "missing"):
        settings = Settings(
            oidc_issuer="https://id.example", oidc_client_id="x", oidc_client_secret_file=tmp_path / file
        )
        with pytest.raises(SettingsError, match="LINKWEIR_OIDC_CLIENT_SECRET_FILE"):
            make_oidc_client(settings)

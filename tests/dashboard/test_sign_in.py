"""Tests of the dashboard's door: who comes in, for how long, and what a stranger's form can do."""

import hashlib
import ipaddress
import uuid
from pathlib import Path

import pytest
from sqlalchemy import update

from linkweir.accounts.users import SESSION_SECONDS
from linkweir.clock import now
from linkweir.dashboard import session_cookies
from linkweir.db import accounts_table, users_table
from linkweir.db.schema import memberships
from tests.dashboard.browser_client import EMAIL, PASSWORD, DashboardClient, read_form_token
from tests.web.running_service import RunningService

PAGES = ("/", "/campaigns", "/campaign?tag=x", "/compare", "/messages", "/live", "/live/rows", "/webhooks", "/settings")


def test_nobody_sees_a_page_without_signing_in(service: RunningService, dashboard_client: DashboardClient) -> None:
    """Every page sends a stranger to sign in, and names the page to come back to."""
    for page in PAGES:
        answer = dashboard_client.http.get(page)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/dashboard/sign-in"), page
    assert (
        dashboard_client.http.get("/campaign?tag=x").headers["location"]
        == "/dashboard/sign-in?next=/campaign%3Ftag%3Dx"
    )
    assert dashboard_client.http.get("/campaign/mail?tag=x").status_code == 303


def test_the_cookie_is_hidden_from_scripts_and_other_sites(dashboard_client: DashboardClient) -> None:
    """The session's cookie is HttpOnly and SameSite=Lax and holds for the dashboard; over plain HTTP it is not Secure,
    or browsers would not send it back.
    """
    cookies = dashboard_client.sign_in().headers.get_list("set-cookie")
    (cookie,) = (
        item for item in cookies if item.startswith(session_cookies.SESSION_COOKIE)
    )  # the other one takes the visitor's back
    assert cookie.startswith("linkweir_session=")
    for word in ("HttpOnly", "SameSite=lax", "Path=/dashboard", f"Max-Age={SESSION_SECONDS}"):
        assert word in cookie
    assert "Secure" not in cookie


@pytest.mark.both_databases
def test_behind_a_proxy_that_speaks_tls_the_cookie_is_secure(tmp_path: Path) -> None:
    """X-Forwarded-Proto counts from a configured proxy, and from nobody else."""
    for proxies, secure in (((ipaddress.ip_network("127.0.0.0/8"),), True), ((), False)):
        with (
            RunningService(tmp_path / str(secure), trusted_proxies=proxies) as served,
            DashboardClient(served) as visitor,
        ):
            answer = visitor.http.get("/sign-in", headers={"X-Forwarded-Proto": "https"})
            assert ("Secure" in answer.headers["set-cookie"]) is secure


def test_only_a_digest_of_the_cookie_is_stored(service: RunningService, dashboard_client: DashboardClient) -> None:
    """The database holds the SHA-256 of the cookie, and neither the cookie nor the password."""
    dashboard_client.signed_in_client()
    cookie = dashboard_client.http.cookies["linkweir_session"]
    with service.components.database.read() as connection:
        ((digest,),) = connection.exec_driver_sql("SELECT digest FROM sessions")
        ((stored,),) = connection.exec_driver_sql("SELECT password FROM users")
    assert digest == hashlib.sha256(cookie.encode()).digest()
    assert stored.startswith("$argon2id$")
    assert PASSWORD not in stored


def test_a_wrong_password_and_an_unknown_user_are_answered_alike(dashboard_client: DashboardClient) -> None:
    """Both get 401 and the same page, but for the e-mail that was typed."""
    wrong = dashboard_client.sign_in(password="something else")  # noqa: S106
    unknown = dashboard_client.sign_in(email="eve@example.com")
    assert wrong.status_code == unknown.status_code == 401
    assert "E-mail or password is wrong." in wrong.text
    assert wrong.text.replace(EMAIL, "") == unknown.text.replace("eve@example.com", "")


def test_signing_out_ends_the_session_in_the_database(
    service: RunningService, dashboard_client: DashboardClient
) -> None:
    """After signing out, the old cookie opens nothing any more."""
    cookie = dashboard_client.signed_in_client().http.cookies["linkweir_session"]
    assert dashboard_client.post("/sign-out", {}).status_code == 303
    old = {"Cookie": f"linkweir_session={cookie}"}
    assert dashboard_client.http.get("/settings", headers=old).status_code == 303
    with service.components.database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM sessions").scalar() == 0


def test_a_session_expires(service: RunningService, dashboard_client: DashboardClient) -> None:
    """A session that is past its time opens nothing, though its cookie is still sent."""
    dashboard_client.signed_in_client().get("/settings")
    with service.components.database.write() as connection:
        connection.exec_driver_sql("UPDATE sessions SET expires_at = 1")
    assert dashboard_client.http.get("/settings").status_code == 303


def test_a_new_password_ends_every_other_session(service: RunningService, dashboard_client: DashboardClient) -> None:
    """Who changes the password stays in; who is signed in elsewhere is out; the old password opens nothing."""
    with DashboardClient(service) as other:
        other.signed_in_client()
        dashboard_client.signed_in_client()
        new = "a much better password"
        assert dashboard_client.post("/password", {"current": "wrong", "new": new}).status_code == 403
        assert dashboard_client.post("/password", {"current": PASSWORD, "new": "short"}).status_code == 400
        assert other.http.get("/settings").status_code == 200
        assert dashboard_client.post("/password", {"current": PASSWORD, "new": new}).status_code == 303
        assert dashboard_client.http.get("/settings").status_code == 200
        assert other.http.get("/settings").status_code == 303
        assert other.sign_in().status_code == 401
        assert other.sign_in(password=new).status_code == 303


@pytest.mark.parametrize(
    ("fields", "headers"),
    [
        ({"token": ""}, {}),
        ({"token": "0" * 64}, {}),
        ({}, {"Origin": "https://evil.example"}),
        ({}, {"Origin": "null"}),
        ({}, {"Origin": "http://["}),
        ({}, {"Sec-Fetch-Site": "cross-site"}),
        ({}, {"Sec-Fetch-Site": "same-site"}),
    ],
    ids=[
        "no token",
        "a made-up token",
        "another origin",
        "no origin to name",
        "an odd origin",
        "across sites",
        "a neighbour",
    ],
)
def test_a_form_of_another_site_is_refused(
    service: RunningService, dashboard_client: DashboardClient, fields: dict[str, str], headers: dict[str, str]
) -> None:
    """Without the session's token, or from another origin, a POST is answered 403 and changes nothing."""
    dashboard_client.signed_in_client()
    refused = dashboard_client.post("/settings", {"track_clicks": "on", **fields}, **headers)
    assert refused.status_code == 403
    assert service.client.get(service.account_path).json()["track_clicks"] is False
    assert dashboard_client.http.post("/settings", json={"track_clicks": "on"}).status_code == 415


def test_a_token_of_another_session_is_refused(service: RunningService, dashboard_client: DashboardClient) -> None:
    """The token in a form fits the session that it was made for and no other, not even one of the same user."""
    dashboard_client.signed_in_client()
    with DashboardClient(service) as other:
        foreign = read_form_token(other.signed_in_client().get("/settings"))
    assert dashboard_client.post("/sign-out", {"token": foreign}).status_code == 403


def test_signing_in_needs_the_form(dashboard_client: DashboardClient) -> None:
    """Another site cannot sign a browser in as somebody: the form's token belongs to a cookie of that browser."""
    assert dashboard_client.http.post("/sign-in", data={"email": EMAIL, "password": PASSWORD}).status_code == 403


HOSTILE_TARGETS = [
    "https://evil.example/",
    "//evil.example",
    "/\\evil.example",
    "javascript:alert(1)",
    "evil.example",
    "@evil.example",
]
HOSTILE_TARGETS += [
    "/\t/evil.example",
    "/\r\nLocation: https://evil.example",
    "/../../evil",
    "/%0d%0aX: y/../..",
    "\\\\evil.example",
    " /",
]


@pytest.mark.parametrize("back", HOSTILE_TARGETS)
def test_signing_in_leads_to_no_other_site(dashboard_client: DashboardClient, back: str) -> None:
    """`next` leads to a page of the dashboard or to its first page."""
    assert dashboard_client.sign_in(next=back).headers["location"] == "/dashboard/"


def test_signing_in_leads_back(dashboard_client: DashboardClient) -> None:
    """Who came for a page gets there."""
    assert dashboard_client.sign_in(next="/campaign?tag=a%26b").headers["location"] == "/dashboard/campaign?tag=a%26b"


def test_a_removed_user_is_out_at_once(service: RunningService, dashboard_client: DashboardClient) -> None:
    """Sessions of a user end with the user."""
    dashboard_client.signed_in_client()
    with service.components.database.write() as connection:
        row = users_table.get_by_email(connection, EMAIL)
        assert row is not None
        users_table.remove(connection, row["id"])
    assert dashboard_client.http.get("/settings").status_code == 303


def test_every_response_has_security_headers(dashboard_client: DashboardClient) -> None:
    """Pages, errors and redirects carry the policy: no script or style but our files, no other host, in no frame."""
    dashboard_client.signed_in_client()
    for path in ("/", "/settings", "/nothing", "/messages/none", "/sign-in"):
        headers = dashboard_client.http.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"


def test_resources_of_another_account_are_404(service: RunningService, dashboard_client: DashboardClient) -> None:
    """A message, a webhook and a delivery of another account do not exist for this user."""
    (entry,) = service.send()
    key = entry["id"].strip("<>").partition("@")[0]
    hook = service.client.post(
        f"{service.account_path}/webhooks",
        json={"name": "n", "url": "https://h.example/", "scope": "global", "enabled": False},
    ).json()["id"]
    other = uuid.uuid4()
    with service.components.database.write() as connection:
        accounts_table.create(connection, other, "Other", now())
        connection.execute(update(memberships).values(account_id=other))
    dashboard_client.signed_in_client()
    for path in (f"/messages/{key}", f"/messages/{key}/mail", f"/webhooks/{hook}"):
        assert dashboard_client.http.get(path).status_code == 404, path
    assert dashboard_client.post(f"/webhooks/{hook}/switch", {"enabled": "true"}).status_code == 404
    assert "No messages yet" in dashboard_client.get("/messages")

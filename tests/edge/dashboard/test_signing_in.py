"""Tests of the dashboard's door: who comes in, for how long, and what a stranger's form can do."""

import hashlib
import ipaddress
import sqlite3
import uuid
from pathlib import Path

import pytest

from linkweir.edge.dashboard import proofs
from linkweir.edge.parts import now
from linkweir.store import accounts, users
from tests.edge.dashboard.browsing import EMAIL, PASSWORD, Visitor, form_token
from tests.edge.serving import Served

PAGES = ("/", "/campaigns", "/campaign?tag=x", "/compare", "/messages", "/live", "/live/rows", "/webhooks", "/settings")


def test_nobody_sees_a_page_without_signing_in(house: Served, visitor: Visitor) -> None:
    """Every page sends a stranger to sign in, and names the page to come back to."""
    for page in PAGES:
        answer = visitor.client.get(page)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/dashboard/sign-in"), page
    assert visitor.client.get("/campaign?tag=x").headers["location"] == "/dashboard/sign-in?next=/campaign%3Ftag%3Dx"
    assert visitor.client.get("/campaign/mail?tag=x").status_code == 303
    assert house.settings.database.exists()


def test_the_cookie_is_kept_from_scripts_and_other_sites(visitor: Visitor) -> None:
    """The session's cookie is HttpOnly and SameSite=Lax and holds for the dashboard; over plain HTTP it is not Secure,
    or browsers would not send it back.
    """
    cookies = visitor.sign_in().headers.get_list("set-cookie")
    (cookie,) = (one for one in cookies if one.startswith(proofs.SESSION))  # the other one takes the visitor's back
    assert cookie.startswith("linkweir_session=")
    for word in ("HttpOnly", "SameSite=lax", "Path=/dashboard", f"Max-Age={proofs.LASTS}"):
        assert word in cookie
    assert "Secure" not in cookie


def test_behind_a_proxy_that_speaks_tls_the_cookie_is_secure(tmp_path: Path) -> None:
    """X-Forwarded-Proto counts from a configured proxy, and from nobody else."""
    for proxies, secure in (((ipaddress.ip_network("127.0.0.0/8"),), True), ((), False)):
        with Served(tmp_path / str(secure), trusted_proxies=proxies) as served, Visitor(served) as visitor:
            answer = visitor.client.get("/sign-in", headers={"X-Forwarded-Proto": "https"})
            assert ("Secure" in answer.headers["set-cookie"]) is secure


def test_only_a_digest_of_the_cookie_is_stored(house: Served, visitor: Visitor) -> None:
    """The database holds the SHA-256 of the cookie, and neither the cookie nor the password."""
    visitor.entered()
    cookie = visitor.client.cookies["linkweir_session"]
    with sqlite3.connect(house.settings.database) as database:
        ((digest,),) = database.execute("SELECT digest FROM sessions").fetchall()
        ((stored,),) = database.execute("SELECT password FROM users").fetchall()
    assert digest == hashlib.sha256(cookie.encode()).digest()
    assert stored.startswith("$argon2id$")
    assert PASSWORD not in stored


def test_a_wrong_password_and_an_unknown_user_are_answered_alike(visitor: Visitor) -> None:
    """Both get 401 and the same page, but for the e-mail that was typed."""
    wrong = visitor.sign_in(password="something else")  # noqa: S106
    unknown = visitor.sign_in(email="eve@example.com")
    assert wrong.status_code == unknown.status_code == 401
    assert "E-mail or password is wrong." in wrong.text
    assert wrong.text.replace(EMAIL, "") == unknown.text.replace("eve@example.com", "")


def test_signing_out_ends_the_session_in_the_store(house: Served, visitor: Visitor) -> None:
    """After signing out, the old cookie opens nothing any more."""
    cookie = visitor.entered().client.cookies["linkweir_session"]
    assert visitor.post("/sign-out", {}).status_code == 303
    old = {"Cookie": f"linkweir_session={cookie}"}
    assert visitor.client.get("/settings", headers=old).status_code == 303
    with sqlite3.connect(house.settings.database) as database:
        assert database.execute("SELECT count(*) FROM sessions").fetchone() == (0,)


def test_a_session_expires(house: Served, visitor: Visitor) -> None:
    """A session that is past its time opens nothing, though its cookie is still sent."""
    visitor.entered().get("/settings")
    with sqlite3.connect(house.settings.database) as database:
        database.execute("UPDATE sessions SET expires_at = 1")
    assert visitor.client.get("/settings").status_code == 303


def test_a_new_password_ends_every_other_session(house: Served, visitor: Visitor) -> None:
    """Who changes the password stays in; who is signed in elsewhere is out; the old password opens nothing."""
    with Visitor(house) as other:
        other.entered()
        visitor.entered()
        new = "a much better password"
        assert visitor.post("/password", {"current": "wrong", "new": new}).status_code == 403
        assert visitor.post("/password", {"current": PASSWORD, "new": "short"}).status_code == 400
        assert other.client.get("/settings").status_code == 200
        assert visitor.post("/password", {"current": PASSWORD, "new": new}).status_code == 303
        assert visitor.client.get("/settings").status_code == 200
        assert other.client.get("/settings").status_code == 303
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
    house: Served, visitor: Visitor, fields: dict[str, str], headers: dict[str, str]
) -> None:
    """Without the session's token, or from another origin, a POST is answered 403 and changes nothing."""
    visitor.entered()
    refused = visitor.post("/settings", {"track_clicks": "on", **fields}, **headers)
    assert refused.status_code == 403
    assert house.client.get(house.base).json()["track_clicks"] is False
    assert visitor.client.post("/settings", json={"track_clicks": "on"}).status_code == 415


def test_a_token_of_another_session_is_refused(house: Served, visitor: Visitor) -> None:
    """The token in a form fits the session that it was made for and no other, not even one of the same user."""
    visitor.entered()
    with Visitor(house) as other:
        foreign = form_token(other.entered().get("/settings"))
    assert visitor.post("/sign-out", {"token": foreign}).status_code == 403


def test_signing_in_needs_the_form(visitor: Visitor) -> None:
    """Another site cannot sign a browser in as somebody: the form's token belongs to a cookie of that browser."""
    assert visitor.client.post("/sign-in", data={"email": EMAIL, "password": PASSWORD}).status_code == 403


BACKS = [
    "https://evil.example/",
    "//evil.example",
    "/\\evil.example",
    "javascript:alert(1)",
    "evil.example",
    "@evil.example",
]
BACKS += [
    "/\t/evil.example",
    "/\r\nLocation: https://evil.example",
    "/../../evil",
    "/%0d%0aX: y/../..",
    "\\\\evil.example",
    " /",
]


@pytest.mark.parametrize("back", BACKS)
def test_signing_in_leads_to_no_other_site(visitor: Visitor, back: str) -> None:
    """`next` leads to a page of the dashboard or to its first page."""
    assert visitor.sign_in(next=back).headers["location"] == "/dashboard/"


def test_signing_in_leads_back(visitor: Visitor) -> None:
    """Who came for a page gets there."""
    assert visitor.sign_in(next="/campaign?tag=a%26b").headers["location"] == "/dashboard/campaign?tag=a%26b"


def test_a_removed_user_is_out_at_once(house: Served, visitor: Visitor) -> None:
    """Sessions of a user end with the user."""
    visitor.entered()
    with house.service.store.write() as connection:
        row = users.by_email(connection, EMAIL)
        assert row is not None
        users.remove(connection, row["id"])
    assert visitor.client.get("/settings").status_code == 303


def test_every_answer_keeps_itself_safe(visitor: Visitor) -> None:
    """Pages, errors and redirects carry the policy: no script or style but our files, no other host, in no frame."""
    visitor.entered()
    for path in ("/", "/settings", "/nothing", "/messages/none", "/sign-in"):
        headers = visitor.client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"


def test_another_account_s_things_are_not_found(house: Served, visitor: Visitor) -> None:
    """A message, a webhook and a delivery of another account do not exist for this user."""
    (entry,) = house.send()
    key = entry["id"].strip("<>").partition("@")[0]
    hook = house.client.post(
        f"{house.base}/webhooks", json={"name": "n", "url": "https://h.example/", "scope": "global", "enabled": False}
    ).json()["id"]
    other = uuid.uuid4()
    with house.service.store.write() as connection:
        accounts.create(connection, other, "Other", now())
        users.add(connection, other, "eve@example.com", "x", now())
        connection.exec_driver_sql(
            "UPDATE users SET account_id = (SELECT account_id FROM users WHERE email = 'eve@example.com')"
        )
    visitor.entered()
    for path in (f"/messages/{key}", f"/messages/{key}/mail", f"/webhooks/{hook}"):
        assert visitor.client.get(path).status_code == 404, path
    assert visitor.post(f"/webhooks/{hook}/switch", {"enabled": "true"}).status_code == 404
    assert "No message yet" in visitor.get("/messages")

"""Tests of people: roles, invitations, forgotten passwords, and users of several accounts."""

import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import update

from linkweir.accounts import roles
from linkweir.clock import now
from linkweir.dashboard.routes import PAGES
from linkweir.db import accounts_table, users_table
from linkweir.db.schema import user_links
from tests.dashboard.browser_client import EMAIL, DashboardClient, add_user, find_value, read_form_token
from tests.smtp.receiving_server import ReceivingServer
from tests.web.running_service import RunningService, find_free_port, wait_until

BEN, NEW_PASSWORD = "ben@example.com", "a long new password"


class Inbox:
    """A mail server on loopback that keeps what it gets."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, str]] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take a mail."""
        self.mails.append((envelope.rcpt_tos[0], (envelope.original_content or b"").decode()))
        return "250 OK"


@pytest.fixture
def other(service: RunningService) -> Iterator[DashboardClient]:
    """Somebody else in front of the same service."""
    with DashboardClient(service) as result:
        yield result


def invite(dashboard_client: DashboardClient, email: str = BEN, role: str = "viewer") -> str:
    """Invite somebody; the path of the link that is shown."""
    answer = dashboard_client.post("/people", {"email": email, "role": role})
    assert answer.status_code == 201, answer.text
    return find_value(answer.text, "link").partition("/dashboard")[2]


def use_link(visitor: DashboardClient, path: str, password: str = NEW_PASSWORD) -> httpx.Response:
    """Open a link and fill in its form."""
    token = read_form_token(visitor.get(path))
    return visitor.http.post(path, data={"token": token, "password": password})


def test_a_colleague_is_invited_and_joins(dashboard_client: DashboardClient, other: DashboardClient) -> None:
    """The link that an owner passes on makes a user with the chosen role, who is signed in; it works once."""
    path = invite(dashboard_client.signed_in_client())
    assert BEN in dashboard_client.get("/people")
    assert "As viewer" not in other.get(path)
    assert use_link(other, path, "short").status_code == 400
    assert use_link(other, path).headers["location"] == "/dashboard/"
    assert other.http.get("/people").status_code == 403
    assert "may not do this" in other.http.get("/people").text
    assert other.http.get(path).status_code == 404
    assert "Pending invitations" not in dashboard_client.get("/people")
    with_password = other.sign_in(BEN, NEW_PASSWORD)
    assert with_password.status_code == 303


def test_an_invitation_is_taken_back_or_expires(
    service: RunningService, dashboard_client: DashboardClient, other: DashboardClient
) -> None:
    """A revoked link, one that a newer invitation replaced, and one past its time lead nowhere."""
    first = invite(dashboard_client.signed_in_client())
    second = invite(dashboard_client, role="editor")
    assert other.http.get(first).status_code == 404
    link = re.search(r"/people/invitations/([0-9a-f-]{36})/revoke", dashboard_client.get("/people"))
    assert link
    assert dashboard_client.post(f"/people/invitations/{link[1]}/revoke", {}).status_code == 303
    assert other.http.get(second).status_code == 404
    third = invite(dashboard_client)
    with service.components.database.write() as connection:
        connection.execute(update(user_links).values(expires_at=now()))
    assert other.http.get(third).status_code == 404
    assert other.http.get("/link/" + "x" * 43).status_code == 404


@pytest.mark.parametrize("role", roles.ROLES)
def test_each_page_asks_for_its_scope(
    service: RunningService, dashboard_client: DashboardClient, other: DashboardClient, role: str
) -> None:
    """Every path of the dashboard is refused to a role without its scope, and to nobody else, whoever finds it."""
    use_link(other, invite(dashboard_client.signed_in_client(), role=role))
    token = read_form_token(other.get("/settings"))
    granted = roles.SCOPES[roles.parse_role(role)]
    for route in PAGES:
        path = route.path.removeprefix("/dashboard").replace("{id}", str(uuid.uuid4())).replace("{what}", "clicks")
        scope: str | None = vars(route.endpoint)["scope"]
        if path in ("/sign-out", "/password", "/account", "/send/test") or scope is None:
            continue
        request = ("POST", path, {"token": token}) if "POST" in (route.methods or ()) else ("GET", path, None)
        with other.http.stream(request[0], request[1], data=request[2]) as answer:  # that of /live/stream never ends
            assert (answer.status_code == 403) == (scope not in granted), (role, path, answer.status_code)
    assert service.client.get(f"{service.account_path}/messages").json()["data"] == []


def test_a_role_is_changed_and_a_user_removed(dashboard_client: DashboardClient, other: DashboardClient) -> None:
    """Both apply to the next request; the only owner can neither step down nor leave."""
    use_link(other, invite(dashboard_client.signed_in_client()))
    rows = re.findall(
        r'class="wrap">(\S+@\S+?)[<\s].*?/people/([0-9a-f-]{36})/role', dashboard_client.get("/people"), re.S
    )
    keys = dict(rows)
    assert other.http.get("/webhooks/new").status_code == 403
    assert dashboard_client.post(f"/people/{keys[BEN]}/role", {"role": "editor"}).status_code == 303
    assert other.http.get("/webhooks/new").status_code == 200
    assert dashboard_client.post(f"/people/{keys[BEN]}/role", {"role": "king"}).status_code == 400
    for path, fields in ((f"/people/{keys[EMAIL]}/role", {"role": "viewer"}), (f"/people/{keys[EMAIL]}/remove", {})):
        refused = dashboard_client.post(path, fields)
        assert (refused.status_code, "only owner" in refused.text) == (400, True)
    assert f"Remove {BEN}?" in dashboard_client.get(f"/people/{keys[BEN]}/remove")
    assert dashboard_client.post(f"/people/{keys[BEN]}/remove", {}).status_code == 303
    assert other.http.get("/").status_code == 303
    assert other.sign_in(BEN, NEW_PASSWORD).status_code == 401


def test_an_owner_passes_on_a_reset_link(dashboard_client: DashboardClient, other: DashboardClient) -> None:
    """The link sets a new password once, ends the user's sessions, and names nobody's password."""
    use_link(other, invite(dashboard_client.signed_in_client()))
    rows = re.findall(
        r'class="wrap">(\S+@\S+?)[<\s].*?/people/([0-9a-f-]{36})/role', dashboard_client.get("/people"), re.S
    )
    answer = dashboard_client.post(f"/people/{dict(rows)[BEN]}/reset", {})
    path = find_value(answer.text, "link").partition("/dashboard")[2]
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    with DashboardClient.of(dashboard_client) as visitor:
        assert use_link(visitor, path, "another new password").headers["location"].endswith("/sign-in?done=reset")
        assert visitor.http.get(path).status_code == 404
        assert other.http.get("/").status_code == 303
        assert other.sign_in(BEN, NEW_PASSWORD).status_code == 401
        assert visitor.sign_in(BEN, "another new password").status_code == 303


@pytest.mark.both_databases
def test_links_are_built_from_the_base_url(tmp_path: Path) -> None:
    """A forged Host header does not get a secret sent elsewhere: the configured host is in the link."""
    with (
        RunningService(tmp_path / "data", base_url="https://t.example.com/c/") as service,
        DashboardClient(service) as me,
    ):
        add_user(service)
        token = read_form_token(me.signed_in_client().get("/settings"))
        headers = {"Host": "evil.example", "Sec-Fetch-Site": "same-origin"}
        answer = me.http.post("/people", data={"token": token, "email": BEN, "role": "viewer"}, headers=headers)
        assert find_value(answer.text, "link").startswith("https://t.example.com/dashboard/link/")


@pytest.mark.both_databases
def test_a_relay_mails_invitations_and_forgotten_passwords(tmp_path: Path) -> None:
    """Both arrive with a link that works; an unknown address is answered the same and gets nothing; asking again and
    again is refused; the log has no link.
    """
    inbox = Inbox()
    port = find_free_port()
    controller = ReceivingServer(inbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        with (
            RunningService(tmp_path / "data", transport=f"smtp+plain://127.0.0.1:{port}") as service,
            DashboardClient(service) as me,
            DashboardClient(service) as visitor,
        ):
            add_user(service)
            answer = me.signed_in_client().post("/people", {"email": BEN, "role": "editor"})
            assert "It was mailed" in answer.text
            link = find_value(answer.text, "link")
            assert inbox.mails[0][0] == BEN
            assert link in inbox.mails[0][1].replace("=\r\n", "").replace("=3D", "=")
            pages = []
            for email in (EMAIL, "nobody@example.com"):
                token = read_form_token(visitor.get("/forgot"))
                answer = visitor.http.post("/forgot", data={"token": token, "email": email})
                pages.append(answer.text.replace(email, ""))
            assert pages[0] == pages[1]
            wait_until(lambda: len(inbox.mails) == 2)
            assert inbox.mails[1][0] == EMAIL
            path = re.search(r"/dashboard(/link/[\w-]{43})", inbox.mails[1][1].replace("=\r\n", ""))
            assert path
            assert use_link(visitor, path[1]).status_code == 303
            assert visitor.sign_in(EMAIL, NEW_PASSWORD).status_code == 303
            token = read_form_token(visitor.get("/forgot"))
            codes = [visitor.http.post("/forgot", data={"token": token, "email": EMAIL}).status_code for _ in range(6)]
            assert codes[-1] == 429
            assert path[1] not in str(service.logs)
            assert link not in str(service.logs)
            assert service.client.get(f"{service.account_path}/messages").json()["data"] == []
    finally:
        controller.stop()


def test_a_user_of_two_accounts_switches(
    service: RunningService, dashboard_client: DashboardClient, other: DashboardClient
) -> None:
    """Who joins a second account keeps the password and chooses what to look at; another account stays shut."""
    second, third = uuid.uuid4(), uuid.uuid4()
    with service.components.database.write() as connection:
        for key, name in ((second, "Second"), (third, "Third")):
            accounts_table.create(connection, key, name, now())
        row = users_table.get_by_email(connection, EMAIL)
        assert row is not None
        users_table.add_membership(connection, row["id"], second, "owner", now())
    service.send(subject="only in the first")
    page = dashboard_client.signed_in_client().get("/messages")
    assert ("only in the first" in page, "Second" in page, "Third" in page) == (True, True, False)
    assert dashboard_client.post("/account", {"account": str(second)}).status_code == 303
    assert "only in the first" not in dashboard_client.get("/messages")
    assert dashboard_client.post("/account", {"account": str(third)}).status_code == 404
    path = invite(dashboard_client, BEN)
    add_user(service, BEN, NEW_PASSWORD)
    assert use_link(other, path, "a wrong password").status_code == 403
    assert use_link(other, path).status_code == 303
    assert "Second" in other.get("/messages")

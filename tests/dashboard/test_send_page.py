"""Tests of the page "Send": everything a first mail needs, keys and credentials that work, and a test mail."""

import re
import smtplib
import ssl
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.dashboard.browser_client import EMAIL, DashboardClient, add_user, find_value
from tests.web.running_service import RunningService


def create_key(dashboard_client: DashboardClient, **fields: str) -> httpx.Response:
    """Fill in the form for a new API key and send it."""
    return dashboard_client.post("/send/keys", {"label": "shop", "access": "all", **fields})


def try_key(service: RunningService, page: str, path: str = "/messages") -> int:
    """The status of a request with the key that the page shows."""
    headers = {"Authorization": f"Bearer {find_value(page, 'secret')}"}
    return httpx.get(service.url + service.account_path + path, headers=headers).status_code


def test_the_page_has_what_a_first_mail_needs(service: RunningService, dashboard_client: DashboardClient) -> None:
    """Account id, base URL and SMTP address are there, and examples with all of them filled in but the key."""
    page = dashboard_client.signed_in_client().get("/send")
    account = service.account_path.rpartition("/")[2]
    for text in (account, service.url, "YOUR_API_KEY", "SMTP is off"):
        assert text in page
    assert account in find_value(page, "curl")
    assert account in find_value(page, "python")


@pytest.mark.parametrize("example", ["curl", "python"])
def test_the_examples_of_a_new_key_send_a_mail(
    service: RunningService, dashboard_client: DashboardClient, example: str
) -> None:
    """What is shown beside a new key runs as it stands, and a mail is on its way."""
    answer = create_key(dashboard_client.signed_in_client())
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    text = find_value(answer.text, example)
    command = ["bash", "-c", text] if example == "curl" else [sys.executable, "-c", text]
    result = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    match = re.search(r"<[0-9a-f-]{36}@example\.com>", result.stdout)
    assert match
    service.wait_for_mail(match[0])
    assert find_value(answer.text, "secret") not in dashboard_client.get("/send")
    assert find_value(answer.text, "secret") not in str(service.logs)


def test_a_key_opens_what_was_chosen(service: RunningService, dashboard_client: DashboardClient) -> None:
    """A key that may only send reads nothing, and one for some addresses is refused from others; the page says so."""
    dashboard_client.signed_in_client()
    only_sends = create_key(dashboard_client, access="send")
    elsewhere = create_key(dashboard_client, label="far", networks="192.0.2.0/24\n198.51.100.7")
    custom = create_key(dashboard_client, label="one", access="custom", scopes="webhooks:read:all")
    assert [try_key(service, answer.text) for answer in (only_sends, elsewhere, custom)] == [403, 403, 403]
    assert try_key(service, custom.text, "/webhooks") == 200
    page = dashboard_client.get("/send")
    for text in ("Send mail only", "192.0.2.0/24, 198.51.100.7", "webhooks:read:all", "Everything"):
        assert text in page


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"label": ""}, "label"),
        ({"label": "x" * 256}, "label"),
        ({"access": "custom", "scopes": "everything"}, "Scopes: Line 1: there is no scope"),
        ({"access": "custom"}, "Scopes: must not be empty"),
        ({"access": "nonsense"}, "Scopes: must not be empty"),
        ({"networks": "10.0.0.0/8 nowhere"}, "Allowed from: Line 2: must be an address"),
    ],
)
def test_a_key_that_cannot_be_is_refused_with_what_was_typed(
    dashboard_client: DashboardClient, fields: dict[str, str], wrong: str
) -> None:
    """A mistake is named, makes no key, and what was typed stays in the form."""
    before = dashboard_client.signed_in_client().get("/send").count("/revoke")
    answer = create_key(dashboard_client, **{"networks": "192.0.2.1", **fields})
    assert answer.status_code == 400
    assert f'role="alert">{wrong}' in answer.text or wrong in answer.text.partition('role="alert">')[2][:200]
    assert fields.get("networks", "192.0.2.1") in answer.text
    assert dashboard_client.get("/send").count("/revoke") == before


def test_a_key_is_changed_and_revoked(service: RunningService, dashboard_client: DashboardClient) -> None:
    """A change applies to the next request; revoking asks first, and then the key opens nothing."""
    answer = create_key(dashboard_client.signed_in_client(), access="send")
    (key,) = (
        row["id"]
        for row in service.client.get(f"{service.account_path}/api-keys").json()["data"]
        if row["label"] == "shop"
    )
    form = dashboard_client.get(f"/send/keys/{key}")
    assert '<option value="send" selected>' in form
    fields = {"label": "shop 2", "access": "all", "scopes": "", "networks": ""}
    assert dashboard_client.post(f"/send/keys/{key}", {**fields, "networks": "nowhere"}).status_code == 400
    assert dashboard_client.post(f"/send/keys/{key}", fields).status_code == 303
    assert try_key(service, answer.text) == 200
    assert "shop 2" in dashboard_client.get("/send?done=key")
    assert "Revoke “shop 2”?" in dashboard_client.get(f"/send/keys/{key}/revoke")
    assert dashboard_client.post(f"/send/keys/{key}/revoke", {}).headers["location"].endswith("/send?done=revoked")
    assert try_key(service, answer.text) == 401
    for path in (f"/send/keys/{key}", "/send/keys/x", f"/send/keys/{key}/revoke"):
        assert dashboard_client.http.get(path).status_code == 404


def test_forms_need_the_session_s_token(service: RunningService, dashboard_client: DashboardClient) -> None:
    """Another site can make neither a key nor a credential, nor send a mail."""
    dashboard_client.signed_in_client()
    for path in ("/send/keys", "/send/credentials", "/send/test"):
        form = {"token": "0" * 64, "label": "evil", "name": "evil", "access": "all", "from": EMAIL, "to": EMAIL}
        assert dashboard_client.http.post(path, data=form).status_code == 403
    assert "evil" not in dashboard_client.get("/send")
    assert service.client.get(f"{service.account_path}/messages").json()["data"] == []


def test_a_test_mail_leads_to_its_page(service: RunningService, dashboard_client: DashboardClient) -> None:
    """The form sends one mail with a tracked link and shows that mail's page; a bad address is named and sends none."""
    page = dashboard_client.signed_in_client().get("/send")
    assert f'value="{EMAIL}"' in page
    answer = dashboard_client.post("/send/test", {"from": "me@example.com", "to": "you@example.org"})
    assert answer.status_code == 303
    path = answer.headers["location"].removeprefix("/dashboard")
    assert "Test mail" in dashboard_client.get(path)
    (link,) = service.delivered_links(f"<{path.rpartition('/')[2]}@example.com>")
    assert link.startswith(service.settings.base_url)
    assert httpx.get(link, follow_redirects=False).headers["location"] == f"{service.url}/docs"
    for fields in ({"from": "me@example.com", "to": "nobody"}, {"from": "", "to": "you@example.org"}):
        refused = dashboard_client.post("/send/test", fields)
        assert refused.status_code == 400
        assert "Nothing was sent" in refused.text
        assert f'value="{fields["to"]}"' in refused.text


@pytest.mark.both_databases
def test_a_credential_signs_in_over_smtp(tmp_path: Path) -> None:
    """Username and password, shown once, send mail at the address that is shown, from the chosen domain only; after
    deleting, which asks first, they do not.
    """
    with RunningService(tmp_path / "data", smtp_port=0) as service, DashboardClient(service) as dashboard_client:
        add_user(service)
        dashboard_client.signed_in_client()
        refused = dashboard_client.post("/send/credentials", {"name": "", "domains": "example.com"})
        assert (refused.status_code, ">example.com</textarea>" in refused.text) == (400, True)
        answer = dashboard_client.post("/send/credentials", {"name": "office", "domains": "Example.com"})
        assert answer.status_code == 201
        login = find_value(answer.text, "username"), find_value(answer.text, "secret")
        page = dashboard_client.get("/send")
        assert login[0] in page
        assert login[1] not in page
        match = re.search(r"<dd>(\d+) with STARTTLS", page)
        assert match
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        mail = "From: a@example.com\r\nTo: b@example.org\r\nSubject: Hello\r\n\r\nHello\r\n"

        def send(sender: str) -> None:
            with smtplib.SMTP("127.0.0.1", int(match[1])) as client:
                client.starttls(context=context)
                client.login(*login)
                client.sendmail(sender, ["b@example.org"], mail.replace("a@example.com", sender))

        send("a@example.com")
        with pytest.raises(smtplib.SMTPException):
            send("a@example.net")
        (row,) = service.client.get(f"{service.account_path}/smtp-credentials").json()["data"]
        assert "Delete “office”?" in dashboard_client.get(f"/send/credentials/{row['id']}/delete")
        assert dashboard_client.post(f"/send/credentials/{row['id']}/delete", {}).status_code == 303
        with pytest.raises(smtplib.SMTPAuthenticationError):
            send("a@example.com")

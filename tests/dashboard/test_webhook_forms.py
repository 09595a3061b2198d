"""Tests of making, changing and deleting webhooks on the dashboard."""

import re
import subprocess
import uuid
from ipaddress import ip_network
from pathlib import Path

import httpx
import pytest
import standardwebhooks
from playwright.sync_api import Browser

from linkweir.db import webhooks_table
from tests.dashboard.browser_client import BrowserSession, DashboardClient, add_user, find_value
from tests.web.running_service import RunningService, wait_until
from tests.webhooks.receiver import WebhookReceiver

FIELDS = {"name": "crm", "url": "https://crm.example/hooks", "scope": "global", "on_clicked": "on"}


def submit_webhook_form(dashboard_client: DashboardClient, **fields: str) -> httpx.Response:
    """Fill in the form for a new webhook and send it."""
    key = dashboard_client.get("/webhooks/new").partition('name="id" value="')[2].partition('"')[0]
    return dashboard_client.post("/webhooks/new", {"id": key, **FIELDS, **fields})


def find_secret(page: str) -> str:
    """The secret that a page shows, or nothing."""
    match = re.search(r"aha-whsec-[A-Za-z0-9]{64}", page)
    return match[0] if match else ""


@pytest.mark.both_databases
def test_a_secret_is_shown_once_and_signs(tmp_path: Path) -> None:
    """The secret that the page shows verifies what the webhook is sent; no later page and no log line has it."""
    with (
        WebhookReceiver() as receiver,
        RunningService(tmp_path / "data", webhook_networks=(ip_network("127.0.0.0/8"),)) as house,
        DashboardClient(house) as visitor,
    ):
        add_user(house)
        answer = submit_webhook_form(visitor.signed_in_client(), url=receiver.url, on_delivered="on")
        secret = find_secret(answer.text)
        assert (answer.status_code, bool(secret)) == (201, True)
        assert answer.headers["cache-control"] == "no-store"
        house.wait_for_mail(house.send()[0]["id"])
        wait_until(lambda: receiver.received)
        told = receiver.received[0]
        standardwebhooks.Webhook(secret.encode()).verify(told.body, told.headers)
        (hook,) = house.client.get(f"{house.account_path}/webhooks").json()["data"]
        assert (hook["name"], hook["on_clicked"], hook["on_delivered"], hook["on_opened"]) == ("crm", True, True, False)
        for page in ("/webhooks", f"/webhooks/{hook['id']}", f"/webhooks/{hook['id']}/edit"):
            assert find_secret(visitor.get(page)) == ""
        assert secret not in str(house.logs)


def test_a_form_sent_twice_makes_one_webhook(service: RunningService, dashboard_client: DashboardClient) -> None:
    """The second time leads to the webhook that is there, and says that its secret was shown."""
    dashboard_client.signed_in_client()
    key = str(uuid.uuid4())
    first, second = (dashboard_client.post("/webhooks/new", {"id": key, **FIELDS}) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 303)
    page = dashboard_client.get(second.headers["location"].removeprefix("/dashboard"))
    assert "already exists" in page
    assert find_secret(page) == ""
    assert len(service.client.get(f"{service.account_path}/webhooks").json()["data"]) == 1


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"url": "ftp://crm.example/"}, "http or https"),
        ({"url": "https://user:pass@crm.example/"}, "http or https"),
        ({"url": 'https://crm.example/"><script>'}, "https://crm.example/&#34;&gt;&lt;script&gt;"),
        ({"name": ""}, "Name: must not be empty"),
        ({"name": "x" * 256}, "Name: must have at most 255 characters"),
        ({"scope": "scoped"}, "Domains: "),
        ({"scope": "scoped", "domains": "example.com no_domain"}, "Domains: Line 2: "),
        ({"scope": "all"}, "For mail from: is none of the choices"),
        ({"id": "1"}, "malformed"),
    ],
)
def test_invalid_input_is_refused_and_stays_in_the_form(
    service: RunningService, dashboard_client: DashboardClient, fields: dict[str, str], said: str
) -> None:
    """A mistake is answered with what is wrong and what was typed, and makes nothing."""
    answer = submit_webhook_form(dashboard_client.signed_in_client(), **fields)
    accepted = "<script>" in fields.get("url", "")
    assert answer.status_code == (201 if accepted else 400)
    page = dashboard_client.get("/webhooks/" + _get_only_webhook(service) + "/edit") if accepted else answer.text
    assert said in page
    assert len(service.client.get(f"{service.account_path}/webhooks").json()["data"]) == accepted
    if fields.get("id") != "1":
        assert 'name="on_clicked" checked' in page


def _get_only_webhook(service: RunningService) -> str:
    (hook,) = service.client.get(f"{service.account_path}/webhooks").json()["data"]
    return str(hook["id"])


def test_a_webhook_is_changed_and_deleted(service: RunningService, dashboard_client: DashboardClient) -> None:
    """What the form says is what the API says afterwards; deleting asks first, and then it is gone."""
    submit_webhook_form(dashboard_client.signed_in_client())
    key = _get_only_webhook(service)
    changed = {"name": "CRM 2", "url": "https://b.example/", "scope": "scoped", "domains": "Example.com\nb.example"}
    assert dashboard_client.post(f"/webhooks/{key}/edit", {**changed, "on_bounced": "on"}).status_code == 303
    (hook,) = service.client.get(f"{service.account_path}/webhooks").json()["data"]
    assert (hook["name"], hook["url"], hook["scope"]) == ("CRM 2", "https://b.example/", "scoped")
    assert hook["domains"] == ["example.com", "b.example"]
    assert (hook["on_clicked"], hook["on_bounced"], hook["enabled"]) == (False, True, True)
    assert dashboard_client.post(f"/webhooks/{key}/edit", {**changed, "url": "x"}).status_code == 400
    assert "Delete “CRM 2”?" in dashboard_client.get(f"/webhooks/{key}/delete")
    assert dashboard_client.post(f"/webhooks/{key}/delete", {}).headers["location"].endswith("/webhooks?done=deleted")
    assert "No webhook" in dashboard_client.get("/webhooks?done=deleted")
    for path in ("", "/edit", "/delete"):
        assert dashboard_client.http.get(f"/webhooks/{key}{path}").status_code == 404


def test_making_and_deleting_need_the_form_s_token(service: RunningService, dashboard_client: DashboardClient) -> None:
    """Another site can neither make a webhook that is told of clicks nor delete one."""
    submit_webhook_form(dashboard_client.signed_in_client())
    key = _get_only_webhook(service)
    for path in ("/webhooks/new", f"/webhooks/{key}/edit", f"/webhooks/{key}/delete"):
        form = {"token": "0" * 64, "id": str(uuid.uuid4()), **FIELDS, "name": "evil"}
        assert dashboard_client.http.post(path, data=form).status_code == 403
    assert [item["name"] for item in service.client.get(f"{service.account_path}/webhooks").json()["data"]] == ["crm"]


def test_the_secret_is_copied_by_a_button(browser: Browser, service: RunningService) -> None:
    """The form is filled in by keyboard; the button says that it has copied, and the clipboard holds the secret."""
    with BrowserSession(browser, service.url) as looking:
        page = looking.sign_in().open_page("/webhooks")
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.click("text=Create webhook")
        page.focus("#name")
        page.keyboard.type("crm")
        page.keyboard.press("Tab")
        page.keyboard.type("https://crm.example/hooks")
        page.keyboard.press("Enter")
        page.wait_for_selector("#secret")
        page.get_by_role("button", name="Copy").press("Enter")
        page.wait_for_selector("text=Copied to the clipboard.")
        assert page.evaluate("navigator.clipboard.readText()") == page.input_value("#secret")
        assert find_secret(page.input_value("#secret"))
        assert looking.complaints == []


@pytest.mark.both_databases
def test_a_test_event_shows_answer_and_signed_request(tmp_path: Path) -> None:
    """The event comes signed with the webhook's secret, counts nowhere, and the curl command that is shown sends the
    same request; a receiver that answers badly is named.
    """
    with (
        WebhookReceiver() as receiver,
        RunningService(tmp_path / "data", webhook_networks=(ip_network("127.0.0.0/8"),)) as service,
        DashboardClient(service) as visitor,
    ):
        add_user(service)
        secret = find_secret(submit_webhook_form(visitor.signed_in_client(), url=receiver.url).text)
        key = _get_only_webhook(service)
        page = visitor.post(f"/webhooks/{key}/test", {}).text
        assert "Test event: accepted" in page
        assert "status 2" in page
        assert secret not in page
        command = find_value(page, "request")
        subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=True)  # noqa: S603
        first, again = receiver.received
        standardwebhooks.Webhook(secret.encode()).verify(first.body, first.headers)
        standardwebhooks.Webhook(secret.encode()).verify(again.body, again.headers)
        assert (first.body, first.json["type"]) == (again.body, "message.clicked")
        receiver.behaviour = "fail"
        assert "Test event: failed" in visitor.post(f"/webhooks/{key}/test", {}).text
        (hook,) = service.client.get(f"{service.account_path}/webhooks").json()["data"]
        assert (hook["success_count"], hook["error_count"]) == (0, 0)


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "http://10.0.0.7/hook", "https://[::1]/", "http://localhost/"])
def test_a_forbidden_address_is_refused_in_the_form(
    service: RunningService, dashboard_client: DashboardClient, url: str
) -> None:
    """An address inside is refused when the webhook is made or changed, with the reason."""
    answer = submit_webhook_form(dashboard_client.signed_in_client(), url=url)
    assert answer.status_code == 400
    assert "is not a public address" in answer.text
    submit_webhook_form(dashboard_client, url="https://93.184.215.14/")
    key = _get_only_webhook(service)
    answer = dashboard_client.post(f"/webhooks/{key}/edit", {**FIELDS, "url": url})
    assert answer.status_code == 400
    assert "is not a public address" in answer.text


def test_a_webhook_that_failed_too_often_is_marked(service: RunningService, dashboard_client: DashboardClient) -> None:
    """The navigation of every page has a mark, and the webhook's page says since when, after how many failures, and
    why; turning it on takes the mark away.
    """
    submit_webhook_form(dashboard_client.signed_in_client())
    key = _get_only_webhook(service)
    off = {"enabled": False, "errors_since_last_success": 101, "last_request_at": 1_800_000_000_000_000}
    with service.components.database.write() as connection:
        webhooks_table.update_row(connection, uuid.UUID(key), off)
    assert "turned off after failures" in dashboard_client.get("/")
    page = dashboard_client.get(f"/webhooks/{key}")
    assert "Turned off on 15 Jan 2027, 08:00:00" in page
    assert "after 101 failures in a row" in page
    dashboard_client.post(f"/webhooks/{key}/switch", {"enabled": "true"})
    assert "turned off after failures" not in dashboard_client.get("/")

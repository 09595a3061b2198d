"""Tests of the page that corrects links after they were sent."""

import re

from linkweir.db import users_table
from tests.dashboard.browser_client import EMAIL, DashboardClient
from tests.web.running_service import RunningService, wait_until
from tests.web.test_redirect import send_and_get_link

WRONG, RIGHT = "https://example.com/a?x=1&y=2", "https://example.com/right"


def test_an_owner_corrects_a_link_of_a_campaign(service: RunningService, dashboard_client: DashboardClient) -> None:
    """From the campaign's table one link leads to the filled-in form; a mistake is shown at its field with what was
    typed; saved, the table says where readers are led; removed after a confirmation, the record shows who and when.
    """
    _, link = send_and_get_link(service, tags=["spring"])
    service.reader.get(link)
    service.wait_until_ingested()
    campaign = dashboard_client.signed_in_client().get("/campaign?tag=spring")
    path = re.search(r'href="/dashboard(/corrections\?[^"]*)"[^>]*>Correct<', campaign)
    assert path
    form = dashboard_client.get(path[1].replace("&amp;", "&"))
    assert 'value="spring"' in form
    assert 'value="https://example.com/a?x=1&amp;y=2"' in form
    typed = {"destination": WRONG, "replacement": "https://user:word@evil.example/", "campaign": "spring"}
    refused = dashboard_client.post("/corrections", typed)
    assert refused.status_code == 400
    assert 'id="replacement-wrong">Must not contain' in refused.text
    assert 'value="https://user:word@evil.example/"' in refused.text
    assert dashboard_client.post("/corrections", {**typed, "replacement": ""}).status_code == 400
    assert dashboard_client.post("/corrections", {**typed, "replacement": RIGHT}).status_code == 303
    wait_until(lambda: service.reader.get(link).headers["location"] == RIGHT)
    assert f"leads to {RIGHT}" in dashboard_client.get("/campaign?tag=spring")
    key = re.search(r"/corrections/([0-9a-f-]{36})/remove", dashboard_client.get("/corrections"))
    assert key
    assert "lead there again" in dashboard_client.get(f"/corrections/{key[1]}/remove")
    assert dashboard_client.post(f"/corrections/{key[1]}/remove", {}).status_code == 303
    record = dashboard_client.get("/corrections")
    assert "No link is corrected." in record
    assert record.count(EMAIL) >= 2


def test_editors_see_corrections_and_make_none(service: RunningService, dashboard_client: DashboardClient) -> None:
    """An editor sees the page without its form, is refused when posting it, and no table offers it."""
    send_and_get_link(service, tags=["spring"])
    dashboard_client.signed_in_client()
    account = service.components.account
    assert account is not None
    with service.components.database.write() as connection:
        user = users_table.get_by_email(connection, EMAIL)
        assert user is not None
        users_table.set_role(connection, user["id"], account, "editor")
    assert "Ask one of them" in dashboard_client.get("/corrections")
    assert ">Correct<" not in dashboard_client.get("/campaign?tag=spring")
    assert dashboard_client.post("/corrections", {"destination": WRONG, "replacement": RIGHT}).status_code == 403

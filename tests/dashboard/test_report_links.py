"""Tests of links that show the sums of a campaign to people without an account."""

import re

import httpx

from linkweir.db import users_table
from tests.dashboard.browser_client import EMAIL, DashboardClient, find_value
from tests.web.running_service import RunningService
from tests.web.test_redirect import send_and_get_link


def test_a_report_shows_sums_only_until_it_is_revoked_or_ends(
    service: RunningService, dashboard_client: DashboardClient
) -> None:
    """The link that is shown once opens without a session: sums, and no address, destination or id; not indexed, and
    without a referrer. It is stored as a digest. Past its end, or revoked, it shows nothing; wrong days are refused at
    the field.
    """
    message_id, link = send_and_get_link(service, tags=["spring"])
    service.reader.get(link)
    service.wait_until_ingested()
    dashboard_client.signed_in_client()
    assert "/campaign/report?tag=spring" in dashboard_client.get("/campaign?tag=spring")
    for days in ("0", "367", "x", "", "\N{SUPERSCRIPT TWO}", "9" * 30):
        refused = dashboard_client.post("/campaign/report", {"tag": "spring", "days": days})
        assert (days, refused.status_code, 'id="days-wrong"' in refused.text) == (days, 400, True)
    urls = []
    for _ in range(2):
        made = dashboard_client.post("/campaign/report", {"tag": "spring", "days": "7"})
        assert made.status_code == 201
        urls.append(find_value(made.text, "link"))
    first, second = urls
    report = httpx.get(first)
    assert report.status_code == 200
    assert "spring" in report.text
    assert (report.headers["x-robots-tag"], report.headers["referrer-policy"]) == ("noindex", "no-referrer")
    secret = first.rpartition("/")[2]
    for hidden in ("ada@example.org", "news@example.com", "https://example.com/a", message_id.strip("<>"), EMAIL):
        assert hidden not in report.text
    assert secret not in "".join(map(str, service.logs))
    with service.components.database.read() as connection:
        stored = connection.exec_driver_sql("SELECT * FROM report_links").all()
    assert not [row for row in stored if secret in map(str, row)]
    key = re.search(r"/campaign/report/([0-9a-f-]{36})/revoke", dashboard_client.get("/campaign/report?tag=spring"))
    assert key
    assert dashboard_client.post(f"/campaign/report/{key[1]}/revoke", {"tag": "spring"}).status_code == 200
    assert sorted(httpx.get(url).status_code for url in urls) == [200, 404]
    with service.components.database.write() as connection:
        connection.exec_driver_sql("UPDATE report_links SET expires_at = 1")
    assert [httpx.get(url).status_code for url in urls] == [404, 404]
    assert httpx.get(second + "x").status_code == 404


def test_viewers_share_nothing(service: RunningService, dashboard_client: DashboardClient) -> None:
    """A viewer is neither offered nor allowed to share a campaign."""
    send_and_get_link(service, tags=["spring"])
    dashboard_client.signed_in_client()
    account = service.components.account
    assert account is not None
    with service.components.database.write() as connection:
        user = users_table.get_by_email(connection, EMAIL)
        assert user is not None
        users_table.set_role(connection, user["id"], account, "viewer")
    assert ">Share<" not in dashboard_client.get("/campaign?tag=spring")
    assert dashboard_client.post("/campaign/report", {"tag": "spring", "days": "7"}).status_code == 403

"""Tests of the files that the dashboard hands out: the same rows as its pages, in every format, to who may see them."""

import csv
import io
import json
import re
import uuid
from typing import Any

import pyarrow.parquet
import pytest
from sqlalchemy import update

from linkweir.clock import now
from linkweir.db import accounts_table
from linkweir.db.schema import memberships, sessions
from tests.dashboard.browser_client import FIREFOX_HEADERS, DashboardClient
from tests.web.running_service import RunningService


@pytest.fixture
def spring_client(service: RunningService, dashboard_client: DashboardClient) -> DashboardClient:
    """Somebody signed in; in the campaign `spring` Ada clicked twice on the first link and Ben once on the second."""
    people = [
        {"email": "ada@example.org", "attributes": {"plan": "pro"}, "variant": "A"},
        {"email": "ben@example.net", "attributes": {"plan": "free"}, "variant": "B"},
    ]
    ada, ben = service.send(recipients=people, tags=["spring"])
    links = [service.delivered_links(entry["id"])[place] for place, entry in ((0, ada), (0, ada), (1, ben))]
    service.backdate_deliveries()
    for link in links:
        service.reader.get(link, headers=FIREFOX_HEADERS)
    service.wait_until_ingested()
    return dashboard_client.signed_in_client()


def export_rows(dashboard_client: DashboardClient, path: str) -> list[dict[str, Any]]:
    """The rows of an export, asked for as NDJSON."""
    return [json.loads(line) for line in dashboard_client.get(path + "&format=ndjson").splitlines()]


def test_every_format_holds_the_same(spring_client: DashboardClient) -> None:
    """CSV, NDJSON and Parquet of the same table have the same rows, come as files to save, and are kept by nobody."""
    expected = export_rows(spring_client, "/export/clicks?tag=spring")
    assert len(expected) == 3
    answers = {name: spring_client.http.get(f"/export/clicks?tag=spring&format={name}") for name in ("csv", "parquet")}
    for name, answer in answers.items():
        assert answer.headers["content-disposition"].startswith('attachment; filename="clicks-spring-20')
        assert answer.headers["content-disposition"].endswith(f'.{name}"')
        assert (answer.headers["cache-control"], answer.headers["x-content-type-options"]) == ("no-store", "nosniff")
    assert [item["id"] for item in csv.DictReader(io.StringIO(answers["csv"].text))] == [
        item["id"] for item in expected
    ]
    table = pyarrow.parquet.read_table(io.BytesIO(answers["parquet"].content))
    assert table.column("destination").to_pylist() == [item["destination"] for item in expected]


def test_sums_are_those_of_the_pages(spring_client: DashboardClient) -> None:
    """Clickers, links, segments, campaigns and the course of time, each as a file."""
    assert {
        export_row["recipient"]: export_row["click_count"]
        for export_row in export_rows(spring_client, "/export/clickers?tag=spring")
    } == {
        "ada@example.org": 2,
        "ben@example.net": 1,
    }
    assert [
        export_row["recipient"] for export_row in export_rows(spring_client, "/export/clickers?tag=spring&address=ben")
    ] == ["ben@example.net"]
    assert [
        export_row["recipient"] for export_row in export_rows(spring_client, "/export/clickers?tag=spring&position=1")
    ] == ["ben@example.net"]
    assert [
        (export_row["position"], export_row["human"] + export_row["unsure"])
        for export_row in export_rows(spring_client, "/export/links?tag=spring")
    ] == [
        (0, 2),
        (1, 1),
    ]
    plans = export_rows(spring_client, "/export/segment?tag=spring&by=attribute:plan")
    assert {export_row["value"]: (export_row["click_count"], export_row["delivered"]) for export_row in plans} == {
        "pro": (2, 1),
        "free": (1, 1),
    }
    (campaign,) = export_rows(spring_client, "/export/campaigns?period=7")
    assert (campaign["tag"], campaign["clickers"], campaign["sent"]) == ("spring", 2, 2)
    days = export_rows(spring_client, "/export/trend?period=7")
    assert (len(days), sum(export_row["total"] for export_row in days)) == (7, 3)


def test_one_message_s_clicks_are_a_file(service: RunningService, spring_client: DashboardClient) -> None:
    """Every click of one message, and of no other."""
    page = spring_client.get("/messages?q=ada@example.org")
    key = page.partition('href="/dashboard/messages/')[2].partition('"')[0]
    result = export_rows(spring_client, f"/messages/{key}/clicks/export?")
    assert [(item["recipient"], item["message_id"]) for item in result] == [("ada@example.org", key)] * 2
    assert service.account


def test_an_unknown_export_is_an_error_page(spring_client: DashboardClient) -> None:
    """An unknown table, format or segment, or no campaign, is an error page and no file."""
    for path, status in {
        "/export/users": 404,
        "/export/clicks?format=xlsx": 400,
        "/export/segment?tag=spring&by=password": 404,
        "/export/clickers": 404,
        "/campaign/segment?tag=spring&by=password": 404,
    }.items():
        answer = spring_client.http.get(path)
        assert answer.status_code == status, path
        assert "content-disposition" not in answer.headers


def test_a_stranger_and_another_account_get_nothing(service: RunningService, spring_client: DashboardClient) -> None:
    """Without a session every export sends to sign in; a user of another account gets empty tables."""
    key = spring_client.get("/messages").partition('href="/dashboard/messages/')[2].partition('"')[0]
    paths = ["/export/clicks", "/export/clickers?tag=spring", f"/messages/{key}/clicks/export"]
    with DashboardClient(service) as stranger:
        for path in paths:
            assert stranger.http.get(path).status_code == 303
    with service.components.database.write() as connection:
        other = uuid.uuid4()
        accounts_table.create(connection, other, "Other", now())
        for table in (memberships, sessions):
            connection.execute(update(table).values(account_id=other))
    assert export_rows(spring_client, "/export/clicks?period=7") == []
    assert export_rows(spring_client, "/export/clickers?tag=spring") == []
    assert spring_client.http.get(paths[2]).status_code == 404


def test_a_hostile_tag_does_not_reach_the_header(service: RunningService, dashboard_client: DashboardClient) -> None:
    """The name of the file holds letters, digits and dashes, whatever the campaign is called."""
    service.send(tags=['a"; x=\\..//é'])
    answer = dashboard_client.signed_in_client().http.get(
        "/export/clicks", params={"tag": 'a"; x=\\..//é\r\nX: y', "format": "csv"}
    )
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith('attachment; filename="clicks-a-x-X-y-20')
    assert "x" not in answer.headers


def test_segments_by_attribute_stand_on_the_campaign_s_page(spring_client: DashboardClient) -> None:
    """The campaign's page has recipient domains, devices and every attribute that was given, with expected
    rates and the messages they are of, which are not the clicks beside them; each leads to a page with all values.
    """
    page = spring_client.get("/campaign?tag=spring")
    for title in ("Recipient domain", "Device", "Browser or mail program", "plan"):
        assert f"<h3>{title}" in page
    full = spring_client.get("/campaign/segment?tag=spring&by=attribute:plan")
    assert re.search(r">pro<.*? [12] .*?\d% <span[^>]*>(about )?1( \(\d to \d\))? of 1<", full, re.DOTALL)
    assert "No data in this period" in spring_client.get("/campaign/segment?tag=spring&by=attribute:none")

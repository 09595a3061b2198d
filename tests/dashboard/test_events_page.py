"""Tests of the way from a number to the hits behind it: events, links, recipients, and sorted tables."""

import html
import re
from collections.abc import Iterator

import pytest
from sqlalchemy import select, update

from linkweir.accounts import roles
from linkweir.db.schema import memberships, messages, users
from tests.dashboard.browser_client import FIREFOX_HEADERS, DashboardClient, add_user
from tests.web.running_service import RunningService

COUNT_LINK = re.compile(r'<a class="count" href="/dashboard([^"]+)"[^>]*>(.*?)</a>', re.DOTALL)
STEP_LINK = re.compile(r'<th scope="row"><a href="/dashboard(/events[^"]+hours=[^"]+)"')
CAMPAIGN_ROW = re.compile(r'name="tag" value="([^"]+)" aria-label="Compare')


@pytest.fixture(scope="module")
def sample_client(sample_service: RunningService) -> Iterator[DashboardClient]:
    """Somebody who has signed in to the service with sample data."""
    with DashboardClient(sample_service) as result:
        yield result.signed_in_client()


def click(service: RunningService, address: str, **fields: object) -> str:
    """A mail to this address whose first link is followed in a browser; the message's key."""
    (entry,) = service.send(recipients=[{"email": address}], **fields)
    link = service.delivered_links(entry["id"])[0]
    service.backdate_deliveries()
    service.reader.get(link, headers=FIREFOX_HEADERS)
    service.wait_until_ingested()
    key: str = entry["id"].strip("<>").partition("@")[0]
    return key


def events_on(page: str) -> int:
    """How many hits a page lists."""
    return page.count('<li class="hit ')


@pytest.mark.parametrize(
    "path",
    [
        "/?period=90",
        "/campaigns?period=90",
        "/campaign?tag=sample-spring-sale",
        "/campaign/segment?tag=sample-spring-sale&by=client",
        "/campaign/segment?tag=sample-spring-sale&by=recipient_domain",
        "/compare?tag=sample-spring-sale&tag=sample-weir-day&period=90",
        "/campaign/clickers?tag=sample-spring-sale",
        "/link?tag=sample-spring-sale&position=1",
    ],
)
def test_every_count_leads_to_the_hits_behind_it(sample_client: DashboardClient, path: str) -> None:
    """Each number that is a link, and each step of a chart's table, opens a page that lists what it counts."""
    page = sample_client.get(path)
    links = {html.unescape(link) for link, text in COUNT_LINK.findall(page) if not re.match(r"\s*0\b", text)}
    links |= {html.unescape(link) for link in STEP_LINK.findall(page)}
    assert len(links) >= 5
    for link in sorted(links):
        target = sample_client.get(link)
        if link.startswith(("/events", "/messages/")):
            assert events_on(target) or "verdict=people" in link, link  # an estimate may be of a machine's hits only
        else:
            assert '<th scope="row"><a class="wrap' in target, link


def test_machines_are_listed_with_their_reasons(sample_client: DashboardClient) -> None:
    """Behind the clicks by machines stand machines only, each with at least one reason, and no more than a page."""
    page = sample_client.get("/events?tag=sample-spring-sale&verdict=machines&period=90")
    assert set(re.findall(r'<li class="hit (\w+)"', page)) <= {"machine", "prefetch"}
    assert page.count('<ul class="why"><li>') == events_on(page) == 35
    older = html.unescape(re.findall(r'href="/dashboard(/events[^"]*after=[^"]*)"', page)[0])
    first, second = (set(re.findall(r'id="(e[0-9a-f]{32})"', text)) for text in (page, sample_client.get(older)))
    assert len(first) == 35
    assert not first & second


@pytest.mark.parametrize(
    "query",
    [
        *("verdict=x", "kind=x", "position=x", "position=" + "9" * 40, "hours=9999999-1", "hours=x", "after=x.y"),
        *("email=%00", "by=tag&value=x", "by=nothing", "address=" + "a" * 5000, "destination=%ff"),
    ],
)
def test_queries_made_by_hand_are_no_error(sample_client: DashboardClient, query: str) -> None:
    """What cannot be meant is left out or said to be missing; nothing is an internal error."""
    assert sample_client.http.get(f"/events?{query}").status_code in (200, 404)
    assert sample_client.http.get(f"/link?tag=sample-spring-sale&{query}").status_code in (200, 404)


def test_tables_are_sorted_by_their_heads(sample_client: DashboardClient) -> None:
    """Each head sorts by its column, and once more the other way; the order is in the address, and marked."""
    for column in ("tag", "sent-at", "sent", "delivered", "unique", "rate", "total", "machine"):
        orders = []
        for sort in (column, f"-{column}"):
            page = sample_client.get(f"/campaigns?period=90&sort={sort}")
            assert page.count("aria-sort=") == 1
            orders.append(CAMPAIGN_ROW.findall(page))
        assert len(orders[0]) > 3
        assert sorted(orders[0]) == sorted(orders[1])
        assert orders[0] != orders[1]
    tags = CAMPAIGN_ROW.findall(sample_client.get("/campaigns?period=90&sort=tag"))
    assert tags == sorted(tags)
    links = sample_client.get("/campaign?tag=sample-weir-day&sort=-position")
    positions = re.findall(r'data-label="Link">(\d+)<', links)
    assert positions == sorted(positions, reverse=True)
    unknown, usual = (sample_client.get(f"/campaigns?period=90{sort}") for sort in ("&sort=nothing", ""))
    assert unknown.partition("<footer")[0] == usual.partition("<footer")[0]  # whose links lead back to its own address


def test_a_recipient_is_found_by_a_part_and_has_a_page(
    service: RunningService, dashboard_client: DashboardClient
) -> None:
    """A part of the address finds the recipient; the page has every mail to it in any letter case, its clicks, and all
    data as a file; nobody else's.
    """
    click(service, "Ada@example.org", subject="One", tags=["spring"])
    click(service, "ada@example.org", subject="Two")
    click(service, "ben@example.org", subject="Three")
    dashboard_client.signed_in_client()
    for part in ("ADA@", "a@example.o"):
        found = dashboard_client.get(f"/messages?q={part}")
        assert 'href="/dashboard/recipient?email=ada%40example.org"' in found
        assert "ben@" not in found
    page = dashboard_client.get("/recipient?email=ADA@example.org")
    assert (events_on(page), "One" in page, "Two" in page, "Three" in page) == (2, True, True, False)
    assert events_on(dashboard_client.get("/events?email=ada@example.org")) == 2
    data = dashboard_client.http.get("/recipient/export?email=ada@example.org")
    assert "attachment" in data.headers["content-disposition"]
    assert {message["subject"] for message in data.json()["messages"]} == {"One", "Two"}
    for path in ("/recipient", "/recipient?email=x", "/recipient/erase?email=", "/recipient/export?email=a%0Ab@c.org"):
        assert dashboard_client.http.get(path).status_code == 404


def test_a_recipient_is_erased_after_a_question_and_by_owners_only(
    service: RunningService, dashboard_client: DashboardClient
) -> None:
    """A viewer sees the recipient and may neither export nor erase, an editor may export; an owner is asked first."""
    click(service, "ada@example.org", subject="One")
    click(service, "ben@example.org", subject="Two")
    add_user(service, "eva@example.com")
    path = "/recipient/erase?email=ada@example.org"
    with DashboardClient(service) as eva:
        eva.sign_in("eva@example.com")
        for role, may_export in (("viewer", False), ("editor", True)):
            with service.components.database.write() as connection:
                eva_id = select(users.c.id).where(users.c.email == "eva@example.com").scalar_subquery()
                connection.execute(update(memberships).where(memberships.c.user_id == eva_id).values(role=role))
            page = eva.get("/recipient?email=ada@example.org")
            assert ("Export all data" in page, "Erase this" in page) == (may_export, False)
            export = eva.http.get("/recipient/export?email=ada@example.org")
            assert (export.status_code == 200) is may_export is ("recipients:read" in roles.SCOPES[role])  # type: ignore[index]
            assert eva.http.get(path).status_code == 403
            assert eva.post(path, {}).status_code == 403
    dashboard_client.signed_in_client()
    assert "Erase ada@example.org?" in dashboard_client.get(path)
    assert dashboard_client.http.post(path, data={"token": "wrong"}).status_code == 403
    assert "One" in dashboard_client.get("/messages")
    answer = dashboard_client.post(path, {})
    assert "1 message was deleted with 1 event." in answer.text
    assert "ada@example.org" not in answer.text
    assert "No message to this address is stored" in dashboard_client.get("/recipient?email=ada@example.org")
    assert events_on(dashboard_client.get("/recipient?email=ben@example.org")) == 1


def test_a_link_has_a_page_with_its_clicks(service: RunningService, dashboard_client: DashboardClient) -> None:
    """The page of a link counts its clicks in one campaign, and the page of its destination those in all."""
    click(service, "ada@example.org", tags=["spring"])
    click(service, "ben@example.org", tags=["autumn"])
    dashboard_client.signed_in_client()
    page = dashboard_client.get("/link?tag=spring&position=0")
    assert events_on(page) == 1
    assert "https://example.com/a?x=1&amp;y=2" in page
    everywhere = html.unescape(re.findall(r'href="/dashboard(/link\?destination=[^"]+)"', page)[0])
    assert events_on(dashboard_client.get(everywhere)) == 2
    assert events_on(dashboard_client.get("/link?tag=spring&position=1")) == 0
    assert dashboard_client.http.get("/link?tag=spring").status_code == 404


def test_opens_bounces_and_deferrals_are_figures(service: RunningService, dashboard_client: DashboardClient) -> None:
    """Overview and campaign say how many messages were opened, bounced and wait for another attempt, and lead to them;
    those of another campaign count on the overview only.
    """
    outcomes = {"Bounced": 2, "Deferred": 1, "Failed": 0, "Delivered": 3}
    for tag in ("spring", "autumn"):
        entries = service.send(recipients=[{"email": f"r{n}@example.org"} for n in range(6)], tags=[tag])
        for entry in entries:
            service.wait_for_mail(entry["id"])
        statuses = [status for status, count in outcomes.items() for _ in range(count)]
        with service.components.database.write() as connection:
            for entry, status in zip(entries, statuses, strict=True):
                here = messages.c.message_id == entry["id"].strip("<>")
                connection.execute(
                    update(messages).where(here).values(status=status, open_count=int(status == "Delivered"))
                )
    dashboard_client.signed_in_client()
    for path, times in (("/", 2), ("/campaign?tag=spring", 1)):
        page = dashboard_client.get(path)
        figures = re.sub("<[^>]*>", "", page.partition('<ul class="figures"')[2].partition("</ul>")[0])
        found = {name: int(number) for number, name in re.findall(r"(\d+) (opened|bounced|failed|deferred)", figures)}
        assert found == {"opened": 3 * times, "bounced": 2 * times, "failed": 0, "deferred": times}
        (link,) = re.findall(r'href="/dashboard(/messages[^"]*status=Bounced)"', page)
        assert dashboard_client.get(html.unescape(link)).count('class="state bounced"') == 2 * times

"""Tests of the pages that say who clicked: of a campaign, of a link, of a message; and of whom they must not say it."""

import re

from tests.dashboard.browser_client import FIREFOX_HEADERS, DashboardClient
from tests.web.running_service import RunningService, wait_until

ROW_PATTERN = re.compile(r'<th scope="row"><a class="wrap" href="/dashboard/messages/[^"]+">([^<]+)</a></th>')


def send_and_click(service: RunningService, addresses: list[str], link: int = 0, **fields: object) -> None:
    """Mails of one campaign to these people, each of whom follows a link of theirs."""
    recipients = [{"email": address} for address in addresses]
    entries = service.send(recipients=recipients, tags=["spring"], **fields)
    links = [service.delivered_links(entry["id"])[link] for entry in entries]
    service.backdate_deliveries()
    for url in links:
        service.reader.get(url, headers=FIREFOX_HEADERS)
    service.wait_until_ingested()


def list_addresses(page: str) -> list[str]:
    """The addresses on a page."""
    return ROW_PATTERN.findall(page)


def test_who_clicked_is_listed_for_campaign_and_link(
    service: RunningService, dashboard_client: DashboardClient
) -> None:
    """Who followed any link is on the campaign's list, who followed one link on the link's; who only got the mail is on
    neither.
    """
    send_and_click(service, ["ada@example.org"])
    send_and_click(service, ["ben@example.org"], link=1)
    service.send(recipients=[{"email": "idle@example.org"}], tags=["spring"])
    dashboard_client.signed_in_client()
    assert set(list_addresses(dashboard_client.get("/campaign/clickers?tag=spring"))) == {
        "ada@example.org",
        "ben@example.org",
    }
    assert list_addresses(dashboard_client.get("/campaign/clickers?tag=spring&position=1")) == ["ben@example.org"]
    campaign = dashboard_client.get("/campaign?tag=spring")
    (link,) = re.findall(r'href="/dashboard(/campaign/clickers\?[^"]*position=1)"', campaign)
    assert list_addresses(dashboard_client.get(link.replace("&amp;", "&"))) == ["ben@example.org"]


def test_an_address_is_searched_by_a_part_of_it(service: RunningService, dashboard_client: DashboardClient) -> None:
    """Part of an address in any case narrows the list; signs that stand for anything in SQL stand for themselves."""
    send_and_click(service, ["ada@example.org", "a_b@example.org", "ben@example.net"])
    dashboard_client.signed_in_client()
    page = "/campaign/clickers?tag=spring&address="
    assert list_addresses(dashboard_client.get(page + "ADA@")) == ["ada@example.org"]
    assert list_addresses(dashboard_client.get(page + "example.net")) == ["ben@example.net"]
    assert list_addresses(dashboard_client.get(page + "_")) == ["a_b@example.org"]
    assert "No matches" in dashboard_client.get(page + "%25")


def test_the_list_is_turned_over(service: RunningService, dashboard_client: DashboardClient) -> None:
    """Sixty people are on two pages, each once; the way back leads to the first again."""
    people = [f"reader{number}@example.org" for number in range(60)]
    send_and_click(service, people)
    dashboard_client.signed_in_client()
    first = dashboard_client.get("/campaign/clickers?tag=spring")
    (older,) = re.findall(r'href="/dashboard(/campaign/clickers\?[^"]*after=[^"]*)"', first)
    second = dashboard_client.get(older.replace("&amp;", "&"))
    assert (len(list_addresses(first)), len(list_addresses(second))) == (50, 10)
    assert {*list_addresses(first), *list_addresses(second)} == set(people)
    (newer,) = re.findall(r'href="/dashboard(/campaign/clickers\?[^"]*before=[^"]*)"', second)
    assert list_addresses(dashboard_client.get(newer.replace("&amp;", "&"))) == list_addresses(first)


def test_only_first_clicks_of_the_time_are_listed(service: RunningService, dashboard_client: DashboardClient) -> None:
    """Whoever clicked first before the time looked at is not on its list, as in its count of clickers."""
    send_and_click(service, ["ada@example.org", "old@example.org"])
    with service.components.database.write() as connection:
        connection.exec_driver_sql(
            "UPDATE message_link_rows SET first_at = first_at - 3 * 86400000000 WHERE message_id IN "
            "(SELECT id FROM messages WHERE recipient = 'old@example.org')"
        )
    dashboard_client.signed_in_client()
    assert list_addresses(dashboard_client.get("/campaign/clickers?tag=spring&period=1")) == ["ada@example.org"]
    assert len(list_addresses(dashboard_client.get("/campaign/clickers?tag=spring&period=7"))) == 2


def test_nobody_anonymous_is_listed_and_the_page_explains_why(
    service: RunningService, dashboard_client: DashboardClient
) -> None:
    """Of an anonymous campaign the page says that there is nothing to list, with its count; the message says so too."""
    send_and_click(service, ["ada@example.org"], privacy="anonymous")
    dashboard_client.signed_in_client()
    wait_until(lambda: "about 1 (0 to 1) clicks by people" in dashboard_client.get("/campaign/clickers?tag=spring"))
    page = dashboard_client.get("/campaign/clickers?tag=spring")
    assert "Nobody can be listed" in page
    assert "ada@example.org" not in page
    assert "ada@example.org" not in dashboard_client.get("/export/clickers?tag=spring&format=ndjson")
    message = dashboard_client.get("/messages").partition('href="/dashboard/messages/')[2].partition('"')[0]
    assert "This message is anonymous." in dashboard_client.get(f"/messages/{message}")


def test_pseudonymous_clickers_are_listed_without_an_address(
    service: RunningService, dashboard_client: DashboardClient
) -> None:
    """Beside people with names the page says how many are anonymous and how many pseudonymous."""
    send_and_click(service, ["ada@example.org"], privacy="pseudonymous")
    send_and_click(service, ["eve@example.org"], privacy="anonymous")
    page = dashboard_client.signed_in_client().get("/campaign/clickers?tag=spring")
    assert list_addresses(page) == ["ada@example.org"]
    assert re.search(r"Of the newest 2 messages, 1 is\s+<strong>anonymous</strong>", page)
    assert re.search(r"1 is\s+<strong>pseudonymous</strong>", page)


def test_all_clicks_of_a_message_are_turned_over(service: RunningService, dashboard_client: DashboardClient) -> None:
    """A message's page shows the newest clicks and leads to all of them, a page at a time."""
    (entry,) = service.send()
    link, _ = service.delivered_links(entry["id"])
    for _ in range(55):
        service.reader.get(link, headers=FIREFOX_HEADERS)
    service.wait_until_ingested()
    key = entry["id"].strip("<>").partition("@")[0]
    dashboard_client.signed_in_client()
    assert dashboard_client.get(f"/messages/{key}").count('<li class="hit ') == 10
    first = dashboard_client.get(f"/messages/{key}/clicks")
    (older,) = re.findall(r'href="/dashboard(/messages/[^"]*after=[^"]*)"', first)
    assert (first.count('<li class="hit '), dashboard_client.get(older).count('<li class="hit ')) == (50, 5)
    assert dashboard_client.http.get("/messages/nothing/clicks").status_code == 404


def test_invalid_link_indexes_mean_any_link(service: RunningService, dashboard_client: DashboardClient) -> None:
    """A position that is no number, or a monstrous one, leaves the list as it is; no campaign is 404."""
    send_and_click(service, ["ada@example.org"])
    dashboard_client.signed_in_client()
    for place in ("x", "-1", "9" * 30):
        assert list_addresses(dashboard_client.get(f"/campaign/clickers?tag=spring&position={place}")) == [
            "ada@example.org"
        ]
    assert dashboard_client.http.get("/campaign/clickers").status_code == 404

"""Tests of the pages that say who clicked: of a campaign, of a link, of a message; and of whom they must not say it."""

import re

from tests.dashboard.browser_client import FIREFOX_HEADERS, DashboardClient
from tests.web.running_service import RunningService, wait_until

ROW_PATTERN = re.compile(r'<th scope="row"><a class="wrap address" href="/dashboard/messages/[^"]+">([^<]+)</a></th>')


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


def test_lists_are_sorted_by_their_column_heads(service: RunningService, dashboard_client: DashboardClient) -> None:
    """A press on a column's head sorts clickers and messages by it, over all pages and on the way back, keeps filters
    and period, and is told to who cannot see it; what no row can have as a value shows the first page.
    """
    people = [f"reader{number:02}@example.org" for number in range(60)]
    send_and_click(service, people)
    dashboard_client.signed_in_client()
    for path in ("/campaign/clickers?tag=spring&period=7", "/messages?tag=spring"):
        heads = find_sort_links(dashboard_client.get(path))
        assert heads["Recipient"].endswith("&sort=recipient")
        first = dashboard_client.get(heads["Recipient"])
        assert re.findall(r'aria-sort="(\w+)"><a class="sort"[^>]*>([^<]+) <', first) == [("ascending", "Recipient")]
        assert find_recipients(first) == people[:50]
        (following,) = find_page_links(first)
        assert ("tag=spring" in following, ("period=7" in following) == ("period=7" in path)) == (True, True)
        second = dashboard_client.get(following)
        assert find_recipients(second) == people[50:]
        (back,) = find_page_links(second)
        assert find_recipients(dashboard_client.get(back)) == people[:50]
        last_first = dashboard_client.get(find_sort_links(first)["Recipient"])
        assert find_recipients(last_first) == people[:9:-1]
        for odd in ("x", f"{'9' * 30}.{'0' * 32}", "." + "0" * 32):
            for column in ("clicks", "recipient"):
                page = dashboard_client.get(f"{path}&sort={column}&after={odd}&before={odd}")
                assert len(find_recipients(page)) == 50
    page = dashboard_client.get("/campaign/clickers?tag=spring&sort=-last")
    assert page.count('<td data-label="Last click"><time') == 50


def find_recipients(page: str) -> list[str]:
    """The recipients in the table of a page, in order."""
    return re.findall(r">(reader\d\d@example\.org)</a></t[hd]>", page)


def find_sort_links(page: str) -> dict[str, str]:
    """Where the column heads lead, by their texts."""
    found = re.findall(r'<a class="sort" href="/dashboard([^"]+)">([^<]+?) ?<', page)
    return {text: url.replace("&amp;", "&") for url, text in found}


def find_page_links(page: str) -> list[str]:
    """Where the previous and the next page are."""
    return [url.replace("&amp;", "&") for url in re.findall(r'href="/dashboard([^"]+)" rel="(?:prev|next)"', page)]

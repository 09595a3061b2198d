"""Tests of the pages that say who clicked: of a campaign, of a link, of a message; and of whom they must not say it."""

import re

from tests.edge.dashboard.browsing import FIREFOX, Visitor
from tests.edge.serving import Served, wait_until

ROW = re.compile(r'<th scope="row"><a class="wrap" href="/dashboard/messages/[^"]+">([^<]+)</a></th>')


def clicked(house: Served, addresses: list[str], link: int = 0, **fields: object) -> None:
    """Mails of one campaign to these people, each of whom follows a link of theirs."""
    recipients = [{"email": address} for address in addresses]
    for entry in house.send(recipients=recipients, tags=["spring"], **fields):
        house.reader.get(house.links(entry["id"])[link], headers=FIREFOX)
    house.settle()


def listed(page: str) -> list[str]:
    """The addresses on a page."""
    return ROW.findall(page)


def test_who_clicked_is_listed_for_campaign_and_link(house: Served, visitor: Visitor) -> None:
    """Who followed any link is on the campaign's list, who followed one link on the link's; who only got the mail is on
    neither.
    """
    clicked(house, ["ada@example.org"])
    clicked(house, ["ben@example.org"], link=1)
    house.send(recipients=[{"email": "idle@example.org"}], tags=["spring"])
    visitor.entered()
    assert set(listed(visitor.get("/campaign/clickers?tag=spring"))) == {"ada@example.org", "ben@example.org"}
    assert listed(visitor.get("/campaign/clickers?tag=spring&position=1")) == ["ben@example.org"]
    campaign = visitor.get("/campaign?tag=spring")
    (link,) = re.findall(r'href="/dashboard(/campaign/clickers\?[^"]*position=1)"', campaign)
    assert listed(visitor.get(link.replace("&amp;", "&"))) == ["ben@example.org"]


def test_an_address_is_found_by_a_part_of_it(house: Served, visitor: Visitor) -> None:
    """Part of an address in any case narrows the list; signs that stand for anything in SQL stand for themselves."""
    clicked(house, ["ada@example.org", "a_b@example.org", "ben@example.net"])
    visitor.entered()
    page = "/campaign/clickers?tag=spring&address="
    assert listed(visitor.get(page + "ADA@")) == ["ada@example.org"]
    assert listed(visitor.get(page + "example.net")) == ["ben@example.net"]
    assert listed(visitor.get(page + "_")) == ["a_b@example.org"]
    assert "Nobody fits" in visitor.get(page + "%25")


def test_the_list_is_turned_over(house: Served, visitor: Visitor) -> None:
    """Sixty people are on two pages, each once; the way back leads to the first again."""
    people = [f"reader{number}@example.org" for number in range(60)]
    clicked(house, people)
    visitor.entered()
    first = visitor.get("/campaign/clickers?tag=spring")
    (older,) = re.findall(r'href="/dashboard(/campaign/clickers\?[^"]*after=[^"]*)"', first)
    second = visitor.get(older.replace("&amp;", "&"))
    assert (len(listed(first)), len(listed(second))) == (50, 10)
    assert {*listed(first), *listed(second)} == set(people)
    (newer,) = re.findall(r'href="/dashboard(/campaign/clickers\?[^"]*before=[^"]*)"', second)
    assert listed(visitor.get(newer.replace("&amp;", "&"))) == listed(first)


def test_only_first_clicks_of_the_time_are_listed(house: Served, visitor: Visitor) -> None:
    """Whoever clicked first before the time looked at is not on its list, as in its count of clickers."""
    clicked(house, ["ada@example.org", "old@example.org"])
    with house.service.store.write() as connection:
        connection.exec_driver_sql(
            "UPDATE message_links SET first_at = first_at - 3 * 86400000000 WHERE message_id IN "
            "(SELECT id FROM messages WHERE recipient = 'old@example.org')"
        )
    visitor.entered()
    assert listed(visitor.get("/campaign/clickers?tag=spring&days=1")) == ["ada@example.org"]
    assert len(listed(visitor.get("/campaign/clickers?tag=spring&days=7"))) == 2


def test_nobody_anonymous_is_listed_and_the_page_says_why(house: Served, visitor: Visitor) -> None:
    """Of an anonymous campaign the page says that there is nothing to list, with its count; the message says so too."""
    clicked(house, ["ada@example.org"], privacy="anonymous")
    visitor.entered()
    wait_until(lambda: "1 clicks by people" in visitor.get("/campaign/clickers?tag=spring"))
    page = visitor.get("/campaign/clickers?tag=spring")
    assert "Nobody can be listed" in page
    assert "ada@example.org" not in page
    assert "ada@example.org" not in visitor.get("/export/clickers?tag=spring&format=ndjson")
    message = visitor.get("/messages").partition('href="/dashboard/messages/')[2].partition('"')[0]
    assert "This message is anonymous." in visitor.get(f"/messages/{message}")


def test_who_is_pseudonymous_is_listed_without_an_address_of_theirs(house: Served, visitor: Visitor) -> None:
    """Beside people with names the page says how many are anonymous and how many pseudonymous."""
    clicked(house, ["ada@example.org"], privacy="pseudonymous")
    clicked(house, ["eve@example.org"], privacy="anonymous")
    page = visitor.entered().get("/campaign/clickers?tag=spring")
    assert listed(page) == ["ada@example.org"]
    assert re.search(r"Of the newest 2 messages, 1 is\s+<strong>anonymous</strong>", page)
    assert re.search(r"1 is\s+<strong>pseudonymous</strong>", page)


def test_all_clicks_of_a_message_are_turned_over(house: Served, visitor: Visitor) -> None:
    """A message's page shows the newest clicks and leads to all of them, a page at a time."""
    (entry,) = house.send()
    link, _ = house.links(entry["id"])
    for _ in range(55):
        house.reader.get(link, headers=FIREFOX)
    house.settle()
    key = entry["id"].strip("<>").partition("@")[0]
    visitor.entered()
    assert visitor.get(f"/messages/{key}").count('<li class="hit ') == 10
    first = visitor.get(f"/messages/{key}/clicks")
    (older,) = re.findall(r'href="/dashboard(/messages/[^"]*after=[^"]*)"', first)
    assert (first.count('<li class="hit '), visitor.get(older).count('<li class="hit ')) == (50, 5)
    assert visitor.client.get("/messages/nothing/clicks").status_code == 404


def test_places_that_cannot_be_are_any_link(house: Served, visitor: Visitor) -> None:
    """A position that is no number, or a monstrous one, leaves the list as it is; no campaign is 404."""
    clicked(house, ["ada@example.org"])
    visitor.entered()
    for place in ("x", "-1", "9" * 30):
        assert listed(visitor.get(f"/campaign/clickers?tag=spring&position={place}")) == ["ada@example.org"]
    assert visitor.client.get("/campaign/clickers").status_code == 404

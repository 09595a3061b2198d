"""The hidden link that only machines follow: asked for, put in, followed, judged."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from linkweir.clicks.classify import Evidence, classify_hits
from linkweir.clicks.enrichment import Enricher
from linkweir.clicks.ingest.click import Click
from linkweir.clicks.known_networks import KnownNetworks
from linkweir.db import clicks_table
from linkweir.tokens import HONEYPOT_INDEX
from linkweir.tokens.opener import open_link
from tests.web.running_service import RunningService, wait_until

HTML = '<body><p><a href="https://example.com/a">one</a> <a href="https://example.com/b">two</a></p></body>'
HIDDEN_LINK_PATTERN = re.compile(
    r'<a href="([^"]+)" style="display:none;mso-hide:all" aria-hidden="true" tabindex="-1" rel="nofollow"></a></body>'
)
USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
BROWSER_HEADERS = {"user-agent": USER_AGENT, "accept-language": "de"}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """One service for this file."""
    with RunningService(tmp_path_factory.mktemp("honeypot") / "data") as service:
        yield service


def delivered_html(service: RunningService, entry: dict[str, Any]) -> str:
    """The HTML that was delivered."""
    text: str = service.wait_for_mail(entry["id"]).get_body(("html",)).get_content()  # type: ignore[union-attr]
    return text


def hidden_links(service: RunningService, **fields: Any) -> list[str]:
    """The hidden links of a message that was sent with these fields."""
    (entry,) = service.send(html_content=HTML, **fields)
    return HIDDEN_LINK_PATTERN.findall(delivered_html(service, entry))


def test_it_is_off_by_default(service: RunningService) -> None:
    """Nothing is put in by itself, nor where clicks are not tracked or are anonymous; asked for, one link is."""
    assert hidden_links(service) == []
    assert hidden_links(service, honeypot=False) == []
    assert hidden_links(service, honeypot=True, tracking={"click": False}) == []
    assert hidden_links(service, honeypot=True, privacy="anonymous") == []
    for privacy in ("full", "pseudonymous"):
        (link,) = hidden_links(service, honeypot=True, privacy=privacy)
        assert open_link(service.components.keyring, link).index == HONEYPOT_INDEX


def test_account_and_domain_can_enable_it(service: RunningService) -> None:
    """The account's wish holds until a message says otherwise, and null takes it back."""
    assert service.client.put(service.account_path, json={"honeypot": True}).json()["honeypot"] is True
    try:
        assert len(hidden_links(service)) == 1
        assert hidden_links(service, honeypot=False) == []
    finally:
        assert service.client.put(service.account_path, json={"honeypot": None}).json()["honeypot"] is None
    assert hidden_links(service) == []


def test_nothing_else_changes(service: RunningService) -> None:
    """But for the hidden link, the page is the one without it: the same links in the same places."""
    pages = []
    for wish in (False, True):
        (entry,) = service.send(html_content=HTML, honeypot=wish)
        pages.append(re.sub(r"/c/[\w-]+", "/c/TOKEN", delivered_html(service, entry)))
    without, with_it = pages
    assert HIDDEN_LINK_PATTERN.sub("</body>", with_it) == without
    assert with_it != without


def test_who_follows_it_is_a_machine(service: RunningService) -> None:
    """A visit is sent on without harm, stored as what it is, and makes its source's clicks a machine's."""
    (entry,) = service.send(html_content=HTML, honeypot=True)
    (trap,) = HIDDEN_LINK_PATTERN.findall(delivered_html(service, entry))
    link = next(delivered_link for delivered_link in service.delivered_links(entry["id"]) if delivered_link != trap)
    before = len(list_hits(service))
    service.reader.get(link, headers=BROWSER_HEADERS)
    answer = service.reader.get(trap, headers=BROWSER_HEADERS)
    assert answer.status_code == 302
    assert answer.headers["location"].count("/") == 3  # a host and nothing behind it
    wait_until(lambda: len(list_hits(service)) == before + 2)
    rows = list_hits(service)[before:]
    assert [row["kind"] for row in rows] == ["click", "honeypot"]
    enricher = Enricher(None, KnownNetworks({}))
    result = classify_hits([Click.from_row(row).to_hit(enricher) for row in rows], Evidence())
    assert [(delivered_link.verdict, delivered_link.reasons[0]) for delivered_link in result] == [
        ("machine", "honeypot-source"),
        ("machine", "honeypot"),
    ]


def list_hits(service: RunningService) -> list[Any]:
    """Every hit, oldest first."""
    with service.components.database.read() as connection:
        assert service.components.account
        return list(clicks_table.list_for_account(connection, service.components.account))

"""The hidden link that only machines follow: asked for, put in, followed, judged."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from linkweir import open_link
from linkweir.click.enrich import Enricher
from linkweir.click.explain import hit_of
from linkweir.click.networks import Networks
from linkweir.click.verdict import Context, judge
from linkweir.store import clicks
from linkweir.token import TRAP_INDEX
from tests.edge.serving import Served, wait_until

HTML = '<body><p><a href="https://example.com/a">one</a> <a href="https://example.com/b">two</a></p></body>'
HIDDEN = re.compile(
    r'<a href="([^"]+)" style="display:none;mso-hide:all" aria-hidden="true" tabindex="-1" rel="nofollow"></a></body>'
)
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
BROWSER = {"user-agent": AGENT, "accept-language": "de"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One service for this file."""
    with Served(tmp_path_factory.mktemp("honeypot") / "data") as service:
        yield service


def page(served: Served, entry: dict[str, Any]) -> str:
    """The HTML that was delivered."""
    text: str = served.delivered(entry["id"]).get_body(("html",)).get_content()  # type: ignore[union-attr]
    return text


def hidden(served: Served, **fields: Any) -> list[str]:
    """The hidden links of a message that was sent with these fields."""
    (entry,) = served.send(html_content=HTML, **fields)
    return HIDDEN.findall(page(served, entry))


def test_it_is_off_until_it_is_asked_for(served: Served) -> None:
    """Nothing is put in by itself, nor where clicks are not tracked or are anonymous; asked for, one link is."""
    assert hidden(served) == []
    assert hidden(served, honeypot=False) == []
    assert hidden(served, honeypot=True, tracking={"click": False}) == []
    assert hidden(served, honeypot=True, privacy="anonymous") == []
    for privacy in ("full", "pseudonymous"):
        (link,) = hidden(served, honeypot=True, privacy=privacy)
        assert open_link(served.service.ring, link).index == TRAP_INDEX


def test_account_and_domain_can_ask_for_it(served: Served) -> None:
    """The account's wish holds until a message says otherwise, and null takes it back."""
    assert served.client.put(served.base, json={"honeypot": True}).json()["honeypot"] is True
    try:
        assert len(hidden(served)) == 1
        assert hidden(served, honeypot=False) == []
    finally:
        assert served.client.put(served.base, json={"honeypot": None}).json()["honeypot"] is None
    assert hidden(served) == []


def test_nothing_else_changes(served: Served) -> None:
    """But for the hidden link, the page is the one without it: the same links in the same places."""
    pages = []
    for wish in (False, True):
        (entry,) = served.send(html_content=HTML, honeypot=wish)
        pages.append(re.sub(r"/c/[\w-]+", "/c/TOKEN", page(served, entry)))
    without, with_it = pages
    assert HIDDEN.sub("</body>", with_it) == without
    assert with_it != without


def test_who_follows_it_is_a_machine(served: Served) -> None:
    """A visit is sent on without harm, stored as what it is, and makes its source's clicks a machine's."""
    (entry,) = served.send(html_content=HTML, honeypot=True)
    (trap,) = HIDDEN.findall(page(served, entry))
    link = next(one for one in served.links(entry["id"]) if one != trap)
    before = len(stored(served))
    served.reader.get(link, headers=BROWSER)
    answer = served.reader.get(trap, headers=BROWSER)
    assert answer.status_code == 302
    assert answer.headers["location"].count("/") == 3  # a host and nothing behind it
    wait_until(lambda: len(stored(served)) == before + 2)
    rows = stored(served)[before:]
    assert [row["kind"] for row in rows] == ["click", "honeypot"]
    enricher = Enricher(None, Networks({}))
    found = judge([hit_of(row, enricher) for row in rows], Context())
    assert [(one.verdict, one.reasons[0]) for one in found] == [("machine", "honeypot-source"), ("machine", "honeypot")]


def stored(served: Served) -> list[Any]:
    """Every hit, oldest first."""
    with served.service.store.read() as connection:
        assert served.service.account
        return list(clicks.of_account(connection, served.service.account))

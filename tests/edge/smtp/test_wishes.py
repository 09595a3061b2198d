"""Policy for mail that comes by SMTP: what account, domain and the mail's own headers wish, one over the other."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from linkweir import open_link
from linkweir.html import scan
from tests.edge.serving import mails, wait_until
from tests.edge.smtp.submitting import Submission

RESET, SHOP, MARKED = "https://example.com/reset?t=1", "https://example.com/shop", "https://example.com/marked"
PAGE = f'<body><a href="{RESET}">1</a><a href="{SHOP}">2</a><a data-x href="{MARKED}">3</a></body>'


@pytest.fixture
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Submission]:
    """A service with submission."""
    with Submission(tmp_path_factory.mktemp("wishes") / "data") as service:
        yield service


def account(served: Submission, **wishes: Any) -> None:
    """What the account wishes."""
    served.client.put(served.base, json=wishes).raise_for_status()


def domain(served: Submission, **wishes: Any) -> None:
    """What the domain example.com wishes."""
    served.client.post(f"{served.base}/domains", json={"domain": "example.com", **wishes}).raise_for_status()


def submitted(served: Submission, *headers: str) -> str:
    """The page of a mail with these headers, as it lies in the outbox."""
    message_id = f"<{len(mails(served.settings.maildir_path))}@example.com>"
    head = [*headers, f"Message-ID: {message_id}", "From: a@Example.com", "Subject: x", "Content-Type: text/html"]
    with served.connect() as client:
        client.sendmail("bounces@other.example", ["ada@example.org"], "\r\n".join([*head, "", PAGE, ""]).encode())
    wait_until(lambda: message_id in mails(served.settings.maildir_path))
    return str(mails(served.settings.maildir_path)[message_id].get_content())


def links(served: Submission, *headers: str) -> list[str]:
    """The hrefs of that page."""
    return [link.destination or "" for link in scan(submitted(served, *headers))]


def test_the_accounts_wishes_hold_for_smtp(served: Submission) -> None:
    """Tracking, `skip`, `opt_out`, `utm` and `privacy` of the account are those of a mail without any wish."""
    wishes = {"skip": ["/reset"], "opt_out": ["data-x"], "utm": {"source": "weir"}, "privacy": "pseudonymous"}
    account(served, track_clicks=True, **wishes)
    first, second, third = links(served)
    assert (first, third) == (RESET, MARKED)
    opened = open_link(served.service.ring, second)
    assert (opened.destination, opened.privacy) == (SHOP + "?utm_source=weir", "pseudonymous")


@pytest.mark.parametrize("wishes", [{}, {"link_style": "short"}, {"utm": {"source": "weir"}}], ids=str)
def test_a_query_goes_on_in_the_mails_own_charset(served: Submission, wishes: dict[str, Any]) -> None:
    """The query of a destination is sent in the charset of its document, as a browser would, in every kind of link."""
    account(served, track_clicks=True, **wishes)
    head = ["Message-ID: <1@example.com>", "From: a@example.com", "Subject: x"]
    head += ["Content-Type: text/html; charset=windows-1251", "Content-Transfer-Encoding: 8bit"]
    page = '<a href="https://example.com/\u041f?q=\u041f#\u041f">x</a>'
    with served.connect() as client:
        mail = "\r\n".join([*head, "", page, ""]).encode("cp1251")
        client.sendmail("a@example.com", ["ada@example.org"], mail, mail_options=["BODY=8BITMIME"])
    wait_until(lambda: "<1@example.com>" in mails(served.settings.maildir_path))
    (link,) = scan(str(mails(served.settings.maildir_path)["<1@example.com>"].get_content()))
    answer = served.reader.get("/c/" + str(link.destination).rpartition("/")[2])
    tag = "&utm_source=weir" if "utm" in wishes else ""
    assert answer.headers["location"] == f"https://example.com/%D0%9F?q=%CF{tag}#%D0%9F"


def test_the_domains_wishes_win_over_the_accounts(served: Submission) -> None:
    """Tracking, style, host and `utm` come from the domain of the From header; privacy stays the strictest."""
    account(served, track_clicks=False, utm={"source": "account"}, link_style="sealed", privacy="pseudonymous")
    own = {"track_clicks": True, "track_opens": True, "link_style": "short", "tracking_subdomain": "go"}
    domain(served, **own, utm={"source": "domain"}, privacy="full", skip=["/reset"])
    page = submitted(served)
    first, second, _ = (link.destination or "" for link in scan(page))
    assert first == RESET
    opened = open_link(served.service.ring, second)
    assert (second.startswith("http://go.example.com/"), opened.style, opened.privacy) == (
        True,
        "short",
        "pseudonymous",
    )
    answer = served.reader.get("/c/" + second.rpartition("/")[2])
    assert answer.headers["location"] == SHOP + "?utm_source=domain"
    assert re.search(r'<img src="http://go\.example\.com/', page)


@pytest.mark.parametrize(("header", "tracked"), [("true", True), ("false", False), ("maybe", False)])
def test_the_mails_header_wins_over_the_domain(served: Submission, header: str, tracked: bool) -> None:
    """A mail's own header wins over its domain and account, and one that is not understood leaves it to them."""
    account(served, track_clicks=True)
    domain(served, track_clicks=False)
    ours = [served.settings.base_url in link for link in links(served, f"Ahasend-Track-Clicks: {header}")]
    assert ours == [tracked] * 3


@pytest.mark.parametrize("written", ["Frühling, b", "=?utf-8?q?Fr=C3=BChling?=, b", "=?utf-8?b?RnLDvGhsaW5nLCBi?="])
def test_tags_are_read_as_people_write_them(served: Submission, written: str) -> None:
    """Tags beyond ASCII are the API's, whether they come as UTF-8 or as encoded words, which mail libraries make."""
    submitted(served, f"ahasend-tags: {written}")
    (message,) = served.client.get(f"{served.base}/messages").json()["data"]
    assert message["tags"] == ["Frühling", "b"]


def test_a_mail_of_headers_costs_little(served: Submission) -> None:
    """Encoded words, which cost the square of their length, are read in a few fields only; the last one still wins."""
    submitted(served, *["ahasend-tags: =?utf-8?q?a?="] * 10, "ahasend-tags: =?utf-8?q?b?=")
    (message,) = served.client.get(f"{served.base}/messages").json()["data"]
    assert message["tags"] == ["=?utf-8?q?b?="]


def test_privacy_none_of_the_domain_means_no_tracking(served: Submission) -> None:
    """Where the domain allows nothing, a mail's header cannot ask for it."""
    domain(served, privacy="none")
    assert links(served, "ahasend-track-clicks: true") == [RESET, SHOP, MARKED]

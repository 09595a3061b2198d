"""Policy for mail that comes by SMTP: what account, domain and the mail's own headers wish, one over the other."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from linkweir.html import scan
from linkweir.tokens.opener import open_link
from tests.smtp.submission_service import SubmissionService
from tests.web.running_service import read_maildir, wait_until

RESET_URL, SHOP_URL, MARKED_URL = (
    "https://example.com/reset?t=1",
    "https://example.com/shop",
    "https://example.com/marked",
)
PAGE = f'<body><a href="{RESET_URL}">1</a><a href="{SHOP_URL}">2</a><a data-x href="{MARKED_URL}">3</a></body>'


@pytest.fixture
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SubmissionService]:
    """A service with submission."""
    with SubmissionService(tmp_path_factory.mktemp("wishes") / "data") as service:
        yield service


def set_account_preferences(service: SubmissionService, **wishes: Any) -> None:
    """What the account wishes."""
    service.client.put(service.account_path, json=wishes).raise_for_status()


def set_domain_preferences(service: SubmissionService, **wishes: Any) -> None:
    """What the domain example.com wishes."""
    service.client.post(f"{service.account_path}/domains", json={"domain": "example.com", **wishes}).raise_for_status()


def submit_and_read(service: SubmissionService, *headers: str) -> str:
    """The page of a mail with these headers, as it lies in the outbox."""
    message_id = f"<{len(read_maildir(service.settings.maildir_path))}@example.com>"
    head = [*headers, f"Message-ID: {message_id}", "From: a@Example.com", "Subject: x", "Content-Type: text/html"]
    with service.connect() as client:
        client.sendmail("bounces@other.example", ["ada@example.org"], "\r\n".join([*head, "", PAGE, ""]).encode())
    wait_until(lambda: message_id in read_maildir(service.settings.maildir_path))
    return str(read_maildir(service.settings.maildir_path)[message_id].get_content())


def list_hrefs(service: SubmissionService, *headers: str) -> list[str]:
    """The hrefs of that page."""
    return [link.destination or "" for link in scan(submit_and_read(service, *headers))]


def test_the_accounts_preferences_apply_to_smtp(service: SubmissionService) -> None:
    """Tracking, `skip`, `opt_out`, `utm` and `privacy` of the account are those of a mail without any wish."""
    wishes = {"skip": ["/reset"], "opt_out": ["data-x"], "utm": {"source": "weir"}, "privacy": "pseudonymous"}
    set_account_preferences(service, track_clicks=True, **wishes)
    first, second, third = list_hrefs(service)
    assert (first, third) == (RESET_URL, MARKED_URL)
    opened = open_link(service.components.keyring, second)
    assert (opened.destination, opened.privacy) == (SHOP_URL + "?utm_source=weir", "pseudonymous")


@pytest.mark.parametrize("wishes", [{}, {"link_style": "short"}, {"utm": {"source": "weir"}}], ids=str)
def test_a_query_goes_on_in_the_mails_own_charset(service: SubmissionService, wishes: dict[str, Any]) -> None:
    """The query of a destination is sent in the charset of its document, as a browser would, in every kind of link."""
    set_account_preferences(service, track_clicks=True, **wishes)
    head = ["Message-ID: <1@example.com>", "From: a@example.com", "Subject: x"]
    head += ["Content-Type: text/html; charset=windows-1251", "Content-Transfer-Encoding: 8bit"]
    page = '<a href="https://example.com/\u041f?q=\u041f#\u041f">x</a>'
    with service.connect() as client:
        mail = "\r\n".join([*head, "", page, ""]).encode("cp1251")
        client.sendmail("a@example.com", ["ada@example.org"], mail, mail_options=["BODY=8BITMIME"])
    wait_until(lambda: "<1@example.com>" in read_maildir(service.settings.maildir_path))
    (link,) = scan(str(read_maildir(service.settings.maildir_path)["<1@example.com>"].get_content()))
    answer = service.reader.get("/c/" + str(link.destination).rpartition("/")[2])
    tag = "&utm_source=weir" if "utm" in wishes else ""
    assert answer.headers["location"] == f"https://example.com/%D0%9F?q=%CF{tag}#%D0%9F"


def test_the_domains_preferences_override_the_accounts(service: SubmissionService) -> None:
    """Tracking, style, host and `utm` come from the domain of the From header; privacy stays the strictest."""
    set_account_preferences(
        service, track_clicks=False, utm={"source": "account"}, link_style="sealed", privacy="pseudonymous"
    )
    own = {"track_clicks": True, "track_opens": True, "link_style": "short", "tracking_subdomain": "go"}
    set_domain_preferences(service, **own, utm={"source": "domain"}, privacy="full", skip=["/reset"])
    page = submit_and_read(service)
    first, second, _ = (link.destination or "" for link in scan(page))
    assert first == RESET_URL
    opened = open_link(service.components.keyring, second)
    assert (second.startswith(f"http://go.example.com:{service.settings.port}/"), opened.style, opened.privacy) == (
        True,
        "short",
        "pseudonymous",
    )
    answer = service.reader.get("/c/" + second.rpartition("/")[2])
    assert answer.headers["location"] == SHOP_URL + "?utm_source=domain"
    assert re.search(r'<img src="http://go\.example\.com:\d+/c/', page)


@pytest.mark.parametrize(("header", "tracked"), [("true", True), ("false", False), ("maybe", False)])
def test_the_mails_header_wins_over_the_domain(service: SubmissionService, header: str, tracked: bool) -> None:
    """A mail's own header wins over its domain and account, and one that is not understood leaves it to them."""
    set_account_preferences(service, track_clicks=True)
    set_domain_preferences(service, track_clicks=False)
    ours = [service.settings.base_url in link for link in list_hrefs(service, f"Ahasend-Track-Clicks: {header}")]
    assert ours == [tracked] * 3


@pytest.mark.parametrize("written", ["Frühling, b", "=?utf-8?q?Fr=C3=BChling?=, b", "=?utf-8?b?RnLDvGhsaW5nLCBi?="])
def test_tags_are_read_as_people_write_them(service: SubmissionService, written: str) -> None:
    """Tags beyond ASCII are the API's, whether they come as UTF-8 or as encoded words, which mail libraries make."""
    submit_and_read(service, f"ahasend-tags: {written}")
    (message,) = service.client.get(f"{service.account_path}/messages").json()["data"]
    assert message["tags"] == ["Frühling", "b"]


def test_a_mail_of_headers_costs_little(service: SubmissionService) -> None:
    """Encoded words, which cost the square of their length, are read in a few fields only; the last one still wins."""
    submit_and_read(service, *["ahasend-tags: =?utf-8?q?a?="] * 10, "ahasend-tags: =?utf-8?q?b?=")
    (message,) = service.client.get(f"{service.account_path}/messages").json()["data"]
    assert message["tags"] == ["=?utf-8?q?b?="]


def test_privacy_none_of_the_domain_means_no_tracking(service: SubmissionService) -> None:
    """Where the domain allows nothing, a mail's header cannot ask for it."""
    set_domain_preferences(service, privacy="none")
    assert list_hrefs(service, "ahasend-track-clicks: true") == [RESET_URL, SHOP_URL, MARKED_URL]

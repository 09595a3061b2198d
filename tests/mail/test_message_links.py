"""How many tracked links a message is noted to have, against those in the mail that was delivered."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import select

from linkweir import rewrite
from linkweir.accounts.tracking_preferences import LinkStyle, UtmSettings
from linkweir.db.schema import messages
from linkweir.html import Switches
from linkweir.html.tag_insertion import insert_tags, make_hidden_tags
from linkweir.mail.message_links import HtmlLinkReplacer, MessageLinks
from linkweir.mail.tracking_policy import TrackingPolicy
from linkweir.tokens import HONEYPOT_INDEX, PIXEL_INDEX, KeyRing, Privacy, Tracker
from linkweir.tokens.opener import open_link
from tests.smtp.submission_service import SubmissionService
from tests.web.running_service import RunningService

PAGE = (
    '<body><a href="https://example.com/a">one</a> <a href="https://example.com/b" data-as-no-track>not</a> '
    '<a href="https://example.com/a">the first again</a> <a href="mailto:ada@example.org">not</a> '
    '<a href="https://example.com/unsubscribe">two</a></body>'
)
TEXT = "See https://example.com/a and https://example.com/text"
TRACKING_LINK_PATTERN = re.compile(r"http://127\.0\.0\.1:\d+/c/[\w-]+")
MAIL = (
    "From: News <news@example.com>\r\nTo: ada@example.org\r\nSubject: {name}\r\n"
    "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n"
    f"{TEXT}\r\n--b\r\nContent-Type: text/html\r\n\r\n{PAGE}\r\n--b\r\nContent-Type: text/html\r\n\r\n{PAGE}\r\n"
    "--b--\r\n"
)


@pytest.fixture(scope="module")
def service(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SubmissionService]:
    """One service for this file, which takes mail over SMTP too."""
    with SubmissionService(tmp_path_factory.mktemp("links") / "data") as service:
        yield service


def stored_link_count(service: RunningService, message_id: str) -> int | None:
    """What is stored of this message."""
    with service.components.database.read() as connection:
        here = messages.c.message_id == message_id.strip("<>")
        result: int | None = connection.execute(select(messages.c.tracked_links).where(here)).scalar_one()
        return result


def delivered_link_indexes(service: RunningService, message_id: str) -> list[int]:
    """The index of each of our links that readers find in any part of the delivered mail."""
    mail = service.wait_for_mail(message_id)
    parts = [part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"]
    result = (
        open_link(service.components.keyring, link).index
        for part in parts
        for link in TRACKING_LINK_PATTERN.findall(part)
    )
    return [index for index in result if index not in (PIXEL_INDEX, HONEYPOT_INDEX)]


@pytest.mark.parametrize(
    ("wishes", "count"),
    [
        ({}, 3),
        ({"text_content": TEXT}, 3),
        ({"honeypot": True, "tracking": {"click": True, "open": True}}, 3),
        ({"link_style": "short"}, 3),
        ({"utm": {"source": "news"}}, 3),
        ({"privacy": "anonymous"}, 3),
        ({"skip": ["unsubscribe"]}, 2),
        ({"utm": {"source": "news"}, "tracking": {"click": False}}, 0),
        ({"privacy": "none"}, 0),
        ({"html_content": "<p>no link</p>"}, 0),
    ],
    ids=str,
)
def test_what_is_noted_is_what_was_sent(service: SubmissionService, wishes: dict[str, Any], count: int) -> None:
    """Each link that was replaced counts once; opted-out ones, the text's, pixel and hidden link do not."""
    (entry,) = service.send(**{"html_content": PAGE, **wishes})
    result = delivered_link_indexes(service, entry["id"])
    assert len(result) == len(set(result)) == count
    assert stored_link_count(service, entry["id"]) == count


def test_each_recipient_has_a_number(service: SubmissionService) -> None:
    """Recipients of one submission whose pages differ have each their own."""
    people = [
        {"email": f"{name}@example.org", "substitutions": {"more": more}}
        for name, more in (("ada", ""), ("bob", '<a href="https://example.com/c">more</a>'))
    ]
    entries = service.send(recipients=people, html_content=PAGE.replace("</body>", "{{ more | safe }}</body>"))
    assert [stored_link_count(service, entry["id"]) for entry in entries] == [
        len(delivered_link_indexes(service, entry["id"])) for entry in entries
    ]


def test_a_raw_mails_parts_count_together(service: SubmissionService) -> None:
    """Of a mail over SMTP the links of both HTML bodies count, and where it tracks nothing, none does."""
    for wish, count in (("true", 6), ("false", 0)):
        with service.connect() as client:
            mail = f"ahasend-track-clicks: {wish}\r\n" + MAIL.replace("{name}", f"tracked: {wish}")
            client.sendmail("news@example.com", ["ada@example.org"], mail.encode())
        with service.components.database.read() as connection:
            here = messages.c.subject == f"tracked: {wish}"
            message_id = f"<{connection.execute(select(messages.c.message_id).where(here)).scalar_one()}>"
        assert len(set(delivered_link_indexes(service, message_id))) == count
        assert stored_link_count(service, message_id) == count


@pytest.mark.parametrize("style", ["sealed", "short"])
@pytest.mark.parametrize("utm", [None, UtmSettings(source="news", hosts=("example.com",))])
def test_a_page_that_comes_again_gets_the_same_links(
    shared_folder: Path, style: LinkStyle, utm: UtmSettings | None
) -> None:
    """The first recipient of a page and the later ones, for whom it is scanned once, get the same replacements, and as
    many; and so does whoever rewrites the page by the library.
    """
    switches = Switches(opt_out=("data-x",), skip=(re.compile("unsubscribe"),))
    policy = TrackingPolicy(True, True, Privacy.FULL, style, switches, utm, honeypot=True)
    ring = KeyRing.generate()
    pages = [path.read_bytes().decode("utf-8", "replace") for path in sorted((shared_folder / "corpus/html").iterdir())]
    replaced = 0
    for page in (*pages, "\ufeff<a href='https://example.com/\u00fc'>x</a>", ""):
        replacer, found = HtmlLinkReplacer(), list[tuple[bytes, int, dict[int, str]]]()
        for _ in range(3):
            links = MessageLinks(ring, "https://t.example.com/c/", 5, None, policy, trackers={})
            found.append((replacer.replace(page, links, policy), links.tracked_count, links.short_destinations))
        assert found[0] == found[1] == found[2]
        if links.links is not None and utm is None and style == "sealed":
            tags = b"".join(make_hidden_tags(links.pixel, links.honeypot))
            expected = rewrite(page, cast(Tracker, links.links), switches=switches).encode()
            assert found[0][0] == insert_tags(expected, tags, switches)
        replaced += found[0][1]
    assert replaced > 200


@pytest.mark.parametrize("privacy", [Privacy.FULL, Privacy.PSEUDONYMOUS, Privacy.ANONYMOUS])
@pytest.mark.parametrize("style", ["sealed", "short"])
def test_messages_that_share_trackers_have_links_of_their_own(privacy: Privacy, style: LinkStyle) -> None:
    """With trackers of an earlier message of the same submission, links, pixel and hidden link are those that the
    message would have alone.
    """
    policy = TrackingPolicy(True, True, privacy, style, Switches(), None, honeypot=True)
    ring, shared = KeyRing.generate(), dict[Any, Tracker]()
    page = '<a href="https://example.com/a">x</a>'
    for number, campaign in ((5, None), (6, None), (7, "spring"), (8, "spring"), (5, None)):
        found = list[tuple[bytes, str | None, str | None]]()
        for trackers in (shared, dict[Any, Tracker]()):
            links = MessageLinks(ring, "https://t.example.com/c/", number, campaign, policy, trackers=trackers)
            found.append((HtmlLinkReplacer().replace(page, links, policy), links.pixel, links.honeypot))
        assert found[0] == found[1]
    assert len(shared) >= 2

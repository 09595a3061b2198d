"""Every real mail of the corpus: nothing raises, nothing but links changes, and the links are the right ones."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from linkweir import KeyRing, Tracker, rewrite_message
from linkweir.html import Outcome
from linkweir.mime.message import html_bodies
from tests.mime.compare import assert_only_links_differ, parts
from tests.twin.destination import charset_text

pytestmark = pytest.mark.external

RING = KeyRing.generate(datetime.now(UTC)).with_host("https://t.example.com/")
TRACKER = Tracker(RING, "https://t.example.com/", message=7)
LINE_LIMIT = 76


def mails(shared: Path) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of every mail."""
    for path in sorted((shared / "corpus" / "eml").glob("*.eml")):
        yield path.name, path.read_bytes()


def test_only_links_change_in_every_mail(shared: Path) -> None:
    """In all 812 mails the standard library finds the same parts with the same content, but for thousands of links."""
    seen = replaced = 0
    for _, raw in mails(shared):
        done = rewrite_message(raw, TRACKER, report=True)
        tracked = sum(found.link.outcome is Outcome.TRACKED for found in done.links)
        changed = assert_only_links_differ(raw, done.raw)
        assert changed <= tracked
        assert (done.raw == raw) == (changed == 0)
        replaced += changed
        seen += 1
    assert seen == 812
    assert replaced > 1500


def test_rewriting_twice_is_rewriting_once(shared: Path) -> None:
    """A mail that has been rewritten is not changed again."""
    for name, raw in mails(shared):
        once = rewrite_message(raw, TRACKER).raw
        assert rewrite_message(once, TRACKER).raw == once, name


def test_the_destinations_are_those_of_html5_parser(
    shared: Path, hrefs: Callable[[bytes, str], list[tuple[str, str | None]]]
) -> None:
    """What the links of a part lead to is what html5-parser finds in the part as decoded."""
    different, compared = [], 0
    for name, raw in mails(shared):
        links = rewrite_message(raw, TRACKER, report=True).links
        for section, body, charset in html_bodies(raw):
            found = {one.link.destination for one in links if one.part == section and one.link.outcome == "tracked"}
            text = charset_text(body, charset or "utf-8")[0].encode()
            tree = {stripped(href) for _, href in hrefs(text, "utf-8") if href is not None}
            compared += len(found)
            if not found <= tree:
                different.append((name, section, found - tree))
    assert different == []
    assert compared > 1000


def stripped(href: str) -> str:
    """As the URL standard strips."""
    return re.sub(r"[\t\n\r]", "", href.strip("".join(map(chr, range(0x21)))))


def test_no_line_becomes_too_long(shared: Path) -> None:
    """A line of a quoted-printable part is longer than 76 characters only where one was before."""
    looked = 0
    for name, raw in mails(shared):
        for before, after in zip(parts(raw), parts(rewrite_message(raw, TRACKER).raw), strict=True):
            if before.get("content-transfer-encoding", "").lower() != "quoted-printable" or before.is_multipart():
                continue
            was, now = str(before.get_payload()).split("\n"), str(after.get_payload()).split("\n")
            new = set(now) - set(was)
            looked += len(new)
            assert all(len(line.rstrip("\r")) <= max(LINE_LIMIT, *map(len, was)) for line in new), name
    assert looked > 500

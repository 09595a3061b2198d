"""Every real mail of the corpus: nothing raises, nothing but links changes, and the links are the right ones."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from linkweir.html import Outcome
from linkweir.mime.message import iter_html_bodies, rewrite_message
from linkweir.tokens.keyring import KeyRing
from linkweir.tokens.tracker import Tracker
from tests.mime.assertions import assert_only_links_differ, list_parts
from tests.reference.destination import decode_charset

pytestmark = pytest.mark.external

RING = KeyRing.generate(datetime.now(UTC)).with_host("https://t.example.com/")
TRACKER = Tracker(RING, "https://t.example.com/", message=7)
MAX_LINE_OCTETS = 76


def load_mails(shared_folder: Path) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of every mail."""
    for path in sorted((shared_folder / "corpus" / "eml").glob("*.eml")):
        yield path.name, path.read_bytes()


def test_only_links_change_in_every_mail(shared_folder: Path) -> None:
    """In all 812 mails the standard library finds the same parts with the same content, but for thousands of links."""
    seen = replaced = 0
    for _, raw in load_mails(shared_folder):
        done = rewrite_message(raw, TRACKER, report=True)
        tracked = sum(link.link.outcome is Outcome.TRACKED for link in done.links)
        changed = assert_only_links_differ(raw, done.raw)
        assert changed <= tracked
        assert done.counts == Counter(link.link.outcome for link in done.links) == rewrite_message(raw, TRACKER).counts
        assert (done.raw == raw) == (changed == 0)
        replaced += changed
        seen += 1
    assert seen == 812
    assert replaced > 1500


def test_rewriting_twice_is_rewriting_once(shared_folder: Path) -> None:
    """A mail that has been rewritten is not changed again."""
    for name, raw in load_mails(shared_folder):
        once = rewrite_message(raw, TRACKER).raw
        assert rewrite_message(once, TRACKER).raw == once, name


def test_the_destinations_are_those_of_html5_parser(
    shared_folder: Path, parse_hrefs: Callable[[bytes, str], list[tuple[str, str | None]]]
) -> None:
    """What the links of a part lead to is what html5-parser finds in the part as decoded."""
    different, compared = [], 0
    for name, raw in load_mails(shared_folder):
        links = rewrite_message(raw, TRACKER, report=True).links
        for section, body, charset in iter_html_bodies(raw):
            result = {
                link.link.destination for link in links if link.part == section and link.link.outcome == "tracked"
            }
            text = decode_charset(body, charset or "utf-8")[0].encode()
            tree = {strip_url(href) for _, href in parse_hrefs(text, "utf-8") if href is not None}
            compared += len(result)
            if not result <= tree:
                different.append((name, section, result - tree))
    assert different == []
    assert compared > 1000


def strip_url(href: str) -> str:
    """As the URL standard strips."""
    return re.sub(r"[\t\n\r]", "", href.strip("".join(map(chr, range(0x21)))))


def test_no_line_becomes_too_long(shared_folder: Path) -> None:
    """A line of a quoted-printable part is longer than 76 characters only where one was before."""
    looked = 0
    for name, raw in load_mails(shared_folder):
        for before, after in zip(list_parts(raw), list_parts(rewrite_message(raw, TRACKER).raw), strict=True):
            if before.get("content-transfer-encoding", "").lower() != "quoted-printable" or before.is_multipart():
                continue
            was, now = str(before.get_payload()).split("\n"), str(after.get_payload()).split("\n")
            new = set(now) - set(was)
            looked += len(new)
            assert all(len(line.rstrip("\r")) <= max(MAX_LINE_OCTETS, *map(len, was)) for line in new), name
    assert looked > 500

"""Every real mail of the corpus: against the twin, against html5-parser, and byte for byte after rewriting."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

import linkweir
from tests import reference
from tests.html.implementations import CoreScanner, ReferenceScanner, to_reference_link
from tests.html.tag_reader import read_attributes
from tests.oracle.corpus import load_documents
from tests.reference import ReferenceLink, ReferenceSwitches
from tests.reference.destination import decode_charset

pytestmark = pytest.mark.external

Hrefs = Callable[[bytes, str], list[tuple[str, str | None]]]
ALL_SWITCHES = ReferenceSwitches(opt_out=("vendors",), outlook=True, skip=("unsubscribe",), track_placeholders=True)

# Files in which the set of links differs from html5-parser's, each with its reason: none at present.
DIFFERENCES: dict[str, str] = {}


def test_the_corpus_is_all_there(shared_folder: Path) -> None:
    """410 files with more than two thousand trackable links: the tests below look at something."""
    result = [
        link
        for _, document, charset in load_documents(shared_folder)
        for link in CoreScanner().scan(document, charset=charset)
    ]
    assert len(list(load_documents(shared_folder))) == 410
    assert sum(link.outcome == "tracked" for link in result) > 2000


@pytest.mark.parametrize("switches", [ReferenceSwitches(), ALL_SWITCHES], ids=["default", "all switches"])
def test_core_and_reference_agree_on_every_mail(shared_folder: Path, switches: ReferenceSwitches) -> None:
    """Every link of every file has the same outcome, destination and offsets, and every output the same bytes."""
    wrong = []
    for name, document, charset in load_documents(shared_folder):
        same_links = CoreScanner().scan(document, switches, charset) == ReferenceScanner().scan(
            document, switches, charset
        )
        written = CoreScanner().rewrite(document, numbered_link, switches, charset)
        if not same_links or written != reference.rewrite(document, numbered_link, switches, charset):
            wrong.append(name)
    assert wrong == []


def numbered_link(destination: str, index: int) -> str:
    """A new value that tells the links apart and needs escaping."""
    return f"https://t.example/{index}?n={len(destination)}&x"


def test_the_links_are_those_of_html5_parser(shared_folder: Path, parse_hrefs: Hrefs) -> None:
    """The set of `href`s of all links, decoded and stripped, is that of the tree's `a` elements."""
    different = {}
    for name, document, charset in load_documents(shared_folder):
        text = decode_charset(document, charset)[0].encode()  # charsets are judged elsewhere; this is about markup
        tree = {strip_url(href) for _, href in parse_hrefs(text, "utf-8") if href is not None}
        result = {
            strip_url(href)
            for href in (decode_href(text, link) for link in CoreScanner().scan(text))
            if href is not None
        }
        if tree != result:
            different[name] = (tree - result, result - tree)
    assert different.keys() == DIFFERENCES.keys(), different


def decode_href(document: bytes, link: ReferenceLink) -> str | None:
    """The link's destination, or what its unquoted value decodes to."""
    if link.destination is not None or link.outcome == "unterminated":
        return link.destination
    return read_attributes(document[link.start : link.end]).get("href")


def strip_url(value: str) -> str:
    """What the URL standard leaves of a value."""
    return re.sub("[\t\n\r]", "", value.strip("".join(map(chr, range(0x21)))))


def test_the_destinations_of_quoted_links_are_decoded_as_html5_parser_does(
    shared_folder: Path, parse_hrefs: Hrefs
) -> None:
    """Each destination that the core reports stands in the tree literally, once the tree's value is stripped."""
    wrong = []
    for name, document, charset in load_documents(shared_folder):
        text = decode_charset(document, charset)[0].encode()
        tree = {strip_url(href) for _, href in parse_hrefs(text, "utf-8") if href is not None}
        wrong += [(name, link) for link in CoreScanner().scan(text) if link.destination not in {None, *tree}]
    assert wrong == []


def test_nothing_but_the_values_changes(shared_folder: Path) -> None:
    """Walking both documents side by side, all bytes but those between the reported quotes are the same."""
    wrong = []
    for name, document, charset in load_documents(shared_folder):
        reported: list[linkweir.Link] = []
        after = linkweir.rewrite(document, numbered_link, charset=charset, on_link=reported.append)
        if rebuild(document, [to_reference_link(link) for link in reported]) != after:
            wrong.append(name)
    assert wrong == []


def rebuild(document: bytes, links: list[ReferenceLink]) -> bytes:
    """The document with new values, put together backwards from the reported offsets alone."""
    for link in reversed(links):
        if link.outcome == "tracked":
            new = numbered_link(link.destination or "", link.index).replace("&", "&amp;").encode()
            assert document[link.value_start - 1 : link.value_start] in {b'"', b"'"}
            assert document[link.value_end : link.value_end + 1] == document[link.value_start - 1 : link.value_start]
            document = document[: link.value_start] + new + document[link.value_end :]
    return document


def test_rewriting_twice_replaces_the_same_values(shared_folder: Path) -> None:
    """In the output, the same links are found at the same positions, and they lead where the function said."""
    wrong = []
    for name, document, charset in load_documents(shared_folder):
        before = [link for link in CoreScanner().scan(document, charset=charset) if link.outcome == "tracked"]
        after = CoreScanner().scan(linkweir.rewrite(document, numbered_link, charset=charset), charset=charset)
        expected = [(link.index, numbered_link(link.destination or "", link.index)) for link in before]
        if expected != [(link.index, link.destination) for link in after if link.outcome == "tracked"]:
            wrong.append(name)
    assert wrong == []

"""Every real mail of the corpus: against the twin, against html5-parser, and byte for byte after rewriting."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

import linkweir
from tests import twin
from tests.html.scanners import Core, Twin, as_twin
from tests.html.tag_source import attributes_of
from tests.oracle.corpus import documents
from tests.twin import TwinLink, TwinSwitches
from tests.twin.destination import charset_text

pytestmark = pytest.mark.external

Hrefs = Callable[[bytes, str], list[tuple[str, str | None]]]
EVERYTHING = TwinSwitches(opt_out=("vendors",), outlook=True, skip=("unsubscribe",), track_placeholders=True)

# Files in which the set of links differs from html5-parser's, each with its reason: none at present.
DIFFERENCES: dict[str, str] = {}


def test_the_corpus_is_all_there(shared: Path) -> None:
    """410 files with more than two thousand trackable links: the tests below look at something."""
    found = [link for _, document, charset in documents(shared) for link in Core().scan(document, charset=charset)]
    assert len(list(documents(shared))) == 410
    assert sum(link.outcome == "tracked" for link in found) > 2000


@pytest.mark.parametrize("switches", [TwinSwitches(), EVERYTHING], ids=["default", "all switches"])
def test_core_and_twin_agree_on_every_mail(shared: Path, switches: TwinSwitches) -> None:
    """Every link of every file has the same outcome, destination and offsets, and every output the same bytes."""
    wrong = []
    for name, document, charset in documents(shared):
        same_links = Core().scan(document, switches, charset) == Twin().scan(document, switches, charset)
        written = Core().rewrite(document, numbered, switches, charset)
        if not same_links or written != twin.rewrite(document, numbered, switches, charset):
            wrong.append(name)
    assert wrong == []


def numbered(destination: str, index: int) -> str:
    """A new value that tells the links apart and needs escaping."""
    return f"https://t.example/{index}?n={len(destination)}&x"


def test_the_links_are_those_of_html5_parser(shared: Path, hrefs: Hrefs) -> None:
    """The set of `href`s of all links, decoded and stripped, is that of the tree's `a` elements."""
    different = {}
    for name, document, charset in documents(shared):
        text = charset_text(document, charset)[0].encode()  # charsets are judged elsewhere; this is about markup
        tree = {stripped(href) for _, href in hrefs(text, "utf-8") if href is not None}
        found = {stripped(href) for href in (href_of(text, link) for link in Core().scan(text)) if href is not None}
        if tree != found:
            different[name] = (tree - found, found - tree)
    assert different.keys() == DIFFERENCES.keys(), different


def href_of(document: bytes, link: TwinLink) -> str | None:
    """The link's destination, or what its unquoted value decodes to."""
    if link.destination is not None or link.outcome == "unterminated":
        return link.destination
    return attributes_of(document[link.start : link.end]).get("href")


def stripped(value: str) -> str:
    """What the URL standard leaves of a value."""
    return re.sub("[\t\n\r]", "", value.strip("".join(map(chr, range(0x21)))))


def test_the_destinations_of_quoted_links_are_decoded_as_html5_parser_does(shared: Path, hrefs: Hrefs) -> None:
    """Each destination that the core reports stands in the tree literally, once the tree's value is stripped."""
    wrong = []
    for name, document, charset in documents(shared):
        text = charset_text(document, charset)[0].encode()
        tree = {stripped(href) for _, href in hrefs(text, "utf-8") if href is not None}
        wrong += [(name, link) for link in Core().scan(text) if link.destination not in {None, *tree}]
    assert wrong == []


def test_nothing_but_the_values_changes(shared: Path) -> None:
    """Walking both documents side by side, all bytes but those between the reported quotes are the same."""
    wrong = []
    for name, document, charset in documents(shared):
        reported: list[linkweir.Link] = []
        after = linkweir.rewrite(document, numbered, charset=charset, on_link=reported.append)
        if rebuilt(document, [as_twin(link) for link in reported]) != after:
            wrong.append(name)
    assert wrong == []


def rebuilt(document: bytes, links: list[TwinLink]) -> bytes:
    """The document with new values, put together backwards from the reported offsets alone."""
    for link in reversed(links):
        if link.outcome == "tracked":
            new = numbered(link.destination or "", link.index).replace("&", "&amp;").encode()
            assert document[link.value_start - 1 : link.value_start] in {b'"', b"'"}
            assert document[link.value_end : link.value_end + 1] == document[link.value_start - 1 : link.value_start]
            document = document[: link.value_start] + new + document[link.value_end :]
    return document


def test_rewriting_twice_replaces_the_same_places(shared: Path) -> None:
    """In the output, the same links are found at the same positions, and they lead where the function said."""
    wrong = []
    for name, document, charset in documents(shared):
        before = [link for link in Core().scan(document, charset=charset) if link.outcome == "tracked"]
        after = Core().scan(linkweir.rewrite(document, numbered, charset=charset), charset=charset)
        expected = [(link.index, numbered(link.destination or "", link.index)) for link in before]
        if expected != [(link.index, link.destination) for link in after if link.outcome == "tracked"]:
            wrong.append(name)
    assert wrong == []

"""The html5lib suites: which `a` start tags with which attributes, by the twin's tokenizer and by both scanners."""

import re
from pathlib import Path

import pytest

from tests.html.implementations import Scanner
from tests.html.tag_reader import read_attributes, read_tags
from tests.oracle.html5lib import TokenizerTest, TreeTest, load_tokenizer_tests, load_tree_tests, tree_hrefs

pytestmark = pytest.mark.external

SUITES = "suites/html5lib-tests"
STATES = {"Data state": "data", "Script data state": "script data"}  # the others differ by " state" only

# Tests whose tree disagrees with the scanner, and why that is right.
TREE_DIFFERENCES = {
    "tests_innerHTML_1:36": "in a colgroup the tree drops the tag; the scanner knows no table modes (rules, 1)",
}
RAW_CONTEXTS = {"textarea", "title", "style", "script", "plaintext", "xmp"}


def is_encodable(test: TokenizerTest) -> bool:
    """Lone surrogates can't stand in a document of bytes."""
    return not re.search("[\ud800-\udfff]", test.document)


def test_the_reference_tokenizes_as_the_suite_expects(shared_folder: Path) -> None:
    """In every initial state, each start tag with its attributes and each end tag is the expected one."""
    tests = [test for test in load_tokenizer_tests(shared_folder / SUITES) if is_encodable(test)]
    wrong = []
    for test in tests:
        expected = [token for token in test.output if token[0] in {"StartTag", "EndTag"}]
        state = STATES.get(test.state, test.state.removesuffix(" state"))
        result = read_tags(test.document.encode(), state, test.last_start_tag)
        if result != expected:
            wrong.append((test.name, result, expected))
    assert wrong == []
    assert len(tests) > 7000


def test_the_a_start_tags_of_the_tokenizer_suite(shared_folder: Path, scanner: Scanner) -> None:
    """In the Data state, the links found are the suite's `a` start tags, with the same attributes."""
    wrong, checked = [], 0
    for test in load_tokenizer_tests(shared_folder / SUITES):
        if test.state != "Data state" or not is_encodable(test):
            continue
        expected = [token[2] for token in test.output if token[:2] == ["StartTag", "a"]]
        result = read_link_attributes(scanner, test.document.encode())
        checked += len(expected)
        if result != expected:
            wrong.append((test.name, test.document, result, expected))
    assert wrong == []
    assert checked > 10


def read_link_attributes(scanner: Scanner, document: bytes) -> list[dict[str, str]]:
    """The attributes of each link of the document, read again from the bytes the scanner points at."""
    links = [link for link in scanner.scan(document) if link.outcome != "unterminated"]
    assert all(document[link.start : link.start + 2].lower() == b"<a" for link in links)
    return [read_attributes(document[link.start : link.end]) for link in links]


def test_the_references_of_the_tokenizer_suite(shared_folder: Path, scanner: Scanner) -> None:
    """Every quoted value that the suite decodes is decoded the same when it is an `href`."""
    wrong, checked = [], 0
    for test in load_tokenizer_tests(shared_folder / SUITES):
        value = re.fullmatch(r"""<h a=("[^"]*"|'[^']*')>""", test.document)
        if value is None or not is_encodable(test):
            continue
        (link,) = scanner.scan(f"<a href={value[1]}>".encode())
        expected = strip_url(test.output[0][2]["a"])
        checked += 1
        if link.destination != expected:
            wrong.append((test.name, test.document, link.destination, expected))
    assert wrong == []
    assert checked > 10


def strip_url(value: str) -> str:
    """What the URL standard leaves of a value."""
    return re.sub("[\t\n\r]", "", value.strip("".join(map(chr, range(0x21)))))


def make_document(test: TreeTest) -> bytes:
    """The test as a document: its context element is opened first where that changes what tags mean."""
    namespace, _, name = test.context.rpartition(" ")
    opening = ""
    if namespace:
        opening = f"<{namespace}>" if name == namespace else f"<{namespace}><{name}>"
    elif name in RAW_CONTEXTS:
        opening = f"<{name}>"
    return (opening + test.document).encode()


def test_the_links_of_the_tree_construction_suite(shared_folder: Path, scanner: Scanner) -> None:
    """The `a` elements of each expected tree, as a set of `href`s, are those found; differences are listed."""
    different, checked = {}, 0
    for test in load_tree_tests(shared_folder / SUITES):
        result = {tag.get("href") for tag in read_link_attributes(scanner, make_document(test))}
        expected = set(tree_hrefs(test.tree))
        checked += len(expected)
        if result != expected:
            different[test.name] = (test.document, result, expected)
    assert different.keys() == TREE_DIFFERENCES.keys(), different
    assert checked > 80

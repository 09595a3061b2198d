"""What other rewriters get wrong: every kind of case that the survey of the field names (its section 1)."""

import pytest

from tests.html.implementations import Scanner

URL = "https://x.example/"
NEW_URL = "https://t.example/1"

# document -> the destinations found, in order; every other byte must stay
CASES: dict[str, tuple[str, list[str]]] = {
    "&amp; in a query": (f'<a href="{URL}?a=1&amp;b=2">', [f"{URL}?a=1&b=2"]),
    "&#038; in a query": (f'<a href="{URL}?a=1&#038;b=2">', [f"{URL}?a=1&b=2"]),
    "&copy= in a query": (f'<a href="{URL}?a=1&copy=2">', [f"{URL}?a=1&copy=2"]),
    "an apostrophe inside double quotes": (f'<a href="{URL}it\'s">', [f"{URL}it's"]),
    "double quotes inside single ones": (f"<a href='{URL}\"q\"'>", [f'{URL}"q"']),
    "> in an earlier attribute": (f'<a title="a > b" href="{URL}">', [URL]),
    "data-href before href": (f'<a data-href="https://no.example/" href="{URL}">', [URL]),
    "a second href": (f'<a href="{URL}" href="https://no.example/">', [URL]),
    "upper case": (f'<A HREF="{URL}">', [URL]),
    "a tab after <a": (f'<a\thref="{URL}">', [URL]),
    "a line break after <a": (f'<a\r\n  href="{URL}">', [URL]),
    "a space in front of the value": (f'<a href=" {URL}">', [URL]),
    "a space behind the value": (f'<a href="{URL} ">', [URL]),
    "%20 stays": (f'<a href="{URL}a%20b">', [f"{URL}a%20b"]),
    "beyond ASCII": (f'<a href="{URL}é/日本">', [f"{URL}é/日本"]),
    "in a comment": (f'<!-- <a href="{URL}"> -->', []),
    "in style": (f"<style>/* <a href='{URL}'> */</style>", []),
    "in title": (f'<title><a href="{URL}"></title>', []),
    "link href": (f'<link rel="stylesheet" href="{URL}">', []),
    "article": (f'<article href="{URL}">', []),
    "area": (f'<area href="{URL}">', []),
    "a template variable": ('<a href="{{ var }}">', []),
    "plain text": (f"see {URL} or <b>{URL}</b>", []),
    "img src": (f'<img src="{URL}">', []),
    "mailto": ('<a href="mailto:a@x.example">', []),
    "an anchor": ('<a href="#top">', []),
    "unquoted": (f"<a href={URL}>", []),
    "a link as the text of a link": (f'<a href="{URL}">{URL}</a>', [URL]),
    "the same destination twice": (f'<a href="{URL}">1</a><a href="{URL}">2</a>', [URL, URL]),
    "doctype, entities and case around it": (
        f'<!DOCTYPE html PUBLIC "-//X">\r\n<P>&nbsp;&copy;<BR/><a href="{URL}">é&eacute;</A>',
        [URL],
    ),
    "broken markup around it": (f"<p <b><td></i></table><a href='{URL}'><</a", [URL]),
    "a conditional comment": (f'<!--[if mso]><a href="{URL}"><![endif]-->', []),
}


@pytest.mark.parametrize(("document", "destinations"), CASES.values(), ids=CASES.keys())
def test_right_links_and_right_destinations(scanner: Scanner, document: str, destinations: list[str]) -> None:
    """The links are found, with the destination a reader would have reached."""
    asked: list[str] = []

    def note(destination: str, index: int) -> None:
        asked.append(destination)

    assert scanner.rewrite(document.encode(), note) == document.encode()
    assert asked == destinations


@pytest.mark.parametrize(("document", "destinations"), CASES.values(), ids=CASES.keys())
def test_nothing_else_changes(scanner: Scanner, document: str, destinations: list[str]) -> None:
    """Putting the raw values back into the result gives the document, byte for byte."""
    before = document.encode()
    after = scanner.rewrite(before, lambda destination, index: NEW_URL)
    values = [before[link.value_start : link.value_end] for link in scanner.scan(before) if link.outcome == "tracked"]
    assert after.count(NEW_URL.encode()) == len(destinations) == len(values)
    for value in values:
        after = after.replace(NEW_URL.encode(), value, 1)
    assert after == before

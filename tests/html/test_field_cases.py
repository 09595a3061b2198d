"""What other rewriters get wrong: every kind of case that the survey of the field names (its section 1)."""

import pytest

from tests.html.scanners import Scanner

X = "https://x.example/"
NEW = "https://t.example/1"

# document -> the destinations found, in order; every other byte must stay
CASES: dict[str, tuple[str, list[str]]] = {
    "&amp; in a query": (f'<a href="{X}?a=1&amp;b=2">', [f"{X}?a=1&b=2"]),
    "&#038; in a query": (f'<a href="{X}?a=1&#038;b=2">', [f"{X}?a=1&b=2"]),
    "&copy= in a query": (f'<a href="{X}?a=1&copy=2">', [f"{X}?a=1&copy=2"]),
    "an apostrophe inside double quotes": (f'<a href="{X}it\'s">', [f"{X}it's"]),
    "double quotes inside single ones": (f"<a href='{X}\"q\"'>", [f'{X}"q"']),
    "> in an earlier attribute": (f'<a title="a > b" href="{X}">', [X]),
    "data-href before href": (f'<a data-href="https://no.example/" href="{X}">', [X]),
    "a second href": (f'<a href="{X}" href="https://no.example/">', [X]),
    "upper case": (f'<A HREF="{X}">', [X]),
    "a tab after <a": (f'<a\thref="{X}">', [X]),
    "a line break after <a": (f'<a\r\n  href="{X}">', [X]),
    "a space in front of the value": (f'<a href=" {X}">', [X]),
    "a space behind the value": (f'<a href="{X} ">', [X]),
    "%20 stays": (f'<a href="{X}a%20b">', [f"{X}a%20b"]),
    "beyond ASCII": (f'<a href="{X}é/日本">', [f"{X}é/日本"]),
    "in a comment": (f'<!-- <a href="{X}"> -->', []),
    "in style": (f"<style>/* <a href='{X}'> */</style>", []),
    "in title": (f'<title><a href="{X}"></title>', []),
    "link href": (f'<link rel="stylesheet" href="{X}">', []),
    "article": (f'<article href="{X}">', []),
    "area": (f'<area href="{X}">', []),
    "a template variable": ('<a href="{{ var }}">', []),
    "plain text": (f"see {X} or <b>{X}</b>", []),
    "img src": (f'<img src="{X}">', []),
    "mailto": ('<a href="mailto:a@x.example">', []),
    "an anchor": ('<a href="#top">', []),
    "unquoted": (f"<a href={X}>", []),
    "a link as the text of a link": (f'<a href="{X}">{X}</a>', [X]),
    "the same destination twice": (f'<a href="{X}">1</a><a href="{X}">2</a>', [X, X]),
    "doctype, entities and case around it": (
        f'<!DOCTYPE html PUBLIC "-//X">\r\n<P>&nbsp;&copy;<BR/><a href="{X}">é&eacute;</A>',
        [X],
    ),
    "broken markup around it": (f"<p <b><td></i></table><a href='{X}'><</a", [X]),
    "a conditional comment": (f'<!--[if mso]><a href="{X}"><![endif]-->', []),
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
    after = scanner.rewrite(before, lambda destination, index: NEW)
    values = [before[link.value_start : link.value_end] for link in scanner.scan(before) if link.outcome == "tracked"]
    assert after.count(NEW.encode()) == len(destinations) == len(values)
    for value in values:
        after = after.replace(NEW.encode(), value, 1)
    assert after == before

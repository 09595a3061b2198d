"""Link rules, section 6: the switches, each beside what happens without it."""

import pytest

from tests.html.implementations import Scanner
from tests.reference import ReferenceSwitches

HREF = 'href="https://x.example/"'

VENDOR_TAGS = {
    "ses:no-track": (f"<a ses:no-track {HREF}>", True),
    "SES:NO-TRACK=''": (f"<a SES:NO-TRACK='' {HREF}>", True),
    "clicktracking=off": (f"<a clicktracking=off {HREF}>", True),
    'clicktracking=" OFF "': (f'<a clicktracking=" OFF " {HREF}>', True),
    "clicktracking=o&#102;f": (f"<a clicktracking=o&#102;f {HREF}>", True),
    "clicktracking=on": (f"<a clicktracking=on {HREF}>", False),
    "clicktracking": (f"<a clicktracking {HREF}>", False),
    "clicktracking=on, then off": (f"<a clicktracking=on clicktracking=off {HREF}>", False),
    "data-pm-no-track": (f"<a {HREF} data-pm-no-track>", True),
    "mc:disable-tracking": (f"<a mc:disable-tracking {HREF}>", True),
    'data-msys-clicktrack="0"': (f'<a data-msys-clicktrack="0" {HREF}>', True),
    "data-msys-clicktrack='1'": (f"<a data-msys-clicktrack='1' {HREF}>", False),
    "disable-tracking": (f"<a disable-tracking=true {HREF}>", True),
    "data-no-track": (f'<a data-no-track="false" {HREF}>', True),
    "class=untracked": (f'<a {HREF} class="untracked">', True),
    "class=mktNoTrack": (f"<a class=mktNoTrack {HREF}>", True),
    "class=tracked": (f"<a class=tracked {HREF}>", False),
    "autotrack=false": (f'<a {HREF} autotrack="false">', True),
    "autotrack=true": (f'<a {HREF} autotrack="true">', False),
    "mb_dontconvertlink": (f"<a {HREF} mb_dontconvertlink>", True),
    "disable-tracking2": (f"<a disable-tracking2 {HREF}>", False),
}

OUTLOOK = {
    "a link": (f"<!--[if mso]><a {HREF}><![endif]-->", ["a"]),
    "a button": (f"<!--[if mso]><v:roundrect {HREF}><![endif]-->", ["v:roundrect"]),
    "a button in capitals": (f"<!--[if mso]><V:RoundRect {HREF}><![endif]-->", ["v:roundrect"]),
    "a longer name": (f"<!--[if mso]><v:rects {HREF}><![endif]-->", []),
    "another element of VML": (f"<!--[if mso]><v:fill {HREF}><![endif]-->", []),
    "a link element": (f"<!--[if mso]><link {HREF}><![endif]-->", []),
    "a parenthesis": (f"<!--[if(mso)]><a {HREF}><![endif]-->", ["a"]),
    "a negation": (f"<!--[if!mso]><a {HREF}><![endif]-->", ["a"]),
    "capitals": (f"<!--[IF MSO]><a {HREF}><![ENDIF]-->", ["a"]),
    "LF": (f"<!--[if\nmso]><a {HREF}><![endif]-->", ["a"]),
    "TAB": (f"<!--[if\tmso]><a {HREF}><![endif]-->", ["a"]),
    "CR": (f"<!--[if\rmso]><a {HREF}><![endif]-->", ["a"]),
    "FF": (f"<!--[if\fmso]><a {HREF}><![endif]-->", ["a"]),
    "VT": (f"<!--[if\vmso]><a {HREF}><![endif]-->", []),
    "no condition": (f"<!--[if ]><a {HREF}><![endif]-->", ["a"]),
    "a space before the bracket": (f"<!-- [if mso]><a {HREF}><![endif]-->", []),
    "another word": (f"<!--[iffy]><a {HREF}><![endif]-->", []),
    "no ]>": (f"<!--[if mso] ><a {HREF}><![endif] -->", []),
    "the first ]> counts": (f"<!--[if mso]>]><a {HREF}><![endif]-->", ["a"]),
    "revealed to all": (f"<!--[if !mso]><!--><a {HREF}><!--<![endif]-->", ["a"]),
    "an ordinary comment inside": (f"<!--[if mso]><!-- <a {HREF}> --><a {HREF}>", ["a"]),
    "conditions are not nested": (f"<!--[if mso]><!--[if gte mso 9]><a {HREF}>", []),
    "raw text inside": (f"<!--[if mso]><style><a {HREF}></style><a {HREF}><![endif]-->", ["a"]),
    "raw text does not leak out": (f"<!--[if mso]><style><![endif]--><a {HREF}>", ["a"]),
    "raw text does not leak in": (f"<svg><!--[if mso]><style><a {HREF}><![endif]--></svg>", []),
    "in raw text there are no comments": (f"<style><!--[if mso]><a {HREF}><![endif]--></style>", []),
    "after --!>": (f"<!--[if mso]>--!><a {HREF}>-->", ["a"]),
    "never closed": (f"<!--[if mso]><v:rect {HREF}>", ["v:rect"]),
    "two of them": (f"<!--[if mso]><a {HREF}><![endif]--><!--[if mso]><a {HREF}><![endif]-->", ["a", "a"]),
    "VML outside": (f"<v:rect {HREF}>", []),
    "bogus comments": (f"<![if !mso]><a {HREF}><![endif]>", ["a"]),
}


def tracked_elements(scanner: Scanner, document: str, switches: ReferenceSwitches) -> list[str]:
    """The elements of the tracked links."""
    return [link.element for link in scanner.scan(document.encode(), switches) if link.outcome == "tracked"]


@pytest.mark.parametrize(("tag", "excluded"), VENDOR_TAGS.values(), ids=VENDOR_TAGS.keys())
def test_the_vendors_preset(scanner: Scanner, tag: str, excluded: bool) -> None:
    """What other senders' attributes exclude is excluded with the preset, and only with it."""
    assert tracked_elements(scanner, tag, ReferenceSwitches(opt_out=("vendors",))) == ([] if excluded else ["a"])
    assert tracked_elements(scanner, tag, ReferenceSwitches()) == ["a"]


@pytest.mark.parametrize(
    ("item", "tag", "excluded"),
    [
        ("data-plain", f"<a DATA-PLAIN=1 {HREF}>", True),
        ("Data-Plain", f"<a data-plain {HREF}>", True),
        ("data-plain", f"<a data-plainer {HREF}>", False),
        ("rel=nofollow", f"<a rel=NoFollow {HREF}>", True),
        ("rel=nofollow", f"<a rel='nofollow x' {HREF}>", False),
        ("rel=", f"<a rel='' {HREF}>", True),
        ("rel=", f"<a rel {HREF}>", True),
        ("rel=", f"<a rel=x {HREF}>", False),
    ],
)
def test_own_opt_out_attributes(scanner: Scanner, item: str, tag: str, excluded: bool) -> None:
    """A name excludes by its presence, a name=value pair by the first such attribute's whole value."""
    assert tracked_elements(scanner, tag, ReferenceSwitches(opt_out=(item,))) == ([] if excluded else ["a"])


def test_the_built_in_opt_out_stays(scanner: Scanner) -> None:
    """`data-as-no-track` excludes beside configured attributes."""
    assert tracked_elements(scanner, f"<a data-as-no-track {HREF}>", ReferenceSwitches(opt_out=("vendors", "x"))) == []


@pytest.mark.parametrize(("document", "elements"), OUTLOOK.values(), ids=OUTLOOK.keys())
def test_outlook(scanner: Scanner, document: str, elements: list[str]) -> None:
    """With the switch, a conditional comment holds a document of its own; VML counts only there."""
    assert tracked_elements(scanner, document, ReferenceSwitches(outlook=True)) == elements


@pytest.mark.parametrize(
    "name", ["rect", "roundrect", "oval", "shape", "line", "polyline", "arc", "curve", "image", "group"]
)
def test_every_vml_element_that_has_an_href(scanner: Scanner, name: str) -> None:
    """Each element that the rules name is a link in a conditional comment, and a longer name is not."""
    document = f"<!--[if mso]><v:{name} {HREF}><v:{name}x {HREF}><{name} {HREF}><![endif]-->"
    assert tracked_elements(scanner, document, ReferenceSwitches(outlook=True)) == [f"v:{name}"]


@pytest.mark.parametrize("document", [f"<!--[if mso]><a {HREF}><![endif]-->", f"<!--[if mso]><v:rect {HREF}>"])
def test_without_outlook_a_conditional_comment_is_a_comment(scanner: Scanner, document: str) -> None:
    """The default finds nothing in it."""
    assert scanner.scan(document.encode()) == []


def test_outlook_links_count_in_document_order(scanner: Scanner) -> None:
    """Links in and outside of conditional comments share one count, with offsets in the whole document."""
    document = f"<a {HREF}><!--[if mso]><v:rect {HREF}/><a name=x><![endif]--><a {HREF}>".encode()
    result = scanner.scan(document, ReferenceSwitches(outlook=True))
    assert [(link.index, link.element) for link in result] == [(0, "a"), (1, "v:rect"), (2, "a"), (3, "a")]
    assert all(document[link.start : link.end].startswith(b"<" + link.element.encode()) for link in result)
    assert [document[link.value_start : link.value_end] for link in result if link.value_start >= 0] == [
        b"https://x.example/"
    ] * 3


@pytest.mark.parametrize("ending", ["-->", "--!>", ""])
def test_a_tag_open_at_the_end_of_its_comment_is_unterminated(scanner: Scanner, ending: str) -> None:
    """The end of the comment is the end of the document inside, even in an attribute's value."""
    document = f'<!--[if mso]><a href="https://x.example/{ending}'
    (link,) = scanner.scan(document.encode(), ReferenceSwitches(outlook=True))
    assert (link.outcome, link.start, link.end) == ("unterminated", 13, len(document) - len(ending))


@pytest.mark.parametrize(
    ("pattern", "value", "outcome"),
    [
        ("unsubscribe", "https://x.example/Unsubscribe?u=1", "skipped"),
        ("unsubscribe", "https://x.example/subscribe", "tracked"),
        ("^https://x", "https://x.example/", "skipped"),
        ("^https://x", "https://y.example/?https://x", "tracked"),
        (r"a=1&b", "https://x.example/?a=1&amp;b", "skipped"),
        ("é", "https://x.example/é", "skipped"),
        ("x", "mailto:x", "not-http"),
        ("x", "https://x.example/{x}", "placeholder"),
        ("x", "https://x.example/<", "malformed"),
    ],
)
def test_skip_patterns(scanner: Scanner, pattern: str, value: str, outcome: str) -> None:
    """A pattern is searched in the destination, any case, after everything that the scanner decides."""
    (link,) = scanner.scan(f'<a href="{value}">'.encode(), ReferenceSwitches(skip=(pattern,)))
    assert link.outcome == outcome


@pytest.mark.parametrize(
    ("value", "outcome"),
    [
        ("https://x.example/{{ x }}", "tracked"),
        ("https://x.example/?a=%%x%%", "tracked"),
        ("https://{{ x }}/", "placeholder"),
        ("{{ x }}", "placeholder"),
        ("https://x.example/<%= x %>", "malformed"),
    ],
)
def test_track_placeholders(scanner: Scanner, value: str, outcome: str) -> None:
    """A marker after the host is tracked with the switch; without a host of its own the link never is."""
    (link,) = scanner.scan(f'<a href="{value}">'.encode(), ReferenceSwitches(track_placeholders=True))
    assert link.outcome == outcome

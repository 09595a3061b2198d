"""Link rules, section 6: the switches, each beside what happens without it."""

import pytest

from tests.html.scanners import Scanner
from tests.twin import TwinSwitches

X = 'href="https://x.example/"'

VENDOR_TAGS = {
    "ses:no-track": (f"<a ses:no-track {X}>", True),
    "SES:NO-TRACK=''": (f"<a SES:NO-TRACK='' {X}>", True),
    "clicktracking=off": (f"<a clicktracking=off {X}>", True),
    'clicktracking=" OFF "': (f'<a clicktracking=" OFF " {X}>', True),
    "clicktracking=o&#102;f": (f"<a clicktracking=o&#102;f {X}>", True),
    "clicktracking=on": (f"<a clicktracking=on {X}>", False),
    "clicktracking": (f"<a clicktracking {X}>", False),
    "clicktracking=on, then off": (f"<a clicktracking=on clicktracking=off {X}>", False),
    "data-pm-no-track": (f"<a {X} data-pm-no-track>", True),
    "mc:disable-tracking": (f"<a mc:disable-tracking {X}>", True),
    'data-msys-clicktrack="0"': (f'<a data-msys-clicktrack="0" {X}>', True),
    "data-msys-clicktrack='1'": (f"<a data-msys-clicktrack='1' {X}>", False),
    "disable-tracking": (f"<a disable-tracking=true {X}>", True),
    "data-no-track": (f'<a data-no-track="false" {X}>', True),
    "class=untracked": (f'<a {X} class="untracked">', True),
    "class=mktNoTrack": (f"<a class=mktNoTrack {X}>", True),
    "class=tracked": (f"<a class=tracked {X}>", False),
    "autotrack=false": (f'<a {X} autotrack="false">', True),
    "autotrack=true": (f'<a {X} autotrack="true">', False),
    "mb_dontconvertlink": (f"<a {X} mb_dontconvertlink>", True),
    "disable-tracking2": (f"<a disable-tracking2 {X}>", False),
}

OUTLOOK = {
    "a link": (f"<!--[if mso]><a {X}><![endif]-->", ["a"]),
    "a button": (f"<!--[if mso]><v:roundrect {X}><![endif]-->", ["v:roundrect"]),
    "a button in capitals": (f"<!--[if mso]><V:RoundRect {X}><![endif]-->", ["v:roundrect"]),
    "a longer name": (f"<!--[if mso]><v:rects {X}><![endif]-->", []),
    "another element of VML": (f"<!--[if mso]><v:fill {X}><![endif]-->", []),
    "a link element": (f"<!--[if mso]><link {X}><![endif]-->", []),
    "a parenthesis": (f"<!--[if(mso)]><a {X}><![endif]-->", ["a"]),
    "a negation": (f"<!--[if!mso]><a {X}><![endif]-->", ["a"]),
    "capitals": (f"<!--[IF MSO]><a {X}><![ENDIF]-->", ["a"]),
    "LF": (f"<!--[if\nmso]><a {X}><![endif]-->", ["a"]),
    "TAB": (f"<!--[if\tmso]><a {X}><![endif]-->", ["a"]),
    "CR": (f"<!--[if\rmso]><a {X}><![endif]-->", ["a"]),
    "FF": (f"<!--[if\fmso]><a {X}><![endif]-->", ["a"]),
    "VT": (f"<!--[if\vmso]><a {X}><![endif]-->", []),
    "no condition": (f"<!--[if ]><a {X}><![endif]-->", ["a"]),
    "a space before the bracket": (f"<!-- [if mso]><a {X}><![endif]-->", []),
    "another word": (f"<!--[iffy]><a {X}><![endif]-->", []),
    "no ]>": (f"<!--[if mso] ><a {X}><![endif] -->", []),
    "the first ]> counts": (f"<!--[if mso]>]><a {X}><![endif]-->", ["a"]),
    "revealed to all": (f"<!--[if !mso]><!--><a {X}><!--<![endif]-->", ["a"]),
    "an ordinary comment inside": (f"<!--[if mso]><!-- <a {X}> --><a {X}>", ["a"]),
    "conditions are not nested": (f"<!--[if mso]><!--[if gte mso 9]><a {X}>", []),
    "raw text inside": (f"<!--[if mso]><style><a {X}></style><a {X}><![endif]-->", ["a"]),
    "raw text does not leak out": (f"<!--[if mso]><style><![endif]--><a {X}>", ["a"]),
    "raw text does not leak in": (f"<svg><!--[if mso]><style><a {X}><![endif]--></svg>", []),
    "in raw text there are no comments": (f"<style><!--[if mso]><a {X}><![endif]--></style>", []),
    "after --!>": (f"<!--[if mso]>--!><a {X}>-->", ["a"]),
    "never closed": (f"<!--[if mso]><v:rect {X}>", ["v:rect"]),
    "two of them": (f"<!--[if mso]><a {X}><![endif]--><!--[if mso]><a {X}><![endif]-->", ["a", "a"]),
    "VML outside": (f"<v:rect {X}>", []),
    "bogus comments": (f"<![if !mso]><a {X}><![endif]>", ["a"]),
}


def tracked(scanner: Scanner, document: str, switches: TwinSwitches) -> list[str]:
    """The elements of the tracked links."""
    return [link.element for link in scanner.scan(document.encode(), switches) if link.outcome == "tracked"]


@pytest.mark.parametrize(("tag", "excluded"), VENDOR_TAGS.values(), ids=VENDOR_TAGS.keys())
def test_the_vendors_preset(scanner: Scanner, tag: str, excluded: bool) -> None:
    """What other senders' attributes exclude is excluded with the preset, and only with it."""
    assert tracked(scanner, tag, TwinSwitches(opt_out=("vendors",))) == ([] if excluded else ["a"])
    assert tracked(scanner, tag, TwinSwitches()) == ["a"]


@pytest.mark.parametrize(
    ("item", "tag", "excluded"),
    [
        ("data-plain", f"<a DATA-PLAIN=1 {X}>", True),
        ("Data-Plain", f"<a data-plain {X}>", True),
        ("data-plain", f"<a data-plainer {X}>", False),
        ("rel=nofollow", f"<a rel=NoFollow {X}>", True),
        ("rel=nofollow", f"<a rel='nofollow x' {X}>", False),
        ("rel=", f"<a rel='' {X}>", True),
        ("rel=", f"<a rel {X}>", True),
        ("rel=", f"<a rel=x {X}>", False),
    ],
)
def test_own_opt_out_attributes(scanner: Scanner, item: str, tag: str, excluded: bool) -> None:
    """A name excludes by its presence, a name=value pair by the first such attribute's whole value."""
    assert tracked(scanner, tag, TwinSwitches(opt_out=(item,))) == ([] if excluded else ["a"])


def test_the_built_in_opt_out_stays(scanner: Scanner) -> None:
    """`data-as-no-track` excludes beside configured attributes."""
    assert tracked(scanner, f"<a data-as-no-track {X}>", TwinSwitches(opt_out=("vendors", "x"))) == []


@pytest.mark.parametrize(("document", "elements"), OUTLOOK.values(), ids=OUTLOOK.keys())
def test_outlook(scanner: Scanner, document: str, elements: list[str]) -> None:
    """With the switch, a conditional comment holds a document of its own; VML counts only there."""
    assert tracked(scanner, document, TwinSwitches(outlook=True)) == elements


@pytest.mark.parametrize(
    "name", ["rect", "roundrect", "oval", "shape", "line", "polyline", "arc", "curve", "image", "group"]
)
def test_every_vml_element_that_has_an_href(scanner: Scanner, name: str) -> None:
    """Each element that the rules name is a link in a conditional comment, and a longer name is not."""
    document = f"<!--[if mso]><v:{name} {X}><v:{name}x {X}><{name} {X}><![endif]-->"
    assert tracked(scanner, document, TwinSwitches(outlook=True)) == [f"v:{name}"]


@pytest.mark.parametrize("document", [f"<!--[if mso]><a {X}><![endif]-->", f"<!--[if mso]><v:rect {X}>"])
def test_without_outlook_a_conditional_comment_is_a_comment(scanner: Scanner, document: str) -> None:
    """The default finds nothing in it."""
    assert scanner.scan(document.encode()) == []


def test_outlook_links_count_in_document_order(scanner: Scanner) -> None:
    """Links in and outside of conditional comments share one count, with offsets in the whole document."""
    document = f"<a {X}><!--[if mso]><v:rect {X}/><a name=x><![endif]--><a {X}>".encode()
    found = scanner.scan(document, TwinSwitches(outlook=True))
    assert [(link.index, link.element) for link in found] == [(0, "a"), (1, "v:rect"), (2, "a"), (3, "a")]
    assert all(document[link.start : link.end].startswith(b"<" + link.element.encode()) for link in found)
    assert [document[link.value_start : link.value_end] for link in found if link.value_start >= 0] == [
        b"https://x.example/"
    ] * 3


@pytest.mark.parametrize("ending", ["-->", "--!>", ""])
def test_a_tag_open_at_the_end_of_its_comment_is_unterminated(scanner: Scanner, ending: str) -> None:
    """The end of the comment is the end of the document inside, even in an attribute's value."""
    document = f'<!--[if mso]><a href="https://x.example/{ending}'
    (link,) = scanner.scan(document.encode(), TwinSwitches(outlook=True))
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
    (link,) = scanner.scan(f'<a href="{value}">'.encode(), TwinSwitches(skip=(pattern,)))
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
    (link,) = scanner.scan(f'<a href="{value}">'.encode(), TwinSwitches(track_placeholders=True))
    assert link.outcome == outcome

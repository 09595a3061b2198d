"""Link rules, section 1: what is a link, each row beside its nearest counter-example."""

import pytest

from tests.html.scanners import Scanner

HREF = '<a href="https://x.example/">'

LINKS = {
    "plain": (HREF, 1),
    "upper case": ('<A HREF="https://x.example/">', 1),
    "tab after the name": ('<a\thref="https://x.example/">', 1),
    "form feed after the name": ('<a\fhref="https://x.example/">', 1),
    "carriage return after the name": ('<a\rhref="https://x.example/">', 1),
    "vertical tab belongs to the name": ('<a\vhref="https://x.example/">', 0),
    "NUL belongs to the name": ('<a\0 href="https://x.example/">', 0),
    "slash after the name": ('<a/href="https://x.example/">', 1),
    "self-closing": ('<a href="https://x.example/"/>', 1),
    "no space between attributes": ('<a class="b"href="https://x.example/">', 1),
    "space before the name is text": ('< a href="https://x.example/">', 0),
    "end tag": ('</a href="https://x.example/">', 0),
    "after a stray <": ("<" + HREF, 1),
    "abbr": ('<abbr href="https://x.example/">', 0),
    "area": ('<area href="https://x.example/">', 0),
    "article": ('<article href="https://x.example/">', 0),
    "link": ('<link href="https://x.example/">', 0),
    "v:roundrect": ('<v:roundrect href="https://x.example/">', 0),
    "a:b": ('<a:b href="https://x.example/">', 0),
    "> in an earlier attribute": ('<a title="a>b" href="https://x.example/">', 1),
    "in a quoted attribute": (f"<p title='{HREF}'>", 0),
    "in an unquoted attribute": ('<p title=<a href="https://x.example/">', 0),
    "in a quote that was never closed": (f'<p title="x>{HREF}', 0),
    "nested in another link": (HREF + HREF, 2),
    "comment": (f"<!-- {HREF} -->", 0),
    "after a comment": (f"<!-- -->{HREF}", 1),
    "after <!-->": (f"<!-->{HREF}-->", 1),
    "after <!--->": (f"<!--->{HREF}-->", 1),
    "after --!>": (f"<!-- --!>{HREF}-->", 1),
    "-- > does not end a comment": (f"<!-- -- >{HREF}-->", 0),
    "<!- is a bogus comment": (f"<!- {HREF}", 0),
    "bogus comment ends at >": (f"<!- >{HREF}", 1),
    "<! is a bogus comment": ("<!x " + HREF, 0),
    "<? is a bogus comment": ("<?x " + HREF, 0),
    "</ space is a bogus comment": ("</ x " + HREF, 0),
    "</> is nothing": ("</>" + HREF, 1),
    "doctype": (f"<!DOCTYPE html PUBLIC {HREF}", 0),
    "after a doctype with > in quotes": (f'<!DOCTYPE html PUBLIC ">{HREF}', 1),
    "CDATA in HTML is a bogus comment": (f"<![CDATA[>{HREF}]]>", 1),
    "CDATA in svg": (f"<svg><![CDATA[>{HREF}]]></svg>", 0),
    "after CDATA in svg": (f"<svg><![CDATA[>]]>{HREF}</svg>", 1),
    "cdata in lower case is bogus": (f"<svg><![cdata[>{HREF}]]></svg>", 1),
    "script": (f"<script>{HREF}</script>", 0),
    "style": (f"<style>{HREF}</style>", 0),
    "title": (f"<title>{HREF}</title>", 0),
    "textarea": (f"<textarea>{HREF}</textarea>", 0),
    "xmp": (f"<xmp>{HREF}</xmp>", 0),
    "iframe": (f"<iframe>{HREF}</iframe>", 0),
    "noembed": (f"<noembed>{HREF}</noembed>", 0),
    "noframes": (f"<noframes>{HREF}</noframes>", 0),
    "plaintext": (f"<plaintext>{HREF}</plaintext>{HREF}", 0),
    "noscript is markup": (f"<noscript>{HREF}</noscript>", 1),
    "template is markup": (f"<template>{HREF}</template>", 1),
    "raw text is not self-closing": (f"<style/>{HREF}</style>", 0),
    "after raw text": (f"<style></style>{HREF}", 1),
    "after raw text in upper case": (f"<STYLE></StYlE>{HREF}", 1),
    "raw text ends with attributes": (f"<style></style x='>'>{HREF}", 1),
    "raw text ends with a slash": (f"<style></style/>{HREF}", 1),
    "another end tag does not end it": (f"<style></script>{HREF}", 0),
    "a longer end tag does not end it": (f"<style></styles>{HREF}", 0),
    "a comment does not hide its end": (f"<style><!-- </style>{HREF} -->", 1),
    "title in title": (f"<title><title></title>{HREF}", 1),
    "script: <!-- alone hides no end": (f"<script><!-- </script>{HREF}", 1),
    "script: <!-- <script hides one": (f"<script><!-- <script></script>{HREF}", 0),
    "script: and the second gets out": (f"<script><!-- <script></script></script>{HREF}", 1),
    "script: --> ends the escape": (f"<script><!-- <script> --></script>{HREF}", 1),
    "script: <!--> is over at once": (f"<script><!--><script></script>{HREF}", 1),
    "script: <script/ hides too": (f"<script><!--<script/></script>{HREF}", 0),
    "script: </script/ gets out too": (f"<script><!--<script></script/></script>{HREF}", 1),
    "script: -> does not end the escape": (f"<script><!-- <script> -></script>{HREF}", 0),
    "script: ---> ends it": (f"<script><!-- <script> ---></script>{HREF}", 1),
    "script: <scripts does not count": (f"<script><!-- <scripts></script>{HREF}", 1),
    "prefix of a raw-text name": (f"<styl>{HREF}", 1),
    "longer than a raw-text name": (f"<styles>{HREF}", 1),
}

NAMESPACES = {
    "a in svg": (f"<svg>{HREF}</svg>", 1),
    "a in math": (f"<math>{HREF}</math>", 1),
    "xlink:href": ('<svg><a xlink:href="https://x.example/"></svg>', 0),
    "style in svg is markup": (f"<svg><style>{HREF}</style></svg>", 1),
    "script in math is markup": (f"<math><script>{HREF}</script></math>", 1),
    "plaintext in svg is markup": (f"<svg><plaintext>{HREF}", 1),
    "svg that is self-closing": (f"<svg/><style>{HREF}</style>", 0),
    "after svg": (f"<svg></svg><style>{HREF}</style>", 0),
    "breakout by p": (f"<svg><p><style>{HREF}</style>", 0),
    "breakout by font with color": (f"<svg><font color=red><style>{HREF}</style>", 0),
    "no breakout by font alone": (f"<svg><font><style>{HREF}</style>", 1),
    "breakout by </p>": (f"<svg></p><style>{HREF}</style>", 0),
    "breakout by </br>": (f"<svg></br><style>{HREF}</style>", 0),
    "HTML in foreignObject": (f"<svg><foreignObject><style>{HREF}</style>", 0),
    "HTML in desc": (f"<svg><desc><style>{HREF}</style>", 0),
    "svg title holds HTML": (f"<svg><title>{HREF}</title></svg>", 1),
    "HTML in mi": (f"<math><mi><style>{HREF}</style>", 0),
    "mglyph in mi is math": (f"<math><mi><mglyph><style>{HREF}</style>", 1),
    "HTML in annotation-xml": (f"<math><annotation-xml encoding=text/html><style>{HREF}</style>", 0),
    "HTML in annotation-xml of xhtml": (
        f"<math><annotation-xml encoding=Application/XHTML+xml><style>{HREF}</style>",
        0,
    ),
    "encoding with references": (f'<math><annotation-xml encoding="TEXT&sol;html"><style>{HREF}</style>', 0),
    "annotation-xml without encoding": (f"<math><annotation-xml><style>{HREF}</style>", 1),
    "annotation-xml of other encoding": (f"<math><annotation-xml encoding=text/xml><style>{HREF}</style>", 1),
    "svg in annotation-xml": (f"<math><annotation-xml><svg><foreignObject><style>{HREF}</style>", 0),
    "out of foreignObject again": (f"<svg><foreignObject></foreignObject><style>{HREF}</style>", 1),
    "doubt: an end tag of HTML in svg": (f"<div><svg></div><style>{HREF}</style>", 0),
    "doubt: </svg> from inside HTML": (f"<svg><desc><p></svg><style>{HREF}</style>", 0),
    "doubt: CDATA after all is closed": (f"<div><svg></div></svg><![CDATA[>{HREF}]]>", 0),
    "32 deep is still known": (f"{'<svg>' * 31}<style>{HREF}</style>", 1),
    "33 deep is not": (f"{'<svg>' * 32}<style>{HREF}</style>", 0),
    "svg in upper case": (f"<SVG><STYLE>{HREF}</STYLE></SVG>", 1),
    "comments stay comments in svg": (f"<svg><!--{HREF}--></svg>", 0),
}


@pytest.mark.parametrize(("document", "count"), LINKS.values(), ids=LINKS.keys())
def test_a_link_is_an_a_start_tag_as_the_tokenizer_sees_it(scanner: Scanner, document: str, count: int) -> None:
    """Exactly the `a` start tags that the standard's tokenizer emits, with an `href`, are links."""
    found = [link for link in scanner.scan(document.encode()) if link.outcome == "tracked"]
    assert len(found) == count


@pytest.mark.parametrize(("document", "count"), NAMESPACES.values(), ids=NAMESPACES.keys())
def test_text_modes_follow_namespaces(scanner: Scanner, document: str, count: int) -> None:
    """Raw-text names hide links in HTML, none in svg and math, and all where it is in doubt which it is."""
    assert len([link for link in scanner.scan(document.encode()) if link.outcome == "tracked"]) == count


@pytest.mark.parametrize("cut", range(3, len(HREF)))
def test_a_tag_cut_by_the_end_of_the_document_is_no_link(scanner: Scanner, cut: int) -> None:
    """Cut anywhere behind its name, a tag is `unterminated` and ends with the document."""
    (link,) = scanner.scan(HREF[:cut].encode())
    assert (link.outcome, link.start, link.end, link.destination) == ("unterminated", 0, cut, None)


@pytest.mark.parametrize("document", ["<a", "<", "text", "", "<abbr ", "</a ", "<b ", "<!-- <a ", "<style><a "])
def test_a_cut_that_may_not_be_an_a_tag_is_nothing(scanner: Scanner, document: str) -> None:
    """Without the delimiter after the name, or in another tag, a cut is not reported."""
    assert scanner.scan(document.encode()) == []


def test_the_index_counts_every_a_start_tag(scanner: Scanner) -> None:
    """The index is the position among all `a` start tags, whatever became of them."""
    document = f'<a name="top"><a href=x>{HREF}<!--{HREF}--></a>{HREF}<a '
    found = [(link.index, link.outcome) for link in scanner.scan(document.encode())]
    outcomes = ["no-href", "unquoted", "tracked", "tracked", "unterminated"]
    assert found == list(enumerate(outcomes))


def test_offsets_are_those_of_the_tag_and_its_value(scanner: Scanner) -> None:
    """In bytes, `start` and `end` enclose the tag, `value_start` and `value_end` what the quotes enclose."""
    document = "ü<A x='>' HREF='https://é.example/'>".encode()
    (link,) = scanner.scan(document)
    assert document[link.start : link.end] == document[2:]
    assert document[link.value_start : link.value_end] == "https://é.example/".encode()
    assert link.element == "a"

"""Link rules, section 1: what is a link, each row beside its nearest counter-example."""

import pytest

from tests.html.implementations import Scanner

LINK_MARKUP = '<a href="https://x.example/">'

LINKS = {
    "plain": (LINK_MARKUP, 1),
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
    "after a stray <": ("<" + LINK_MARKUP, 1),
    "abbr": ('<abbr href="https://x.example/">', 0),
    "area": ('<area href="https://x.example/">', 0),
    "article": ('<article href="https://x.example/">', 0),
    "link": ('<link href="https://x.example/">', 0),
    "v:roundrect": ('<v:roundrect href="https://x.example/">', 0),
    "a:b": ('<a:b href="https://x.example/">', 0),
    "> in an earlier attribute": ('<a title="a>b" href="https://x.example/">', 1),
    "in a quoted attribute": (f"<p title='{LINK_MARKUP}'>", 0),
    "in an unquoted attribute": ('<p title=<a href="https://x.example/">', 0),
    "in a quote that was never closed": (f'<p title="x>{LINK_MARKUP}', 0),
    "nested in another link": (LINK_MARKUP + LINK_MARKUP, 2),
    "comment": (f"<!-- {LINK_MARKUP} -->", 0),
    "after a comment": (f"<!-- -->{LINK_MARKUP}", 1),
    "after <!-->": (f"<!-->{LINK_MARKUP}-->", 1),
    "after <!--->": (f"<!--->{LINK_MARKUP}-->", 1),
    "after --!>": (f"<!-- --!>{LINK_MARKUP}-->", 1),
    "-- > does not end a comment": (f"<!-- -- >{LINK_MARKUP}-->", 0),
    "<!- is a bogus comment": (f"<!- {LINK_MARKUP}", 0),
    "bogus comment ends at >": (f"<!- >{LINK_MARKUP}", 1),
    "<! is a bogus comment": ("<!x " + LINK_MARKUP, 0),
    "<? is a bogus comment": ("<?x " + LINK_MARKUP, 0),
    "</ space is a bogus comment": ("</ x " + LINK_MARKUP, 0),
    "</> is nothing": ("</>" + LINK_MARKUP, 1),
    "doctype": (f"<!DOCTYPE html PUBLIC {LINK_MARKUP}", 0),
    "after a doctype with > in quotes": (f'<!DOCTYPE html PUBLIC ">{LINK_MARKUP}', 1),
    "CDATA in HTML is a bogus comment": (f"<![CDATA[>{LINK_MARKUP}]]>", 1),
    "CDATA in svg": (f"<svg><![CDATA[>{LINK_MARKUP}]]></svg>", 0),
    "after CDATA in svg": (f"<svg><![CDATA[>]]>{LINK_MARKUP}</svg>", 1),
    "cdata in lower case is bogus": (f"<svg><![cdata[>{LINK_MARKUP}]]></svg>", 1),
    "script": (f"<script>{LINK_MARKUP}</script>", 0),
    "style": (f"<style>{LINK_MARKUP}</style>", 0),
    "title": (f"<title>{LINK_MARKUP}</title>", 0),
    "textarea": (f"<textarea>{LINK_MARKUP}</textarea>", 0),
    "xmp": (f"<xmp>{LINK_MARKUP}</xmp>", 0),
    "iframe": (f"<iframe>{LINK_MARKUP}</iframe>", 0),
    "noembed": (f"<noembed>{LINK_MARKUP}</noembed>", 0),
    "noframes": (f"<noframes>{LINK_MARKUP}</noframes>", 0),
    "plaintext": (f"<plaintext>{LINK_MARKUP}</plaintext>{LINK_MARKUP}", 0),
    "noscript is markup": (f"<noscript>{LINK_MARKUP}</noscript>", 1),
    "template is markup": (f"<template>{LINK_MARKUP}</template>", 1),
    "raw text is not self-closing": (f"<style/>{LINK_MARKUP}</style>", 0),
    "after raw text": (f"<style></style>{LINK_MARKUP}", 1),
    "after raw text in upper case": (f"<STYLE></StYlE>{LINK_MARKUP}", 1),
    "raw text ends with attributes": (f"<style></style x='>'>{LINK_MARKUP}", 1),
    "raw text ends with a slash": (f"<style></style/>{LINK_MARKUP}", 1),
    "another end tag does not end it": (f"<style></script>{LINK_MARKUP}", 0),
    "a longer end tag does not end it": (f"<style></styles>{LINK_MARKUP}", 0),
    "a comment does not hide its end": (f"<style><!-- </style>{LINK_MARKUP} -->", 1),
    "title in title": (f"<title><title></title>{LINK_MARKUP}", 1),
    "script: <!-- alone hides no end": (f"<script><!-- </script>{LINK_MARKUP}", 1),
    "script: <!-- <script hides one": (f"<script><!-- <script></script>{LINK_MARKUP}", 0),
    "script: and the second gets out": (f"<script><!-- <script></script></script>{LINK_MARKUP}", 1),
    "script: --> ends the escape": (f"<script><!-- <script> --></script>{LINK_MARKUP}", 1),
    "script: <!--> is over at once": (f"<script><!--><script></script>{LINK_MARKUP}", 1),
    "script: <script/ hides too": (f"<script><!--<script/></script>{LINK_MARKUP}", 0),
    "script: </script/ gets out too": (f"<script><!--<script></script/></script>{LINK_MARKUP}", 1),
    "script: -> does not end the escape": (f"<script><!-- <script> -></script>{LINK_MARKUP}", 0),
    "script: ---> ends it": (f"<script><!-- <script> ---></script>{LINK_MARKUP}", 1),
    "script: <scripts does not count": (f"<script><!-- <scripts></script>{LINK_MARKUP}", 1),
    "prefix of a raw-text name": (f"<styl>{LINK_MARKUP}", 1),
    "longer than a raw-text name": (f"<styles>{LINK_MARKUP}", 1),
}

NAMESPACES = {
    "a in svg": (f"<svg>{LINK_MARKUP}</svg>", 1),
    "a in math": (f"<math>{LINK_MARKUP}</math>", 1),
    "xlink:href": ('<svg><a xlink:href="https://x.example/"></svg>', 0),
    "style in svg is markup": (f"<svg><style>{LINK_MARKUP}</style></svg>", 1),
    "script in math is markup": (f"<math><script>{LINK_MARKUP}</script></math>", 1),
    "plaintext in svg is markup": (f"<svg><plaintext>{LINK_MARKUP}", 1),
    "svg that is self-closing": (f"<svg/><style>{LINK_MARKUP}</style>", 0),
    "after svg": (f"<svg></svg><style>{LINK_MARKUP}</style>", 0),
    "breakout by p": (f"<svg><p><style>{LINK_MARKUP}</style>", 0),
    "breakout by font with color": (f"<svg><font color=red><style>{LINK_MARKUP}</style>", 0),
    "no breakout by font alone": (f"<svg><font><style>{LINK_MARKUP}</style>", 1),
    "breakout by </p>": (f"<svg></p><style>{LINK_MARKUP}</style>", 0),
    "breakout by </br>": (f"<svg></br><style>{LINK_MARKUP}</style>", 0),
    "HTML in foreignObject": (f"<svg><foreignObject><style>{LINK_MARKUP}</style>", 0),
    "HTML in desc": (f"<svg><desc><style>{LINK_MARKUP}</style>", 0),
    "svg title holds HTML": (f"<svg><title>{LINK_MARKUP}</title></svg>", 1),
    "HTML in mi": (f"<math><mi><style>{LINK_MARKUP}</style>", 0),
    "mglyph in mi is math": (f"<math><mi><mglyph><style>{LINK_MARKUP}</style>", 1),
    "HTML in annotation-xml": (f"<math><annotation-xml encoding=text/html><style>{LINK_MARKUP}</style>", 0),
    "HTML in annotation-xml of xhtml": (
        f"<math><annotation-xml encoding=Application/XHTML+xml><style>{LINK_MARKUP}</style>",
        0,
    ),
    "encoding with references": (f'<math><annotation-xml encoding="TEXT&sol;html"><style>{LINK_MARKUP}</style>', 0),
    "annotation-xml without encoding": (f"<math><annotation-xml><style>{LINK_MARKUP}</style>", 1),
    "annotation-xml of other encoding": (f"<math><annotation-xml encoding=text/xml><style>{LINK_MARKUP}</style>", 1),
    "svg in annotation-xml": (f"<math><annotation-xml><svg><foreignObject><style>{LINK_MARKUP}</style>", 0),
    "out of foreignObject again": (f"<svg><foreignObject></foreignObject><style>{LINK_MARKUP}</style>", 1),
    "doubt: an end tag of HTML in svg": (f"<div><svg></div><style>{LINK_MARKUP}</style>", 0),
    "doubt: </svg> from inside HTML": (f"<svg><desc><p></svg><style>{LINK_MARKUP}</style>", 0),
    "doubt: CDATA after all is closed": (f"<div><svg></div></svg><![CDATA[>{LINK_MARKUP}]]>", 0),
    "32 deep is still known": (f"{'<svg>' * 31}<style>{LINK_MARKUP}</style>", 1),
    "33 deep is not": (f"{'<svg>' * 32}<style>{LINK_MARKUP}</style>", 0),
    "svg in upper case": (f"<SVG><STYLE>{LINK_MARKUP}</STYLE></SVG>", 1),
    "comments stay comments in svg": (f"<svg><!--{LINK_MARKUP}--></svg>", 0),
}


@pytest.mark.parametrize(("document", "count"), LINKS.values(), ids=LINKS.keys())
def test_a_link_is_an_a_start_tag_as_the_tokenizer_sees_it(scanner: Scanner, document: str, count: int) -> None:
    """Exactly the `a` start tags that the standard's tokenizer emits, with an `href`, are links."""
    result = [link for link in scanner.scan(document.encode()) if link.outcome == "tracked"]
    assert len(result) == count


@pytest.mark.parametrize(("document", "count"), NAMESPACES.values(), ids=NAMESPACES.keys())
def test_text_modes_follow_namespaces(scanner: Scanner, document: str, count: int) -> None:
    """Raw-text names hide links in HTML, none in svg and math, and all where it is in doubt which it is."""
    assert len([link for link in scanner.scan(document.encode()) if link.outcome == "tracked"]) == count


@pytest.mark.parametrize("cut", range(3, len(LINK_MARKUP)))
def test_a_tag_cut_by_the_end_of_the_document_is_no_link(scanner: Scanner, cut: int) -> None:
    """Cut anywhere behind its name, a tag is `unterminated` and ends with the document."""
    (link,) = scanner.scan(LINK_MARKUP[:cut].encode())
    assert (link.outcome, link.start, link.end, link.destination) == ("unterminated", 0, cut, None)


@pytest.mark.parametrize("document", ["<a", "<", "text", "", "<abbr ", "</a ", "<b ", "<!-- <a ", "<style><a "])
def test_a_cut_that_may_not_be_an_a_tag_is_nothing(scanner: Scanner, document: str) -> None:
    """Without the delimiter after the name, or in another tag, a cut is not reported."""
    assert scanner.scan(document.encode()) == []


def test_the_index_counts_every_a_start_tag(scanner: Scanner) -> None:
    """The index is the position among all `a` start tags, whatever became of them."""
    document = f'<a name="top"><a href=x>{LINK_MARKUP}<!--{LINK_MARKUP}--></a>{LINK_MARKUP}<a '
    result = [(link.index, link.outcome) for link in scanner.scan(document.encode())]
    outcomes = ["no-href", "unquoted", "tracked", "tracked", "unterminated"]
    assert result == list(enumerate(outcomes))


def test_offsets_are_those_of_the_tag_and_its_value(scanner: Scanner) -> None:
    """In bytes, `start` and `end` enclose the tag, `value_start` and `value_end` what the quotes enclose."""
    document = "ü<A x='>' HREF='https://é.example/'>".encode()
    (link,) = scanner.scan(document)
    assert document[link.start : link.end] == document[2:]
    assert document[link.value_start : link.value_end] == "https://é.example/".encode()
    assert link.element == "a"

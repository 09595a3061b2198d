"""Every element of HTML, svg and math, opened and closed in every kind of content: what follows, and who says so.

The tables of names in the standard's tree construction (breakout tags, integration points, raw text) are long;
this walks all of them. Core and twin must agree everywhere, and html5-parser must not see text or an attribute
where they see a link.
"""

from collections.abc import Callable, Iterator
from itertools import product

import pytest

from tests.html.implementations import CoreScanner, ReferenceScanner
from tests.reference import is_ambiguous

ELEMENT_NAMES_TEXT = """
    a abbr acronym address altglyph animate annotation annotation-xml applet area article aside audio b base
    basefont bdi bdo bgsound big blink blockquote body br button canvas caption center circle cite clippath code col
    colgroup command content data datalist dd defs del desc details dfn dialog dir div dl dt ellipse em embed
    feblend fieldset figcaption figure font footer foreignobject form frame g glyph h1 h2 h3 h4 h5 h6 h7 head header
    hgroup hr html i iframe image img input ins isindex kbd keygen label legend li line link listing maction main
    malignmark map mark marquee math menclose menu menuitem merror meta meter mfrac mglyph mi mn mo mpath mrow ms
    mspace mtext multicol nav nextid nobr noembed noframes noscript object ol optgroup option output p param path
    pattern plaintext pre progress q rb rp rt rtc ruby s samp script section select semantics slot small source
    spacer span stop strike strong style sub summary sup svg switch symbol table tbody td text textarea textpath
    tfoot th thead time title tr track tref tspan tt u ul use var video view wbr xmp
"""
ELEMENT_NAMES = ELEMENT_NAMES_TEXT.split()
CONTENT = [
    "",
    "<div>",
    "<svg>",
    "<svg><g>",
    "<svg><desc>",
    "<svg><title>x",
    "<svg><foreignObject><p>",
    "<math>",
    "<math><mi>",
    "<math><mtext><b>",
    "<math><annotation-xml>",
    "<math><annotation-xml encoding=text/html>",
    "<math><annotation-xml encoding='application/xhtml+xml'><p>",
    "<p><svg><desc><math><ms>",
    "<svg><desc></desc>",
    "<svg></svg>",
]
TAGS = ["<{}>", "</{}>", "<{}/>", "<{} color=x encoding=text/html>", "<{}></{}>", "<{} face>", "<{} size=1>"]
URL = "https://probe.example/"
LINK_MARKUP = f'<a href="{URL}">'
TAILS = [
    LINK_MARKUP,
    f"<style>{LINK_MARKUP}</style>",
    f"<title>{LINK_MARKUP}",
    f"<![CDATA[>{LINK_MARKUP}]]>",
    f"<mglyph><xmp>{LINK_MARKUP}</xmp>",
]

Hrefs = Callable[[bytes, str], list[tuple[str, str | None]]]
TreeContains = Callable[[bytes, str], bool]


@pytest.mark.parametrize("content", CONTENT)
def test_core_and_reference_agree_behind_every_element(content: str) -> None:
    """Whatever element is opened or closed in this content, both find the same links behind it."""
    core, twin = CoreScanner(), ReferenceScanner()
    for document in generate_documents(content):
        assert core.scan(document) == twin.scan(document), document


def generate_documents(content: str) -> Iterator[bytes]:
    """Every element in every form in this content, with every tail."""
    for name, tag, tail in product(ELEMENT_NAMES, TAGS, TAILS):
        yield f"{content}{tag.format(name, name)}{tail}".encode()


@pytest.mark.parametrize("content", CONTENT)
def test_html5_parser_sees_a_link_where_they_do(content: str, parse_hrefs: Hrefs, tree_contains: TreeContains) -> None:
    """Found, the probe is in the tree or dropped from it; not found, it is not in the tree, or there was doubt.

    Except behind `<![CDATA[`: to both it is a CDATA section as long as any foreign element is open, on doubt untracked.
    """
    core, wrong = CoreScanner(), []
    for document in generate_documents(content):
        in_tree = any(href == URL for _, href in parse_hrefs(document, "utf-8"))
        if any(link.destination == URL and link.outcome == "tracked" for link in core.scan(document)):
            if not in_tree and tree_contains(document, URL):
                wrong.append(document)
        elif in_tree and b"CDATA" not in document and not is_ambiguous(document):
            wrong.append(document)
    assert wrong == []

"""Broken and tricky markup with answers written down by hand from the HTML standard and the link rules.

In the fragments `«…»` encloses a value that must be replaced and `¤` stands before an `a` start tag that must
be left alone; both marks are taken out of the document. Every fragment leaves the tokenizer where it found
it: in plain HTML content, outside svg and math.
"""

import re
from dataclasses import replace
from itertools import cycle

from bench.cases.page_builder import PageBuilder
from bench.cases.rng import Xorshift
from bench.cases.vocabulary import make_text
from linkweir.benchmark.case import Case

HREF_BASE = "https://h.example/"
# Tags that a browser would follow and only the link rules leave alone: no peer is faulted for replacing
# these.
RULE_BASE = "https://rule.example/"
RULE_HOST = "rule.example"

# (markup, destinations of its sites)
FRAGMENTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    # where the tag is no tag
    (f'<!-- <a href="{HREF_BASE}comment"> --><p>x', ()),
    (f'<!--> <a href="«{HREF_BASE}after-abrupt»">x</a>', (f"{HREF_BASE}after-abrupt",)),
    (f'<!-- --!> <a href="«{HREF_BASE}after-bang»">x</a>', (f"{HREF_BASE}after-bang",)),
    (f"<?php echo '<a href=\"{HREF_BASE}php\">' ?>", ()),
    (f'<!x <a href="{HREF_BASE}bogus">', ()),
    (f'</ <a href="{HREF_BASE}bogus-end">', ()),
    (f'</a href="{HREF_BASE}end-tag">', ()),
    (f'< a href="{HREF_BASE}space">', ()),
    (f'<a<b href="{HREF_BASE}name">', ()),
    (f'<a"href="{HREF_BASE}glued">', ()),
    (f"<img alt='<a href=\"{HREF_BASE}in-value\">' src=x>", ()),
    (f'<abbr href="{HREF_BASE}abbr"><area href="{HREF_BASE}area"><article href="{HREF_BASE}article">', ()),
    (f'<link href="{HREF_BASE}link"><axhref="{HREF_BASE}no">', ()),
    ("<< <> </> <1> & &# &#x; < a", ()),
    # raw text
    (f'<script>document.write("<a href=\\"{HREF_BASE}script\\">")</script>', ()),
    (f'<script><!-- <script> </script> <a href="{HREF_BASE}escaped"> --></script>', ()),
    (f'<style>/* <a href="{HREF_BASE}style"> */ a > b {{}}</style>', ()),
    (f'<textarea><a href="{HREF_BASE}textarea"></textareas></textarea>', ()),
    (f'<xmp><a href="{HREF_BASE}xmp"></xmp >', ()),
    (f'<noscript><a href="«{HREF_BASE}noscript»">x</a></noscript>', (f"{HREF_BASE}noscript",)),
    (f'<svg><style><a href="«{HREF_BASE}svg-style»">x</a></style></svg>', (f"{HREF_BASE}svg-style",)),
    (f'<svg><![CDATA[<a href="{HREF_BASE}cdata">]]></svg>', ()),
    # attributes
    (f'<a title="1 > 0" href="«{HREF_BASE}gt»">x</a>', (f"{HREF_BASE}gt",)),
    (f'<a title="it\'s" href="«{HREF_BASE}it\'s»">x</a>', (f"{HREF_BASE}it's",)),
    (f'<a data-href="{HREF_BASE}data" href="«{HREF_BASE}second»">x</a>', (f"{HREF_BASE}second",)),
    (f'<a href="«{HREF_BASE}first»" href="{HREF_BASE}duplicate">x</a>', (f"{HREF_BASE}first",)),
    (f"<A\n HREF='«{HREF_BASE}upper»' TARGET=_blank>x</A>", (f"{HREF_BASE}upper",)),
    (f'<a\thref="«{HREF_BASE}tab»">x</a>', (f"{HREF_BASE}tab",)),
    (f'<a/href="«{HREF_BASE}slash»">x</a>', (f"{HREF_BASE}slash",)),
    (f'<a class="b"href="«{HREF_BASE}no-space»"title="t">x</a>', (f"{HREF_BASE}no-space",)),
    (f'<a = "x" href="«{HREF_BASE}lone-equals»">x</a>', (f"{HREF_BASE}lone-equals",)),
    (f'¤<a xlink:href="{HREF_BASE}xlink" href2="{HREF_BASE}two">x</a>', ()),
    (f"¤<a href={RULE_BASE}unquoted>x</a>", ()),
    (f'¤<a href= "{RULE_BASE}spaced">x</a>¤<a href ="{RULE_BASE}spaced">x</a>', ()),
    ("¤<a href>x</a>¤<a href=>x</a>¤<a>x</a>", ()),
    (f'¤<a href="{HREF_BASE}opted" DATA-AS-NO-TRACK="">x</a>', ()),
    (f'¤<a data-as-no-track href="{HREF_BASE}opted">x</a>', ()),
    (f'<a data-as-no-tracks title="data-as-no-track" href="«{HREF_BASE}not-opted»">x</a>', (f"{HREF_BASE}not-opted",)),
    # values
    (f'<a href="« {HREF_BASE}padded\t\r\n»">x</a>', (f"{HREF_BASE}padded",)),
    ('<a href="«https://h.exa\n\t\tmple/folded»">x</a>', (f"{HREF_BASE}folded",)),
    ('<a href="«&#104;ttps&colon;//h.example/reference»">x</a>', (f"{HREF_BASE}reference",)),
    (f'<a href="«{HREF_BASE}?a=1&amp;b=2&c=3»">x</a>', (f"{HREF_BASE}?a=1&b=2&c=3",)),
    (f'<a href="«{HREF_BASE}?a=1&copy=2&section=3»">x</a>', (f"{HREF_BASE}?a=1&copy=2&section=3",)),
    (f'<a href="«{HREF_BASE}?a=1&copy»">x</a>', (f"{HREF_BASE}?a=1\u00a9",)),
    (f'<a href="«{HREF_BASE}?q=&lt;b&gt;>&quot;»">x</a>', (f'{HREF_BASE}?q=<b>>"',)),
    (f"<a href='«{HREF_BASE}?q=\"quoted\"»'>x</a>", (f'{HREF_BASE}?q="quoted"',)),
    (f'<a href="«{HREF_BASE}caf\u00e9/%20/%zz»">x</a>', (f"{HREF_BASE}caf\u00e9/%20/%zz",)),
    ('<a href="«HTTPS://H.Example/Case»">x</a>', ("HTTPS://H.Example/Case",)),
    ('<a href="«http://[::1]:80/six»">x</a>', ("http://[::1]:80/six",)),
    ('¤<a href="{{ url }}">x</a>¤<a href="*|URL|*">x</a>¤<a href="https://{{ host }}/">x</a>', ()),
    (f'¤<a href="{RULE_BASE}{{{{ id }}}}">x</a>', ()),
    ('¤<a href="www.example.com">x</a>¤<a href="//h.example">x</a>¤<a href="https:/h.example">x</a>', ()),
    ('¤<a href="hhttp://h.example">x</a>¤<a href="mailto:a@h.example">x</a>¤<a href="">x</a>', ()),
    (
        f'¤<a href="https:///{RULE_HOST}">x</a>¤<a href="http://?{RULE_HOST}">x</a>¤<a href="https://{RULE_HOST}@/">x</a>',
        (),
    ),
    (f'¤<a href="http://h {RULE_HOST}/">x</a>¤<a href="http://h|{RULE_HOST}/">x</a>', ()),
    (f'¤<a href="{RULE_BASE}nul\0">x</a>¤<a href="{RULE_BASE}&#0;">x</a>¤<a href="{RULE_BASE}&#1;x">x</a>', ()),
    (f'¤<a href="{RULE_BASE}lost><b>bold</b><a href="{HREF_BASE}swallowed">x</a>', ()),
    # structure
    (f'<a href="«{HREF_BASE}outer»"><a href="«{HREF_BASE}inner»">x', (f"{HREF_BASE}outer", f"{HREF_BASE}inner")),
    (f'<table><a href="«{HREF_BASE}fostered»">x</a><tr><td></table></p></br>', (f"{HREF_BASE}fostered",)),
    (f'<svg><a href="«{HREF_BASE}svg»">x</a></svg>', (f"{HREF_BASE}svg",)),
    ("<p" + ' a="b>"' * 40 + ">many</p>", ()),
)

UNTERMINATED_TAG = f'<a title="never closed" href="{HREF_BASE}cut'


def generate_hostile(name: str, size: int, seed: int = 3) -> Case:
    """About `size` bytes of the fragments over and over, between words; the document ends inside a tag."""
    page, rng = PageBuilder(), Xorshift(seed)
    page.add_markup('<!DOCTYPE html>\r\n<html><head><title><a href="https://h.example/title"></title></head><body>\r\n')
    for markup, destinations in cycle(FRAGMENTS):
        if page.size >= size - 200:
            break
        _add_fragment(page, markup, destinations)
        page.add_markup(f"{make_text(rng, 3)}\r\n")
    page.add_untracked_anchor(UNTERMINATED_TAG)
    return replace(page.build(name), peer_exemption=RULE_HOST)


def _add_fragment(page: PageBuilder, markup: str, destinations: tuple[str, ...]) -> None:
    answers = iter(destinations)
    for before, untouched, value in re.findall(r"([^«¤]*)(?:(¤)|«([^»]*)»|$)", markup, re.S):
        if untouched:
            page.add_markup(before)
            page.add_untracked_anchor("")
        elif value:
            page.add_link(before, value, "", next(answers))
        else:
            page.add_markup(before)
    if next(answers, None) is not None:
        raise ValueError(f"a destination without its site: {markup!r}")

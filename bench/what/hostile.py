"""Broken and tricky markup with answers written down by hand from the HTML standard and the link rules.

In the fragments `«…»` encloses a value that must be replaced and `¤` stands before an `a` start tag that must
be left alone; both marks are taken out of the document. Every fragment leaves the tokenizer where it found
it: in plain HTML content, outside svg and math.
"""

import re
from dataclasses import replace
from itertools import cycle

from bench.what.case import Case, Page
from bench.what.dice import Dice
from bench.what.words import words

H = "https://h.example/"
# Tags that a browser would follow and only the link rules leave alone: no peer is faulted for replacing
# these.
R = "https://rule.example/"
RULE = "rule.example"

# (markup, destinations of its sites)
FRAGMENTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    # where the tag is no tag
    (f'<!-- <a href="{H}comment"> --><p>x', ()),
    (f'<!--> <a href="«{H}after-abrupt»">x</a>', (f"{H}after-abrupt",)),
    (f'<!-- --!> <a href="«{H}after-bang»">x</a>', (f"{H}after-bang",)),
    (f"<?php echo '<a href=\"{H}php\">' ?>", ()),
    (f'<!x <a href="{H}bogus">', ()),
    (f'</ <a href="{H}bogus-end">', ()),
    (f'</a href="{H}end-tag">', ()),
    (f'< a href="{H}space">', ()),
    (f'<a<b href="{H}name">', ()),
    (f'<a"href="{H}glued">', ()),
    (f"<img alt='<a href=\"{H}in-value\">' src=x>", ()),
    (f'<abbr href="{H}abbr"><area href="{H}area"><article href="{H}article">', ()),
    (f'<link href="{H}link"><axhref="{H}no">', ()),
    ("<< <> </> <1> & &# &#x; < a", ()),
    # raw text
    (f'<script>document.write("<a href=\\"{H}script\\">")</script>', ()),
    (f'<script><!-- <script> </script> <a href="{H}escaped"> --></script>', ()),
    (f'<style>/* <a href="{H}style"> */ a > b {{}}</style>', ()),
    (f'<textarea><a href="{H}textarea"></textareas></textarea>', ()),
    (f'<xmp><a href="{H}xmp"></xmp >', ()),
    (f'<noscript><a href="«{H}noscript»">x</a></noscript>', (f"{H}noscript",)),
    (f'<svg><style><a href="«{H}svg-style»">x</a></style></svg>', (f"{H}svg-style",)),
    (f'<svg><![CDATA[<a href="{H}cdata">]]></svg>', ()),
    # attributes
    (f'<a title="1 > 0" href="«{H}gt»">x</a>', (f"{H}gt",)),
    (f'<a title="it\'s" href="«{H}it\'s»">x</a>', (f"{H}it's",)),
    (f'<a data-href="{H}data" href="«{H}second»">x</a>', (f"{H}second",)),
    (f'<a href="«{H}first»" href="{H}duplicate">x</a>', (f"{H}first",)),
    (f"<A\n HREF='«{H}upper»' TARGET=_blank>x</A>", (f"{H}upper",)),
    (f'<a\thref="«{H}tab»">x</a>', (f"{H}tab",)),
    (f'<a/href="«{H}slash»">x</a>', (f"{H}slash",)),
    (f'<a class="b"href="«{H}no-space»"title="t">x</a>', (f"{H}no-space",)),
    (f'<a = "x" href="«{H}lone-equals»">x</a>', (f"{H}lone-equals",)),
    (f'¤<a xlink:href="{H}xlink" href2="{H}two">x</a>', ()),
    (f"¤<a href={R}unquoted>x</a>", ()),
    (f'¤<a href= "{R}spaced">x</a>¤<a href ="{R}spaced">x</a>', ()),
    ("¤<a href>x</a>¤<a href=>x</a>¤<a>x</a>", ()),
    (f'¤<a href="{H}opted" DATA-AS-NO-TRACK="">x</a>', ()),
    (f'¤<a data-as-no-track href="{H}opted">x</a>', ()),
    (f'<a data-as-no-tracks title="data-as-no-track" href="«{H}not-opted»">x</a>', (f"{H}not-opted",)),
    # values
    (f'<a href="« {H}padded\t\r\n»">x</a>', (f"{H}padded",)),
    ('<a href="«https://h.exa\n\t\tmple/folded»">x</a>', (f"{H}folded",)),
    ('<a href="«&#104;ttps&colon;//h.example/reference»">x</a>', (f"{H}reference",)),
    (f'<a href="«{H}?a=1&amp;b=2&c=3»">x</a>', (f"{H}?a=1&b=2&c=3",)),
    (f'<a href="«{H}?a=1&copy=2&section=3»">x</a>', (f"{H}?a=1&copy=2&section=3",)),
    (f'<a href="«{H}?a=1&copy»">x</a>', (f"{H}?a=1\u00a9",)),
    (f'<a href="«{H}?q=&lt;b&gt;>&quot;»">x</a>', (f'{H}?q=<b>>"',)),
    (f"<a href='«{H}?q=\"quoted\"»'>x</a>", (f'{H}?q="quoted"',)),
    (f'<a href="«{H}caf\u00e9/%20/%zz»">x</a>', (f"{H}caf\u00e9/%20/%zz",)),
    ('<a href="«HTTPS://H.Example/Case»">x</a>', ("HTTPS://H.Example/Case",)),
    ('<a href="«http://[::1]:80/six»">x</a>', ("http://[::1]:80/six",)),
    ('¤<a href="{{ url }}">x</a>¤<a href="*|URL|*">x</a>¤<a href="https://{{ host }}/">x</a>', ()),
    (f'¤<a href="{R}{{{{ id }}}}">x</a>', ()),
    ('¤<a href="www.example.com">x</a>¤<a href="//h.example">x</a>¤<a href="https:/h.example">x</a>', ()),
    ('¤<a href="hhttp://h.example">x</a>¤<a href="mailto:a@h.example">x</a>¤<a href="">x</a>', ()),
    (f'¤<a href="https:///{RULE}">x</a>¤<a href="http://?{RULE}">x</a>¤<a href="https://{RULE}@/">x</a>', ()),
    (f'¤<a href="http://h {RULE}/">x</a>¤<a href="http://h|{RULE}/">x</a>', ()),
    (f'¤<a href="{R}nul\0">x</a>¤<a href="{R}&#0;">x</a>¤<a href="{R}&#1;x">x</a>', ()),
    (f'¤<a href="{R}lost><b>bold</b><a href="{H}swallowed">x</a>', ()),
    # structure
    (f'<a href="«{H}outer»"><a href="«{H}inner»">x', (f"{H}outer", f"{H}inner")),
    (f'<table><a href="«{H}fostered»">x</a><tr><td></table></p></br>', (f"{H}fostered",)),
    (f'<svg><a href="«{H}svg»">x</a></svg>', (f"{H}svg",)),
    ("<p" + ' a="b>"' * 40 + ">many</p>", ()),
)

CUT = f'<a title="never closed" href="{H}cut'


def hostile(name: str, size: int, seed: int = 3) -> Case:
    """About `size` bytes of the fragments over and over, between words; the document ends inside a tag."""
    page, dice = Page(), Dice(seed)
    page.raw('<!DOCTYPE html>\r\n<html><head><title><a href="https://h.example/title"></title></head><body>\r\n')
    for markup, destinations in cycle(FRAGMENTS):
        if page.size >= size - 200:
            break
        _add(page, markup, destinations)
        page.raw(f"{words(dice, 3)}\r\n")
    page.anchor(CUT)
    return replace(page.case(name), excused=RULE)


def _add(page: Page, markup: str, destinations: tuple[str, ...]) -> None:
    answers = iter(destinations)
    for before, untouched, value in re.findall(r"([^«¤]*)(?:(¤)|«([^»]*)»|$)", markup, re.S):
        if untouched:
            page.raw(before)
            page.anchor("")
        elif value:
            page.site(before, value, "", next(answers))
        else:
            page.raw(before)
    if next(answers, None) is not None:
        raise ValueError(f"a destination without its site: {markup!r}")

"""A grammar of hostile markup: what tokenizers disagree about, in pieces that Hypothesis puts together."""

from hypothesis import strategies as st

from tests.twin import TwinSwitches

TAGS = b"""<a|<A|<a |<a\t|<a\x0c|<a/|<a\n|</a>|<a>|<ab |< a|<a\0|<|</|>|/>|<b>|</b>|<p>|</p>|<br>|</br>|<x |<table>|<select>|<template>|</|<!|<?|</ |<=|<a=""".split(b"|")
HREFS = [
    b'href="https://x.example/"', b"HREF='http://y.example'", b' href="https://x.example/', b'href=https://z/',
    b'href ="https://x/"', b'href= "https://x/"', b"href", b"href=", b'hr\0ef="https://x/"', b'=href="https://x/"',
    b'href=""', b'href="{{x}}"', b'href="https://{x}/"', b'href="https://x/{{y}}"', b'href="mailto:x"',
    b'href="https://"', b'href="https://[::1]:8/"', b'href="https://a^b/"', b'href="https://x/&#0;"',
    b'href="https://x/?a&copy=1&copy"', b'href="&#104;ttps://x/&amp;&notit;&#x110000;&NotEqualTilde;"',
    b'href=" \t\nhttps://x/\r\n "', b'href="https://x/\x01y"', b'href="https://x/\0"', b'href="ht\ntp://x/&Tab;"',
    b"data-as-no-track", b"clicktracking=off", b"clicktracking", b"CLICKTRACKING=' &#111;FF '", b"data-x=1",
    b'href="https://reset.example/"', b'data-href="https://x/"', b"xlink:href='https://x/'",
]  # fmt: skip
ATOMS = [*b" \t\n\f\r\"'<>=/&;#!-?[]{}\0a\x80\xff", b"--", b"=\"", b"='", b"&#", b"&#x", b"&amp", b"\xc3\xa9", b"x"]
TEXT_MODES = b"""<script>|</script>|<script |</script |</scrip|<SCRIPT>|<!--|-->|--!>|<!-->|<!--->|--|-|<!---|<!--<script>|<script/|</script/|<style>|</style>|<title>|</title>|<textarea>|</textarea x='>'>|<xmp>|</xmp>|<iframe>|</iframe>|<noembed>|</noembed|<noframes>|</noframes>|<noscript>|</noscript>|<plaintext>|<!doctype |<!DOCTYPE html>|<?php ?>|<![CDATA[|]]>|]]|<![cdata[|<!-|</styles>|</style/>|<style/>""".split(
    b"|"
)
FOREIGN = b"""<svg>|</svg>|<svg/>|<SVG x>|<math>|</math>|<math/>|<foreignObject>|</foreignObject>|<foreignobject/>|<desc>|</desc>|<title>|</title>|<mi>|</mi>|<mo>|<mtext>|</mtext>|<annotation-xml>|<annotation-xml encoding=text/html>|<annotation-xml encoding="&#84;EXT/html">|<annotation-xml encoding='application/xhtml+xml' encoding=x>|<annotation-xml encoding=x encoding=text/html>|</annotation-xml>|<mglyph>|<malignmark>|</mglyph>|<font>|<font color>|<font size=1|<font/face>|</font>|<p>|</p>|</br>|<br>|<div>|</div>|<g>|</g>|<path/>|<h1>|</h6>|<table>|<ul>|<var>|<style>|</style>|<script>|</script>|<![CDATA[|]]>|<image>|<b>|<span>|<a>""".split(
    b"|"
)
CONDITIONAL = b"""<!--[if mso]>|<!--[IF !x]>|<!--[if(x)]>|<!--[if|<!--[if |<!--[iffy]>|]>|<![endif]-->|<!--[if !mso]><!-->|<!--<![endif]-->|-->|--!>|<v:rect |<V:RoundRect |<v:fill |<v:rect>|</v:rect>|<!--|<!-- [if mso]>|<![if x]>""".split(
    b"|"
)
LINK = b'<a href="https://x.example/">'


def pieces(*themes: list[bytes | int]) -> st.SearchStrategy[bytes]:
    """Documents of up to forty pieces of these themes, links in between."""
    flat = [bytes([piece]) if isinstance(piece, int) else piece for theme in themes for piece in theme]
    return st.lists(st.sampled_from([*flat, LINK, LINK]), max_size=40).map(b"".join)

"""A grammar of hostile markup: what tokenizers disagree about, in pieces that Hypothesis puts together."""

import re

from hypothesis import strategies as st

Pieces = list[bytes]


def split(text: str) -> Pieces:
    """The pieces, which stand between white space."""
    return [piece.encode("latin-1") for piece in text.split()]


# A piece that ends in white space is written with the piece behind it.
SPACE = [b" ", b"\t", b"\n", b"\f", b"\r"]
TAGS = SPACE + split(
    """<a <A <a/ <a\0 </a> <a> <ab < </ /> > <b> </b> <p> </p> <br> </br> <x <table> <select> <template> <! <? <=
    <a="""
)
HREFS = [
    *SPACE,
    b' href="https://x.example/"', b" HREF='http://y.example'", b' href="https://x/', b" href=https://z/",
    b' href ="https://x/"', b' href= "https://x/"', b" href", b" href=", b' hr\0ef="https://x/"',
    b' =href="https://x/"', b' href=""', b' href="{{x}}"', b' href="https://{x}/"', b' href="https://x/{{y}}"',
    b' href="mailto:x"', b' href="https://"', b' href="https://[::1]:8/"', b' href="https://a^b/"',
    b' href="https://x/&#0;"', b' href="https://x/?a&copy=1&copy"', b' href="&#104;ttps://x/&amp;&notit;"',
    b' href=" \t\nhttps://x/\r\n "', b' href="https://x/\x01y"', b' href="https://x/\0"',
    b' href="ht\ntp://x/&Tab;"', b" data-as-no-track", b" clicktracking=off", b" clicktracking", b" data-x=1",
    b" CLICKTRACKING=' &#111;N '", b' href="https://reset.example/"', b' data-href="https://x/"',
    b" xlink:href='https://x/'",
]  # fmt: skip
VALUES = split(
    """x.example x / \\ ? # : @ [ ] [::1] {{ {% { *| [[ [% %% <% ${ #{ } < > ^ | & ; = &amp &amp; &copy &copy; &not
    &notit; &notin; &sup &sup1 &sup1; &NotEqualTilde; &CounterClockwiseContourIntegral; &lt &gt; &quot &# &#x &#X
    &#0 &#x0; &#1; &#32; &#9; &#65 &#x41 &#128; &#x9f; &#xd800; &#x110000; &#4294967296; &#99999999999999999999;
    &#x10FFFF; &Tab; &NewLine; &lbrace; &nbsp; %20 80 0 9 f g"""
)
ATOMS = [
    *SPACE,
    b'"', b"'", b"<", b">", b"=", b"/", b"&", b";", b"#", b"!", b"-", b"?", b"[", b"]", b"{", b"}", b"\0", b"a",
    b"\x80", b"\xff", b"\x1f", b"\x7f", b"--", b'="', b"='", b"\xc3\xa9", b"\xe2\x82", b"\x83\x5c", b"\x81\x7b",
]  # fmt: skip
TEXT_MODES = SPACE + split(
    """<script> </script> </script </scrip <SCRIPT> <!-- --> --!> <!--> <!---> -- - <!--- <style> </style> <title>
    </title> <textarea> </textarea/> <xmp> </xmp> <iframe> </iframe> <noembed> </noembed <noframes> </noframes>
    <noscript> </noscript> <plaintext> <!doctype <!DOCTYPE <?php ?> <![CDATA[ ]]> ]] <![cdata[ <!- </styles>
    </style/> <style/> <!DOC"""
)
SCRIPTS = SPACE + split(
    """<script </script <script> </script> <SCRIPT/ </SCRIPT/ <scripts </scripts <!-- --> --!> - -- < </ > / <! <!-
    <!--> script"""
)
FOREIGN = [b" encoding=text/html", b' encoding="&#84;EXT/html"', b" encoding=x", *split(
    """<svg> </svg> <svg/> <SVG> <math> </math> <math/> <foreignObject> </foreignObject> <foreignobject/> <desc>
    </desc> <title> </title> <mi> </mi> <mo> <mtext> </mtext> <annotation-xml> <annotation-xml </annotation-xml>
    <mglyph> <malignmark> </mglyph> <font> <font <font/face> </font> <p> </p> </br> <br> <div> </div> <g> </g>
    <path/> <h1> </h6> <table> <td> </td> <ul> <var> <style> </style> <script> </script> <![CDATA[ ]]> <image> <b>
    <span> </span> <a> > <title/> <style/>"""
)]  # fmt: skip
CONDITIONAL = [b"<!--[if mso]>", b"<!-- [if mso]>", b"<!--[if ", b"<v:rect ", b"<V:RoundRect ", b"<v:fill ", *split(
    """<!--[IF(x]> <!--[if(x)]> <!--[if!x]> <!--[if <!--[iffy]> ]> <![endif]--> <![endif] <!--> --> --!> -- <v:rect>
    </v:rect> <v:group/ <!-- <style> </style>"""
)]  # fmt: skip
# Longer than any block that a fast scanner looks at in one step, so that the other pieces stand anywhere in one.
FILLER = [b"x" * 64, b" " * 129, b"-" * 65, b"<" * 63, b"\n" * 64, b"'" * 64, b'"' * 33, b"&" * 70, b"\xff" * 100]
LINK = b'<a href="https://x.example/">'


def pieces(*themes: Pieces) -> st.SearchStrategy[bytes]:
    """Documents of up to forty pieces of these themes, links in between."""
    flat = [piece for theme in themes for piece in theme]
    return st.lists(st.sampled_from([*flat, LINK, LINK, LINK]), max_size=40).map(b"".join)


def suspicious(document: bytes) -> bool:
    """Does it hold what speaks for an encoding that can't be judged by bytes?"""
    return re.search(rb"[\x1b\0]|~\{", document) is not None

"""What a careful programmer does without a parser: one `re.sub`.

It knows comments, raw text, quoted attribute values, duplicate and look-alike attributes, and the opt-out.
What it does not know: script escapes, CDATA, bogus comments, what a browser does after a lost quote.
"""

import html
import re
from collections.abc import Callable

from linkweir.benchmark.rewriting_engine import CONSTANT, Engine, Replace, normalize_destination

# Possessive throughout: no start position is tried twice in different ways.
_VALUES = rb"""(?:[^>"']++|"[^"]*+"|'[^']*+')*+"""
_TAG = re.compile(
    rb"<(?:a(?=[\s/])(?P<attributes>" + _VALUES + rb")>"
    rb"|!--(?:-?>|.*?--!?>)"
    rb"|(?P<raw>script|style|title|textarea|xmp|iframe|noembed|noframes)(?=[\s/>])" + _VALUES + rb">"
    rb".*?</(?P=raw)(?=[\s/>]))",
    re.I | re.S,
)
_ATTRIBUTE = re.compile(
    rb"""[\s/"']*+([^\s/>=]++)(?:(=)"([^"]*+)"|(=)'([^']*+)'|(\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>"']++)))?+"""
)


def load_regex() -> Engine:
    """The engine; it needs nothing but Python."""
    always = CONSTANT.encode()
    return Engine(
        "careful re.sub",
        lambda document: _substitute(document, lambda value: always),
        lambda document, replace: _substitute(document, lambda value: _decode_and_replace(value, replace)),
    )


def _substitute(document: bytes, link: Callable[[bytes], bytes]) -> bytes:
    def tag(found: re.Match[bytes]) -> bytes:
        span = _href_span(found)
        if span is None:
            return found[0]
        start, end = span
        return document[found.start() : start] + link(document[start:end]) + document[end : found.end()]

    return _TAG.sub(tag, document)


def _href_span(match: re.Match[bytes]) -> tuple[int, int] | None:
    """Where the value to replace lies in the document."""
    if match["attributes"] is None:
        return None
    span = None
    first = True
    for attribute in _ATTRIBUTE.finditer(match.string, *match.span("attributes")):
        name = attribute[1].lower()
        if name == b"data-as-no-track":
            return None
        if name == b"href" and first:
            first = False
            group = 3 if attribute[2] else 5
            value = attribute[group]
            if value is not None and value.strip()[:8].lower().startswith((b"http://", b"https://")):
                span = None if b"{{" in value or b"<" in value else attribute.span(group)
    return span


def _decode_and_replace(value: bytes, replace: Replace) -> bytes:
    destination = normalize_destination(html.unescape(value.decode("utf-8", "replace")))
    return replace(destination).encode() if destination else value

"""Which text mode follows a tag: the tree builder's feedback, with a bounded stack of svg and math elements.

The real tree construction (HTML standard, 13.2.6) keeps every open element; this keeps foreign ones only.
Where that is not enough to know, `doubt` is set for good, and raw-text names count as raw text everywhere.
"""

import re
from dataclasses import dataclass

from tests.reference.character_references import decode_references
from tests.reference.cursor import ascii_lower
from tests.reference.markup_tokens import Tag

MAX_DEPTH = 32
RAW_TEXT = {
    "script": "script data",
    "style": "RAWTEXT", "xmp": "RAWTEXT", "iframe": "RAWTEXT", "noembed": "RAWTEXT", "noframes": "RAWTEXT",
    "title": "RCDATA", "textarea": "RCDATA",
    "plaintext": "PLAINTEXT",
}  # fmt: skip
# 13.2.6.5: start tags that no foreign element may hold
BREAKOUT = frozenset(
    re.findall(
        r"\w+",
        """b big blockquote body br center code dd div dl dt em embed h1 h2 h3 h4 h5 h6 head hr i img li
        listing menu meta nobr ol p pre ruby s small span strong strike sub sup table tt u ul var""",
    )
)
SVG_HTML_POINTS = {"foreignobject", "desc", "title"}
MATH_TEXT_POINTS = {"mi", "mo", "mn", "ms", "mtext"}


@dataclass
class Foreign:
    """An open svg or math element; `kind` is that of an integration point, "html" or "mathtext", or ""."""

    name: str
    namespace: str
    kind: str = ""
    html_inside: bool = False


class Namespaces:
    """The stack, moved by every start and end tag; `start` tells the tokenizer state that follows."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.stack: list[Foreign] = []
        self.is_ambiguous = False

    @property
    def top(self) -> Foreign | None:
        """The innermost open foreign element."""
        return self.stack[-1] if self.stack else None

    @property
    def in_html(self) -> bool:
        """Does the next start tag make an HTML element?"""
        return self.top is None or self.top.kind != ""

    @property
    def cdata_allowed(self) -> bool:
        """CDATA sections exist in foreign content only (13.2.5.42)."""
        return bool(self.stack) or self.is_ambiguous

    @property
    def cdata_certain(self) -> bool:
        """The current node surely is a foreign element: no HTML is inside the integration point on top."""
        return self.top is not None and not self.is_ambiguous and not self.top.html_inside

    def handle_start_tag(self, tag: Tag) -> str:
        """A start tag: move the stack, and name the state the tokenizer goes on in."""
        top = self.top
        if top and top.kind == "mathtext" and tag.name in {"mglyph", "malignmark"}:
            self.is_ambiguous = self.is_ambiguous or top.html_inside  # inside an HTML element these are HTML too
            return self._start_foreign(tag, "math")
        if top is None or self.in_html:
            return self._start_html(tag)
        if tag.name == "svg" and (top.name, top.namespace) == ("annotation-xml", "math"):
            return self._start_html(tag)
        if self._breaks_out(tag):
            self._pop_to_html()
            return self._start_html(tag)
        return self._start_foreign(tag, top.namespace)

    def _breaks_out(self, tag: Tag) -> bool:
        if tag.name == "font":
            return any(tag.first_attribute(name) for name in ("color", "face", "size"))
        return tag.name in BREAKOUT

    def _start_html(self, tag: Tag) -> str:
        if tag.name in {"svg", "math"}:
            if not tag.self_closing:
                self._push(Foreign(tag.name, tag.name))
            return "data"
        if self.top:
            self.top.html_inside = True
        return RAW_TEXT.get(tag.name, "data")

    def _start_foreign(self, tag: Tag, namespace: str) -> str:
        if not tag.self_closing:
            self._push(Foreign(tag.name, namespace, self._kind(tag, namespace)))
        return RAW_TEXT.get(tag.name, "data") if self.is_ambiguous else "data"

    def _kind(self, tag: Tag, namespace: str) -> str:
        """13.2.6: MathML text and HTML integration points."""
        if namespace == "svg":
            return "html" if tag.name in SVG_HTML_POINTS else ""
        if tag.name in MATH_TEXT_POINTS:
            return "mathtext"
        encoding = tag.first_attribute("encoding")
        if tag.name != "annotation-xml" or encoding is None:
            return ""
        value = ascii_lower(decode_references(self.text[encoding.value_start : encoding.value_end]))
        return "html" if value in {"text/html", "application/xhtml+xml"} else ""

    def _push(self, element: Foreign) -> None:
        if len(self.stack) == MAX_DEPTH:
            self.is_ambiguous = True
        else:
            self.stack.append(element)

    def _pop_to_html(self) -> None:
        while not self.in_html:
            self.stack.pop()

    def handle_end_tag(self, tag: Tag) -> None:
        """An end tag: close the foreign element it names, or doubt."""
        top = self.top
        if top is None:
            return
        if tag.name in {"br", "p"} and not self.in_html:
            self._pop_to_html()
            return
        result = next((i for i in reversed(range(len(self.stack))) if self.stack[i].name == tag.name), None)
        if result is None:
            self.is_ambiguous = True  # it may close HTML further out: `</td>` does, from inside anything
            return
        if any(element.html_inside for element in self.stack[result:]):
            self.is_ambiguous = True  # the standard may or may not close through the HTML elements between
        del self.stack[result:]

"""Tags and their attributes (13.2.5.6 to .8 and .32 to .40)."""

from collections.abc import Callable

from tests.reference.cursor import END, LETTERS, REPLACEMENT, WHITESPACE, Cursor, lower
from tests.reference.markup_tokens import Attribute, Tag


class TagBuilder(Cursor):
    """The cursor with a tag under construction."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.tag = Tag(0, False)
        self.mark = 0  # where the "<" of a possible end tag in raw text stands
        self.buffer = ""  # the standard's temporary buffer
        self.last_start_tag = ""

    def begin_tag(self, start: int, *, closing: bool) -> None:
        """Create a new tag token."""
        self.tag = Tag(start, closing)

    def emit_tag(self) -> str:
        """Emit the tag; the reader of the tokens may then change the state."""
        self.tag.end = self.position
        self.emitted = self.tag
        if not self.tag.closing:
            self.last_start_tag = self.tag.name
        return "data"

    def end_in_tag(self) -> str:
        """The document ends inside a tag with a whole name: no tag to the standard, here `unterminated`."""
        self.tag.end, self.tag.terminated = len(self.text), False
        self.emitted = self.tag
        return "end"


State = Callable[[TagBuilder], str]  # consumes something and names the state that follows


def tag_open(t: TagBuilder) -> str:
    """13.2.5.6."""
    character = t.next()
    if character == "!":
        return "markup declaration open"
    if character == "/":
        return "end tag open"
    if character in LETTERS:
        t.begin_tag(t.position - 2, closing=False)
        return t.reconsume("tag name")
    if character == "?":
        return t.reconsume("bogus comment")
    return t.reconsume("data")


def end_tag_open(t: TagBuilder) -> str:
    """13.2.5.7."""
    character = t.next()
    if character in LETTERS:
        t.begin_tag(t.position - 3, closing=True)
        return t.reconsume("tag name")
    if character == ">":
        return "data"
    if character == END:
        return "end"
    return t.reconsume("bogus comment")


def tag_name(t: TagBuilder) -> str:
    """13.2.5.8."""
    character = t.next()
    if character in WHITESPACE:
        return "before attribute name"
    if character == "/":
        return "self-closing start tag"
    if character == ">":
        return t.emit_tag()
    if character == END:
        return "end"
    t.tag.name += REPLACEMENT if character == "\0" else lower(character)
    return "tag name"


def before_attribute_name(t: TagBuilder) -> str:
    """13.2.5.32; a "=" here is the first character of a name."""
    character = t.next()
    if character in WHITESPACE:
        return "before attribute name"
    if character in {"/", ">", END}:
        return t.reconsume("after attribute name")
    if character == "=":
        t.tag.attributes.append(Attribute("="))
        return "attribute name"
    t.tag.attributes.append(Attribute(""))
    return t.reconsume("attribute name")


def attribute_name(t: TagBuilder) -> str:
    """13.2.5.33; quotes and "<" belong to the name."""
    character = t.next()
    if character in WHITESPACE or character in {"/", ">", END}:
        return t.reconsume("after attribute name")
    if character == "=":
        return "before attribute value"
    t.tag.attributes[-1].name += REPLACEMENT if character == "\0" else lower(character)
    return "attribute name"


def after_attribute_name(t: TagBuilder) -> str:
    """13.2.5.34."""
    character = t.next()
    if character in WHITESPACE:
        return "after attribute name"
    if character == "/":
        return "self-closing start tag"
    if character == "=":
        t.tag.attributes[-1].has_space_before = True  # only white space leads from a name to here and on
        return "before attribute value"
    if character == ">":
        return t.emit_tag()
    if character == END:
        return t.end_in_tag()
    t.tag.attributes.append(Attribute(""))
    return t.reconsume("attribute name")


def before_attribute_value(t: TagBuilder) -> str:
    """13.2.5.35."""
    character = t.next()
    attribute = t.tag.attributes[-1]
    if character in WHITESPACE:
        attribute.has_space_before = True
        return "before attribute value"
    if character in {'"', "'"}:
        attribute.quote, attribute.value_start = character, t.position
        return "attribute value (quoted)"
    if character == ">":
        return t.emit_tag()
    attribute.value_start = t.position - 1
    return t.reconsume("attribute value (unquoted)")


def attribute_value_quoted(t: TagBuilder) -> str:
    """13.2.5.36 and .37; a character reference never holds a quote, so it is decoded later."""
    attribute = t.tag.attributes[-1]
    t.skip_to(attribute.quote)
    attribute.value_end = t.position
    return t.end_in_tag() if t.next() == END else "after attribute value (quoted)"


def attribute_value_unquoted(t: TagBuilder) -> str:
    """13.2.5.38."""
    character = t.next()
    t.tag.attributes[-1].value_end = t.position - 1
    if character in WHITESPACE:
        return "before attribute name"
    if character == ">":
        return t.emit_tag()
    if character == END:
        return t.end_in_tag()
    return "attribute value (unquoted)"


def after_attribute_value_quoted(t: TagBuilder) -> str:
    """13.2.5.39; a missing space is forgiven."""
    character = t.next()
    if character in WHITESPACE:
        return "before attribute name"
    if character == "/":
        return "self-closing start tag"
    if character == ">":
        return t.emit_tag()
    if character == END:
        return t.end_in_tag()
    return t.reconsume("before attribute name")


def self_closing_start_tag(t: TagBuilder) -> str:
    """13.2.5.40."""
    character = t.next()
    if character == ">":
        t.tag.self_closing = True
        return t.emit_tag()
    if character == END:
        return t.end_in_tag()
    return t.reconsume("before attribute name")


STATES: dict[str, State] = {
    "tag open": tag_open,
    "end tag open": end_tag_open,
    "tag name": tag_name,
    "before attribute name": before_attribute_name,
    "attribute name": attribute_name,
    "after attribute name": after_attribute_name,
    "before attribute value": before_attribute_value,
    "attribute value (quoted)": attribute_value_quoted,
    "attribute value (unquoted)": attribute_value_unquoted,
    "after attribute value (quoted)": after_attribute_value_quoted,
    "self-closing start tag": self_closing_start_tag,
}

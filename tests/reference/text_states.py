"""Data, RCDATA, RAWTEXT and PLAINTEXT, and the end tags that leave them (13.2.5.1 to 13.2.5.14)."""

from tests.reference.cursor import END, LETTERS, WHITESPACE, lower
from tests.reference.tag_states import State, TagBuilder


def data(t: TagBuilder) -> str:
    """13.2.5.1: text up to the next "<"."""
    t.skip_to("<")
    return "end" if t.next() == END else "tag open"


def plaintext(t: TagBuilder) -> str:
    """13.2.5.5: nothing ends it but the document."""
    return "end"


def raw_text(name: str) -> State:
    """13.2.5.2 and 13.2.5.3, which differ only in character references, and those hold no tags."""

    def state(t: TagBuilder) -> str:
        t.skip_to("<")
        return "end" if t.next() == END else f"{name} less-than sign"

    return state


def less_than_sign(name: str) -> State:
    """13.2.5.9, .12: "</" may be an end tag, anything else is text."""

    def state(t: TagBuilder) -> str:
        t.mark = t.position - 1
        if t.next() == "/":
            return f"{name} end tag open"
        return t.reconsume(name)

    return state


def end_tag_open(name: str) -> State:
    """13.2.5.10, .13, .16, .24: a letter begins the name."""

    def state(t: TagBuilder) -> str:
        if t.next() in LETTERS:
            t.begin_tag(t.mark, closing=True)
            return t.reconsume(f"{name} end tag name")
        return t.reconsume(name)

    return state


def end_tag_name(name: str) -> State:
    """13.2.5.11, .14, .17, .25: only the *appropriate* end tag, that of the last start tag, gets out."""

    def state(t: TagBuilder) -> str:
        character = t.next()
        appropriate = t.tag.name == t.last_start_tag
        if character in WHITESPACE and appropriate:
            return "before attribute name"
        if character == "/" and appropriate:
            return "self-closing start tag"
        if character == ">" and appropriate:
            return t.emit_tag()
        if character in LETTERS:
            t.tag.name += lower(character)
            return f"{name} end tag name"
        return t.reconsume(name)

    return state


STATES: dict[str, State] = {"data": data, "PLAINTEXT": plaintext}
for _name in ("RCDATA", "RAWTEXT"):
    STATES[_name] = raw_text(_name)
    STATES[f"{_name} less-than sign"] = less_than_sign(_name)
for _name in ("RCDATA", "RAWTEXT", "script data", "script data escaped"):
    STATES[f"{_name} end tag open"] = end_tag_open(_name)
    STATES[f"{_name} end tag name"] = end_tag_name(_name)

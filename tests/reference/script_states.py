"""Script data with its escaped and double-escaped forms (13.2.5.4, .15 and .18 to .31).

The end tag states that script data shares with RCDATA are in `text_states`.
"""

from tests.reference.cursor import END, LETTERS, WHITESPACE, lower
from tests.reference.tag_states import State, TagBuilder

ESCAPED, DOUBLE = "script data escaped", "script data double escaped"


def script_data(t: TagBuilder) -> str:
    """13.2.5.4."""
    t.skip_to("<")
    return "end" if t.next() == END else "script data less-than sign"


def script_data_less_than_sign(t: TagBuilder) -> str:
    """13.2.5.15."""
    t.mark = t.position - 1
    character = t.next()
    if character == "/":
        return "script data end tag open"
    if character == "!":
        return "script data escape start"
    return t.reconsume("script data")


def escape_start(t: TagBuilder) -> str:
    """13.2.5.18: the first dash of "<!--"."""
    return "script data escape start dash" if t.next() == "-" else t.reconsume("script data")


def escape_start_dash(t: TagBuilder) -> str:
    """13.2.5.19: the second dash; with it "<!-->" is already over."""
    return f"{ESCAPED} dash dash" if t.next() == "-" else t.reconsume("script data")


def escaped(name: str, dashes: str) -> State:
    """13.2.5.20 to .22 and .27 to .29: text inside "<!--", having seen none, one or two dashes."""

    def state(t: TagBuilder) -> str:
        character = t.next()
        if character == END:
            return "end"
        if character == "-":
            return f"{name} dash dash" if dashes else f"{name} dash"
        if character == "<":
            return f"{name} less-than sign"
        if character == ">" and dashes == " dash dash":
            return "script data"
        return name

    return state


def escaped_less_than_sign(t: TagBuilder) -> str:
    """13.2.5.23."""
    t.mark = t.position - 1
    character = t.next()
    if character == "/":
        return f"{ESCAPED} end tag open"
    if character in LETTERS:
        t.buffer = ""
        return t.reconsume("script data double escape start")
    return t.reconsume(ESCAPED)


def double_escape_start(t: TagBuilder) -> str:
    """13.2.5.26: "<script" inside "<!--" escapes once more."""
    return _double_escape(t, "script data double escape start", matched=DOUBLE, otherwise=ESCAPED)


def double_escaped_less_than_sign(t: TagBuilder) -> str:
    """13.2.5.30."""
    if t.next() == "/":
        t.buffer = ""
        return "script data double escape end"
    return t.reconsume(DOUBLE)


def double_escape_end(t: TagBuilder) -> str:
    """13.2.5.31: "</script" inside that ends only the inner escape."""
    return _double_escape(t, "script data double escape end", matched=ESCAPED, otherwise=DOUBLE)


def _double_escape(t: TagBuilder, same: str, *, matched: str, otherwise: str) -> str:
    character = t.next()
    if character in WHITESPACE or character in {"/", ">"}:
        return matched if t.buffer == "script" else otherwise
    if character in LETTERS:
        t.buffer += lower(character)
        return same
    return t.reconsume(otherwise)


STATES: dict[str, State] = {
    "script data": script_data,
    "script data less-than sign": script_data_less_than_sign,
    "script data escape start": escape_start,
    "script data escape start dash": escape_start_dash,
    "script data escaped less-than sign": escaped_less_than_sign,
    "script data double escape start": double_escape_start,
    "script data double escaped less-than sign": double_escaped_less_than_sign,
    "script data double escape end": double_escape_end,
}
for _dashes in ("", " dash", " dash dash"):
    STATES[ESCAPED + _dashes] = escaped(ESCAPED, _dashes)
    STATES[DOUBLE + _dashes] = escaped(DOUBLE, _dashes)

"""Comments, bogus comments, doctypes and CDATA sections (13.2.5.41 to .71)."""

from tests.reference.cursor import END
from tests.reference.markup_tokens import Comment
from tests.reference.tag_states import State, TagBuilder


def bogus_comment(t: TagBuilder) -> str:
    """13.2.5.41; also the doctype states .53 to .68, in all of which the first ">" ends the doctype."""
    t.skip_to(">")
    return "end" if t.next() == END else "data"


def markup_declaration_open(t: TagBuilder) -> str:
    """13.2.5.42."""
    start = t.position - 2
    if t.follows("--"):
        t.comment = Comment(start, t.position, -1, False)
        return "comment start"
    if t.follows("doctype", any_case=True):
        return "bogus comment"
    if t.follows("[CDATA["):
        if t.cdata_allowed and not t.cdata_certain:
            return "end"  # it may be a bogus comment, which ends at the first ">": the rest is left alone
        return "CDATA section" if t.cdata_allowed else "bogus comment"
    return "bogus comment"


def cdata_section(t: TagBuilder) -> str:
    """13.2.5.69 to .71: everything up to "]]>"."""
    result = t.text.find("]]>", t.position)
    if result < 0:
        return "end"
    t.position = result + 3
    return "data"


def _emit(t: TagBuilder, trailing: int) -> str:
    """Emit the comment; its data stops `trailing` characters back."""
    t.comment.data_end = max(t.comment.data_start, t.position - trailing)
    t.emitted = t.comment
    return "data"


def _end(t: TagBuilder) -> str:
    """The document ends in the comment, and the comment with it."""
    t.comment.data_end, t.comment.ended_by_document = len(t.text), True
    t.emitted = t.comment
    return "end"


def comment_start(t: TagBuilder) -> str:
    """13.2.5.43: "<!-->" is a whole comment."""
    character = t.next()
    if character == "-":
        return "comment start dash"
    return _emit(t, 1) if character == ">" else t.reconsume("comment")


def comment_start_dash(t: TagBuilder) -> str:
    """13.2.5.44: so is "<!--->"."""
    character = t.next()
    if character == "-":
        return "comment end"
    if character == ">":
        return _emit(t, 2)
    return _end(t) if character == END else t.reconsume("comment")


def comment(t: TagBuilder) -> str:
    """13.2.5.45."""
    character = t.next()
    if character == "<":
        return "comment less-than sign"
    if character == "-":
        return "comment end dash"
    return _end(t) if character == END else "comment"


def comment_less_than_sign(t: TagBuilder) -> str:
    """13.2.5.46."""
    character = t.next()
    if character == "!":
        return "comment less-than sign bang"
    return "comment less-than sign" if character == "<" else t.reconsume("comment")


def comment_less_than_sign_bang(t: TagBuilder) -> str:
    """13.2.5.47."""
    return "comment less-than sign bang dash" if t.next() == "-" else t.reconsume("comment")


def comment_less_than_sign_bang_dash(t: TagBuilder) -> str:
    """13.2.5.48."""
    return "comment less-than sign bang dash dash" if t.next() == "-" else t.reconsume("comment end dash")


def comment_less_than_sign_bang_dash_dash(t: TagBuilder) -> str:
    """13.2.5.49: a nested "<!--" is only a parse error."""
    t.next()
    return t.reconsume("comment end")


def comment_end_dash(t: TagBuilder) -> str:
    """13.2.5.50."""
    character = t.next()
    if character == "-":
        return "comment end"
    return _end(t) if character == END else t.reconsume("comment")


def comment_end(t: TagBuilder) -> str:
    """13.2.5.51."""
    character = t.next()
    if character == ">":
        return _emit(t, 3)
    if character == "!":
        return "comment end bang"
    if character == "-":
        return "comment end"
    return _end(t) if character == END else t.reconsume("comment")


def comment_end_bang(t: TagBuilder) -> str:
    """13.2.5.52: "--!>" ends a comment too."""
    character = t.next()
    if character == "-":
        return "comment end dash"
    if character == ">":
        return _emit(t, 4)
    return _end(t) if character == END else t.reconsume("comment")


STATES: dict[str, State] = {
    "bogus comment": bogus_comment,
    "markup declaration open": markup_declaration_open,
    "CDATA section": cdata_section,
    "comment start": comment_start,
    "comment start dash": comment_start_dash,
    "comment": comment,
    "comment less-than sign": comment_less_than_sign,
    "comment less-than sign bang": comment_less_than_sign_bang,
    "comment less-than sign bang dash": comment_less_than_sign_bang_dash,
    "comment less-than sign bang dash dash": comment_less_than_sign_bang_dash_dash,
    "comment end dash": comment_end_dash,
    "comment end": comment_end,
    "comment end bang": comment_end_bang,
}

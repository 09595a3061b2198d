"""The machine that runs the tokenizer states of the HTML standard, section 13.2.5, over bytes.

The document is read as Latin-1, so that one character is one byte; no state of the standard that decides
about tags looks at anything but ASCII. Only tags and comments come out. Each state is a function named after
the standard's state; it returns the name of the state that follows.
"""

from collections.abc import Iterator

from tests.reference import comment_states, script_states, tag_states, text_states
from tests.reference.markup_tokens import Token

STATES: dict[str, tag_states.State] = {
    **text_states.STATES,
    **script_states.STATES,
    **tag_states.STATES,
    **comment_states.STATES,
}


class Tokenizer(tag_states.TagBuilder):
    """Runs the states; the reader of the tokens sets `state` after a start tag, and `cdata_allowed`."""

    def __init__(self, document: bytes) -> None:
        super().__init__(document.decode("latin-1"))
        self.state = "data"
        self.cdata_allowed = False
        self.cdata_certain = False

    def tokens(self) -> Iterator[Token]:
        """Every tag and comment in order; a start tag that the document cuts comes last, unterminated."""
        while self.state != "end":
            self.state = STATES[self.state](self)
            if self.emitted is not None:
                token, self.emitted = self.emitted, None
                yield token

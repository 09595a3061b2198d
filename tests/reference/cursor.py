"""Reading one character after another, as the states of the standard do."""

from tests.reference.markup_tokens import Comment, Token

WHITESPACE = frozenset("\t\n\f\r ")  # CR too: the standard turns it into LF before it tokenizes
LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
END = ""  # what `next` returns at the end of the document
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def lower(character: str) -> str:
    """ASCII lower case; nothing else changes (U+00C0 is not a letter to the tokenizer)."""
    return character.lower() if character in LETTERS else character


def ascii_lower(text: str) -> str:
    """Lower case for A to Z and nothing else."""
    return "".join(map(lower, text))


class Cursor:
    """A position in the text, the token under construction and the one that was just finished."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.emitted: Token | None = None
        self.comment = Comment(0, 0, 0, False)
        self.cdata_allowed = False
        self.cdata_certain = False

    def next(self) -> str:
        """Consume the next input character; END (and the position still moves on) at the end."""
        self.position += 1
        return self.text[self.position - 1] if self.position <= len(self.text) else END

    def reconsume(self, state: str) -> str:
        """Give the current character back and go to `state`."""
        self.position -= 1
        return state

    def skip_to(self, character: str) -> None:
        """Stop in front of the next `character`, or at the end of the document."""
        result = self.text.find(character, self.position)
        self.position = len(self.text) if result < 0 else result

    def follows(self, text: str, *, any_case: bool = False) -> bool:
        """Consume `text` if exactly that comes next."""
        ahead = self.text[self.position : self.position + len(text)]
        result = ahead == text or (any_case and ascii_lower(ahead) == text)
        self.position += len(text) * result
        return result

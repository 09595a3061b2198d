"""What the twin's tokenizer hands out: tags and comments, with where they stand in the document.

All offsets are bytes from the start of the document. Names are ASCII-lower-cased, one character per byte
(NUL became U+FFFD, as the standard says).
"""

from dataclasses import dataclass, field


@dataclass
class Attribute:
    """One attribute as written; `quote` is '"' or "'", or "" for an unquoted or a missing value."""

    name: str
    value_start: int = -1  # -1: there is no value
    value_end: int = -1
    quote: str = ""
    has_space_before: bool = False  # white space on either side of the "="


@dataclass
class Tag:
    """A start or end tag; `end` lies after its ">", and `terminated` is False if the document ended first."""

    start: int
    closing: bool
    name: str = ""
    attributes: list[Attribute] = field(default_factory=list)
    self_closing: bool = False
    end: int = -1
    terminated: bool = True

    def first_attribute(self, name: str) -> Attribute | None:
        """The first attribute of that name: the standard drops later duplicates."""
        return next((attribute for attribute in self.attributes if attribute.name == name), None)


@dataclass
class Comment:
    """A real comment (`<!--`), not a bogus one; its data is what stands between the delimiters."""

    start: int
    data_start: int
    data_end: int
    ended_by_document: bool


Token = Tag | Comment

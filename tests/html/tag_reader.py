"""Read a tag again from its own bytes, with the twin's tokenizer."""

from typing import Any

from tests.reference.character_references import decode_references
from tests.reference.markup_tokens import Tag
from tests.reference.tokenizer import Tokenizer


def read_attributes(source: bytes) -> dict[str, str]:
    """The decoded attributes of the one start tag that `source` is."""
    ((kind, _, attributes, *_),) = read_tags(source)
    assert kind == "StartTag"
    result: dict[str, str] = attributes
    return result


def read_tags(document: bytes, state: str = "data", last_start_tag: str = "") -> list[list[Any]]:
    """Every tag, as the html5lib suite writes it; text modes do not follow tags there."""
    tokenizer = Tokenizer(document)
    tokenizer.state, tokenizer.last_start_tag = state, last_start_tag
    result: list[list[Any]] = []
    for token in tokenizer.tokens():
        if isinstance(token, Tag) and token.terminated and token.closing:
            result.append(["EndTag", decode_utf8(token.name)])
        elif isinstance(token, Tag) and token.terminated:
            tag = ["StartTag", decode_utf8(token.name), _attributes(token, tokenizer.text)]
            result.append(tag + [True] * token.self_closing)
    return result


def _attributes(tag: Tag, text: str) -> dict[str, str]:
    result: dict[str, str] = {}
    for attribute in tag.attributes:
        raw = text[attribute.value_start : attribute.value_end] if attribute.value_start >= 0 else ""
        lines = decode_utf8(raw).replace("\r\n", "\n").replace("\r", "\n")
        result.setdefault(decode_utf8(attribute.name), decode_references(lines))
    return result


def decode_utf8(text: str) -> str:
    """What one character per byte stands for; the U+FFFD that replaced a NUL stays."""
    return text.encode("latin-1").decode("utf-8", "replace") if "\ufffd" not in text else text

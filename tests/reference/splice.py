"""Put new values into a document: only the bytes between the quotes of tracked `href`s (rules, section 3)."""

from collections.abc import Callable

from tests.reference.destination import find_codec
from tests.reference.options import ReferenceSwitches
from tests.reference.scan import bom_charset_or, is_encoding_refused, scan


class ReferenceRefusedError(Exception):
    """The function returned what can't stand in an attribute."""


def rewrite(
    document: bytes,
    links: Callable[[str, int], str | None],
    switches: ReferenceSwitches | None = None,
    charset: str = "utf-8",
) -> bytes:
    """The document with the value of every tracked link replaced by what `links` returns."""
    if is_encoding_refused(document):
        return document
    out, copied = [], 0
    for link in scan(document, switches, charset):
        if link.outcome != "tracked" or link.destination is None:
            continue
        value = links(link.destination, link.index)
        if value is not None:
            out += [
                document[copied : link.value_start],
                encode_attribute_value(value, bom_charset_or(charset, document)),
            ]
            copied = link.value_end
    return b"".join([*out, document[copied:]])


def encode_attribute_value(value: str, charset: str) -> bytes:
    """The bytes that stand for `value` between quotes of either kind."""
    if any(character in "\"'\x7f" or character < " " for character in value):
        raise ReferenceRefusedError(value)
    return value.replace("&", "&amp;").encode(find_codec(charset))

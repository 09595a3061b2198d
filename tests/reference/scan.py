"""Walk a document and decide on every link, row by row of the rules, section 2."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests.reference import destination
from tests.reference.character_references import decode_references
from tests.reference.cursor import ascii_lower
from tests.reference.markup_tokens import Attribute, Comment, Tag
from tests.reference.namespaces import Namespaces
from tests.reference.options import ReferenceSwitches
from tests.reference.tokenizer import Tokenizer

VML = re.compile("v:(rect|roundrect|oval|shape|line|polyline|arc|curve|image|group)")
CONDITIONAL = re.compile(rb"\[if[\t\n\f\r (!]", re.IGNORECASE)
BOMS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")  # UTF-16, UTF-32; FF FE also begins UTF-32LE


@dataclass(frozen=True)
class ReferenceLink:
    """One link; offsets are bytes, -1 where there is no quoted value."""

    index: int
    outcome: str
    destination: str | None
    start: int
    end: int
    value_start: int
    value_end: int
    element: str


@dataclass(frozen=True)
class LinkTag:
    """A tag that counts as a link, in the document it stands in (a conditional comment's is its own)."""

    tag: Tag
    document: bytes
    charset: str
    offset: int  # of that document within the whole

    def attribute_text(self, attribute: Attribute) -> str:
        """The attribute's raw value as text, references not decoded; "" if it has none."""
        if attribute.value_start < 0:
            return ""
        return self._read(attribute)[0]

    def is_decodable(self, attribute: Attribute) -> bool:
        """Is the attribute's value text in the document's encoding?"""
        return self._read(attribute)[1]

    def _read(self, attribute: Attribute) -> tuple[str, bool]:
        raw = self.document[attribute.value_start : attribute.value_end]
        return destination.decode_charset(raw, self.charset)

    @property
    def length(self) -> int:
        """From "<" to ">", both counted."""
        return self.tag.end - self.tag.start


def is_encoding_refused(document: bytes) -> bool:
    """Does a byte order mark say that the bytes can't be judged?"""
    return document.startswith(BOMS)


def bom_charset_or(charset: str, document: bytes) -> str:
    """UTF-8 if the document begins with its byte order mark, which counts more than any label."""
    return "utf-8" if document.startswith(b"\xef\xbb\xbf") else charset


def scan(document: bytes, switches: ReferenceSwitches | None = None, charset: str = "utf-8") -> list[ReferenceLink]:
    """All links of the document in order, with the outcome the scanner itself can decide."""
    switches = switches or ReferenceSwitches()
    result = link_tags(document, bom_charset_or(charset, document), switches.outlook)
    return [_make_link(index, one, switches) for index, one in enumerate(result)]


def link_tags(
    document: bytes, charset: str, outlook: bool, *, offset: int = 0, inner: bool = False
) -> Iterator[LinkTag]:
    """Every link's tag; with `outlook` the inside of a conditional comment is a document of its own."""
    tokenizer = Tokenizer(document)
    namespaces = Namespaces(tokenizer.text)
    for token in tokenizer.tokens():
        if isinstance(token, Comment):
            if outlook and not inner:
                yield from _conditional_links(document, charset, token)
            continue
        if not token.closing and (token.name == "a" or (inner and VML.fullmatch(token.name))):
            yield LinkTag(token, document, charset, offset)
        if token.terminated:
            _apply_tree_feedback(tokenizer, namespaces, token)


def is_ambiguous(document: bytes) -> bool:
    """Did the bounded namespace stack lose track of the tree somewhere in the document?"""
    tokenizer = Tokenizer(document)
    namespaces = Namespaces(tokenizer.text)
    for token in tokenizer.tokens():
        if isinstance(token, Tag) and token.terminated:
            _apply_tree_feedback(tokenizer, namespaces, token)
    return namespaces.is_ambiguous


def _apply_tree_feedback(tokenizer: Tokenizer, namespaces: Namespaces, tag: Tag) -> None:
    if tag.closing:
        namespaces.handle_end_tag(tag)
    else:
        tokenizer.state = namespaces.handle_start_tag(tag)
        if namespaces.is_ambiguous and tokenizer.state != "data" and not _is_only_text(tokenizer, tag.name):
            tokenizer.state = "end"
    tokenizer.cdata_allowed = namespaces.cdata_allowed
    tokenizer.cdata_certain = namespaces.cdata_certain


def _is_only_text(tokenizer: Tokenizer, name: str) -> bool:
    """Is the next `<` the end tag of this raw-text element? If not, and in doubt whether it is one, what follows
    could be markup that hides the end tag: the rest of the document is left alone."""
    result = tokenizer.text.find("<", tokenizer.position)
    end_tag = re.compile(rf"</{name}[\t\n\f\r />]", re.IGNORECASE | re.ASCII)
    return result < 0 or end_tag.match(tokenizer.text, result) is not None


def _conditional_links(document: bytes, charset: str, comment: Comment) -> Iterator[LinkTag]:
    data = document[comment.data_start : comment.data_end]
    opening = CONDITIONAL.match(data)
    begin = data.find(b"]>", opening.end() - 1) if opening else -1
    if begin >= 0:
        offset = comment.data_start + begin + 2
        yield from link_tags(data[begin + 2 :], charset, True, offset=offset, inner=True)


def _make_link(index: int, tag: LinkTag, switches: ReferenceSwitches) -> ReferenceLink:
    href = tag.tag.first_attribute("href")
    whole = tag.tag.terminated and tag.length <= switches.tag_limit
    quoted = href if whole and href and href.quote else None
    raw = tag.attribute_text(quoted) if quoted else ""
    target = destination.parse_destination(raw) if quoted else None
    outcome = _outcome(tag, href, raw, target, switches)
    if quoted and not tag.is_decodable(quoted):
        target = None  # where it leads nobody can say
    return ReferenceLink(
        index,
        outcome,
        target,
        tag.tag.start + tag.offset,
        tag.tag.end + tag.offset,
        quoted.value_start + tag.offset if quoted else -1,
        quoted.value_end + tag.offset if quoted else -1,
        tag.tag.name,
    )


def _outcome(  # noqa: PLR0911 - a return for each row of the table
    tag: LinkTag, href: Attribute | None, raw: str, target: str | None, switches: ReferenceSwitches
) -> str:
    """The rows of the table in their order; the first that applies."""
    if not tag.tag.terminated:
        return "unterminated"
    if tag.length > switches.tag_limit:
        return "too-long"
    if href is None:
        return "no-href"
    if any(_has_opt_out(tag, item) for item in switches.opt_out_items):
        return "opted-out"
    if target is None:
        return "unquoted"
    if href.has_space_before:
        return "spaced-equals"
    readable = tag.is_decodable(href)
    outcome = destination.classify_destination(
        raw, target, decodable=readable, track_placeholders=switches.track_placeholders
    )
    if outcome == "tracked" and any(re.search(skip, target, re.IGNORECASE) for skip in switches.skip):
        return "skipped"
    return outcome


def _has_opt_out(tag: LinkTag, item: str) -> bool:
    """Does the tag have the opt-out attribute `name`, or its first `name` with the value of `name=value`?"""
    name, equals, expected = item.partition("=")
    attribute = tag.tag.first_attribute(ascii_lower(name))
    if attribute is None or not equals:
        return attribute is not None
    return ascii_lower(decode_references(tag.attribute_text(attribute)).strip("\t\n\f\r ")) == ascii_lower(
        expected.strip()
    )

"""Rewrites the links of a raw mail. Parts that it cannot rewrite reliably stay unchanged, with a note."""

from __future__ import annotations

import codecs
from bisect import bisect_left as bisect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any, overload

from linkweir import _mime
from linkweir.errors import check_type
from linkweir.html import Link, Outcome, Switches
from linkweir.html.charset import Charset, detect_bom, get_declared_charset
from linkweir.html.replacements import LinkReplacements, Replacement
from linkweir.html.resolver import DocumentLinks, Links
from linkweir.html.rewriter import DEFAULT_SWITCHES
from linkweir.html.tag_insertion import find_insertion_point, make_hidden_tags
from linkweir.mime.base64_body import Base64Body
from linkweir.mime.headers import PartHeaders
from linkweir.mime.html_parts import HtmlPart, HtmlPartFinder
from linkweir.mime.identity_body import IdentityBody
from linkweir.mime.notes import Note, UnrewritablePart
from linkweir.mime.quoted_printable_body import QuotedPrintableBody
from linkweir.tokens import Tracker

if TYPE_CHECKING:
    from email.message import EmailMessage, Message

EncodedBody = IdentityBody | QuotedPrintableBody | Base64Body
BODY_TYPES: dict[str, Callable[[bytes, bool], EncodedBody]] = {
    **dict.fromkeys(("7bit", "8bit", "binary"), IdentityBody),
    "quoted-printable": QuotedPrintableBody,
    "base64": Base64Body,
}
SIGNATURE_HEADERS = (b"dkim-signature", b"arc-seal", b"domainkey-signature")
WIDE_CODECS = ("iso2022_", "hz", "utf-16-", "utf-32-", "utf-7")
MAX_LINE_CHARS = 998  # RFC 5322 section 2.1.1
PGP_MARKER = b"-----BEGIN PGP "


@dataclass(frozen=True, slots=True)
class PartLink:
    """One link of a mail: `part` is its section ("1.2"), and its index counts over the whole mail."""

    part: str
    link: Link


@dataclass(frozen=True, slots=True)
class CheckedPart:
    """One HTML body of a mail, decoded (str where its charset is wide), with its links."""

    section: str
    html: str | bytes
    charset: str
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A rewritten mail. `html_parts`: number of HTML bodies; `replaced`: number of replaced links; `counts`: number of
    links by outcome; `links`: every link, with `report` only; `headers`: its header block, which stays as it is.
    """

    raw: bytes
    links: tuple[PartLink, ...]
    notes: tuple[Note, ...]
    html_parts: int
    replaced: int
    counts: dict[Outcome, int] = field(default_factory=dict)
    headers: PartHeaders | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class RewrittenMessage(Rewritten):
    """The same of an EmailMessage: `message` is a new one, of the class and with the policy of the given one."""

    message: EmailMessage = field(kw_only=True, repr=False, compare=False)


@overload
def rewrite_message(
    mail: bytes,
    links: Links | DocumentLinks | None,
    *,
    switches: Switches = ...,
    pixel: str | None = ...,
    honeypot: str | None = ...,
    report: bool = ...,
) -> Rewritten: ...
@overload
def rewrite_message(
    mail: EmailMessage,
    links: Links | DocumentLinks | None,
    *,
    switches: Switches = ...,
    pixel: str | None = ...,
    honeypot: str | None = ...,
    report: bool = ...,
) -> RewrittenMessage: ...
def rewrite_message(
    mail: bytes | EmailMessage,
    links: Links | DocumentLinks | None,
    *,
    switches: Switches = DEFAULT_SWITCHES,
    pixel: str | None = None,
    honeypot: str | None = None,
    report: bool = False,
) -> Rewritten:
    """Replace the links in all HTML bodies of a raw RFC 5322 mail, changing no byte outside the values' encodings.

    Args:
        mail: the mail with CRLF or LF line ends; or an EmailMessage, which stays as it is: the result has a new one.
        links: as for `rewrite`; the index counts the links of all parts together. None replaces no link.
        pixel: URL of an open pixel, inserted before `</body>` of the first HTML body that allows it.
        honeypot: URL of a hidden link, inserted after the pixel.
        report: whether to list every link in the result.

    Never raises because of the mail's content: a malformed part stays unchanged, with a note. Exceptions of `links`
    propagate.
    """
    raw = serialize_message(mail)
    walk = HtmlPartFinder(raw)
    unseen = make_hidden_tags(pixel, honeypot)
    notes = list(walk.notes)
    done: list[bytes] = []
    part_links: list[PartLink] = []
    counts: dict[Outcome, int] = {}
    copied = count = part_count = replaced = 0
    for part in walk.parts:
        try:
            work = _PartRewriter(raw, part, links, switches, first=count, hidden_tags=unseen, collect_links=report)
        except UnrewritablePart as reason:
            notes.append(Note("untouched-part", str(reason), part.section))
            continue
        part_count += 1
        count += work.links.count
        replaced += len(work.links.replacements)
        for outcome, number in work.links.count_outcomes().items():
            counts[outcome] = counts.get(outcome, 0) + number
        unseen = work.hidden_tags
        notes += work.notes
        if report:
            part_links += [PartLink(part.section, link) for link in work.links.links()]
        if work.new_body is not None:
            done += [raw[copied : part.start], work.new_body]
            copied = part.end
        del work  # it has the part decoded, which may be large
    if done and any(field.name in SIGNATURE_HEADERS for field in walk.top_headers.fields):
        notes.append(Note("dkim-broken", "the mail carries a signature that its changed body no longer fits"))
    result = Rewritten(
        b"".join([*done, memoryview(raw)[copied:]]) if done else raw,
        tuple(part_links),
        tuple(notes),
        part_count,
        replaced,
        counts,
        walk.top_headers,
    )
    return result if isinstance(mail, bytes) else _with_message(result, mail)


def serialize_message(mail: bytes | EmailMessage) -> bytes:
    """Return the bytes of a mail. A mail that was parsed has its bytes again, but for what the parser drops: white
    space before a header's value, and line ends other than the policy's.
    """
    if isinstance(mail, bytes):
        return mail
    from email.generator import BytesGenerator  # loaded only where somebody has loaded it before
    from email.message import Message
    from io import BytesIO

    check_type("mail", mail, Message, "bytes or an EmailMessage")
    out = BytesIO()
    BytesGenerator(out, mangle_from_=False, policy=_unfolding_policy(mail)).flatten(mail)
    return out.getvalue()


def _unfolding_policy(mail: Message) -> Any:
    """Return the mail's policy, with which the headers of parsed mails are not folded anew."""
    policy: Any = mail.policy
    if hasattr(policy, "refold_source"):
        return policy.clone(refold_source="none")
    return policy.clone(max_line_length=MAX_LINE_CHARS)  # compat32 folds whatever is longer


def _with_message(result: Rewritten, mail: EmailMessage) -> RewrittenMessage:
    from email import message_from_bytes

    message = message_from_bytes(result.raw, _class=type(mail), policy=mail.policy)
    return RewrittenMessage(
        result.raw,
        result.links,
        result.notes,
        result.html_parts,
        result.replaced,
        result.counts,
        result.headers,
        message=message,
    )


def check_message(
    mail: bytes | EmailMessage, *, switches: Switches = DEFAULT_SWITCHES, links: Tracker | None = None
) -> tuple[tuple[PartLink, ...], tuple[Note, ...]]:
    """Return every link of a mail with its outcome, and notes on parts that would stay unchanged.

    Overlong lines are detected only with `links`, which determines the length of tracking links.
    """
    parts, notes = check_parts(serialize_message(mail), switches=switches, links=links)
    return tuple(PartLink(part.section, link) for part in parts for link in part.links), tuple(notes)


def check_parts(
    raw: bytes, *, switches: Switches = DEFAULT_SWITCHES, links: Tracker | None = None
) -> tuple[list[CheckedPart], list[Note]]:
    """Return the same as `check_message`, by part."""
    check_type("raw", raw, bytes, "bytes")
    check_type("links", links, (Tracker, type(None)), "a Tracker or None")
    walk = HtmlPartFinder(raw)
    notes = list(walk.notes)
    checked: list[CheckedPart] = []
    first = 0
    for part in walk.parts:
        try:
            work = _PartRewriter(raw, part, links, switches, first=first, dry_run=True)
        except UnrewritablePart as reason:
            notes.append(Note("untouched-part", str(reason), part.section))
            continue
        notes += work.notes
        judged = tuple(replace(link, replacement=None) for link in work.links.links())
        checked.append(CheckedPart(part.section, work.html, work.charset, judged))
        first += len(judged)
    return checked, notes


def iter_html_bodies(raw: bytes) -> Iterator[tuple[str, bytes, str]]:
    """Yield section, text and charset label of every readable HTML body; wide charsets are converted to UTF-8."""
    for part in HtmlPartFinder(raw).parts:
        try:
            data = _decode_body(raw, part).decoded
            label = _charset_label(part, data)
            if not Charset(label).is_ascii_transparent:
                data, label = _decode_text(data, label)[0].encode("utf-8", "surrogatepass"), "utf-8"
        except UnrewritablePart:
            continue
        yield part.section, data, label


def _decode_body(raw: bytes, part: HtmlPart) -> EncodedBody:
    kind = BODY_TYPES.get(part.encoding)
    if kind is None:
        raise UnrewritablePart(f"the transfer encoding {part.encoding[:40]!r} is unknown")
    crlf = raw.startswith(b"\r\n", part.start - 2) if part.start > 1 else False  # the line end before the body
    return kind(raw[part.start : part.end], crlf)


def _charset_label(part: HtmlPart, data: bytes) -> str:
    """Return the part's charset: of its headers if known, else of the document itself, else UTF-8 (link rules,
    section 5). A byte order mark overrides all of them (Encoding standard, "decode").
    """
    if part.charset and Charset(part.charset).is_supported:
        return detect_bom(data) or part.charset
    declared = get_declared_charset(data)
    return declared if declared and Charset(declared).is_supported else part.charset or "utf-8"


class _PartRewriter:
    """One part: its links in `places`, and in `changed` its new encoded bytes, None when nothing changes; in
    `hidden_tags` those of the unseen tags that it did not take.
    """

    def __init__(
        self,
        raw: bytes,
        part: HtmlPart,
        links: Links | DocumentLinks | None,
        switches: Switches,
        *,
        first: int,
        hidden_tags: tuple[bytes, ...] = (),
        dry_run: bool = False,
        collect_links: bool = True,
    ) -> None:
        body = _decode_body(raw, part)
        if _mime.find(body.decoded, PGP_MARKER, 0, len(body.decoded)) >= 0:
            raise UnrewritablePart("it holds a PGP block")
        label = _charset_label(part, body.decoded)
        text = None if Charset(label).is_ascii_transparent else _decode_text(body.decoded, label)
        html = body.decoded if text is None else text[0]
        charset = label if text is None else "utf-8"
        self.html, self.charset = html, charset
        self.links = LinkReplacements(
            html, links, switches=switches, charset=charset, first=first, collect_links=collect_links
        )
        if self.links.is_opaque:
            raise UnrewritablePart(f"its charset {label[:40]!r} cannot be judged by bytes")
        self.notes: list[Note] = []
        self.hidden_tags = hidden_tags
        position = find_insertion_point(html, switches) if hidden_tags and part.has_separator and html.strip() else None
        changes = self.links.candidates() if dry_run and links is None else self.links.replacements
        before, tags = len(changes), list[Replacement]()
        if position is not None:
            before = bisect(changes, position, key=itemgetter(0))
            tags = [(position, position, tag) for tag in hidden_tags]
            changes = [*changes[:before], *tags, *changes[before:]]
        if changes and text is not None:
            changes = _encode_replacements(text[0], text[1], body.decoded, changes)
        done, left = body.splice(changes) if changes else (b"", [])
        self.new_body = done if len(left) < len(changes) else None
        if left:
            self._exclude(left, before, len(tags), body, part.section)
        elif tags:
            self.hidden_tags = ()

    def _exclude(self, left: list[int], before: int, tags: int, body: EncodedBody, section: str) -> None:
        """Some changes were not made: of the links and, from number `before` on, the unseen tags."""
        behind = before + tags
        links = [number if number < before else number - tags for number in left if not before <= number < behind]
        self.links.exclude(links, body.failure_outcome)
        if tags:
            self.hidden_tags = tuple(self.hidden_tags[number - before] for number in left if before <= number < behind)
        for count, what in ((len(links), "link"), (len(self.hidden_tags) if tags else 0, "unseen tag")):
            if count:
                plural = "" if count == 1 else "s"
                self.notes.append(
                    Note(str(body.failure_outcome), f"{count} {what}{plural} left out: {body.failure_reason}", section)
                )


def _decode_text(data: bytes, label: str) -> tuple[str, str]:
    """Return the text and its codec if it round-trips. Raises UnrewritablePart."""
    codec = codecs.lookup(label).name
    if not codec.startswith(WIDE_CODECS):  # Python also knows codecs that are no charsets, and some that read escapes
        raise UnrewritablePart(f"its charset {label[:40]!r} is not one that can be rewritten")
    try:
        text = data.decode(codec)
        same = text.encode(codec) == data
    except (UnicodeError, ValueError):
        same = False
    if not same:
        raise UnrewritablePart(f"its text does not come back from {codec} as it was")
    return text, codec


def _encode_replacements(text: str, codec: str, data: bytes, changes: list[Replacement]) -> list[Replacement]:
    """Convert the replacements from UTF-8 offsets to the text's own encoding; the pieces must add up to the data."""
    utf8 = text.encode("utf-8", "surrogatepass")
    done: list[Replacement] = []
    pieces: list[bytes] = []
    at = size = 0
    for begin, end, new in changes:
        before = utf8[at:begin].decode("utf-8", "surrogatepass").encode(codec)
        value = utf8[begin:end].decode("utf-8", "surrogatepass").encode(codec)
        start = size + len(before)
        done.append((start, start + len(value), new.decode().encode(codec)))
        pieces += [before, value]
        at, size = end, start + len(value)
    pieces.append(utf8[at:].decode("utf-8", "surrogatepass").encode(codec))
    if b"".join(pieces) != data:
        raise UnrewritablePart(f"its links cannot be cut out of {codec}")
    return done

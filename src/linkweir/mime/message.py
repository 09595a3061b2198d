"""Rewrites the links of a raw mail. Whatever it cannot do without guessing it leaves as it was, and says so."""

import codecs
from bisect import bisect_left as bisect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from operator import itemgetter

from linkweir import _mime
from linkweir.errors import check_type
from linkweir.html import Link, Switches
from linkweir.html.charset import Charset
from linkweir.html.ending import unseen_tags
from linkweir.html.pixel import pixel_place
from linkweir.html.places import Places, Replacement
from linkweir.html.prescan import bom, declared
from linkweir.html.resolve import DocumentLinks, Links
from linkweir.html.stream import DEFAULT
from linkweir.mime.based import Based
from linkweir.mime.note import Note, Untouchable
from linkweir.mime.plain import Plain
from linkweir.mime.quoted import Quoted
from linkweir.mime.walk import Part, Walk
from linkweir.token import Tracker

Body = Plain | Quoted | Based
KINDS: dict[str, Callable[[bytes, bool], Body]] = {
    **dict.fromkeys(("7bit", "8bit", "binary"), Plain),
    "quoted-printable": Quoted,
    "base64": Based,
}
SIGNATURES = (b"dkim-signature", b"arc-seal", b"domainkey-signature")
WIDE = ("iso2022_", "hz", "utf-16-", "utf-32-", "utf-7")
PGP = b"-----BEGIN PGP "


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
    """A mail after rewriting. `html_parts`: how many HTML bodies were looked into; `replaced`: how many links in them
    were; `links`: every link in them, made when `report` was asked for.
    """

    raw: bytes
    links: tuple[PartLink, ...]
    notes: tuple[Note, ...]
    html_parts: int
    replaced: int


def rewrite_message(
    raw: bytes,
    links: Links | DocumentLinks | None,
    *,
    switches: Switches = DEFAULT,
    pixel: str | None = None,
    honeypot: str | None = None,
    report: bool = False,
) -> Rewritten:
    """Replace the links in all HTML bodies of a raw RFC 5322 mail, changing no byte outside the values' encodings.

    Args:
        raw: the mail as it came, with CRLF or LF.
        links: as for `rewrite`; the index counts the links of all parts together. None replaces no link.
        pixel: the address of an open pixel, put before `</body>` of the first HTML body that can take it.
        honeypot: the address of a hidden link, put behind the pixel.
        report: whether to list every link in the answer.

    Never raises for what is in the mail: a part that is malformed stays as it was, with a note. What `links` raises
    comes out unchanged.
    """
    check_type("raw", raw, bytes, "bytes")
    walk = Walk(raw)
    unseen = unseen_tags(pixel, honeypot)
    notes = list(walk.notes)
    done: list[bytes] = []
    found: list[PartLink] = []
    copied = count = looked = replaced = 0
    for part in walk.parts:
        try:
            work = _Work(raw, part, links, switches, first=count, unseen=unseen, listed=report)
        except Untouchable as reason:
            notes.append(Note("untouched-part", str(reason), part.section))
            continue
        looked += 1
        count += work.places.count
        replaced += len(work.places.replacements)
        unseen = work.unseen
        notes += work.notes
        if report:
            found += [PartLink(part.section, link) for link in work.places.links()]
        if work.changed is not None:
            done += [raw[copied : part.start], work.changed]
            copied = part.end
    if done and any(name in walk.head.values for name in SIGNATURES):
        notes.append(Note("dkim-broken", "the mail carries a signature that its changed body no longer fits"))
    return Rewritten(b"".join([*done, raw[copied:]]) if done else raw, tuple(found), tuple(notes), looked, replaced)


def check_message(
    raw: bytes, *, switches: Switches = DEFAULT, links: Tracker | None = None
) -> tuple[tuple[PartLink, ...], tuple[Note, ...]]:
    """Every link of a mail with what would become of it, and what would be left out and why. Changes nothing.

    Whether a line would become too long is known only with `links`, whose tracking links have their length.
    """
    parts, notes = check_parts(raw, switches=switches, links=links)
    return tuple(PartLink(part.section, link) for part in parts for link in part.links), tuple(notes)


def check_parts(
    raw: bytes, *, switches: Switches = DEFAULT, links: Tracker | None = None
) -> tuple[list[CheckedPart], list[Note]]:
    """The same part by part."""
    check_type("raw", raw, bytes, "bytes")
    check_type("links", links, (Tracker, type(None)), "a Tracker or None")
    walk = Walk(raw)
    notes = list(walk.notes)
    found: list[CheckedPart] = []
    first = 0
    for part in walk.parts:
        try:
            work = _Work(raw, part, links, switches, first=first, dry=True)
        except Untouchable as reason:
            notes.append(Note("untouched-part", str(reason), part.section))
            continue
        notes += work.notes
        judged = tuple(replace(link, replacement=None) for link in work.places.links())
        found.append(CheckedPart(part.section, work.html, work.charset, judged))
        first += len(judged)
    return found, notes


def html_bodies(raw: bytes) -> Iterator[tuple[str, bytes, str]]:
    """Section, text and charset label of every HTML body that can be looked into; wide charsets come as UTF-8."""
    for part in Walk(raw).parts:
        try:
            data = _body(raw, part).decoded
            label = _label(part, data)
            if not Charset(label).by_bytes:
                data, label = _decoded(data, label)[0].encode("utf-8", "surrogatepass"), "utf-8"
        except Untouchable:
            continue
        yield part.section, data, label


def _body(raw: bytes, part: Part) -> Body:
    kind = KINDS.get(part.encoding)
    if kind is None:
        raise Untouchable(f"the transfer encoding {part.encoding[:40]!r} is unknown")
    crlf = raw.startswith(b"\r\n", part.start - 2) if part.start > 1 else False  # the line end before the body
    return kind(raw[part.start : part.end], crlf)


def _label(part: Part, data: bytes) -> str:
    """The part's charset: what its headers name, if that is known, else what the document itself declares, else UTF-8
    (link rules, section 5). A byte order mark counts more than all of them (Encoding standard, "decode").
    """
    mark = bom(data)
    if mark is not None:
        return mark
    if part.charset and Charset(part.charset).known:
        return part.charset
    found = declared(data)
    return found if found and Charset(found).known else part.charset or "utf-8"


class _Work:
    """One part: its links in `places`, and in `changed` its new encoded bytes, None when nothing changes; in `unseen`
    those of the unseen tags that it did not take.
    """

    def __init__(
        self,
        raw: bytes,
        part: Part,
        links: Links | DocumentLinks | None,
        switches: Switches,
        *,
        first: int,
        unseen: tuple[bytes, ...] = (),
        dry: bool = False,
        listed: bool = True,
    ) -> None:
        body = _body(raw, part)
        if _mime.find(body.decoded, PGP, 0, len(body.decoded)) >= 0:
            raise Untouchable("it holds a PGP block")
        label = _label(part, body.decoded)
        text = None if Charset(label).by_bytes else _decoded(body.decoded, label)
        html = body.decoded if text is None else text[0]
        charset = label if text is None else "utf-8"
        self.html, self.charset = html, charset
        self.places = Places(html, links, switches=switches, charset=charset, first=first, listed=listed)
        if self.places.unjudgeable:
            raise Untouchable(f"its charset {label[:40]!r} cannot be judged by bytes")
        self.notes: list[Note] = []
        self.unseen = unseen
        place = pixel_place(html, switches) if unseen and part.apart and html.strip() else None
        changes = self.places.candidates() if dry and links is None else self.places.replacements
        before = len(changes) if place is None else bisect(changes, place, key=itemgetter(0))
        tags = [] if place is None else [(place, place, tag) for tag in unseen]
        changes = [*changes[:before], *tags, *changes[before:]]
        if changes and text is not None:
            changes = _encoded(text[0], text[1], body.decoded, changes)
        done, left = body.splice(changes) if changes else (b"", [])
        self.changed = done if len(left) < len(changes) else None
        if left:
            self._leave(left, before, len(tags), body, part.section)
        elif tags:
            self.unseen = ()

    def _leave(self, left: list[int], before: int, tags: int, body: Body, section: str) -> None:
        """Some changes were not made: of the links and, from number `before` on, the unseen tags."""
        behind = before + tags
        links = [number if number < before else number - tags for number in left if not before <= number < behind]
        self.places.leave(links, body.left)
        if tags:
            self.unseen = tuple(self.unseen[number - before] for number in left if before <= number < behind)
        for count, what in ((len(links), "link"), (len(self.unseen) if tags else 0, "unseen tag")):
            if count:
                plural = "" if count == 1 else "s"
                self.notes.append(Note(str(body.left), f"{count} {what}{plural} left out: {body.reason}", section))


def _decoded(data: bytes, label: str) -> tuple[str, str]:
    """The text and its codec, if decoding and encoding again gives the very same bytes."""
    codec = codecs.lookup(label).name
    if not codec.startswith(WIDE):  # Python also knows codecs that are no charsets, and some that read escapes
        raise Untouchable(f"its charset {label[:40]!r} is not one that can be rewritten")
    try:
        text = data.decode(codec)
        same = text.encode(codec) == data
    except (UnicodeError, ValueError):
        same = False
    if not same:
        raise Untouchable(f"its text does not come back from {codec} as it was")
    return text, codec


def _encoded(text: str, codec: str, data: bytes, changes: list[Replacement]) -> list[Replacement]:
    """The same changes in the text's own encoding. The scanner worked on UTF-8; the pieces must add up to the data."""
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
        raise Untouchable(f"its links cannot be cut out of {codec}")
    return done

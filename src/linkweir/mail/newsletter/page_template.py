"""Pages for one recipient after another: the template is filled as the service fills it, then links are replaced.

`PageTemplate.render` does that literally. Where a template has nothing but text and `{{ expressions }}`, `PagePlan`
does the same at copying speed: MiniJinja evaluates the expressions alone, the page between them was scanned before.
That is right as long as no value changes how the page is read. So a plan is made only if the scanner itself shows that
each expression stands in text, in a quoted attribute or in a title or style, and a recipient whose values have quotes
or brackets, which escaping leaves to `|safe` only, is rendered literally.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, NamedTuple

from minijinja import Environment, TemplateError

from linkweir import _html
from linkweir.errors import LinkweirError, ValidationError
from linkweir.html import Outcome, Plan, Switches
from linkweir.html.document import Document
from linkweir.html.link import OUTCOME_NUMBER
from linkweir.html.resolver import make_dry_run_resolver, make_resolver
from linkweir.mail import templates
from linkweir.mail.content_validation import check_html
from linkweir.mail.newsletter.mail_record import FilledSlots, JsonPage
from linkweir.mail.template_process import HTML_ESCAPES, make_environment
from linkweir.mail.templates import Template
from linkweir.tokens import Tracker

FIELD = "html_content"
_STRING = r'"(?:[^"\\]|\\.)*+"|' + r"'(?:[^'\\]|\\.)*+'"
_EXPRESSION = re.compile(r"\{\{(?![-+{])(?:" + _STRING + r"""|[^"'}]|\}(?!\}))*+(?<![-+])\}\}""", re.DOTALL)
_NAME = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
_RESERVED_NAMES = {"true", "false", "none", "True", "False", "None", "not", "and", "or", "in", "is", "if", "else"}
_RESERVED_NAMES |= {"self", "super", "loop", "caller", "varargs", "kwargs"}
_ESCAPES = [(chr(code), escape) for code, escape in HTML_ESCAPES.items()]  # the ampersand is the first
_ESCAPED = re.compile("[&<>\"']")
_PROBE = b'<a href="https://probe.invalid/">'
_TEXT_ELEMENTS = (b"title", b"style", b"textarea")  # whose content is no markup until their end tag
_OPEN_END_TAG = re.compile(rb"</?[A-Za-z]*\Z")
_STRUCTURAL = re.compile(rb"[<>\"'\0]")
_TRACKED = OUTCOME_NUMBER[Outcome.TRACKED]
_VALUE, _LINK, _TAG = 0, 1, 2  # a value, a link, or a link whose address has values in it


class Page(NamedTuple):
    """The page of a recipient; `tracked`: how many links were replaced."""

    html: bytes
    tracked: int


class PageTemplate:
    """A page with its template. Raises ValidationError if it cannot be read."""

    def __init__(self, source: str, switches: Switches) -> None:
        self._source = source
        self._switches = switches
        self.environment = compile_template(Template(source, FIELD, html=True))

    def render(self, values: Mapping[str, Any], tracker: Tracker) -> Page:
        """Fill, then replace. Raises ValidationError for what is wrong with the recipient's values."""
        filled = fill_template(self.environment, FIELD, values)
        html, tracked = Plan(check_html(filled), switches=self._switches).render_counted(tracker)
        return Page(html.encode("utf-8", "surrogatepass"), tracked)

    def make_plan(self, tracker: Tracker) -> "PagePlan | None":
        """The plan to do the same faster; None where that cannot be."""
        pieces = split_expressions(self._source)
        if pieces is None:
            return None
        try:
            return PagePlan(*pieces, switches=self._switches, tracker=tracker)
        except _UnplannableError:
            return None


def compile_template(template: Template) -> Environment:
    """An environment with this template. Raises ValidationError."""
    templates.check_comments(template)
    environment = make_environment(template.html)
    try:
        environment.add_template(template.field, template.source)
    except TemplateError as error:
        raise _explain(template.field, error) from None
    return environment


def fill_template(environment: Environment, field: str, values: Mapping[str, Any]) -> str:
    """Fill a template with the values of one recipient. Raises ValidationError."""
    try:
        return environment.render_template(field, **values)
    except TemplateError as error:
        raise _explain(field, error) from None


def _explain(field: str, error: TemplateError) -> ValidationError:
    where = f" in line {error.line}" if error.line else ""
    return ValidationError(field, f"template error{where}: {error.message}")


def split_expressions(source: str) -> tuple[list[str], list[str]] | None:
    """The texts of a template and the expressions between them, with their braces; None if there is more in it."""
    texts, expressions, at = list[str](), list[str](), 0
    for match in _EXPRESSION.finditer(source):
        texts.append(source[at : match.start()])
        expressions.append(match[0])
        at = match.end()
    texts.append(source[at:])
    return None if any(mark in text for text in texts for mark in ("{{", "{%", "{#")) else (texts, expressions)


class _UnplannableError(LinkweirError):
    """The template has to be rendered literally."""


class _Slot(NamedTuple):
    """A range of the page that is replaced: by a value, by a link, or by a link whose address has values in it."""

    start: int
    end: int
    expression: int = -1
    link: int = -1  # of the links whose address is always the same
    tag: int = -1  # of the others

    @property
    def source(self) -> tuple[int, int]:
        """Where its value comes from, and the number there."""
        if self.expression >= 0:
            return _VALUE, self.expression
        return (_LINK, self.link) if self.link >= 0 else (_TAG, self.tag)


class _Address(NamedTuple):
    """What stands in an `href` of a recipient, and where it leads; None: it is not tracked."""

    value: bytes
    destination: bytes | None


@dataclass(frozen=True, slots=True)
class _Tag:
    """The tag of a link whose address has values in it: its bytes between them."""

    index: int
    pieces: list[bytes]
    expressions: list[int]


class PagePlan:
    """A page whose expressions and links are known."""

    def __init__(self, texts: list[str], expressions: list[str], *, switches: Switches, tracker: Tracker) -> None:
        self._switches = switches
        self._count = len(expressions)
        self._max_value_bytes = switches.tag_limit // 4  # of all values, so that no tag becomes too long to be read
        self._names = _parse_names(expressions)
        self._separator = f"{secrets.token_hex(16)}\n"
        self._environment = make_environment(True)
        try:
            self._environment.add_template(FIELD, self._separator.join(expressions))
        except TemplateError as error:
            raise _UnplannableError from error
        marks = [f"q{secrets.token_hex(8)}q" for _ in expressions]
        page = "".join(part for pair in zip(texts, [*marks, ""], strict=True) for part in pair)
        self._document = Document(page, "utf-8")
        self._rows = self._document.scan_rows(switches, tracker)
        check_html(page)
        self._before = [text.encode("utf-8", "surrogatepass") for text in texts]
        self._at = self._locate(marks)
        self._mark_length = len(marks[0]) if marks else 0
        self._check_contexts()
        self._prepare()

    def _locate(self, marks: list[str]) -> list[int]:
        positions, at = [], 0
        for text, mark in zip(self._before, marks, strict=False):
            at += len(text)
            positions.append(at)
            at += len(mark)
        return positions

    def _check_contexts(self) -> None:
        """Raise _UnplannableError unless no value can change how the page is read."""
        valued = any(value is not None for value in self._opt_out_values())
        for i, at in enumerate(self._at):
            row = next((row for row in self._rows if row.start <= at < row.end), None)
            if row is not None and row.end - row.start > self._switches.tag_limit // 2:
                raise _UnplannableError
            if row is not None and valued and not row.value_start <= at < row.value_end:
                raise _UnplannableError  # the value may be one that excludes the link
            if not self._is_inert(at, b"".join(self._before[: i + 1])):
                raise _UnplannableError

    def _opt_out_values(self) -> list[str | None]:
        return [None if "=" not in item and item != "vendors" else item for item in self._switches.opt_out]

    def _is_inert(self, at: int, before: bytes) -> bool:
        """Whether text at this position stays text, judged by where a tag would be read as one."""
        if self._reads_link(at, b""):
            return not before.endswith(b"<")
        if self._reads_link(at, b">"):
            return False
        if self._reads_link(at, b'">') or self._reads_link(at, b"'>"):
            return True
        in_text = any(self._reads_link(at, b"</" + name + b">") for name in _TEXT_ELEMENTS)
        return in_text and _OPEN_END_TAG.search(before) is None

    def _reads_link(self, at: int, start: bytes) -> bool:
        raw = self._document.raw
        page = b"".join((raw[:at], start, _PROBE, raw[at:]))
        rows = Document(page, "utf-8").scan_rows(self._switches)
        return any(row.start == at + len(start) for row in rows)

    def _prepare(self) -> None:
        slots, self._destinations, self._indexes, self._tags = list[_Slot](), list[bytes](), list[int](), list[_Tag]()
        taken: set[int] = set()
        for row in self._rows:
            inside = [i for i, at in enumerate(self._at) if row.value_start <= at < row.value_end]
            if inside:
                slots.append(_Slot(row.value_start, row.value_end, tag=len(self._tags)))
                within = [i for i, at in enumerate(self._at) if row.start <= at < row.end]
                self._tags.append(_Tag(row.link_index, self._cut(row.start, row.end, within), within))
                taken.update(inside)
            elif row.outcome == _TRACKED:
                slots.append(_Slot(row.value_start, row.value_end, link=len(self._destinations)))
                self._destinations.append(row.destination or b"")
                self._indexes.append(row.link_index)
        slots += [_Slot(at, at + self._mark_length, expression=i) for i, at in enumerate(self._at) if i not in taken]
        slots.sort()
        self._sources = [slot.source for slot in slots]
        self._judge = make_dry_run_resolver(None, self._switches, self._document.charset)
        self._ranges = [(slot.start, slot.end) for slot in slots]
        self._template = _html.LinkTemplate(self._document.raw, self._ranges)
        # skipping is done for these; what is left to ask is the links themselves
        self._plain_switches = Switches(outlook=self._switches.outlook, tag_limit=self._switches.tag_limit)

    def _cut(self, start: int, end: int, expressions: list[int]) -> list[bytes]:
        pieces, at = [], start
        for i in expressions:
            pieces.append(self._document.raw[at : self._at[i]])
            at = self._at[i] + self._mark_length
        return [*pieces, self._document.raw[at:end]]

    def render(self, values: Mapping[str, Any], tracker: Tracker) -> Page | None:
        """The page of a recipient; None if it has to be rendered literally."""
        filled = self.fill_slots(values, tracker)
        return None if filled is None else self.make_page(filled)

    def make_page(self, filled: FilledSlots) -> Page:
        """The page with these values in it."""
        return Page(self._template.fill(filled.values), filled.tracked)

    def make_json_page(self) -> JsonPage | None:
        """The same page for lines of JSON; None where it has no valid UTF-8."""
        links = [kind == _LINK for kind, _ in self._sources]
        try:
            return JsonPage(self._document.raw, self._ranges, links)
        except UnicodeDecodeError:
            return None

    def fill_slots(self, values: Mapping[str, Any], tracker: Tracker) -> FilledSlots | None:
        """What stands in the slots for a recipient; None if the page has to be rendered literally."""
        filled = self._evaluate(values)
        addresses = None if filled is None else self._read_addresses(filled)
        if filled is None or addresses is None:
            return None
        chosen = [i for i, address in enumerate(addresses) if address.destination is not None]
        destinations = self._destinations + [addresses[i].destination or b"" for i in chosen]
        indexes = self._indexes + [self._tags[i].index for i in chosen]
        links = make_resolver(tracker, self._plain_switches, self._document.charset)(destinations, indexes)
        tagged: list[bytes | int] = [address.value for address in addresses]
        for i, link in zip(chosen, links[len(self._destinations) :], strict=True):
            if isinstance(link, bytes):
                tagged[i] = link
        slots = [filled, links, tagged]
        return FilledSlots(
            [slots[kind][number] for kind, number in self._sources], sum(type(link) is bytes for link in links)
        )

    def _evaluate(self, values: Mapping[str, Any]) -> list[bytes] | None:
        """The values of the expressions; None if one could change how the page is read, or is an error."""
        filled = self._find_texts(values)
        if filled is not None:
            return filled if sum(map(len, filled)) <= self._max_value_bytes else None
        try:
            text = self._environment.render_template(FIELD, **values)
        except TemplateError:
            return None  # whose line the whole template knows
        data = text.encode("utf-8", "surrogatepass")
        filled = data.split(self._separator.encode())
        if len(filled) != self._count or sum(map(len, filled)) > self._max_value_bytes:
            return None
        return None if _STRUCTURAL.search(b"".join(filled)) else filled

    def _find_texts(self, values: Mapping[str, Any]) -> list[bytes] | None:
        """The values of expressions that are names of texts, without MiniJinja; None if there are others."""
        if self._names is None:
            return None
        filled = []
        for name in self._names:
            value = values.get(name)
            if not isinstance(value, str) or "\0" in value:
                return None
            filled.append(_escape(value).encode("utf-8", "surrogatepass"))
        return filled

    def _read_addresses(self, filled: list[bytes]) -> "list[_Address] | None":
        """The addresses of the links that have values in them; None if a tag is read in another way than before."""
        if not self._tags:
            return []
        tags = [_join(tag, filled) for tag in self._tags]
        page, rows = b"".join(tags), list[_html.RawLink]()
        charset = self._document.charset
        scanner = _html.LinkRewriter(self._switches.rules, self._judge, charset.to_utf8, rows.extend)
        scanner.feed(page)
        scanner.close()
        starts = [0, *accumulate(map(len, tags))][:-1]
        if [row.start for row in rows] != starts:
            return None
        return [
            _Address(
                page[row.value_start : row.value_end] if row.value_start >= 0 else b"",
                row.destination if row.outcome == _TRACKED else None,
            )
            for row in rows
        ]


def _escape(text: str) -> str:
    """What `template_process` makes of a text, in less time."""
    if _ESCAPED.search(text) is None:
        return text
    for character, escape in _ESCAPES:
        text = text.replace(character, escape)
    return text


def _parse_names(expressions: list[str]) -> list[str] | None:
    """The names that the expressions are; None if one is more than a name."""
    matches = [_NAME.fullmatch(expression) for expression in expressions]
    names = [match[1] for match in matches if match is not None]
    return None if len(names) < len(expressions) or _RESERVED_NAMES & set(names) else names


def _join(tag: _Tag, filled: list[bytes]) -> bytes:
    parts = [tag.pieces[0]]
    for i, piece in zip(tag.expressions, tag.pieces[1:], strict=True):
        parts += (filled[i], piece)
    return b"".join(parts)

"""Scan once, render for any number of recipients at copying speed."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Generic, TypeVar, cast, overload

from linkweir import _html
from linkweir.html.document import Document
from linkweir.html.link import OUTCOME_BY_NUMBER, Link
from linkweir.html.outcome import Outcome
from linkweir.html.resolver import DocumentLinks, Links, make_document_resolver
from linkweir.html.rewriter import DEFAULT_SWITCHES
from linkweir.html.switches import Switches

if TYPE_CHECKING:
    from typing_extensions import Buffer

Html = TypeVar("Html", str, bytes)


class Plan(Generic[Html]):
    """A document whose links are known, to be rendered with the links of one recipient after another.

    Args: as for `rewrite`. `links` lists every link, with the outcome `tracked` where `render` will ask for a value.
    Immutable; threads may share a plan.
    """

    @overload
    def __init__(self: Plan[str], html: str, *, switches: Switches = ..., charset: str = ...) -> None: ...
    @overload
    def __init__(self: Plan[bytes], html: Buffer, *, switches: Switches = ..., charset: str = ...) -> None: ...
    def __init__(self, html: str | Buffer, *, switches: Switches = DEFAULT_SWITCHES, charset: str = "utf-8") -> None:
        document = Document(html, charset)
        self._arguments = (html if isinstance(html, str) else bytes(html), switches, charset)
        rows = document.scan_rows(switches)
        self._document, self._rows = document, rows
        chosen = [row for row in rows if OUTCOME_BY_NUMBER[row.outcome] is Outcome.TRACKED]
        self._destinations = [row.destination or b"" for row in chosen]
        self._indexes = [row.link_index for row in chosen]
        self._template = _html.LinkTemplate(document.raw, [(row.value_start, row.value_end) for row in chosen])
        self._is_text = isinstance(html, str)
        # skipping is done; what is left to ask is the links themselves
        self._switches = Switches(outlook=switches.outlook, tag_limit=switches.tag_limit)

    def __reduce__(self) -> tuple[Callable[..., Plan[Html]], tuple[object, ...]]:
        return _restore_plan, (type(self), *self._arguments)

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """Every link, in document order; made when first asked for."""
        document = self._document
        return tuple(document.to_link(row) for row in self._rows)

    def render(self, links: Links) -> Html:
        """The document with the links of one recipient; equal to `rewrite` with the same arguments.

        Raises: as `rewrite`.
        """
        return self.render_counted(links)[0]

    def render_counted(self, links: Links | DocumentLinks) -> tuple[Html, int]:
        """As `render`, with how many links were replaced."""
        done, replaced = self.render_encoded(links)
        return cast(Html, done.decode("utf-8", "surrogatepass") if self._is_text else done), replaced

    def render_encoded(self, links: Links | DocumentLinks) -> tuple[bytes, int]:
        """As `render_counted`, and a text as UTF-8."""
        resolve_batch = make_document_resolver(links, self._switches, self._document)
        values = list(resolve_batch(list(self._destinations), list(self._indexes)))
        return self._template.fill(values), [type(value) for value in values].count(bytes)


def _restore_plan(kind: type[Plan[Html]], html: Html, switches: Switches, charset: str) -> Plan[Html]:
    """The plan, scanned again: its offsets lie in memory of C."""
    return cast("Callable[..., Plan[Html]]", kind)(html, switches=switches, charset=charset)

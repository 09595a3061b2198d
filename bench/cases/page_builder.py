"""Writes a document and its right answer at the same time."""

from linkweir.benchmark.case import Case, LinkSite


class PageBuilder:
    """A document being written; remembers the sites as they go by."""

    def __init__(self) -> None:
        self.size = 0
        self.anchors = 0
        self._parts: list[bytes] = []
        self._sites: list[LinkSite] = []

    def add_markup(self, text: str | bytes) -> None:
        """Markup without any `a` start tag in it."""
        part = text.encode() if isinstance(text, str) else text
        self._parts.append(part)
        self.size += len(part)

    def add_untracked_anchor(self, markup: str) -> None:
        """One `a` start tag that must be left alone."""
        self.add_markup(markup)
        self.anchors += 1

    def add_link(self, before: str, value: str, after: str, destination: str) -> None:
        """One `a` start tag whose `value` must be replaced: `before` ends and `after` begins with its
        quote."""
        self.add_markup(before)
        start = self.size
        self.add_markup(value)
        self._sites.append(LinkSite(start, self.size, destination, self.anchors))
        self.add_markup(after)
        self.anchors += 1

    def build(self, name: str) -> Case:
        """The finished document."""
        return Case(name, b"".join(self._parts), tuple(self._sites), self.anchors)

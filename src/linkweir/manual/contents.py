"""The pages of the manual: their order, their text, and a search over their sections. Knows no output format."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

CHAPTERS = {
    "Start": ("index", "install"),
    "Rewriting": ("library", "embedding", "columns", "rewriting-rules", "command-line"),
    "Service": ("service", "api", "smtp", "postfix", "webhooks", "dashboard"),
    "Clicks": ("statistics", "click-classification", "privacy-and-erasure"),
    "Operation": ("operations", "settings", "security", "benchmarks", "scaling"),
    "Development": ("architecture", "contributing"),
}
TOPICS = tuple(topic for chapter in CHAPTERS.values() for topic in chapter)
FOLDER = Path(__file__).parent
MEDIA_TYPES = {  # of the files beside the pages
    "dashboard.png": "image/png",
    "grafana-dashboard.json": "application/json",
    "alert-rules.yaml": "application/yaml",
}
MAX_RESULTS = 30
_FENCE = re.compile(r"^(```|~~~)")
_MARKS = re.compile(r"^```\w*$|^\|[-:| ]+\|$|(?<!\\)\||\*\*|`|\]\([^)]*\)|!?\[", re.MULTILINE)
_MARKER = re.compile(r"^<!-- [a-z ]+(: .*)? -->\n", re.MULTILINE)  # of generated parts and of examples


@dataclass(frozen=True, slots=True)
class Section:
    """The text below one heading, without the sections that follow."""

    topic: str
    heading: str
    text: str

    @property
    def anchor(self) -> str:
        """The fragment of its URL."""
        return make_slug(self.heading)


@cache
def read_page(topic: str) -> str:
    """Return the Markdown of a page without its markers. Raises KeyError if there is no such topic."""
    if topic not in TOPICS:
        raise KeyError(topic)
    return _MARKER.sub("", (FOLDER / f"{topic}.md").read_text(encoding="utf-8"))


def read_title(topic: str) -> str:
    """Return the heading of a page."""
    return read_page(topic).partition("\n")[0].removeprefix("# ").strip()


@cache
def list_sections(topic: str) -> tuple[Section, ...]:
    """Return the sections of a page, in order."""
    return tuple(_split_page(topic))


def _split_page(topic: str) -> Iterator[Section]:
    heading, lines, fenced = "", list[str](), False
    for line in read_page(topic).splitlines():
        fenced ^= bool(_FENCE.match(line))
        if not fenced and re.match(r"#{1,4} ", line):
            if heading:
                yield Section(topic, heading, "\n".join(lines).strip())
            heading, lines = line.lstrip("#").strip(), []
        else:
            lines.append(line)
    yield Section(topic, heading, "\n".join(lines).strip())


def make_slug(heading: str) -> str:
    """Return the fragment that GitHub gives to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def search(query: str) -> list[Section]:
    """Return the sections that contain every word of `query`, those with the words in their heading first."""
    terms = query.lower().split()
    if not terms:
        return []
    matches = [
        (_score(section, terms), section)
        for topic in TOPICS
        for section in list_sections(topic)
        if all(term in f"{section.heading}\n{section.text}".lower() for term in terms)
    ]
    return [section for _, section in sorted(matches, key=lambda item: -item[0])][:MAX_RESULTS]


def _score(section: Section, terms: list[str]) -> int:
    """Return how well a section fits: the phrase in its heading, whole words there, the phrase in its text."""
    heading, phrase = section.heading.lower(), " ".join(terms)
    named = sum(term in re.findall(r"\w+", heading) for term in terms)
    return 8 * (phrase in heading) + 2 * named + 4 * (phrase in to_plain_text(section.text).lower())


def to_plain_text(markdown: str) -> str:
    """Return the words of `markdown` on one line, without tables' bars, code's marks and emphasis."""
    return " ".join(_MARKS.sub(" ", markdown).split())

"""The catalogues are complete, compiled and safe to format, and templates hold no text beside them."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages import Message
from jinja2 import nodes

from linkweir.dashboard import rendering
from tests.locales import catalogue

MARKS = ("_", "gettext", "ngettext")
TEMPLATES = sorted((catalogue.SOURCE / "dashboard" / "templates").glob("*.html"))
PLACEHOLDER = re.compile(r"%(?:\((\w+)\)([srd])|%)|\{(\w+)\}")
WORD = re.compile(r"[A-Za-z]{2}")
TAG = re.compile(r"</?[a-z][^>]*>|&\w+;")
READ_ATTRIBUTES = ("alt", "aria-label", "placeholder", "title", "data-label")  # what people read or hear
SAME_IN_ALL_LANGUAGES = {
    "Linkweir": "the name of the program",
    "HEAD": "a method of HTTP",
    "TLS": "a protocol",
    "ms": "the unit of time",
    "https": "an example of an address",
    "//example.com/hooks": "its rest",
    "soft ": "a class",
    " from-start": "a class",
    " yet": "removed from a text that ends with it",
    "-wrong": "the end of an id",
    'aria-invalid="true"': "a macro gives this attribute to fields",
    "example.com": "an example",
    "links": "an example of a name in a domain",
}
LANGUAGES = pytest.mark.parametrize("code", catalogue.CODES)


def forms(text: object) -> tuple[str, ...]:
    """A text, or the forms of one that depends on a number."""
    return tuple(text) if isinstance(text, tuple | list) else (str(text),)


def pairs(message: Message) -> Iterator[tuple[str, str]]:
    """Each translated form with the English one that it has to fit."""
    for form in forms(message.string):
        yield forms(message.id)[-1], form


@LANGUAGES
def test_every_text_is_translated(code: str) -> None:
    """Each text that pages and mails can show has a translation that somebody has finished, and there are no others."""
    wanted = {str(message.id) for message in catalogue.messages(catalogue.extract())}
    held = {str(message.id): message for message in catalogue.messages(catalogue.read(code))}
    assert not wanted - set(held), "run python -m tests.locales.update and translate the new texts"
    assert not set(held) - wanted, "run python -m tests.locales.update"
    open_texts = [text for text, message in held.items() if message.fuzzy or not all(forms(message.string))]
    assert not open_texts


def test_every_marked_text_is_found() -> None:
    """No call is written in a way that the search for texts misses, such as inside of an f-string."""
    known = {form for message in catalogue.messages(catalogue.extract()) for form in forms(message.id)}
    marks = ("gettext", "gettext_noop", "ngettext", "translate")
    for path in catalogue.SOURCE.rglob("*.py"):
        calls = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call) and node.args)
        for call in calls:
            if isinstance(call.func, ast.Name) and call.func.id in marks and isinstance(call.args[0], ast.Constant):
                assert call.args[0].value in known, f"{path.name}, line {call.lineno}"


@LANGUAGES
def test_catalogues_are_compiled(code: str) -> None:
    """Programs read what is in the file that people edit."""
    compiled = catalogue.path_of(code, "mo").read_bytes()
    assert compiled == catalogue.make_mo(catalogue.read(code)), "run python -m tests.locales.update"


@LANGUAGES
def test_translations_have_the_placeholders_of_their_text(code: str) -> None:
    """No value is left out, added or formatted in another way."""
    for message in catalogue.messages(catalogue.read(code)):
        for english, translated in pairs(message):
            assert set(PLACEHOLDER.findall(translated)) == set(PLACEHOLDER.findall(english)), translated


@LANGUAGES
def test_texts_with_values_can_be_formatted(code: str) -> None:
    """A percent sign that begins no placeholder would stop the page."""
    values = dict.fromkeys(
        {match[1] for text in all_texts(code) for match in PLACEHOLDER.finditer(text) if match[1]}, "x"
    )
    for message in catalogue.messages(catalogue.read(code)):
        for english, translated in pairs(message):
            if "%" in english:
                assert translated % values


def all_texts(code: str) -> Iterator[str]:
    """All forms of all translations."""
    for message in catalogue.messages(catalogue.read(code)):
        yield from forms(message.string)


@LANGUAGES
def test_translations_have_the_tags_of_their_text(code: str) -> None:
    """Markup is that of the English text to the letter: no attribute, entity or link of a translator's own."""
    for message in catalogue.messages(catalogue.read(code)):
        for english, translated in pairs(message):
            assert Counter(TAG.findall(translated)) == Counter(TAG.findall(english)), translated
            without = TAG.sub("", translated)
            assert ("<" in without) == ("<" in TAG.sub("", english)), translated


@LANGUAGES
def test_translations_begin_and_end_like_their_text(code: str) -> None:
    """White space around a text and its full stop belong to the place where it stands."""
    for message in catalogue.messages(catalogue.read(code)):
        for english, translated in pairs(message):
            assert english.endswith(".") == translated.endswith("."), translated
            assert english[-1:].isspace() == translated[-1:].isspace(), translated


class TextCollector(HTMLParser):
    """Collects what people read: texts, and the attributes that hold some."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect attributes."""
        self.texts += [value or "" for name, value in attrs if name in READ_ATTRIBUTES]

    def handle_data(self, data: str) -> None:
        """Collect a text."""
        self.texts.append(data)


def bare_texts(path: Path) -> list[str]:
    """The words of a template that no catalogue knows: in its HTML, and in what its expressions put there."""
    tree = rendering.TEMPLATES.parse(path.read_text())
    collector = TextCollector()
    pieces = (piece for output in tree.find_all(nodes.Output) for piece in output.nodes)
    collector.feed(" ".join(piece.data if isinstance(piece, nodes.TemplateData) else "" for piece in pieces))
    collector.close()
    words = [
        word for text in collector.texts for word in re.split(r"[\s·:;,()]+", text) if re.search(r"[A-Za-z]{2}", word)
    ]
    constants = [
        text for output in tree.find_all(nodes.Output) for piece in output.nodes for text in literal_texts(piece)
    ]
    constants += sentence_parts(tree)
    return [text for text in (*words, *constants) if text not in SAME_IN_ALL_LANGUAGES]


def literal_texts(node: nodes.Node) -> Iterator[str]:
    """Texts that an expression shows as they are; arguments of functions and filters are judged where they are used."""
    if isinstance(node, nodes.Const) and isinstance(node.value, str):
        if re.search(r"[a-z] [a-z]|^[A-Z][a-z]", node.value):
            yield node.value
    elif isinstance(node, nodes.CondExpr | nodes.Or | nodes.And | nodes.Concat):
        for child in node.iter_child_nodes():
            yield from literal_texts(child)


def sentence_parts(node: nodes.Node) -> Iterator[str]:
    """Words with white space beside them, wherever a template has them, but in what is translated."""
    if (
        isinstance(node, nodes.Const)
        and isinstance(node.value, str)
        and re.search(r"[a-z]{2}\s|\s[a-z]{2}", node.value)
    ):
        yield node.value
    if not (isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name in MARKS):
        for child in node.iter_child_nodes():
            yield from sentence_parts(child)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_templates_hold_no_text_of_their_own(path: Path) -> None:
    """Every word in a template goes through a catalogue, but for names and examples."""
    assert bare_texts(path) == []


def test_bare_text_is_found(tmp_path: Path) -> None:
    """The walk above sees texts, attributes and expressions; what is marked, is code or a class it lets pass."""
    path = tmp_path / "page.html"
    path.write_text(
        '<p class="some text" title="Hover">Bare {{ _("marked") }}{% trans %}so {{ x }}{% endtrans %}</p>'
        '{{ "Yes" if x else "no one" }}{{ "on" if x }}{{ draw(x ~ " of a " ~ x) }}'
    )
    assert set(bare_texts(path)) == {"Hover", "Bare", "Yes", "no one", " of a "}

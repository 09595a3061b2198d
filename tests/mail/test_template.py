"""Tests of linkweir.mail.template: what the outside contract says on substitution and escaping."""

import pytest

from linkweir.errors import BadInput
from linkweir.mail.template import Template


def test_html_escapes_five_characters_and_no_other() -> None:
    """In HTML `& < > " '` are escaped; a slash is not, so a URL stays a URL."""
    filled = Template("<a href='{{ u }}'>", "html_content", html=True).fill({"u": "https://h/p?a=1&b=<>\"'`"})
    assert filled == "<a href='https://h/p?a=1&amp;b=&lt;&gt;&quot;&#39;`'>"


def test_subject_and_text_are_not_escaped() -> None:
    """Outside HTML a value stands as it is."""
    assert Template("{{ x }}", "subject").fill({"x": "<&'\">"}) == "<&'\">"


@pytest.mark.parametrize("html", [True, False])
def test_what_is_missing_is_empty(html: bool) -> None:
    """A name without a value, and a value that is null, are both empty text."""
    assert Template("a{{ nobody }}b{{ none }}c", "x", html=html).fill({"none": None}) == "abc"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ x|safe }}", "<b>"),
        ("{{ x|upper }}", "&lt;B&gt;"),
        ("{{ x|e }}", "&lt;b&gt;"),
        ("{{ x ~ '/' }}", "&lt;b&gt;/"),
        ("{% set y %}<i>{{ x }}{% endset %}{{ y }}", "<i>&lt;b&gt;"),
        ("{% if x %}yes{% endif %}", "yes"),
        ("{{ n }} {{ t }} {{ l }}", "1 True [&#39;&lt;&#39;]"),
        ("line\r\nend\n", "line\r\nend\n"),
    ],
)
def test_html_values_are_escaped_once_in_every_construct(source: str, expected: str) -> None:
    """Filters, joins and captured blocks escape once; `safe` says that the template's author vouches for it."""
    assert Template(source, "x", html=True).fill({"x": "<b>", "n": 1, "t": True, "l": ["<"]}) == expected


def test_values_are_data_and_never_templates() -> None:
    """A marker inside a value is text: a recipient's name cannot run anything."""
    assert Template("{{ x }}", "x").fill({"x": "{{ 7*7 }}{% for"}) == "{{ 7*7 }}{% for"


@pytest.mark.parametrize("source", ["{% for", "{{ x", "{{ x.y.z }}", "{{ 1 / 0 }}", "{% include 'secret' %}"])
def test_errors_name_the_field(source: str) -> None:
    """A template that cannot be read or filled is the sender's mistake, named by field and line."""
    with pytest.raises(BadInput, match=r"subject: template error in line 1"):
        Template(source, "subject").fill({})


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in range(90000) %}{% for j in range(90000) %}{% endfor %}{% endfor %}",
        "{{ '%1000000000s'|format(1) }}",
        "{{ ('a' * 100000000000)|length }}",
    ],
)
def test_templates_cannot_run_or_grow_for_ever(source: str) -> None:
    """Endless loops and gigabyte strings end as an error of the template."""
    with pytest.raises(BadInput):
        Template(source, "subject").fill({"x": 1})

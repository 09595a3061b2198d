"""Tests of linkweir.mail.templates: what the outside contract says on substitution and escaping."""

import contextlib
from typing import Any

import pytest

from linkweir.errors import ValidationError
from linkweir.mail import templates
from linkweir.mail.templates import Template, render

NESTED_EXPRESSIONS = ("+1", "~1", "**1", " and 1", "()", "|e", ".a", "[0]", " is defined", " if 1 else 1")


def render_template(source: str, field: str = "x", html: bool = False, **values: Any) -> str:
    """One template filled once."""
    (result,) = render([Template(source, field, html)], {}, [values])
    if isinstance(result, ValidationError):
        raise result
    return result[0]


def test_html_escapes_five_characters_and_no_other() -> None:
    """In HTML `& < > " '` are escaped; a slash is not, so a URL stays a URL."""
    filled = render_template("<a href='{{ u }}'>", "html_content", html=True, u="https://h/p?a=1&b=<>\"'`")
    assert filled == "<a href='https://h/p?a=1&amp;b=&lt;&gt;&quot;&#39;`'>"


def test_subject_and_text_are_not_escaped() -> None:
    """Outside HTML a value stands as it is."""
    assert render_template("{{ x }}", "subject", x="<&'\">") == "<&'\">"


@pytest.mark.parametrize("html", [True, False])
def test_what_is_missing_is_empty(html: bool) -> None:
    """A name without a value, and a value that is null, are both empty text."""
    assert render_template("a{{ nobody }}b{{ none }}c", "x", html=html, none=None) == "abc"


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
    assert render_template(source, "x", html=True, x="<b>", n=1, t=True, l=["<"]) == expected


def test_values_are_data_and_never_templates() -> None:
    """A marker inside a value is text: a recipient's name cannot run anything."""
    assert render_template("{{ x }}", "x", x="{{ 7*7 }}{% for") == "{{ 7*7 }}{% for"


@pytest.mark.parametrize("source", ["{% for", "{{ x", "{{ x.y.z }}", "{{ 1 / 0 }}", "{% include 'secret' %}"])
def test_errors_name_the_field(source: str) -> None:
    """A template that cannot be read or filled is the sender's mistake, named by field and line."""
    with pytest.raises(ValidationError, match=r"subject: template error in line 1"):
        render_template(source, "subject")


STYLE = "<p>\n<style>@media screen{#a{color:red}}</style>"


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (STYLE, 2),
        (STYLE + "\n<p>{{ n }} {# a note #} left over #}</p>", 2),
        ("<STYLE\ntype='text/css'>\n@media print{#-moz-x{}}</style>#}", 3),
        ("<!--[if mso]><style>@media{#\u00e9{}}</style><![endif]--> #}", 1),
        ("<style>@media{#a{}} #}", 1),
        ("{% raw %}{#a{% endraw %}\n{{ '{#b' }}{#- {{ c -#}\n<style>{#d", 3),
        ("a\n{# never ends", 2),
        ("{{ n }} {#", 1),
    ],
)
def test_a_comment_that_swallows_css_is_an_error(source: str, line: int) -> None:
    """`{#` before a name inside `<style>`, or without `#}` behind it, is refused with its line and the ways out."""
    with pytest.raises(
        ValidationError, match=rf"html_content: `\{{#` in line {line} begins a template comment.*`\{{ #`.*raw"
    ):
        render_template(source, "html_content", html=True, n=1)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (STYLE.replace("{#", "{ #"), STYLE.replace("{#", "{ #")),
        (STYLE.replace("{#", "{{ '{#' }}"), STYLE),
        (STYLE.replace("{#", '{{ "{#" }}'), STYLE),
        ("{% raw %}" + STYLE + "{% endraw %}", STYLE),
        ("{%- raw -%}" + STYLE + "{%- endraw -%}", STYLE),
        ("<style>{# a note #}a{}{#- and\nanother -#}</style>", "<style>a{}</style>"),
        ("<p>{#note#}</p>", "<p></p>"),
        ("{# <style>{#a #}", ""),
        ("{{ '}} {#a' }}", "}} {#a"),
        ("{% if '{#' %}x{% endif %}", "x"),
    ],
)
def test_comments_and_escapes_work(source: str, expected: str) -> None:
    """A comment outside CSS, or with a space in it, is one; a space, an expression and a raw block bring `{#` out."""
    assert render_template(source, "html_content", html=True) == expected


def test_searching_for_comments_takes_linear_time() -> None:
    """Two million characters of openings that never close are refused at once."""
    for piece in ("{{" + "\\'" * 999_000 + "{#\\", "{#", "<style ", "{{ '", "{% raw %}", "<style>{{", '{% "'):
        with contextlib.suppress(ValidationError):
            templates.check_comments(Template(piece * max(1, 2_000_000 // len(piece)), "x", html=True))


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in range(90000) %}{% for j in range(90000) %}{% endfor %}{% endfor %}",
        "{{ '%1000000000s'|format(1) }}",
        "{{ ('a' * 100000000000)|length }}",
        "{% set a = 'aaaaaaaa' %}" + "{% set a = a ~ a %}" * 60 + "{{ a|length }}",
        "{{ '{:>10000000000}'.format(1) }}",
        "{{ d|tojson(indent=1000000000) }}",
        "{{ l|tojson(indent=100000000000)|length }}",
        "{{ 'a\nb'|indent(100000000000)|length }}",
        *("{{ " + "-" * 24_000 + "1 }}", "{{ " + "not " * 24_000 + "1 }}"),
        *("{{ 1" + part * 100_000 + " }}" for part in NESTED_EXPRESSIONS),
        "{% if 0 %}" + "{% elif 0 %}" * 100_000 + "{% endif %}",
        "{% macro m(x) %}{{ m(" + "[" * 90 + "x" + "]" * 90 + ") }}{% endmacro %}{{ m(1) }}",
    ],
)
def test_templates_cannot_run_or_grow_for_ever(source: str) -> None:
    """Endless loops, gigabyte strings and bottomless nesting end as an error of the template, not of this process."""
    with pytest.raises(ValidationError):
        render_template(source, "subject", x=1, d={"k": 1}, l=[1])


def test_values_are_the_same_for_every_recipient_and_text() -> None:
    """What a template does to a list or mapping, even put it into itself, is not seen by any other text."""
    source = "{{ l }}{{ d }}{% if l.append(l) %}{% endif %}{% if d.clear() %}{% endif %}"
    values = {"l": [1], "d": {"k": 1}}
    result = render([Template(source, "subject"), Template(source, "text_content")], values, [{}, {}])
    assert result == [["[1]{'k': 1}"] * 2] * 2
    assert values == {"l": [1], "d": {"k": 1}}


def test_the_field_that_ended_the_renderer_is_named() -> None:
    """A text that needs too much is named, even when others before it were filled."""
    greedy = Template("{{ [1]|tojson(indent=100000000000) }}", "text_content")
    with pytest.raises(ValidationError, match=r"^text_content: "):
        render([Template("ok", "subject"), greedy], {}, [{"x": 1}])


def test_one_recipient_s_error_is_that_recipient_s() -> None:
    """A text that cannot be filled with one recipient's values is still filled with the others'."""
    first, second = render([Template("{{ 6 // n }}", "subject")], {"n": 0}, [{}, {"n": 2}])
    assert isinstance(first, ValidationError)
    assert second == ["3"]


def test_a_renderer_that_cannot_start_is_not_blamed_on_the_template(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the renderer cannot even start, the error is ours and not the sender's."""
    monkeypatch.setattr(templates, "RENDERER_SCRIPT", templates.RENDERER_SCRIPT.with_name("missing.py"))
    with pytest.raises(RuntimeError, match="does not start"):
        render([Template("x", "subject")], {}, [{"x": 1}])


def test_a_renderer_that_takes_too_long_is_ended() -> None:
    """Computing time is limited over all recipients: within seconds there is an answer, and it names the text."""
    slow = Template("{% for i in range(90000) %}{{ i }}{% endfor %}", "html_content", html=True)
    with pytest.raises(ValidationError, match=r"^html_content: .*too much"):
        render([slow], {"x": 1}, [{}] * 2000)

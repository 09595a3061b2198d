"""Newsletters for many recipients: the plan gives what the service's own way gives, or is not used."""

import itertools
import json
import random
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest

from linkweir import KeyRing, Switches, Tracker, rewrite
from linkweir.bulk.document_io import UnreadableInput
from linkweir.errors import ValidationError
from linkweir.mail import templates
from linkweir.mail.newsletter.mail_record import encode_record
from linkweir.mail.newsletter.page_template import PageTemplate
from linkweir.mail.newsletter.parallel_rendering import (
    BATCH_BYTES,
    BATCH_ROWS,
    BATCHES_PER_PROCESS,
    RenderSetup,
    RowResult,
    make_parallel_renderer,
)
from linkweir.mail.newsletter.recipient_file import RecipientRow
from linkweir.mail.newsletter.recipient_mails import Newsletter, NewsletterOptions, RowError
from linkweir.mail.templates import Template

RING = KeyRing.generate(datetime(2026, 1, 1, tzinfo=UTC))
TRACKER = Tracker(RING, "https://t.example.com", message=5)
NEWSLETTER = """<!doctype html><html><head><title>{{ subject }}</title><style>p { color: {{ color }} }</style></head>
<body><p title="For {{ name }}">Hello {{ name|default('you') }}, <a href="https://example.com/{{ path }}?u={{ mail }}">
{{ label }}</a> <a href='{{ link }}'>yours</a> <a href="https://example.com/all">all</a>
<img alt="{{ alt }}" src="{{ image }}"><a href="https://example.com/off" data-as-no-track>off</a></p></body></html>
"""
PIECES = (
    *("<p>", "</p>", '<a href="https://e.com/a">x</a>', '<a href="', '">', "</a>", "<a href='https://x.org/?q=", "'>"),
    *('<a href="https://e.com/', "<!--", "-->", "<!--[if mso]>", "<![endif]-->", "<title>", "</title>", "<style>"),
    *("</style>", "<script>", "</script>", '<img alt="', "<img alt=", ' title="', '" ', "<", "</", "</ti", "<b ", ">"),
    *("text ", "é", "&amp;", "&", '"', "'", "=", "http://", "data-as-no-track", "<textarea>", "</textarea>"),
    *('<a title="', '" href="https://q.net/">z</a>', ' class="untracked', "mailto:", "\n", "<svg>", "<a\n"),
    *(
        "{{ a }}",
        "{{ b }}",
        "{{a}}",
        "{{ c|default('x') }}",
        "{{ d.e }}",
        "{{ s|safe }}",
        '{{ "}}" }}',
        "{{ a|upper }}",
    ),
)
VALUES = (
    *("", "x", "https://e.com/", "a b", "<b>", '"', "'", "&", "--", "a>b", "title", "/title", "script", "http://"),
    *("mailto:x", "{{", "é", "&amp;", "#", "//", "javascript:x", '"><a href="https://e.com/">', "!--", " ", "\n", "="),
    *("data-as-no-track", "untracked", None, 5, 1.5, True),
)
SWITCHES = (
    Switches(),
    Switches(outlook=True),
    Switches(opt_out=("vendors",)),
    Switches(skip=("e.com",)),
    Switches(track_placeholders=True),
    Switches(tag_limit=64),
)


def render_as_the_service(source: str, values: Mapping[str, Any], switches: Switches) -> bytes:
    """In the process that fills a customer's templates; then the links are replaced."""
    filled = templates.render([Template(source, "html_content", html=True)], {}, [values])[0]
    assert not isinstance(filled, ValidationError)
    return rewrite(filled[0], TRACKER, switches=switches).encode()


def test_a_plan_gives_the_page_of_the_service() -> None:
    """A newsletter with values in its title, style, text, attributes and addresses is planned, and each recipient's
    page has the bytes that the service would send.
    """
    page = PageTemplate(NEWSLETTER, Switches())
    plan = page.make_plan(TRACKER)
    assert plan is not None
    recipients: list[dict[str, Any]] = [
        {
            "name": "Ann <b>",
            "path": "a&b",
            "mail": "x@example.com",
            "link": "https://example.org/?a=1&b=2",
            "alt": '"q"',
        },
        {"name": None, "path": "", "link": "mailto:x@example.com", "color": "red"},
        {"path": "é/../ü", "link": "javascript:x", "subject": "</title>", "label": "<b>"},
        {"path": "x", "link": "https://t.example.com/", "image": "'"},
        {},
    ]
    for values in recipients:
        done = plan.render(values, TRACKER)
        assert done is not None
        assert done.html == render_as_the_service(NEWSLETTER, values, Switches())
        assert done == page.render(values, TRACKER)
    assert plan.render({"path": "x" * 20_000}, TRACKER) is None  # a tag could become too long to be looked at


@pytest.mark.parametrize("seed", range(3))
def test_plans_of_any_template_agree_with_the_literal_way(seed: int) -> None:
    """Whatever a template is made of and whatever the values are, a plan gives the literal page or none."""
    rng = random.Random(seed)  # noqa: S311 - not for secrets
    planned = compared = 0
    for _ in range(400):
        source = "".join(rng.choice(PIECES) for _ in range(rng.randint(1, 14)))
        try:
            page = PageTemplate(source, rng.choice(SWITCHES))
        except ValidationError:
            continue
        plan = page.make_plan(TRACKER)
        if plan is None:
            continue
        planned += "{{" in source
        for _ in range(3):
            values = {name: rng.choice(VALUES) for name in "abs"} | {"d": {"e": rng.choice(VALUES)}}
            if rng.random() < 0.5:
                values["c"] = rng.choice(VALUES)
            if (done := plan.render(values, TRACKER)) is not None:
                compared += 1
                assert done == page.render(values, TRACKER), (source, values)
    assert planned > 50
    assert compared > 300


@pytest.mark.parametrize(
    "source",
    [
        *("{% if a %}x{% endif %}", "{{- a }}", "{# x #}", "<p {{ a }}>", "<p title={{ a }}>", "<{{ a }}>"),
        *("<!-- {{ a }} -->", "<script>{{ a }}</script>", "<title></ti{{ a }}</title>"),
    ],
)
def test_templates_that_values_could_change_are_rendered_literally(source: str) -> None:
    """There is no plan where a value could begin or end markup, or where the template is more than expressions."""
    assert PageTemplate(source, Switches()).make_plan(TRACKER) is None


def test_rows_without_a_mail_say_why() -> None:
    """Each kind of wrong row has its outcome and a reason; templates that cannot be read are errors of all."""
    options = NewsletterOptions(
        html="{{ 1 // n }}",
        subject="{{ s }}",
        text=None,
        sender=None,
        id_column="id",
        address_column="to",
        variant_column=None,
        now=0,
        run="r",
    )
    newsletter = Newsletter(options, Tracker(RING, "https://t.example.com"), Switches())
    good: dict[str, Any] = {"id": "7", "to": "a@example.com", "n": 1, "s": "x"}
    assert newsletter.render(1, good).html == b"1"
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"id": None}, "message-id"),
        ({"id": "a b"}, "message-id"),
        ({"to": "nobody"}, "address"),
        ({"n": 0}, "template"),
        ({"s": "a\nBcc: b"}, "template"),
    ]
    for changes, outcome in wrong:
        with pytest.raises(RowError) as caught:
            newsletter.render(1, good | changes)
        assert caught.value.outcome == outcome
    for broken in ("{{ a", "{% for %}", "<style>@media print{#a{}}</style>"):
        with pytest.raises(ValidationError):
            PageTemplate(broken, Switches())


def make_options(html: str, **more: Any) -> NewsletterOptions:
    """A newsletter of pages alone."""
    columns: dict[str, Any] = {"id_column": "id", "address_column": None, "variant_column": "v"}
    return NewsletterOptions(html=html, text=None, sender=None, now=0, run="r", **(columns | {"subject": None} | more))


def test_lines_are_those_of_the_pages() -> None:
    """A line made without its page is the one that JSON makes of the page, whatever the values; so is its size."""
    html = '<title>"a\\b"</title>\n<p>{{ a }} {{ b|safe }}ü<a href="https://e.com/?q={{ a }}">x</a>'
    html += '<a href=\'https://e.com/\\"\'>y</a><a href="#{{ a }}">z</a>'
    tracker = Tracker(RING, "https://t.example.com")
    pages = Newsletter(make_options(html, subject='No. "{{ id }}"'), tracker, Switches())
    lines = Newsletter(make_options(html, subject='No. "{{ id }}"', makes_lines=True), tracker, Switches())
    values = ["x", "", "a\\b", 'say "hi" & <go>', "tab\tü€😀\x7f", "\ud800", "two\u2028lines", 7, None, [1, "\\"]]
    made = 0
    for number, (a, b) in enumerate(itertools.product(values, values), 1):
        row = {"id": number, "a": a, "b": b, "v": "B" if number % 2 else None}
        whole, mail = pages.render(number, row), lines.render(number, row)
        made += bool(mail.line)
        assert not (mail.line and mail.html)
        assert encode_record(mail) == encode_record(whole)
        assert mail.size == len(whole.html)
        assert json.loads(encode_record(mail))["html"].encode("utf-8", "surrogatepass") == whole.html
    assert made > 40
    assert lines.tracked_links == pages.tracked_links > 0


def test_rows_before_an_unreadable_one_have_their_mails() -> None:
    """Processes make the mails of all rows before the error of the file, in order, and then it is raised."""
    setup = RenderSetup(make_options("{{ id }}"), Tracker(RING, "https://t.example.com"), Switches(), "parquet")

    def read_rows() -> Iterator[RecipientRow]:
        for number in range(1, 2 * BATCH_ROWS + 10):
            yield RecipientRow(number, {"id": number, "v": None} if number % 50 else None, "no JSON")
        raise UnreadableInput("cut off")

    results = list[RowResult]()
    with closing(make_parallel_renderer(setup, 2)(read_rows())) as made:
        while len(results) < 2 * BATCH_ROWS + 9:
            results.append(next(made))
        with pytest.raises(UnreadableInput, match="cut off"):
            next(made)
    assert [result.number for result in results] == list(range(1, 2 * BATCH_ROWS + 10))
    failed = [(each.number, str(each.error)) for each in results if each.error is not None]
    assert failed == [(50, "no JSON"), (100, "no JSON")]
    assert all(each.mail is not None and each.mail.html == str(each.number).encode() for each in results[:49])


def test_large_values_inside_lists_go_to_processes_one_by_one() -> None:
    """Few rows wait in memory where each is large, wherever in the row its text is."""
    setup = RenderSetup(make_options("{{ id }}"), Tracker(RING, "https://t.example.com"), Switches(), "parquet")
    read = list[int]()

    def read_rows() -> Iterator[RecipientRow]:
        for number in range(1, 41):
            read.append(number)
            yield RecipientRow(number, {"id": number, "items": [{"html": "x" * BATCH_BYTES}]})

    with closing(make_parallel_renderer(setup, 2)(read_rows())) as made:
        assert next(made).number == 1
        assert len(read) == 2 * BATCHES_PER_PROCESS

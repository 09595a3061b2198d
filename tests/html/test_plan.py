"""`Plan`: scanned once, rendered for each recipient; equal to rewriting each time."""

from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import linkweir
from linkweir.errors import RefusedValue
from linkweir.html.outcome import Outcome
from linkweir.html.plan import Plan
from linkweir.html.switches import Switches
from tests.html.generated_markup import THEMES
from tests.html.test_against_reference import make_link

HTML = '<p>é<a href="https://x.example/?a&amp;b">one</a> <a name=x> <a href="https://y.example/">two</a></p>'


def test_a_plan_lists_the_links_as_scan_does() -> None:
    """`links` is what `scan` yields."""
    assert Plan(HTML).links == tuple(linkweir.scan(HTML))
    assert Plan(HTML.encode()).links == tuple(linkweir.scan(HTML.encode()))


@pytest.mark.parametrize("html", [HTML, HTML.encode(), "", b"", "no link"])
def test_rendering_is_rewriting(html: str | bytes) -> None:
    """Each rendering equals `rewrite` with the same function, in the same kind, again and again."""
    plan = Plan(html)
    for recipient in ("a", "bb", "ccc"):
        links = partial(make_personal_link, recipient)
        assert plan.render(links) == linkweir.rewrite(html, links)
    assert plan.render(lambda destination, index: None) == html


def test_what_was_replaced_is_counted() -> None:
    """With the page comes the number of links that were replaced; one that the function declines is none of them."""
    plan = Plan(HTML)
    for links, count in (
        (partial(make_personal_link, "a"), 2),
        (lambda destination, index: "/x" if index else None, 1),
    ):
        assert plan.render_counted(links) == (plan.render(links), count)


def make_personal_link(recipient: str, destination: str, index: int) -> str:
    """One recipient's link."""
    return f"/{recipient}/{index}?&"


@pytest.mark.parametrize("theme", THEMES)
@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_rendering_hostile_markup_is_rewriting(theme: str, data: st.DataObject) -> None:
    """The same for generated markup with all switches on."""
    document = data.draw(THEMES[theme].documents())
    switches = Switches(opt_out=("vendors",), outlook=True, skip=("reset",), track_placeholders=True, tag_limit=90)
    plan = Plan(document, switches=switches)
    assert plan.render(make_link) == linkweir.rewrite(document, make_link, switches=switches)


def test_a_function_is_called_for_tracked_links_only() -> None:
    """Skipped and untracked links are settled by the plan."""
    asked: list[int] = []
    plan = Plan(HTML, switches=Switches(skip=("x.example",)))
    plan.render(lambda destination, index: asked.append(index))
    assert asked == [2]
    assert [link.outcome for link in plan.links] == [Outcome.SKIPPED, Outcome.NO_HREF, Outcome.TRACKED]


def test_a_bad_value_is_refused_and_the_plan_goes_on() -> None:
    """A refused value or an exception spoils one rendering only."""
    plan = Plan(HTML)
    with pytest.raises(RefusedValue):
        plan.render(lambda destination, index: "'")
    with pytest.raises(ZeroDivisionError):
        plan.render(lambda destination, index: str(1 // 0))
    assert plan.render(lambda destination, index: None) == HTML


def test_a_plan_copies_a_mutable_buffer() -> None:
    """Changing the buffer after planning changes nothing."""
    document = bytearray(HTML.encode())
    plan = Plan(document)
    document[:] = b"x" * len(document)
    assert plan.render(lambda destination, index: None) == HTML.encode()


def test_an_unsupported_document_is_rendered_unchanged() -> None:
    """No links, and the bytes come back."""
    plan = Plan(b'<a href="https://x/">', charset="utf-16")
    assert plan.links == ()
    assert plan.render(lambda destination, index: "/") == b'<a href="https://x/">'

"""What a caller may do wrong, or an attacker try, without breaking more than their own call."""

import threading
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from linkweir.html.document import rewrite, scan
from linkweir.html.lint import check
from linkweir.html.outcome import Outcome
from linkweir.html.plan import Plan
from linkweir.html.rewriter import Rewriter
from linkweir.html.switches import Switches
from linkweir.tokens.keyring import KeyRing
from linkweir.tokens.tracker import Tracker

LINK = b'<a href="http://a.example/">'


@pytest.mark.parametrize("by", ["feed", "close"])
def test_a_function_cannot_call_back_into_its_rewriter(by: str) -> None:
    """A link function that feeds or closes the rewriter it works for gets a RuntimeError, and no byte is lost."""

    def again(destination: str, index: int) -> str:
        (rewriter.feed(LINK) if by == "feed" else rewriter.close())
        return "x"

    rewriter = Rewriter(again)
    held = rewriter.feed(b"<a hr")
    with pytest.raises(RuntimeError, match="being rewritten"):
        rewriter.feed(b'ef="http://a.example/">' + LINK)
    assert held + rewriter.close() == b'<a href="http://a.example/">' + LINK


def test_threads_on_one_rewriter_are_refused_or_served() -> None:
    """Many threads feeding one rewriter end with output or RuntimeError, never with a crash."""
    rewriter = Rewriter(lambda destination, index: "x" * 50)
    unexpected: list[BaseException] = []

    def feed() -> None:
        for _ in range(300):
            try:
                rewriter.feed(LINK * 5 + b'<a href="http://b')
            except RuntimeError:
                pass
            except BaseException as error:
                unexpected.append(error)

    threads = [threading.Thread(target=feed) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert unexpected == []


@pytest.mark.parametrize(
    "answer", [[], [b"x", b"y"], [b'"><script>'], [object()]], ids=["none", "two", "markup", "object"]
)
def test_a_tracker_that_answers_wrongly_is_refused(answer: list[Any]) -> None:
    """A subclass of Tracker that gives too few or too many values, a quote or no value raises."""

    class Wrong(Tracker):
        def mint_many(self, *_: Any, **__: Any) -> Any:
            return answer

    tracker = Wrong(KeyRing.generate(datetime.now(UTC)), "https://t.example.com", message=1)
    with pytest.raises((ValueError, TypeError)):
        rewrite(LINK, tracker)


def test_a_string_that_lies_about_itself_is_read_as_it_is() -> None:
    """A str subclass returned by the function is judged by its text, not by its own methods."""

    class Liar(str):
        def replace(self, *_: Any, **__: Any) -> str:
            return '"><script>'

    assert rewrite(LINK, lambda destination, index: Liar("y&z")) == b'<a href="y&amp;z">'


@pytest.mark.parametrize("wrong", [65536.5, "5", 1, 2**50], ids=repr)
def test_a_tag_limit_that_cannot_be_is_refused(wrong: Any) -> None:
    """BadSwitch names a tag limit that is no whole number of bytes in range."""
    with pytest.raises(ValueError, match="tag_limit"):
        Switches(tag_limit=wrong)


def measure_costs(work: Any, documents: list[str]) -> float:
    """The processor time of a call for each."""
    begin = time.thread_time()
    for document in documents:
        work(document)
    return time.thread_time() - begin


@pytest.mark.parametrize(
    "work", [lambda d: list(scan(d)), lambda d: Plan(d).links, check], ids=["scan", "plan", "check"]
)
@pytest.mark.parametrize(
    "unit",
    ['é<a href="http://a.example/">x</a>', '<a href="http://a.example/">' + "<b" * 300 + '"' + "x" * 80 + "</a>"],
    ids=["one long line", "tags in the text"],
)
def test_the_cost_of_a_page_of_links_is_linear(work: Any, unit: str) -> None:
    """Eight times the links cost about as much as eight pages, on one long line of text that is not ASCII too: where
    each link cost a look at the whole page it would be eight times as much.
    """
    few, many = "é" + unit * 250, "é" + unit * 2000
    assert min(measure_costs(work, [many]) / measure_costs(work, [few] * 8) for _ in range(5)) < 2


@pytest.mark.parametrize(
    "document",
    [
        b'<svg></b><style><!--</style><a href="http://e.example/">x</a>--></style></svg>',
        b'<svg></b><script><!--</script><a href="http://e.example/">x</a>--></script></svg>',
        b'<svg></b><title><i t="</title><a href="http://e.example/">x</a>"></title></svg>',
        b"<svg>" * 33 + b'<style><!--</style><a href="http://e.example/">x</a>--></style>',
        b'<svg><desc><p><![CDATA[ > <!-- ]]> <a href="http://e.example/">x</a> -->',
    ],
)
def test_on_doubt_nothing_is_touched(document: bytes) -> None:
    """Where raw text or CDATA in doubt may hide what follows, the rest of the document stays as it is."""
    assert rewrite(document, lambda destination, index: "x") == document


def test_a_lost_end_of_svg_does_not_cost_the_links_behind_a_style() -> None:
    """In doubt too, a style block without markup is only text, and links behind it are tracked."""
    document = b'<div><svg></div><style>a { color: red }</style><p><a href="http://e.example/">x</a>'
    assert rewrite(document, lambda destination, index: "x").endswith(b'<a href="x">x</a>')


@pytest.mark.parametrize("label", ["x-unknown", "8bit", "euc-tw"])
def test_an_unknown_charset_never_guesses_a_destination(label: str) -> None:
    """Under an unknown label, a value that is no UTF-8 stays untouched with the outcome encoding; UTF-8 is tracked."""
    strange, plain = b'<a href="http://h.example/\xd6\xd0">', '<a href="http://h.example/é">'.encode()
    assert [link.outcome for link in scan(strange + plain, charset=label)] == [Outcome.ENCODING, Outcome.TRACKED]


@pytest.mark.parametrize(
    ("label", "text"), [("x-gbk", "中"), ("windows-949", "가"), ("x-euc-jp", "字"), ("logical", "ש")]
)
def test_labels_that_only_browsers_know(label: str, text: str) -> None:
    """A label of the Encoding standard that Python lacks still decodes the destination."""
    codec = {"x-gbk": "gbk", "windows-949": "cp949", "x-euc-jp": "euc_jp", "logical": "iso8859-8"}[label]
    (link,) = scan(f'<a href="http://h.example/{text}">'.encode(codec), charset=label)
    assert link.destination == f"http://h.example/{text}"

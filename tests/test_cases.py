"""Small inputs that once failed, from the shared folder `cases`: each of them gives what is right now."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

import linkweir
from linkweir import Outcome, Switches
from linkweir.errors import BadInput, RefusedContent
from linkweir.html import check
from linkweir.mail import template
from linkweir.mail.raw import Opened, RawMail
from linkweir.mail.template import Template
from linkweir.mime import Rewritten, check_message, rewrite_message
from tests.token.rings import RING

pytestmark = pytest.mark.external
BASE = "https://t.example.com/c/"


def rewritten(raw: bytes) -> Rewritten:
    tracker = linkweir.Tracker(RING, BASE, message="m1")
    return rewrite_message(raw, tracker, pixel=BASE + "pixel", report=True)


def outcomes_as_named(html: str, switches: Switches = Switches()) -> None:  # noqa: B008 - frozen
    """The text of each link names its outcome, whether it looks trackable, and whether it has a warning."""
    findings = check(html, switches=switches)
    assert findings
    for finding in findings:
        link, (outcome, *more) = finding.link, re.split(", (?:with a )?", finding.link.text)
        assert link.outcome == outcome, link
        assert finding.looks_trackable or "looks trackable" not in more, link
        assert (link.warning is not None) == ("warning" in more) or link.outcome is not Outcome.TRACKED, link


def submitted(raw: bytes) -> None:
    """What a sender's program must hide is refused, or is in nothing that leaves."""
    raw = re.sub(rb"\r?\n", b"\r\n", raw)
    try:
        mail = Opened(RawMail("news@example.com", ("reader@example.org",), raw, "smtp"))
    except RefusedContent:
        return
    sent = mail.cleaned("<id@example.com>", now=0)
    assert b"secret" not in sent
    assert b"ahasend" not in sent
    assert mail.wishes.track_clicks is True


def checked(raw: bytes) -> None:
    """The link in the mail is judged."""
    links, notes = check_message(raw)
    assert [one.link.outcome for one in links] == [Outcome.TRACKED]
    assert not notes


def cut_in_link(raw: bytes) -> None:
    done = rewritten(raw)
    assert [one.link.outcome for one in done.links] == [Outcome.UNTERMINATED]
    assert rewrite_message(raw, lambda *_: BASE, report=True).raw == raw


def long_line(raw: bytes) -> None:
    done = rewritten(raw)
    assert [one.link.outcome for one in done.links] == [Outcome.LINE_TOO_LONG]
    assert max(map(len, done.raw.split(b"\n"))) <= 998


def part_without_body(raw: bytes) -> None:
    assert rewritten(raw).raw == raw


def own_charset(raw: bytes) -> None:
    assert [one.link.destination for one in rewritten(raw).links] == ["https://example.com/?q=Пр"]


def not_judged(raw: bytes) -> None:
    links, notes = check_message(raw)
    assert links or [note.code for note in notes] == ["untouched-part"]


def too_long(raw: bytes) -> None:
    html = raw.decode()
    tracker = linkweir.Tracker(RING, BASE, message="m1")
    assert [one.link.outcome for one in check(html)] == [Outcome.TOO_LONG_DESTINATION]
    found: list[linkweir.Link] = []
    assert linkweir.rewrite(html, tracker, on_link=found.append) == html
    assert [link.outcome for link in found] == [Outcome.TOO_LONG_DESTINATION]


def css_comment(raw: bytes) -> None:
    with pytest.raises(BadInput, match=r"line 1 .*write"):
        template.fill([Template(raw.decode(), "html_content", html=True)], {"n": "1"}, [{}])


CASES: dict[str, Callable[[bytes], None]] = {
    "b64_nopad.eml": not_judged,
    "bad-addresses.html": lambda raw: outcomes_as_named(raw.decode()),
    "bcc-after-unfolded-subject.eml": submitted,
    "bcc-obsolete-colon.eml": submitted,
    "bom-smtp.eml": submitted,
    "bom.eml": checked,
    "cs_utf-16.eml": checked,
    "css-comment.html": css_comment,
    "cut-in-link.eml": cut_in_link,
    "html-part-without-body.eml": part_without_body,
    "long-line-in.eml": long_line,
    "long-link.html": too_long,
    "meta-charset.eml": own_charset,
    "one-time.html": lambda raw: outcomes_as_named(raw.decode(), Switches(skip=("one-time",))),
    "placeholders.html": lambda raw: outcomes_as_named(raw.decode()),
    "space-before-colon.eml": checked,
}


@pytest.mark.parametrize("name", CASES)
def test_what_once_failed_is_right(shared: Path, name: str) -> None:
    """Each case gives what its page calls right."""
    CASES[name]((shared / "cases" / name).read_bytes())


def test_no_case_is_left_out(shared: Path) -> None:
    """Every file of the folder, but its page, is among the cases."""
    assert {path.name for path in (shared / "cases").iterdir()} - {"README.md"} == set(CASES)

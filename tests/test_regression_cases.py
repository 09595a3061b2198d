"""Small inputs that once failed, from the shared folder `cases`: each of them gives what is right now."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

import linkweir
from linkweir.errors import RejectedContent, ValidationError
from linkweir.html import check
from linkweir.html.outcome import Outcome
from linkweir.html.switches import Switches
from linkweir.mail import templates
from linkweir.mail.raw_submission import ParsedMail, RawMail
from linkweir.mail.templates import Template
from linkweir.mime import Rewritten, check_message, rewrite_message
from tests.tokens.keyring_factory import RING

pytestmark = pytest.mark.external
BASE_URL = "https://t.example.com/c/"


def check_rewrite(raw: bytes) -> Rewritten:
    tracker = linkweir.Tracker(RING, BASE_URL, message="m1")
    return rewrite_message(raw, tracker, pixel=BASE_URL + "pixel", report=True)


def check_outcomes(html: str, switches: Switches = Switches()) -> None:  # noqa: B008 - frozen
    """The text of each link names its outcome, whether it looks trackable, and whether it has a warning."""
    findings = check(html, switches=switches)
    assert findings
    for finding in findings:
        link, (outcome, *more) = finding.link, re.split(", (?:with a )?", finding.link.text)
        assert link.outcome == outcome, link
        assert finding.looks_trackable or "looks trackable" not in more, link
        assert (link.warning is not None) == ("warning" in more) or link.outcome is not Outcome.TRACKED, link


def check_submission(raw: bytes) -> None:
    """What a sender's program must hide is refused, or is in nothing that leaves."""
    raw = re.sub(rb"\r?\n", b"\r\n", raw)
    try:
        mail = ParsedMail(RawMail("news@example.com", ("reader@example.org",), raw, "smtp"))
    except RejectedContent:
        return
    sent = mail.without_private_headers("<id@example.com>", now=0)
    assert b"secret" not in sent
    assert b"ahasend" not in sent
    assert mail.preferences.track_clicks is True


def check_lint(raw: bytes) -> None:
    """The link in the mail is judged."""
    links, notes = check_message(raw)
    assert [link.link.outcome for link in links] == [Outcome.TRACKED]
    assert not notes


def check_cut_in_link(raw: bytes) -> None:
    done = check_rewrite(raw)
    assert [link.link.outcome for link in done.links] == [Outcome.UNTERMINATED]
    assert rewrite_message(raw, lambda *_: BASE_URL, report=True).raw == raw


def check_long_line(raw: bytes) -> None:
    done = check_rewrite(raw)
    assert [link.link.outcome for link in done.links] == [Outcome.LINE_TOO_LONG]
    assert max(map(len, done.raw.split(b"\n"))) <= 998


def check_part_without_body(raw: bytes) -> None:
    assert check_rewrite(raw).raw == raw


def check_own_charset(raw: bytes) -> None:
    assert [link.link.destination for link in check_rewrite(raw).links] == ["https://example.com/?q=Пр"]


def check_too_long(raw: bytes) -> None:
    html = raw.decode()
    tracker = linkweir.Tracker(RING, BASE_URL, message="m1")
    assert [item.link.outcome for item in check(html)] == [Outcome.TOO_LONG_DESTINATION]
    result: list[linkweir.Link] = []
    assert linkweir.rewrite(html, tracker, on_link=result.append) == html
    assert [link.outcome for link in result] == [Outcome.TOO_LONG_DESTINATION]


def check_css_comment(raw: bytes) -> None:
    with pytest.raises(ValidationError, match=r"line 1 .*write"):
        templates.render([Template(raw.decode(), "html_content", html=True)], {"n": "1"}, [{}])


CASES: dict[str, Callable[[bytes], None]] = {
    "b64_nopad.eml": check_lint,
    "bad-addresses.html": lambda raw: check_outcomes(raw.decode()),
    "bcc-after-unfolded-subject.eml": check_submission,
    "bcc-obsolete-colon.eml": check_submission,
    "bom-smtp.eml": check_submission,
    "bom.eml": check_lint,
    "cs_utf-16.eml": check_lint,
    "css-comment.html": check_css_comment,
    "cut-in-link.eml": check_cut_in_link,
    "html-part-without-body.eml": check_part_without_body,
    "long-line-in.eml": check_long_line,
    "long-link.html": check_too_long,
    "meta-charset.eml": check_own_charset,
    "one-time.html": lambda raw: check_outcomes(raw.decode(), Switches(skip=("one-time",))),
    "placeholders.html": lambda raw: check_outcomes(raw.decode()),
    "space-before-colon.eml": check_lint,
}


@pytest.mark.parametrize("name", CASES)
def test_what_once_failed_is_right(shared_folder: Path, name: str) -> None:
    """Each case gives what its page calls right."""
    CASES[name]((shared_folder / "cases" / name).read_bytes())


def test_no_case_is_left_out(shared_folder: Path) -> None:
    """Every file of the folder, but its page, is among the cases."""
    assert {path.name for path in (shared_folder / "cases").iterdir()} - {"README.md"} == set(CASES)

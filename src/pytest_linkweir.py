"""The pytest plugin of Linkweir: a fixture that checks the links of a mail.

It stands outside the package, so that test runs that do not use the fixture load nothing of Linkweir.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from email.message import EmailMessage

    from linkweir import Finding, Switches

AssertTrackable = Callable[..., list[str]]


@pytest.fixture
def assert_trackable() -> AssertTrackable:
    """Return a function that fails unless Linkweir will track the links of a mail.

    `assert_trackable(html)`: str, bytes or an EmailMessage. Fails if a link that looks meant to be tracked would not
    be, or if there is no tracked link at all; options `switches` (as of `rewrite`) and `count`, the expected number of
    tracked links. Returns their destinations, in order.
    """
    return _assert_trackable


def _assert_trackable(
    html: str | bytes | EmailMessage, *, switches: Switches | None = None, count: int | None = None
) -> list[str]:
    __tracebackhide__ = True
    findings = _find_links(html, **({} if switches is None else {"switches": switches}))
    lost = [_describe(finding) for finding in findings if finding.looks_trackable]
    if lost:
        pytest.fail("links that will not be tracked:\n" + "\n".join(lost), pytrace=False)
    tracked = [str(finding.link.destination) for finding in findings if finding.link.outcome == "tracked"]
    if count is not None and len(tracked) != count:
        pytest.fail(f"{len(tracked)} links will be tracked, not {count}: {tracked}", pytrace=False)
    if count is None and not tracked:
        pytest.fail("no link will be tracked", pytrace=False)
    return tracked


def _find_links(html: str | bytes | EmailMessage, **options: Any) -> list[Finding]:
    from linkweir import check
    from linkweir.mime.message import check_parts, serialize_message

    if isinstance(html, str | bytes):
        return check(html, **options)
    bodies = check_parts(serialize_message(html), **options)[0]
    return [finding for body in bodies for finding in check(body.html, charset=body.charset, **options)]


def _describe(finding: Finding) -> str:
    link = finding.link
    target = link.destination or link.text or "a link"
    return f"  line {link.line}, column {link.column}: {target}: {finding.reason}"

"""The manual in a real browser: in light and dark, at a desk and on a phone."""

from typing import Literal

import pytest
from playwright.sync_api import ViewportSize

from tests.dashboard.browser_client import launch_chromium
from tests.dashboard.test_browser import assert_accessible, assert_no_overflow
from tests.web.running_service import RunningService

PAGES = ("/docs", "/docs/benchmarks", "/docs/api", "/docs?q=key+ring", "/docs?q=xyzzy")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_accessible_and_obey_their_policy(service: RunningService, scheme: Literal["light", "dark"]) -> None:
    """axe-core finds nothing, nothing is wider than the window, and the browser has nothing to refuse."""
    refused: list[str] = []
    with launch_chromium() as browser:
        for width in (1200, 390):
            size = ViewportSize(width=width, height=800)
            page = browser.new_context(color_scheme=scheme, viewport=size).new_page()
            page.on("console", lambda message: refused.append(message.text))
            for path in PAGES:
                page.goto(service.url + path)
                assert_accessible(page)
                assert_no_overflow(page)
    assert [text for text in refused if "Content Security Policy" in text] == []

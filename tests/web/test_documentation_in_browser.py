"""The manual in a real browser: in light and dark, at a desk and on a phone."""

import re

from playwright.sync_api import ViewportSize

from linkweir.web.documentation_pages import STYLE
from tests.dashboard.browser_client import launch_chromium
from tests.dashboard.test_browser import assert_accessible, assert_no_overflow
from tests.web.running_service import RunningService

PAGES = ("/docs", "/docs/benchmarks", "/docs/api", "/docs?q=key+ring", "/docs?q=xyzzy")


def test_pages_are_accessible_and_obey_their_policy(service: RunningService) -> None:
    """axe-core finds nothing, nothing is wider than the window, and the browser has nothing to refuse; dark differs
    from light in colours only.
    """
    dark = re.findall(r"prefers-color-scheme: dark\) \{ :root \{(.*?)\} \}", STYLE)
    assert [re.sub(r" --\w+: #[0-9a-f]{3,6};?", "", block).strip() for block in dark] == [""]
    refused: list[str] = []
    with launch_chromium() as browser:
        for width in (1200, 390):
            page = browser.new_context(viewport=ViewportSize(width=width, height=800)).new_page()
            page.on("console", lambda message: refused.append(message.text))
            for path in PAGES:
                page.goto(service.url + path)
                assert_accessible(page)
                assert_no_overflow(page)
    assert [text for text in refused if "Content Security Policy" in text] == []

"""Tests of the dashboard against what strangers may write: user agents, subjects, link texts, addresses, mails."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.dashboard.browser_client import FIREFOX_HEADERS, BrowserSession, DashboardClient
from tests.web.running_service import RunningService, wait_until

HOSTILE_TEXT = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}"
ESCAPED_TEXT = "&#34;&#39;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=alert(2)&gt;{{7*7}}"
MAIL = """<html><head><base href="https://evil.example/"><meta http-equiv="refresh" content="0;url=https://evil.example/">
<script>alert(1)</script><link rel="stylesheet" href="https://evil.example/x.css">
<style>@import url(https://evil.example/i.css); body { background: url(https://evil.example/b.png) }</style></head>
<body onload="alert(2)"><a href="https://example.com/a" onclick="alert(3)" ping="https://evil.example/p">good</a>
<a href="javascript:alert(4)">bad</a> <svg><a href="https://example.com/svg"><text>svg</text></a></svg>
<area href="https://evil.example/area"> <img src="https://evil.example/pixel.png" alt="picture" onerror="alert(5)">
<form action="https://evil.example/"><input name="x" autofocus onfocus="alert(6)"><button formaction="//evil.example">
go</button></form> <iframe srcdoc="<script>alert(7)</script>" src="https://evil.example/"></iframe>
<object data="https://evil.example/o"></object> <video src="https://evil.example/v" autoplay></video>
<p style="background-image:url('https://evil.example/s.png')">styled</p> <math><mtext></mtext><mglyph><style></math>
<img src=x onerror=alert(8)>
</body></html>"""


def click_with_user_agent(service: RunningService, agent: str) -> str:
    """A message with hostile words in it and a click with a hostile user agent; the message's key."""
    (entry,) = service.send(
        subject=HOSTILE_TEXT,
        tags=[HOSTILE_TEXT[:60]],
        recipients=[{"email": "ada@example.org", "name": HOSTILE_TEXT, "variant": HOSTILE_TEXT}],
        html_content=f"<a href=\"https://example.com/?q=%22%3E<b&quot;'\">{HOSTILE_TEXT}</a> <a href='https://example.com/b?x=\"&gt;'>{HOSTILE_TEXT}</a>",
    )
    links = [
        delivered_link
        for delivered_link in service.delivered_links(entry["id"])
        if delivered_link.startswith(service.settings.base_url)
    ]
    service.reader.get(links[0], headers={**FIREFOX_HEADERS, "User-Agent": agent})
    wait_until(lambda: service.click_count(entry["id"]) > 0)
    key: str = entry["id"].strip("<>").partition("@")[0]
    return key


def test_text_from_strangers_is_not_markup(service: RunningService, dashboard_client: DashboardClient) -> None:
    """What a subject, a tag, a link's text, a variant and a user agent say is escaped on every page that shows it."""
    key = click_with_user_agent(service, HOSTILE_TEXT)
    dashboard_client.signed_in_client()
    pages = [dashboard_client.get(path) for path in ("/", "/campaigns", "/messages", "/live", f"/messages/{key}")]
    pages.append(dashboard_client.http.get("/campaign", params={"tag": HOSTILE_TEXT[:60]}).text)
    pages.append(dashboard_client.http.get("/compare", params={"tag": HOSTILE_TEXT[:60]}).text)
    pages.append(
        dashboard_client.http.get(
            "/messages", params={"subject": HOSTILE_TEXT, "recipient": HOSTILE_TEXT, "tag": HOSTILE_TEXT}
        ).text
    )
    pages.append(dashboard_client.post("/check", {"html": HOSTILE_TEXT + MAIL}).text)
    for page in pages:
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "49" not in page.partition("{{7*7}}")[0][-5:]
    assert ESCAPED_TEXT in dashboard_client.get(f"/messages/{key}")
    assert ESCAPED_TEXT in dashboard_client.get("/live")


def test_nothing_of_it_runs(browser: Browser, service: RunningService) -> None:
    """In a browser no dialog opens on any of these pages, nothing is asked elsewhere, and the console stays quiet."""
    key = click_with_user_agent(service, HOSTILE_TEXT)
    with BrowserSession(browser, service.url) as looking:
        dialogs: list[str] = []
        looking.page.on("dialog", lambda dialog: dialogs.append(dialog.message))
        looking.sign_in()
        for path in ("/", "/campaigns", "/messages", "/live", f"/messages/{key}"):
            looking.open_page(path).wait_for_load_state("networkidle")
        assert dialogs == []
        assert looking.external_requests == []
        assert looking.complaints == []


def test_a_hostile_mail_is_tame_in_its_frame(browser: Browser, service: RunningService) -> None:
    """A mail full of scripts, forms, refreshes and remote pictures shows its text and does nothing else; opened by
    itself it does no more.
    """
    (entry,) = service.send(html_content=MAIL)
    service.wait_for_mail(entry["id"])
    key = entry["id"].strip("<>").partition("@")[0]
    with BrowserSession(browser, service.url) as looking:
        dialogs: list[str] = []
        looking.page.on("dialog", lambda dialog: dialogs.append(dialog.message))
        page = looking.sign_in().open_page(f"/messages/{key}")
        page.wait_for_load_state("networkidle")
        frame = page.frame_locator("iframe.mail")
        assert "good" in frame.locator("body").inner_text()
        assert "styled" in frame.locator("body").inner_text()
        for name in ("href", "src", "action", "ping", "srcdoc", "data", "onload", "onclick", "onerror", "content"):
            assert frame.locator(f"body [{name}]").count() == 0, name
        page.wait_for_timeout(500)
        looking.open_page(f"/messages/{key}/mail").wait_for_load_state("networkidle")
        assert page.url.endswith("/mail")
        assert dialogs == []
        assert looking.external_requests == []


def test_the_frame_has_a_policy_of_its_own(service: RunningService, dashboard_client: DashboardClient) -> None:
    """The mail's own answer is a sandbox that allows no script, no request and no form, only in a frame of ours."""
    (entry,) = service.send(html_content=MAIL)
    service.wait_for_mail(entry["id"])
    key = entry["id"].strip("<>").partition("@")[0]
    answer = dashboard_client.signed_in_client().http.get(f"/messages/{key}/mail")
    policy = answer.headers["content-security-policy"]
    assert policy.endswith("sandbox")
    for rule in ("default-src 'none'", "img-src data:", "form-action 'none'", "frame-ancestors 'self'"):
        assert rule in policy
    assert "script-src" not in policy
    assert "evil.example/pixel" not in answer.text
    assert '<iframe class="mail" sandbox src=' in dashboard_client.get(f"/messages/{key}")


@pytest.mark.parametrize("name", ["../dashboard.css", "..%2Froutes.py", "nothing.css", "%2e%2e/view.py"])
def test_only_known_files_are_served(dashboard_client: DashboardClient, name: str) -> None:
    """No path leads out of the folder of style sheet, script and icon."""
    from linkweir.dashboard.static_assets import CONTENT_HASH

    assert dashboard_client.http.get(f"/static/{CONTENT_HASH}/{name}").status_code == 404
    assert (
        dashboard_client.http.get(f"/static/{CONTENT_HASH}/dashboard.css")
        .headers["content-type"]
        .startswith("text/css")
    )


def test_no_template_marks_text_from_strangers_as_safe() -> None:
    """No template turns escaping off, and none holds a script, a style or an event handler of its own."""
    import re

    from linkweir import dashboard

    folder = Path(dashboard.__file__).parent / "templates"
    for path in folder.glob("*.html"):
        text = path.read_text("utf-8")
        assert "safe" not in re.findall(r"\|\s*(\w+)", text), path.name
        assert not re.search(r"autoescape|<style|\sstyle=|\son\w+=|<script>|javascript:", text), path.name

"""Tests of the dashboard against what strangers may write: user agents, subjects, link texts, addresses, mails."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.edge.dashboard.browsing import FIREFOX, Looking, Visitor
from tests.edge.serving import Served, wait_until

BAD = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}"
SHOWN = "&#34;&#39;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=alert(2)&gt;{{7*7}}"
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


def click_with(house: Served, agent: str) -> str:
    """A message with hostile words in it and a click with a hostile user agent; the message's key."""
    (entry,) = house.send(
        subject=BAD,
        tags=[BAD[:60]],
        recipients=[{"email": "ada@example.org", "name": BAD, "variant": BAD}],
        html_content=f"<a href=\"https://example.com/?q=%22%3E<b&quot;'\">{BAD}</a> <a href='https://example.com/b?x=\"&gt;'>{BAD}</a>",
    )
    links = [one for one in house.links(entry["id"]) if one.startswith(house.settings.base_url)]
    house.reader.get(links[0], headers={**FIREFOX, "User-Agent": agent})
    wait_until(lambda: house.clicks(entry["id"]) > 0)
    key: str = entry["id"].strip("<>").partition("@")[0]
    return key


def test_strangers_words_are_text(house: Served, visitor: Visitor) -> None:
    """What a subject, a tag, a link's text, a variant and a user agent say is escaped on every page that shows it."""
    key = click_with(house, BAD)
    visitor.entered()
    pages = [visitor.get(path) for path in ("/", "/campaigns", "/messages", "/live", f"/messages/{key}")]
    pages.append(visitor.client.get("/campaign", params={"tag": BAD[:60]}).text)
    pages.append(visitor.client.get("/compare", params={"tag": BAD[:60]}).text)
    pages.append(visitor.client.get("/messages", params={"subject": BAD, "recipient": BAD, "tag": BAD}).text)
    pages.append(visitor.post("/check", {"html": BAD + MAIL}).text)
    for page in pages:
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "49" not in page.partition("{{7*7}}")[0][-5:]
    assert SHOWN in visitor.get(f"/messages/{key}")
    assert SHOWN in visitor.get("/live")


def test_nothing_of_it_runs(browser: Browser, house: Served) -> None:
    """In a browser no dialog opens on any of these pages, nothing is asked elsewhere, and the console stays quiet."""
    key = click_with(house, BAD)
    with Looking(browser, house.url) as looking:
        dialogs: list[str] = []
        looking.page.on("dialog", lambda dialog: dialogs.append(dialog.message))
        looking.sign_in()
        for path in ("/", "/campaigns", "/messages", "/live", f"/messages/{key}"):
            looking.go(path).wait_for_load_state("networkidle")
        assert dialogs == []
        assert looking.elsewhere == []
        assert looking.complaints == []


def test_a_hostile_mail_is_tame_in_its_frame(browser: Browser, house: Served) -> None:
    """A mail full of scripts, forms, refreshes and remote pictures shows its text and does nothing else; opened by
    itself it does no more.
    """
    (entry,) = house.send(html_content=MAIL)
    house.delivered(entry["id"])
    key = entry["id"].strip("<>").partition("@")[0]
    with Looking(browser, house.url) as looking:
        dialogs: list[str] = []
        looking.page.on("dialog", lambda dialog: dialogs.append(dialog.message))
        page = looking.sign_in().go(f"/messages/{key}")
        page.wait_for_load_state("networkidle")
        frame = page.frame_locator("iframe.mail")
        assert "good" in frame.locator("body").inner_text()
        assert "styled" in frame.locator("body").inner_text()
        for name in ("href", "src", "action", "ping", "srcdoc", "data", "onload", "onclick", "onerror", "content"):
            assert frame.locator(f"body [{name}]").count() == 0, name
        page.wait_for_timeout(500)
        looking.go(f"/messages/{key}/mail").wait_for_load_state("networkidle")
        assert page.url.endswith("/mail")
        assert dialogs == []
        assert looking.elsewhere == []


def test_the_frame_has_a_policy_of_its_own(house: Served, visitor: Visitor) -> None:
    """The mail's own answer is a sandbox that allows no script, no request and no form, only in a frame of ours."""
    (entry,) = house.send(html_content=MAIL)
    house.delivered(entry["id"])
    key = entry["id"].strip("<>").partition("@")[0]
    answer = visitor.entered().client.get(f"/messages/{key}/mail")
    policy = answer.headers["content-security-policy"]
    assert policy.endswith("sandbox")
    for rule in ("default-src 'none'", "img-src data:", "form-action 'none'", "frame-ancestors 'self'"):
        assert rule in policy
    assert "script-src" not in policy
    assert "evil.example/pixel" not in answer.text
    assert '<iframe class="mail" sandbox src=' in visitor.get(f"/messages/{key}")


@pytest.mark.parametrize("name", ["../dashboard.css", "..%2Froutes.py", "nothing.css", "%2e%2e/view.py"])
def test_only_files_of_ours_are_handed_out(visitor: Visitor, name: str) -> None:
    """No path leads out of the folder of style sheet, script and icon."""
    from linkweir.edge.dashboard.files import MARK

    assert visitor.client.get(f"/static/{MARK}/{name}").status_code == 404
    assert visitor.client.get(f"/static/{MARK}/dashboard.css").headers["content-type"].startswith("text/css")


def test_no_template_marks_a_stranger_s_words_as_safe() -> None:
    """No template turns escaping off, and none holds a script, a style or an event handler of its own."""
    import re

    from linkweir.edge import dashboard

    folder = Path(dashboard.__file__).parent / "templates"
    for path in folder.glob("*.html"):
        text = path.read_text("utf-8")
        assert "safe" not in re.findall(r"\|\s*(\w+)", text), path.name
        assert not re.search(r"autoescape|<style|\sstyle=|\son\w+=|<script>|javascript:", text), path.name

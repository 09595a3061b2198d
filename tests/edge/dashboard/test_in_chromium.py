"""Tests of the dashboard in a real browser: every page, in light and dark, at a desk and on a phone."""

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.edge.dashboard.browsing import DESK, EMAIL, FIREFOX, PHONE, Looking, Scheme, add_user
from tests.edge.serving import Served, wait_until

PAGES = {
    "overview": "/",
    "a day": "/?days=1",
    "campaigns": "/campaigns",
    "campaign": "/campaign?tag=sample-spring-sale",
    "campaign without its mail": "/campaign?tag=sample-winter-catalogue",
    "who clicked": "/campaign/clickers?tag=sample-weir-day",
    "who clicked on a link": "/campaign/clickers?tag=sample-spring-sale&position=1&address=ada",
    "nobody fits": "/campaign/clickers?tag=sample-spring-sale&address=xyzzy",
    "a segment": "/campaign/segment?tag=sample-spring-sale&by=attribute:plan",
    "an empty segment": "/campaign/segment?tag=sample-spring-sale&by=attribute:none",
    "an A/B test": "/compare?tag=sample-spring-sale",
    "compare": "/compare?tag=sample-letter-7&tag=sample-letter-8&tag=sample-spring-sale&tag=sample-weir-day",
    "compare nothing": "/compare",
    "messages": "/messages",
    "no message fits": "/messages?subject=xyzzy",
    "live": "/live",
    "webhooks": "/webhooks",
    "a new webhook": "/webhooks/new",
    "settings": "/settings",
    "check": "/check",
}
LOOKS = [("light", DESK), ("dark", DESK), ("light", PHONE), ("dark", PHONE)]


@pytest.fixture(scope="module", params=LOOKS, ids=lambda look: f"{look[0]}-{look[1][0]}")
def looking(request: pytest.FixtureRequest, browser: Browser, sampled: Served) -> Iterator[Looking]:
    """Somebody who has signed in, with each of the looks."""
    scheme: Scheme
    scheme, size = request.param
    wait_until(lambda: "no longer kept" in _text(sampled, browser))
    with Looking(browser, sampled.url, scheme=scheme, size=size) as found:
        yield found.sign_in()


def _text(sampled: Served, browser: Browser) -> str:
    """The page of the campaign whose mails are too old to be kept."""
    with Looking(browser, sampled.url) as found:
        return found.sign_in().go(PAGES["campaign without its mail"]).content()


def accessible(page: Page) -> None:
    """axe-core finds no violation."""
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def whole(page: Page) -> None:
    """Nothing sticks out to the side."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), page.url


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES.keys())
def test_a_page_is_whole(looking: Looking, path: str) -> None:
    """A page loads without a word in the console, asks nobody else, fits its window and is accessible."""
    looking.complaints.clear()
    page = looking.go(path)
    page.wait_for_load_state("networkidle")
    assert looking.complaints == []
    assert looking.elsewhere == []
    whole(page)
    accessible(page)


def test_the_page_of_one_message_is_whole(looking: Looking) -> None:
    """The same holds for a message that people clicked, reached through the list."""
    looking.complaints.clear()
    page = looking.go("/messages?status=Clicked")
    page.click("main tbody a")
    page.wait_for_load_state("networkidle")
    assert page.locator(".hit").count() >= 1
    whole(page)
    accessible(page)
    looking.go(page.url.removeprefix(looking.url) + "/clicks")
    assert page.locator(".hit").count() >= 1
    whole(page)
    accessible(page)
    assert looking.complaints == []
    assert looking.elsewhere == []


def test_the_page_of_one_webhook_is_whole(looking: Looking) -> None:
    """The same holds for a webhook with its deliveries."""
    looking.complaints.clear()
    page = looking.go("/webhooks")
    page.click("main tbody a")
    assert page.get_by_text("503").count() >= 1
    whole(page)
    accessible(page)
    for path in ("/edit", "/delete"):
        looking.go(page.url.removeprefix(looking.url).removesuffix("/edit") + path)
        whole(page)
        accessible(page)
    assert looking.complaints == []


def test_making_a_webhook_is_whole(looking: Looking) -> None:
    """The same holds for a form with a mistake in it and for the secret of a webhook; its end is a page with a word."""
    page = looking.go("/webhooks/new")
    page.fill("#name", "crm")
    page.fill("#url", "https://crm.example/a b")
    page.click("main form.card button")
    assert page.get_by_role("alert").is_visible()
    whole(page)
    accessible(page)
    looking.complaints.clear()  # the browser's word on the status 400
    page.fill("#url", "https://crm.example/")
    page.click("main form.card button")
    assert page.input_value("#secret").startswith("aha-whsec-")
    whole(page)
    accessible(page)
    page.click("text=I have it")
    page.get_by_role("link", name="Delete").click()
    page.click("main .danger")
    assert page.get_by_role("status").inner_text() == "The webhook was deleted."
    assert looking.complaints == []


def test_what_was_checked_is_whole(looking: Looking) -> None:
    """The same holds for the answer of the check page: one link of the example is tracked, one should have been."""
    looking.complaints.clear()
    page = looking.go("/check")
    page.click("main button")
    assert page.get_by_role("heading", name="1 of 3 links would be tracked").is_visible()
    assert page.get_by_text("1 probably should be tracked").is_visible()
    assert looking.complaints == []
    whole(page)
    accessible(page)


def test_errors_are_pages_too(looking: Looking) -> None:
    """What is not there is a page with a way back."""
    page = looking.go("/nothing")
    assert page.get_by_role("heading", name="Not found").is_visible()
    assert page.get_by_role("link", name="To the overview").is_visible()
    whole(page)
    accessible(page)


def test_an_empty_house_says_what_to_do(browser: Browser, house: Served) -> None:
    """Without messages, clicks and webhooks every page says so, and how to begin."""
    with Looking(browser, house.url) as looking:
        looking.sign_in()
        for path, text in {
            "/": "Nothing has been sent in this time",
            "/campaigns": "No campaign in this time",
            "/compare": "No campaign in this time",
            "/messages": "No message yet",
            "/live": "No click yet",
            "/webhooks": "No webhook",
        }.items():
            page = looking.go(path)
            assert page.get_by_role("heading", name=text).is_visible()
            accessible(page)
        assert looking.complaints == []


def test_the_journey_from_sending_to_the_click(browser: Browser, house: Served) -> None:
    """A message is sent over the API, its link is followed, and the click appears by itself on the live page, on the
    message and over the link in its mail; signing out ends it.
    """
    (entry,) = house.send(tags=["journey"])
    first, _ = house.links(entry["id"])
    with Looking(browser, house.url) as looking:
        page = looking.sign_in().go("/live")
        assert page.get_by_role("heading", name="No click yet").is_visible()
        house.reader.get(first, headers=FIREFOX)
        page.wait_for_selector(".hit", timeout=20_000)
        assert "https://example.com/a?x=1&y=2" in page.inner_text(".hit")
        assert "Firefox" in page.inner_text(".hit")
        page.click(".hit a")
        page.wait_for_url("**/messages/*")
        mail = page.frame_locator("iframe.mail")
        assert mail.locator("[data-linkweir-count]").all_inner_texts() == ["1", "0"]
        looking.go("/campaign?tag=journey")
        assert page.frame_locator("iframe.mail").locator("[data-linkweir-count]").first.inner_text() == "1"
        page.get_by_role("link", name="Who clicked on link 1").click()
        assert page.get_by_role("link", name="ada@example.org").is_visible()
        with page.expect_download() as download:
            page.get_by_role("link", name="This list as CSV").click()
        assert "ada@example.org" in download.value.path().read_text()
        page.click("text=Sign out")
        page.wait_for_url("**/sign-in")
        looking.go("/live")
        assert "/sign-in?next=/live" in page.url
        assert looking.complaints == []


def test_a_mail_in_its_frame_leads_nowhere(browser: Browser, house: Served) -> None:
    """Clicking on the links of the drawn mail, or walking to them by keyboard, follows nothing and counts nothing."""
    (entry,) = house.send()
    house.delivered(entry["id"])
    key = entry["id"].strip("<>").partition("@")[0]
    with Looking(browser, house.url) as looking:
        page = looking.sign_in().go(f"/messages/{key}")
        before = len(looking.asked)
        frame = page.frame_locator("iframe.mail")
        for link in frame.locator("a").all():
            link.click()
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_timeout(200)
        assert [url for url in looking.asked[before:] if "/c/" in url or "example" in url] == []
        assert page.frames[1].url.endswith("/mail")
    assert house.clicks(entry["id"]) == 0


def test_everything_can_be_done_by_keyboard(browser: Browser, house: Served) -> None:
    """The first Tab offers to skip to the content, the focus can be seen, and Enter in the form signs in."""
    with Looking(browser, house.url) as looking:
        page = looking.go("/sign-in")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
        page.focus("#email")
        page.keyboard.type(EMAIL)
        page.keyboard.press("Tab")
        page.keyboard.type("correct horse battery")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile("/dashboard/$"))


def test_without_scripts_the_pages_work(browser: Browser, house: Served) -> None:
    """With JavaScript off one can sign in, read the newest clicks, and save settings."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{house.url}/dashboard/")
    page.fill("#email", EMAIL)
    page.fill("#password", "correct horse battery")
    page.click("main button")
    page.goto(f"{house.url}/dashboard/live")
    assert page.get_by_role("link", name="Load again").is_visible()
    page.goto(f"{house.url}/dashboard/settings")
    page.check("#track_clicks")
    page.click("text=Save")
    assert page.get_by_role("status").inner_text().startswith("Saved.")
    assert house.client.get(house.base).json()["track_clicks"] is True
    context.close()


def test_it_works_under_a_mount(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Mounted under /mail in another application, every link, form, file and frame stays under /mail."""
    import socket

    from starlette.applications import Starlette
    from starlette.routing import Mount

    from linkweir.app import create_app, linkweir_lifespan
    from linkweir.settings import Settings
    from tests.edge.serving import Running

    listener = socket.create_server(("127.0.0.1", 0))
    inner = create_app(Settings(data=tmp_path_factory.mktemp("mounted") / "data", log_level="error"))
    outer = Starlette(routes=[Mount("/mail", inner)], lifespan=lambda _: linkweir_lifespan(inner))
    with Running(outer, listener):
        served = type("Mounted", (), {"service": inner.state.linkweir})()
        add_user(served)
        with Looking(browser, f"http://127.0.0.1:{listener.getsockname()[1]}/mail") as looking:
            looking.sign_in()
            for path in ("/", "/settings", "/live"):
                page = looking.go(path)
                found = page.evaluate(
                    "[...document.querySelectorAll('a[href],form[action],link[href],script[src],img[src]')]"
                    ".map(e => new URL(e.href || e.action || e.src).pathname)"
                )
                assert [one for one in found if not one.startswith("/mail/dashboard/")] == []
            assert looking.complaints == []

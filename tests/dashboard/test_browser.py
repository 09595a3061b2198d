"""Tests of the dashboard in a real browser: every page, in light and dark, at a desk and on a phone."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from linkweir import dashboard
from linkweir.demo import sample_traffic
from linkweir.translation import LANGUAGES
from tests.dashboard.browser_client import (
    DESKTOP_VIEWPORT,
    EMAIL,
    FIREFOX_HEADERS,
    PHONE_VIEWPORT,
    BrowserSession,
    DashboardClient,
    add_user,
)
from tests.web.running_service import RunningService, wait_until

pytestmark = pytest.mark.sqlite_only(reason="it is about how pages look, whatever their figures come from")
PAGES = {
    "overview": "/",
    "a day": "/?period=1",
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
    "no message fits": "/messages?q=xyzzy",
    "live": "/live",
    "live for one campaign": "/live?tag=sample-spring-sale&verdict=people",
    "events": "/events?tag=sample-spring-sale&verdict=machines&position=1",
    "no event fits": "/events?address=xyzzy&hours=490000-490001&by=country&value=DE",
    "a link": "/link?tag=sample-spring-sale&position=1",
    "a search": "/messages?q=ada&status=Clicked",
    "a recipient": "/recipient?email=ada@example.com",
    "erase": "/recipient/erase?email=ada@example.com",
    "send": "/send",
    "people": "/people",
    "webhooks": "/webhooks",
    "a new webhook": "/webhooks/new",
    "settings": "/settings",
    "corrections": "/corrections?campaign=sample-spring-sale",
    "share": "/campaign/report?tag=sample-spring-sale",
    "check": "/check",
}
SCRIPT_THERE = "0"  # nothing: axe-core is on the page already
COLOUR_RULES = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}


@pytest.fixture(scope="module", params=[DESKTOP_VIEWPORT, PHONE_VIEWPORT], ids=lambda size: str(size[0]))
def browser_session(
    request: pytest.FixtureRequest, browser: Browser, sample_service: RunningService
) -> Iterator[BrowserSession]:
    """Somebody who has signed in, at a desk and on a phone."""
    with DashboardClient(sample_service) as client:
        client.signed_in_client()
        wait_until(lambda: "no longer stored" in client.get(PAGES["campaign without its mail"]))
    with BrowserSession(browser, sample_service.url, size=request.param) as result:
        yield result.sign_in()


def assert_accessible(page: Page) -> None:
    """axe-core finds no violation, neither in light nor, where only colours differ, in dark."""
    result = Axe().run(page)
    assert result.violations_count == 0, result.generate_report()
    page.emulate_media(color_scheme="dark")
    result = Axe(SCRIPT_THERE).run(page, options={"resultTypes": ["violations"], **COLOUR_RULES})
    assert result.violations_count == 0, result.generate_report()
    page.emulate_media(color_scheme="light")


def test_dark_differs_from_light_in_colours_only() -> None:
    """The style sheet says of dark which colours its variables have, all of which it has given for light, and no more:
    whatever else holds for a page in light holds in dark.
    """
    text = (Path(dashboard.__file__).parent / "static" / "dashboard.css").read_text()
    light, dark = re.split(r"@media screen and \(prefers-color-scheme: dark\) \{\s*:root \{", text)
    dark, rest = re.split(r"\}\s*\}", dark, maxsplit=1)
    colours = dict(re.findall(r"\s*(--[\w-]+): ([^;]+);", dark))
    assert re.sub(r"\s*--[\w-]+: (#[0-9a-f]{6}|none);", "", dark).strip() == ""
    assert len(colours) > 10
    assert [name for name in colours if f"{name}:" not in light] == []
    assert "prefers-color-scheme" not in rest + light
    folder = Path(dashboard.__file__).parent
    scripts = "".join(path.read_text() for path in folder.rglob("*.js"))
    assert "prefers-color-scheme" not in scripts


def assert_no_overflow(page: Page) -> None:
    """Nothing sticks out to the side."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), page.url


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES.keys())
def test_a_page_is_whole(browser_session: BrowserSession, path: str) -> None:
    """A page loads without a word in the console, asks nobody else, fits its window and is accessible."""
    browser_session.complaints.clear()
    page = browser_session.open_page(path)
    page.wait_for_load_state("networkidle")
    assert browser_session.complaints == []
    assert browser_session.external_requests == []
    assert_no_overflow(page)
    assert_accessible(page)


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_navigation_is_one_line(browser: Browser, sample_service: RunningService, code: str) -> None:
    """At a desk all links of the navigation are beside each other in every language."""
    with BrowserSession(browser, sample_service.url) as session:
        session.page.set_extra_http_headers({"Accept-Language": code})
        links = session.sign_in().page.locator(".top nav a")
        assert links.count() == 10
        assert links.evaluate_all("links => new Set(links.map(link => link.offsetTop)).size") == 1


def test_the_page_of_one_message_is_whole(browser_session: BrowserSession) -> None:
    """The same holds for a message that people clicked, reached through the list."""
    browser_session.complaints.clear()
    page = browser_session.open_page("/messages?status=Clicked")
    page.click("main tbody a")
    page.wait_for_load_state("networkidle")
    assert page.locator(".hit").count() >= 1
    assert_no_overflow(page)
    assert_accessible(page)
    browser_session.open_page(page.url.removeprefix(browser_session.url) + "/clicks")
    assert page.locator(".hit").count() >= 1
    assert_no_overflow(page)
    assert_accessible(page)
    assert browser_session.complaints == []
    assert browser_session.external_requests == []


def test_the_page_of_one_webhook_is_whole(browser_session: BrowserSession) -> None:
    """The same holds for a webhook with its deliveries."""
    browser_session.complaints.clear()
    page = browser_session.open_page("/webhooks")
    page.click("main tbody a")
    assert page.get_by_text("503").count() >= 1
    assert_no_overflow(page)
    assert_accessible(page)
    for path in ("/edit", "/delete"):
        browser_session.open_page(page.url.removeprefix(browser_session.url).removesuffix("/edit") + path)
        assert_no_overflow(page)
        assert_accessible(page)
    assert browser_session.complaints == []


def test_making_a_webhook_is_whole(browser_session: BrowserSession) -> None:
    """The same holds for a form with a mistake in it and for the secret of a webhook; its end is a page with a word."""
    page = browser_session.open_page("/webhooks/new")
    page.fill("#name", "crm")
    page.fill("#url", "https://crm.example/a b")
    page.click("main form.card button")
    assert page.get_by_role("alert").is_visible()
    assert_no_overflow(page)
    assert_accessible(page)
    browser_session.complaints.clear()  # the browser's word on the status 400
    page.fill("#url", "https://crm.example/")
    page.click("main form.card button")
    assert page.input_value("#secret").startswith("aha-whsec-")
    assert_no_overflow(page)
    assert_accessible(page)
    page.click("text=Continue to the webhook")
    page.get_by_role("link", name="Delete").click()
    page.click("main .danger")
    assert page.get_by_role("status").inner_text() == "The webhook was deleted."
    assert browser_session.complaints == []


def test_correcting_a_link_is_whole(browser_session: BrowserSession) -> None:
    """The same holds for the form with a mistake, for a correction in force, for its removal and for the record."""
    page = browser_session.open_page("/corrections")
    page.fill("#destination", f"https://shop.example/{'long-' * 20}?utm_source=newsletter")
    page.fill("#replacement", "https://ada:word@shop.example/right")
    page.click("main form.card button")
    assert page.locator("#replacement-wrong").is_visible()
    assert_no_overflow(page)
    assert_accessible(page)
    browser_session.complaints.clear()  # the browser's word on the status 400
    page.fill("#replacement", "https://shop.example/right")
    page.click("main form.card button")
    page.get_by_role("status").wait_for()
    assert_no_overflow(page)
    assert_accessible(page)
    page.get_by_role("link", name="Remove the correction").first.click()
    assert_no_overflow(page)
    assert_accessible(page)
    page.click("main .danger")
    assert page.get_by_role("heading", name="Removed").is_visible()
    assert_no_overflow(page)
    assert_accessible(page)
    assert browser_session.complaints == []


def test_the_page_of_a_domain_is_whole(browser_session: BrowserSession) -> None:
    """The same holds for the settings with a mistake, and for a domain whose host leads elsewhere, with a mistake."""
    page = browser_session.open_page("/settings")
    page.fill("#internal_networks", "192.0.2.999")
    page.get_by_role("button", name="Save", exact=True).first.click()
    assert page.locator("#internal_networks-wrong").is_visible()
    assert_no_overflow(page)
    assert_accessible(page)
    page.fill("#domain", "newsletter.company-with-a-long-name.example")
    page.fill("#subdomain", "links")
    page.get_by_role("button", name="Add domain").click()
    page.get_by_role("link", name="newsletter.company-with-a-long-name.example").click()
    page.get_by_role("button", name="Check now").click()
    assert page.get_by_text("LINKWEIR_BASE_URL has to name a public host").is_visible()
    assert_no_overflow(page)
    page.fill("#skip", "(")
    page.get_by_role("button", name="Save").click()
    assert page.locator("#skip-wrong").is_visible()
    assert_no_overflow(page)
    assert_accessible(page)
    assert browser_session.external_requests == []


def test_a_report_is_whole(browser_session: BrowserSession) -> None:
    """The same holds for a new link to a report and for the page behind it, whose chart begins where clicks do; a print
    of it has its figures and its chart, and that of the messages their table, without navigation, footer and forms.
    """
    browser_session.complaints.clear()
    page = browser_session.open_page("/campaign/report?tag=sample-spring-sale")
    page.click("main form.card button")
    secret = page.input_value("#link").rpartition("/")[2]
    assert_no_overflow(page)
    assert_accessible(page)
    page = browser_session.open_page(f"/report/{secret}")
    assert page.evaluate("document.querySelector('.scroll').scrollLeft") == 0
    assert_no_overflow(page)
    assert_accessible(page)
    page.emulate_media(media="print")
    assert page.locator(".tile").count() == page.locator(".tile:visible").count() == 4
    assert page.locator(".chart").is_visible()
    browser_session.open_page("/messages")
    assert page.locator("main table").is_visible()
    assert page.locator(".top:visible, footer:visible, form:visible").count() == 0
    page.emulate_media(media="screen")
    assert browser_session.complaints == []
    assert browser_session.external_requests == []


def test_what_was_checked_is_whole(browser_session: BrowserSession) -> None:
    """The same holds for the answer of the check page: one link of the example is tracked, one should have been."""
    browser_session.complaints.clear()
    page = browser_session.open_page("/check")
    page.click("main button")
    assert page.get_by_role("heading", name="1 of 3 links would be tracked").is_visible()
    assert page.get_by_text("1 link looks as if it should be tracked").is_visible()
    assert browser_session.complaints == []
    assert_no_overflow(page)
    assert_accessible(page)


def test_errors_are_pages_too(browser_session: BrowserSession) -> None:
    """What is not there is a page with a way back."""
    page = browser_session.open_page("/nothing")
    assert page.get_by_role("heading", name="Not found").is_visible()
    assert page.get_by_role("link", name="Go to the overview").is_visible()
    assert_no_overflow(page)
    assert_accessible(page)


def test_an_empty_service_shows_first_steps(browser: Browser, service: RunningService) -> None:
    """Without messages, clicks and webhooks every page says so, and how to begin."""
    with BrowserSession(browser, service.url) as looking:
        looking.sign_in()
        for path, text in {
            "/": "First steps 1 of 5 done",
            "/campaigns": "No campaigns in this period",
            "/compare": "No campaigns in this period",
            "/messages": "No messages yet",
            "/live": "No clicks yet",
            "/webhooks": "No webhook",
        }.items():
            page = looking.open_page(path)
            assert page.get_by_role("heading", name=text).is_visible()
            assert_accessible(page)
        assert looking.complaints == []


def test_the_first_steps_are_ticked_from_the_data(browser: Browser, service: RunningService) -> None:
    """From the checklist somebody sends a first mail, follows its link, adds a domain and invites a colleague; each is
    ticked, sample data ticks nothing, and the list is gone when all is done.
    """
    sample_traffic.generate(service.components)
    with BrowserSession(browser, service.url) as looking:
        page = looking.sign_in().page
        assert page.get_by_role("heading", name="First steps 1 of 5 done").is_visible()
        page.get_by_role("link", name="Send", exact=True).last.click()
        page.fill("#to", EMAIL)
        page.get_by_role("button", name="Send test mail").click()
        page.wait_for_url("**/messages/*")
        assert page.get_by_role("link", name="follow its link").is_visible()
        assert_accessible(page)
        page = looking.open_page("/")
        assert page.get_by_role("heading", name="First steps 2 of 5 done").is_visible()
        assert_accessible(page)
        with page.context.expect_page() as followed:
            page.get_by_role("link", name="Follow the link").click()
        assert followed.value.url == f"{service.url}/docs"
        service.wait_until_ingested()
        page = looking.open_page("/")
        page.get_by_text("First steps: 3 of 5 done").click()
        page.get_by_role("link", name="Settings", exact=True).last.click()
        page.fill("#domain", "example.com")
        page.get_by_role("button", name="Add domain").click()
        page = looking.open_page("/")
        page.get_by_text("First steps: 4 of 5 done").click()
        assert_accessible(page)
        page.get_by_role("link", name="People", exact=True).last.click()
        page.fill("#email", "ben@example.com")
        page.get_by_role("button", name="Invite").click()
        assert "First steps" not in looking.open_page("/").content()
        assert looking.complaints == []


def test_the_journey_from_sending_to_the_click(browser: Browser, service: RunningService) -> None:
    """A message is sent over the API, its link is followed, and the click appears by itself on the live page, on the
    message and over the link in its mail; signing out ends it.
    """
    (entry,) = service.send(tags=["journey"])
    first, _ = service.delivered_links(entry["id"])
    with BrowserSession(browser, service.url) as looking:
        page = looking.sign_in().open_page("/live")
        assert page.get_by_role("heading", name="No clicks yet").is_visible()
        page.wait_for_timeout(2_500)  # who clicks within two seconds of delivery is likelier a scanner
        service.reader.get(first, headers=FIREFOX_HEADERS)
        page.wait_for_selector(".hit", timeout=20_000)
        assert "https://example.com/a?x=1&y=2" in page.inner_text(".hit")
        assert "Firefox" in page.inner_text(".hit")
        page.click(".hit a")
        page.wait_for_url("**/messages/*")
        mail = page.frame_locator("iframe.mail")
        assert mail.locator("[data-linkweir-count]").all_inner_texts() == ["1", "0"]
        looking.open_page("/campaign?tag=journey")
        assert page.frame_locator("iframe.mail").locator("[data-linkweir-count]").first.inner_text() == "1"
        page.get_by_role("link", name="Who clicked on link 1").click()
        assert page.get_by_role("link", name="ada@example.org").is_visible()
        with page.expect_download() as download:
            page.get_by_role("link", name="This list as CSV", exact=True).click()
        assert "ada@example.org" in download.value.path().read_text()
        page.click("text=Sign out")
        page.wait_for_url("**/sign-in")
        looking.open_page("/live")
        assert "/sign-in?next=/live" in page.url
        assert looking.complaints == []


def test_a_mail_in_its_frame_leads_nowhere(browser: Browser, service: RunningService) -> None:
    """Clicking on the links of the drawn mail, or walking to them by keyboard, follows nothing and counts nothing."""
    (entry,) = service.send()
    service.wait_for_mail(entry["id"])
    key = entry["id"].strip("<>").partition("@")[0]
    with BrowserSession(browser, service.url) as looking:
        page = looking.sign_in().open_page(f"/messages/{key}")
        before = len(looking.requested_urls)
        frame = page.frame_locator("iframe.mail")
        for link in frame.locator("a").all():
            link.click()
        assert page.frames[1].url.endswith("/mail")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")  # what follows the frame on the page may be opened
        page.wait_for_timeout(200)
        paths = [url.partition("?")[0] for url in looking.requested_urls[before:]]  # what follows the frame is a form
        assert [path for path in paths if "/c/" in path or "example" in path] == []
    assert service.click_count(entry["id"]) == 0


def test_everything_can_be_done_by_keyboard(browser: Browser, service: RunningService) -> None:
    """The first Tab offers to skip to the content, the focus can be seen, and Enter in the form signs in."""
    with BrowserSession(browser, service.url) as looking:
        page = looking.open_page("/sign-in")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to content"
        page.focus("#email")
        page.keyboard.type(EMAIL)
        page.keyboard.press("Tab")
        page.keyboard.type("correct horse battery")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile("/dashboard/$"))


def test_without_scripts_the_pages_work(browser: Browser, service: RunningService) -> None:
    """With JavaScript off one can sign in, read the newest clicks, and save settings."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{service.url}/dashboard/")
    page.fill("#email", EMAIL)
    page.fill("#password", "correct horse battery")
    page.click("main button")
    page.goto(f"{service.url}/dashboard/live")
    assert page.get_by_role("link", name="Reload").is_visible()
    page.goto(f"{service.url}/dashboard/settings")
    page.check("#track_clicks")
    page.click("text=Save")
    assert page.get_by_role("status").inner_text().startswith("Saved.")
    assert service.client.get(service.account_path).json()["track_clicks"] is True
    context.close()


def test_it_works_under_a_mount(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Mounted under /mail in another application, every link, form, file and frame stays under /mail."""
    import socket

    from starlette.applications import Starlette
    from starlette.routing import Mount

    from linkweir.app import create_app, linkweir_lifespan
    from linkweir.settings import Settings
    from tests.web.running_service import UvicornThread

    listener = socket.create_server(("127.0.0.1", 0))
    inner = create_app(Settings(data=tmp_path_factory.mktemp("mounted") / "data", log_level="error"))
    outer = Starlette(routes=[Mount("/mail", inner)], lifespan=lambda _: linkweir_lifespan(inner))
    with UvicornThread(outer, listener):
        served = type("Mounted", (), {"components": inner.state.linkweir})()
        add_user(served)
        with BrowserSession(browser, f"http://127.0.0.1:{listener.getsockname()[1]}/mail") as looking:
            looking.sign_in()
            for path in ("/", "/settings", "/live"):
                page = looking.open_page(path)
                result = page.evaluate(
                    "[...document.querySelectorAll('a[href],form[action],link[href],script[src],img[src]')]"
                    ".map(e => new URL(e.href || e.action || e.src).pathname)"
                )
                assert [item for item in result if not item.startswith("/mail/")] == []
            assert looking.complaints == []

"""The ten tasks of people who use the dashboard, in a real browser, each with the number of clicks that it takes."""

import re
from collections.abc import Iterator
from ipaddress import ip_network

import pytest
from playwright.sync_api import Browser, Locator, Page

from linkweir.cli.entry_point import main
from linkweir.demo import sample_traffic
from linkweir.html.lint import TEXT_IS_OTHER_URL
from tests.dashboard.browser_client import FIREFOX_HEADERS, BrowserSession, add_user
from tests.web.running_service import RunningService, wait_until
from tests.webhooks.receiver import WebhookReceiver

CAMPAIGN = "sample-spring-sale"
NEWSLETTER = (
    '<a href="https://example.com/">Our site</a> <a href="https://shop.example.net/login">https://bank.example.com/</a>'
)


class Visit:
    """A page on which clicks are counted; typing and choosing are not."""

    def __init__(self, session: BrowserSession) -> None:
        self.session = session
        self.page: Page = session.page
        self.clicks = 0

    def start(self, path: str = "/") -> None:
        """Begin a task on this page."""
        self.session.open_page(path)
        self.clicks = 0

    def click(self, target: Locator) -> None:
        """Click once."""
        self.clicks += 1
        target.click()
        self.page.wait_for_load_state("load")

    def go(self, name: str) -> None:
        """Click on a name in the navigation."""
        self.click(self.page.get_by_role("navigation", name="Pages").get_by_role("link", name=name))

    def press(self, name: str) -> None:
        """Click on a button."""
        self.click(self.page.get_by_role("button", name=name, exact=True))


@pytest.fixture(scope="module")
def receiver() -> Iterator[WebhookReceiver]:
    """Whom webhooks are sent to."""
    with WebhookReceiver() as result:
        yield result


@pytest.fixture(scope="module")
def shared_service(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with a user and the sample traffic, for all tasks."""
    folder = tmp_path_factory.mktemp("tasks") / "data"
    with RunningService(folder, webhook_networks=(ip_network("127.0.0.0/8"),)) as running:
        add_user(running)
        assert sample_traffic.generate(running.components)
        yield running


@pytest.fixture(scope="module")
def session(browser: Browser, shared_service: RunningService) -> Iterator[BrowserSession]:
    """Somebody who has signed in."""
    with BrowserSession(browser, shared_service.url) as result:
        yield result.sign_in()


@pytest.fixture
def visit(session: BrowserSession) -> Iterator[Visit]:
    """The same person with a new task, of whom the browser complains in none."""
    session.complaints.clear()
    yield Visit(session)
    assert session.complaints == []
    assert session.external_requests == []


def test_find_yesterdays_best_link(visit: Visit) -> None:
    """One click from the overview shows yesterday's destinations, the best first; the second opens it."""
    visit.start()
    visit.click(visit.page.get_by_role("link", name="Yesterday"))
    best = visit.page.locator("section", has_text="Top destinations").locator("tbody th a").first
    address = best.inner_text()
    visit.click(best)
    assert visit.page.locator("main code").inner_text() == address
    assert visit.page.locator(".periods a[aria-current]").first.inner_text() == "Yesterday"
    assert visit.clicks <= 2


def test_see_why_a_click_is_a_machines(visit: Visit) -> None:
    """From a campaign one click leads to the machines' clicks, each with its reasons."""
    visit.start(f"/campaign?tag={CAMPAIGN}")
    visit.click(visit.page.locator(".tile.machines a.count"))
    assert visit.page.locator(".hit").count() > 1
    assert visit.page.locator(".hit:not(.machine):not(.prefetch)").count() == 0
    assert visit.page.locator(".hit").first.locator(".why li").count() >= 1
    assert visit.clicks <= 2


def test_compare_two_campaigns(visit: Visit) -> None:
    """Two campaigns of the list stand side by side with a sentence on what is chance, after four clicks."""
    visit.start()
    visit.go("Campaigns")
    for name in (CAMPAIGN, "sample-weir-day"):
        visit.click(visit.page.get_by_label(f"Compare {name}"))
    visit.press("Compare selected")
    assert set(visit.page.locator("table.sides thead a").all_inner_texts()) == {CAMPAIGN, "sample-weir-day"}
    assert visit.page.get_by_text(re.compile(r"The click rate of sample-.* is .*%, that of sample-")).count() == 1
    assert visit.clicks <= 4


def test_download_who_clicked(visit: Visit) -> None:
    """A campaign's page has the file with who clicked at one click."""
    visit.start(f"/campaign?tag={CAMPAIGN}")
    with visit.page.expect_download() as download:
        visit.click(visit.page.get_by_role("link", name="Who clicked as CSV", exact=True))
    lines = download.value.path().read_text().splitlines()
    assert lines[0].startswith("message_id,recipient,")
    assert len(lines) > 10
    assert visit.clicks <= 1


def test_see_what_one_recipient_did(visit: Visit) -> None:
    """From a part of an address two clicks lead to all mails and clicks of the recipient."""
    visit.start(f"/campaign/clickers?tag={CAMPAIGN}")
    address = visit.page.locator("tbody th a").first.inner_text()
    visit.start("/messages")
    visit.page.fill("#q", address[1:-6])
    visit.press("Find")
    visit.click(visit.page.get_by_role("link", name=address).first)
    assert visit.page.get_by_role("heading", level=1).inner_text() == address
    assert visit.page.locator(".hit").count() >= 1
    assert visit.page.locator("tbody tr").count() >= 1
    assert visit.clicks <= 2


def test_turn_tracking_off(visit: Visit, shared_service: RunningService) -> None:
    """Three clicks turn it off, and a mail that does not ask for it has the sender's own links then."""
    visit.start()
    visit.go("Settings")
    was_on = visit.page.is_checked("#track_clicks")
    if not was_on:
        visit.page.check("#track_clicks")
    visit.click(visit.page.locator("#track_clicks"))
    visit.press("Save")
    assert visit.page.get_by_role("status").inner_text().startswith("Saved.")
    assert not visit.page.is_checked("#track_clicks")
    (entry,) = shared_service.send(tracking={})
    assert shared_service.delivered_links(entry["id"])[0] == "https://example.com/a?x=1&y=2"
    assert visit.clicks <= 3


def test_make_a_webhook_and_test_it(visit: Visit, receiver: WebhookReceiver) -> None:
    """Five clicks make a webhook and send a test event, whose answer and signed request are shown."""
    visit.start()
    visit.go("Webhooks")
    visit.click(visit.page.get_by_role("link", name="New webhook"))
    visit.page.fill("#name", "crm")
    visit.page.fill("#url", receiver.url)
    visit.click(visit.page.locator("main form.card button"))
    visit.click(visit.page.get_by_role("link", name="Continue to the webhook"))
    visit.press("Send a test event")
    assert visit.page.get_by_role("heading", name="Test event: accepted").is_visible()
    curl = visit.page.input_value("#request")
    assert curl.startswith("curl")
    # events of the service's own mails may come, too
    assert sum(item.headers["webhook-id"] in curl for item in receiver.received) == 1
    assert visit.clicks <= 5


def test_check_a_newsletter(visit: Visit, shared_service: RunningService) -> None:
    """Two clicks check a mail; that the text of a link is another address is said alike by page, API and command."""
    warning = TEXT_IS_OTHER_URL.format(shown="bank.example.com", host="shop.example.net")
    visit.start()
    visit.go("Check")
    visit.page.fill("#html", NEWSLETTER)
    visit.press("Check links")
    assert visit.page.get_by_role("heading", name="2 of 2 links would be tracked").is_visible()
    assert visit.page.get_by_text(warning).is_visible()
    assert visit.clicks <= 2
    answer = shared_service.client.post(f"{shared_service.account_path}/check", json={"html_content": NEWSLETTER})
    assert [link["warning"] for link in answer.json()["data"]] == [None, warning]


def test_the_command_checks_a_newsletter_alike(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    """`linkweir check` says the same of the same mail, and fails with --strict."""
    file = tmp_path_factory.mktemp("check") / "mail.html"
    file.write_text(NEWSLETTER)
    assert main(["check", str(file)]) == 0
    warning = TEXT_IS_OTHER_URL.format(shown="bank.example.com", host="shop.example.net")
    assert warning in capsys.readouterr().out
    assert main(["check", "--strict", str(file)]) == 1


def test_invite_a_colleague(visit: Visit, browser: Browser, shared_service: RunningService) -> None:
    """Two clicks make a link, with which a colleague chooses a password and sees the overview."""
    visit.start()
    visit.go("People")
    visit.page.fill("#email", "ben@example.com")
    visit.press("Invite")
    link = visit.page.input_value("#link")
    assert visit.clicks <= 2
    with BrowserSession(browser, shared_service.url) as colleague:
        colleague.page.goto(link)
        colleague.page.fill("#password", "another long password")
        colleague.page.get_by_role("button", name="Join").click()
        colleague.page.wait_for_url(f"{colleague.url}/")
        assert colleague.page.get_by_role("heading", name="Overview").is_visible()


def test_get_an_api_key_and_send_a_first_mail(visit: Visit, shared_service: RunningService) -> None:
    """Three clicks make a key; a mail that it sends and a click on its link are on the live page."""
    visit.start()
    visit.go("Send")
    if not visit.page.locator("#label").is_visible():
        visit.click(visit.page.get_by_text("New API key"))
    visit.page.fill("#label", "shop")
    visit.press("Create API key")
    key = visit.page.input_value("#secret")
    assert key in visit.page.input_value("#curl")
    assert visit.clicks <= 3
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(shared_service.client.headers, "Authorization", f"Bearer {key}")
        (entry,) = shared_service.send(recipients=[{"email": "first@example.org"}], tags=["first"])
    link = shared_service.delivered_links(entry["id"])[0]
    shared_service.reader.get(link, headers=FIREFOX_HEADERS)
    shared_service.wait_until_ingested()
    visit.start("/live?tag=first")
    wait_until(lambda: visit.page.get_by_role("link", name="first@example.org").count() == 1)


def test_the_values_of_a_chart_are_read_by_pointer_and_keyboard(visit: Visit) -> None:
    """Arrow keys go from step to step of the chart that has the focus, and the pointer picks the step under it."""
    visit.start(f"/campaign?tag={CAMPAIGN}")
    value = visit.page.locator(".chart-value")
    titles = visit.page.locator(".chart .step title").all_text_contents()
    visit.page.get_by_role("group", name="Chart: Clicks over time").focus()
    visit.page.keyboard.press("Home")
    assert value.inner_text() == titles[0]
    visit.page.keyboard.press("ArrowRight")
    assert value.inner_text() == titles[1]
    visit.page.keyboard.press("End")
    assert value.inner_text() == titles[-1]
    visit.page.locator(".chart .step").first.hover()
    assert value.inner_text() == titles[0]
    assert re.fullmatch(r"\d+ \w+: People \d+, Machines \d+", titles[0])

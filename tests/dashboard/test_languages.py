"""The dashboard in the language of its reader: pages, the choice, errors, exports that stay English."""

import html
import re
import uuid

import pytest

from tests.dashboard.browser_client import EMAIL, DashboardClient
from tests.locales import catalogue
from tests.web.running_service import RunningService

PATHS = (
    "/",
    "/?from=2026-01-01&to=2026-03-31",
    "/campaigns",
    "/campaign?tag={tag}",
    "/campaign/clickers?tag={tag}",
    "/campaign/segment?tag={tag}&by=country",
    "/campaign/report?tag={tag}",
    "/link?tag={tag}&position=0",
    "/compare?tag={tag}",
    "/messages",
    "/messages/{message}",
    "/messages/{message}/clicks",
    "/events",
    "/live",
    "/webhooks",
    "/webhooks/new",
    "/check",
    "/send",
    "/people",
    "/settings",
    "/corrections",
    f"/recipient?email={EMAIL}",
    f"/recipient/erase?email={EMAIL}",
    "/forgot",
    "/sign-in",
)
TEXT = re.compile(r">([^<>]+)<|(?:aria-label|title|placeholder|data-label)=\"([^\"]*)\"")


def texts_of(page: str) -> set[str]:
    """What a page shows."""
    return {html.unescape(text or attribute).strip() for text, attribute in TEXT.findall(page)}


def known_texts(code: str) -> set[str]:
    """English texts that a page in this language must not show."""
    pairs = [(str(message.id), message.string) for message in catalogue.messages(catalogue.read(code))]
    translated = {string for _, string in pairs}
    return {text for text, string in pairs if text != string and text not in translated}


@pytest.mark.parametrize("code", ["en", *catalogue.CODES])
def test_every_page_speaks_the_language(sample_service: RunningService, code: str) -> None:
    """Each page answers in the language that the browser asks for, and shows no English text that has a translation."""
    english = known_texts(code) if code != "en" else set()
    with DashboardClient(sample_service) as client:
        client.http.headers["Accept-Language"] = f"{code},en;q=0.5"
        assert client.sign_in().status_code == 303
        message = re.search(r"/messages/([0-9a-f-]{36})", client.http.get("/messages").text)
        tag = re.search(r"campaign\?tag=([^&\"]+)", client.http.get("/campaigns").text)
        assert message
        assert tag
        for path in PATHS:
            page = client.http.get(path.format(tag=tag[1], message=message[1]))
            assert (page.status_code, f'<html lang="{code}">' in page.text) == (200, True), path
            assert not texts_of(page.text) & english, path


def test_a_choice_counts_more_than_the_browser(dashboard_client: DashboardClient) -> None:
    """The menu leads back to the page, in the chosen language, also when the address has dates in it."""
    http = dashboard_client.http
    http.headers["Accept-Language"] = "fr"
    link = re.search(
        r'href="/dashboard(/language\?to=de[^"]*)"', http.get("/sign-in?next=/%3Fperiod%3D2026-01-01..2026-02-01").text
    )
    assert link
    back = http.get(html.unescape(link[1]))
    assert back.status_code == 303
    assert back.headers["location"] == "/dashboard/sign-in?next=/%3Fperiod%3D2026-01-01..2026-02-01"
    cookie = next(item for item in back.headers.get_list("set-cookie") if item.startswith("linkweir_language"))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "<h1>Anmelden</h1>" in http.get("/sign-in").text


@pytest.mark.parametrize("query", ["", "?to=nl", "?to=../de"])
def test_only_known_languages_can_be_chosen(dashboard_client: DashboardClient, query: str) -> None:
    """Anything else is no page, and sets no cookie."""
    answer = dashboard_client.http.get(f"/language{query}")
    assert answer.status_code == 404
    assert "set-cookie" not in answer.headers


def test_the_way_back_stays_in_the_dashboard(dashboard_client: DashboardClient) -> None:
    """The link of the menu cannot lead to another site."""
    answer = dashboard_client.http.get("/language?to=de&next=//evil.example/")
    assert answer.headers["location"] == "/dashboard/"


def test_a_cookie_of_no_language_is_ignored(dashboard_client: DashboardClient) -> None:
    """The browser's wish counts instead."""
    dashboard_client.http.headers["Accept-Language"] = "de"
    dashboard_client.http.cookies.set("linkweir_language", "../../etc")
    assert '<html lang="de">' in dashboard_client.http.get("/sign-in").text


def test_mistakes_are_told_in_the_language(dashboard_client: DashboardClient) -> None:
    """Errors of pages and of fields are translated with their values."""
    dashboard_client.http.headers["Accept-Language"] = "de"
    dashboard_client.sign_in()
    assert "Unter dieser URL gibt es keine Seite." in dashboard_client.http.get("/nothing").text
    page = dashboard_client.post(
        "/corrections", {"destination": "example.com", "replacement": "https://example.com/new"}
    )
    assert page.status_code == 400
    assert "Nichts wurde geändert." in page.text
    page = dashboard_client.post(
        "/webhooks/new", {"id": str(uuid.uuid4()), "name": "crm", "url": "http://127.0.0.1/", "scope": "global"}
    )
    assert "URL: wird abgelehnt: 127.0.0.1 ist keine öffentliche Adresse. Nichts wurde gespeichert." in page.text
    page = dashboard_client.post("/settings", {"message_data_retention": "ewig"})
    assert "Muss eine ganze Zahl sein." in page.text


def test_what_checks_of_a_host_found_is_told_in_the_language(
    service: RunningService, dashboard_client: DashboardClient
) -> None:
    """The problem is stored in English, which the API says; pages say it in the reader's language."""
    path = f"{service.account_path}/domains"
    service.client.post(path, json={"domain": "example.com", "tracking_subdomain": "go"}).raise_for_status()
    found = service.client.post(f"{path}/example.com/check").json()["dns_problem"]
    assert found == "LINKWEIR_BASE_URL has to name a public host: a CNAME cannot lead to 127.0.0.1"
    dashboard_client.http.headers["Accept-Language"] = "fr"
    dashboard_client.sign_in()
    page = html.unescape(dashboard_client.http.get("/settings").text)
    assert (
        "LINKWEIR_BASE_URL doit nommer un hôte public\N{NO-BREAK SPACE}: un CNAME ne peut pas mener à 127.0.0.1" in page
    )

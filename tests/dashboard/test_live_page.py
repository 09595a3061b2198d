"""Tests of the live page: filters, the stream of new events, its bounds, and the reader's place."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from playwright.sync_api import Browser

from linkweir.web import stream_slots
from tests.dashboard.browser_client import FIREFOX_HEADERS, BrowserSession, DashboardClient
from tests.dashboard.test_events_page import click, events_on
from tests.web.running_service import RunningService, wait_until


@contextmanager
def stream(client: DashboardClient, query: str = "") -> Iterator[Iterator[str]]:
    """The lines of a stream that is open."""
    with client.http.stream("GET", f"/live/stream{query}") as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/event-stream"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        yield answer.iter_lines()


def next_event(lines: Iterator[str]) -> tuple[str, str]:
    """Field and value of the next line that is no comment, nor its id."""
    line = next(line for line in lines if line and not line.startswith((":", "id:")))
    field, _, value = line.partition(":")
    return field, value.strip()


def test_new_events_come_by_the_stream_until_the_session_ends(
    service: RunningService, dashboard_client: DashboardClient
) -> None:
    """Only events that match and are newer than those of the page are sent, each as it is listed; the last word of the
    stream is that the session has ended.
    """
    click(service, "old@example.org", tags=["spring"])
    dashboard_client.signed_in_client()
    page = dashboard_client.get("/live?tag=spring")
    newest = page.partition('data-newest="')[2].partition('"')[0]
    assert events_on(page) == 1
    assert events_on(dashboard_client.get("/live?tag=other")) == 0
    assert events_on(dashboard_client.get("/live?address=OLD@&verdict=people")) == 1
    with stream(dashboard_client, f"?tag=spring&since={newest}") as lines:
        click(service, "new@example.org", tags=["autumn"])
        click(service, "ada@example.org", tags=["spring"])
        field, value = next_event(lines)
        items = json.loads(value)
        assert (field, len(items)) == ("data", 1)
        assert "ada@example.org" in items[0]["html"]
        assert f'id="{items[0]["id"]}"' in items[0]["html"]
        dashboard_client.post("/sign-out", {})
        while (last := next_event(lines))[0] == "data":  # judged anew in the meantime
            assert "ada@example.org" in last[1]
        assert last == ("event", "end")
    assert dashboard_client.http.get("/live/stream").status_code == 303


def test_streams_are_bounded_and_places_come_free(service: RunningService, dashboard_client: DashboardClient) -> None:
    """A user has four streams at most, the next gets 503; whoever goes makes place for another."""
    dashboard_client.signed_in_client()
    slots = service.components.stream_slots
    with stream(dashboard_client), stream(dashboard_client), stream(dashboard_client):
        with stream(dashboard_client):
            assert slots.count == stream_slots.MAX_STREAMS_PER_USER == 4
            refused = dashboard_client.http.get("/live/stream")
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "30")
        wait_until(lambda: slots.count == 3)
        with stream(dashboard_client):
            assert slots.count == 4
    wait_until(lambda: slots.count == 0)


def test_a_server_that_stops_ends_its_streams(service: RunningService, dashboard_client: DashboardClient) -> None:
    """Shutting down does not wait for who looks at the live page."""
    dashboard_client.signed_in_client()
    ended = threading.Event()

    def read() -> None:
        try:
            with stream(dashboard_client) as lines:
                for _ in lines:
                    pass
        except httpx.HTTPError:
            pass
        ended.set()

    reader = threading.Thread(target=read)
    reader.start()
    wait_until(lambda: service.components.stream_slots.count == 1)
    service.stop_server()
    assert ended.wait(300)
    reader.join()
    assert not [line for line in service.logs if line.get("level") == "error"]


def test_the_reader_keeps_their_place(browser: Browser, service: RunningService) -> None:
    """New events come to the top of the list; while the reader is further down they wait behind a button."""
    (entry,) = service.send()
    first, _ = service.delivered_links(entry["id"])
    service.backdate_deliveries()
    for _ in range(12):
        service.reader.get(first, headers=FIREFOX_HEADERS)
    service.wait_until_ingested()
    with BrowserSession(browser, service.url) as looking:
        page = looking.sign_in().open_page("/live")
        page.locator("#live-state", has_text="appear automatically").wait_for(timeout=300_000)
        service.reader.get(first, headers=FIREFOX_HEADERS)
        page.locator(".hit").nth(12).wait_for(timeout=300_000)
        page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        service.reader.get(first, headers=FIREFOX_HEADERS)
        button = page.get_by_role("button", name="Show 1 new event")
        button.wait_for(timeout=300_000)
        assert page.locator(".hit").count() == 13
        assert page.evaluate("window.scrollY") > 0
        button.click()
        assert page.locator(".hit").count() == 14
        page.get_by_role("button", name="Pause").click()
        assert page.locator("#live-state").inner_text() == "Paused."
        assert looking.complaints == []
        assert looking.external_requests == []


def test_without_streams_the_page_polls(browser: Browser, service: RunningService) -> None:
    """Where a stream is refused, the same events come by polling."""
    (entry,) = service.send()
    first, _ = service.delivered_links(entry["id"])
    service.backdate_deliveries()
    with BrowserSession(browser, service.url) as looking:
        page = looking.sign_in().page
        page.route("**/live/stream*", lambda route: route.fulfill(status=503, body="no"))
        looking.open_page("/live")
        page.locator("#live-state", has_text="Up to date").wait_for(timeout=300_000)
        service.reader.get(first, headers=FIREFOX_HEADERS)
        page.wait_for_selector(".hit", timeout=300_000)

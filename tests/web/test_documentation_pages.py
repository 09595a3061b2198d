"""The manual in a browser: a real service hands it out, on hosts of its own only, and nothing in it runs."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from linkweir.manual import contents
from tests.web.running_service import RunningService, wait_until


class Page(HTMLParser):
    """The links, anchors and elements of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.elements: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what an element brings along."""
        values = dict(attrs)
        self.elements.add(tag)
        self.links += [value for name in ("href", "src") if (value := values.get(name))]
        self.anchors |= {value for value in [values.get("id")] if value}


def test_every_page_is_served_and_leads_only_to_pages(service: RunningService) -> None:
    """Each page of the manual is there, and each link in it leads to a page and a heading that are there, too."""
    pages = {}
    for topic in contents.TOPICS:
        path = "/docs" if topic == "index" else f"/docs/{topic}"
        answer = service.reader.get(path)
        assert answer.status_code == 200, topic
        assert answer.headers["content-type"].startswith("text/html")
        pages[path] = Page(answer.text)
    for page in pages.values():
        for link in page.links:
            path, _, anchor = link.partition("#")
            if path.endswith(".png"):
                assert service.reader.get(path).headers["content-type"] == "image/png"
            elif path in pages:
                assert not anchor or anchor in pages[path].anchors, link
            else:
                assert not path or path.startswith("https://"), link


def test_nothing_of_it_runs(service: RunningService) -> None:
    """A page holds no script and is served with a policy that allows none, and no style but its own."""
    answer = service.reader.get("/docs/benchmarks")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "script" not in policy
    assert ' style="' not in answer.text  # the policy would not apply it
    assert Page(answer.text).elements & {"script", "iframe", "object"} == set()
    assert '<td class="number">' in answer.text
    assert "&lt;textarea&gt;" in service.reader.get("/docs/rewriting-rules").text  # an example stays text


def test_the_search_shows_sections_and_escapes_what_was_typed(service: RunningService) -> None:
    """A search lists sections with all words; what was typed is shown as text."""
    result = service.reader.get("/docs", params={"q": "key ring backup"}).text
    assert '<a href="/docs/operations#backup">' in result
    hostile = service.reader.get("/docs", params={"q": '"><script>alert(1)</script>'}).text
    assert "<script" not in hostile
    assert "No section of the manual has all of these words." in hostile
    assert len(service.reader.get("/docs", params={"q": "a" * 5000}).text) < 20_000


@pytest.mark.parametrize("name", ["nothing", "settings.md", "..%2Fsettings", "__init__.py", "dashboard.png.md"])
def test_nothing_but_the_manual_is_served(service: RunningService, name: str) -> None:
    """What is no page of the manual is not found, whatever lies in its folder."""
    assert service.reader.get(f"/docs/{name}").status_code == 404


def test_a_tracking_host_serves_no_manual(service: RunningService, tmp_path: Path) -> None:
    """The host of a domain's tracking links has no manual, and neither has one beside the API's named hosts."""
    body = {"domain": "shop.example", "tracking_subdomain": "go"}
    assert service.client.post(f"{service.account_path}/domains", json=body).status_code == 201
    wait_until(lambda: service.reader.get("/docs", headers={"Host": "go.shop.example"}).status_code == 404)
    assert service.reader.get("/docs/api", headers={"Host": "go.shop.example"}).status_code == 404
    assert service.reader.get("/docs/api").status_code == 200
    with RunningService(tmp_path / "other", api_hosts=("api.example",)) as other:
        assert other.reader.get("/docs").status_code == 404
        assert other.reader.get("/docs", headers={"Host": "api.example"}).status_code == 200


def test_tracking_links_at_the_root_leave_room_for_the_manual(tmp_path: Path) -> None:
    """Where tracking links begin at `/`, the manual is still found."""
    with RunningService(tmp_path / "data", base_url="https://t.example.com/") as served:
        assert re.search("<h1[^>]*>Settings</h1>", served.reader.get("/docs/settings").text)

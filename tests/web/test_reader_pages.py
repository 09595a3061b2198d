"""What readers find beside links: the page for unknown ones, and `/`, of the service or of the operator."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from linkweir.errors import SettingsError
from linkweir.settings import Settings, from_environment
from linkweir.web.home_page import prefers_html
from linkweir.web.operator_pages import MAX_PAGE_BYTES, OperatorPages
from tests.web.running_service import BROWSER_HEADERS, WAIT_SECONDS, RunningService, wait_until
from tests.web.test_redirect import list_events, send_and_get_link

PAGE = '<!doctype html><meta charset="utf-8"><title>Nicht gefunden</title><p>Grüße'


@pytest.fixture
def page_file(tmp_path: Path) -> Path:
    """A page in a file."""
    path = tmp_path / "page.html"
    path.write_text(PAGE, encoding="utf-8")
    return path


def make_host_headers(service: RunningService) -> list[dict[str, str]]:
    """The headers that ask on the service's own host, and on the tracking host of a domain."""
    domain = {"domain": "brand.example", "tracking_subdomain": "t"}
    service.client.post(f"{service.account_path}/domains", json=domain).raise_for_status()
    return [{}, {"Host": "t.brand.example"}]


def test_an_unknown_link_has_the_operators_page(tmp_path: Path, page_file: Path) -> None:
    """With 404 and the operator's bytes, on GET, and without them on HEAD; a link that is known is followed."""
    with RunningService(tmp_path / "data", unknown_link_page=page_file) as served:
        _, link = send_and_get_link(served)
        for path in ("/c/nothing", link + "x", "/c/", "/c/https://evil.example/", "/c/?url=https://evil.example/"):
            answer = served.reader.get(path)
            assert (answer.status_code, answer.text) == (404, PAGE)
            assert "location" not in answer.headers
            assert answer.headers["content-type"] == "text/html; charset=utf-8"
            assert answer.headers["x-robots-tag"] == "noindex"
            assert answer.headers["cache-control"] == "no-store"
        head = served.reader.head("/c/nothing")
        assert (head.status_code, head.content, head.headers["content-length"]) == (404, b"", str(len(PAGE.encode())))
        assert list_events(served) == []
        assert served.reader.get(link).status_code == 302


def test_the_root_says_what_the_host_is(tmp_path: Path) -> None:
    """`/` is a page for browsers and JSON for programs; on a domain's host neither names anything of the operators."""
    with RunningService(tmp_path / "data") as served:
        own, domains = make_host_headers(served)
        wait_until(lambda: served.reader.get("/docs", headers=domains).status_code == 404)
        for host, is_own in ((own, True), (domains, False)):
            page = served.reader.get("/", headers=host)
            assert page.headers["content-type"] == "text/html; charset=utf-8"
            assert "unsafe-inline" not in page.headers["content-security-policy"].replace(
                "style-src 'unsafe-inline'", ""
            )
            for path in re.findall(r'href="([^"]+)"', page.text):
                assert served.reader.get(path, headers=host, follow_redirects=True).status_code == 200, path
            assert ("/dashboard/" in page.text) is is_own
            program = httpx.get(served.url, headers=host, timeout=WAIT_SECONDS)
            assert (program.headers["content-type"], program.headers["vary"]) == ("application/json", "Accept")
            expected = {"dashboard", "documentation", "openapi"} if is_own else set()
            assert program.json().keys() == {"description", "privacy"} | expected
            assert served.reader.get("/robots.txt", headers=host).text.endswith("\nDisallow: /\n")
            icon = served.reader.get("/favicon.ico", headers=host)
            assert (icon.headers["content-type"], icon.content[:4]) == ("image/x-icon", b"\0\0\1\0")


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (BROWSER_HEADERS["Accept"], True),
        ("text/html", True),
        ("application/json, text/*", True),
        ("text/html;q=0.5, application/json", False),
        ("text/html; Q=0, */*", False),
        ("text/html;q=much", False),
        ("text/html;q=nan", False),
        ("*/*", False),
        ("", False),
        (",;,", False),
    ],
)
def test_the_accept_header_decides(accept: str, expected: bool) -> None:
    """HTML goes to whoever names it and weighs it no less than JSON (RFC 9110 section 12.5.1)."""
    assert prefers_html(accept) is expected


@pytest.mark.parametrize(
    ("code", "link", "root", "privacy"),
    [
        ("en", "Link not found", "This host opens links in e-mails", "Your rights"),
        ("de", "Link nicht gefunden", "Dieser Host öffnet Links in E-Mails", "Ihre Rechte"),
        ("fr", "Lien introuvable", "Cet hôte ouvre des liens", "Vos droits"),
    ],
)
def test_pages_for_readers_speak_their_language(tmp_path: Path, code: str, link: str, root: str, privacy: str) -> None:
    """What people see without signing in is in the language that they ask for, which caches are told."""
    with RunningService(tmp_path / "data") as served:
        headers = {"Accept-Language": f"{code}-XX, en;q=0.1"}
        for path, text in (("/c/nothing", link), ("/", root), ("/privacy", privacy)):
            page = served.reader.get(path, headers=headers)
            assert (f'<html lang="{code}">' in page.text, text in page.text) == (True, True), path
            assert "accept-language" in page.headers["vary"].lower()


def test_the_root_has_the_operators_page(tmp_path: Path, page_file: Path) -> None:
    """`/` shows the page on every host, also where links alone are served, and nothing else is opened by that."""
    with RunningService(tmp_path / "data", root_page=page_file) as served:
        for host in make_host_headers(served):
            answer = served.reader.get("/", headers=host)
            assert (answer.status_code, answer.text) == (200, PAGE)
        elsewhere = {"Host": "t.brand.example"}  # known as a host of links within seconds
        wait_until(lambda: served.client.get(served.account_path, headers=elsewhere).status_code == 404)
        assert served.reader.get("/c/nothing").text != PAGE


def test_the_root_leads_to_one_fixed_address(tmp_path: Path) -> None:
    """`/` leads to the address of the settings, whatever the request says."""
    with RunningService(tmp_path / "data", root_address="https://www.brand.example/") as served:
        for host in (*make_host_headers(served), {"Host": "evil.example"}, {"X-Forwarded-Host": "evil.example"}):
            for path in ("/", "/?url=https://evil.example/", "/?next=//evil.example"):
                answer = httpx.get(served.url + path, headers=host, timeout=WAIT_SECONDS)
                assert (answer.status_code, answer.headers["location"]) == (302, "https://www.brand.example/")
        assert httpx.get(served.url + "//evil.example", timeout=WAIT_SECONDS).status_code == 404


def test_an_invalid_page_prevents_the_start(tmp_path: Path) -> None:
    """A missing file, one that is no text, and one that is too large are named with their setting."""
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "large").write_bytes(b"x" * (MAX_PAGE_BYTES + 1))
    for name in ("missing", "binary", "large"):
        for field in ("unknown_link_page", "root_page"):
            values: dict[str, Any] = {field: tmp_path / name}
            with pytest.raises(SettingsError, match=f"LINKWEIR_{field.upper()}: .*{name}"):
                OperatorPages(Settings(**values)).load()


@pytest.mark.parametrize("text", ["/page", "javascript:alert(1)", "//x.example/", "https://", "https://x/\r\nA: b"])
def test_the_address_is_one_of_the_web(text: str) -> None:
    """What is no http or https address cannot be set."""
    with pytest.raises(SettingsError, match="LINKWEIR_ROOT_ADDRESS"):
        from_environment({"LINKWEIR_ROOT_ADDRESS": text})


def test_page_and_address_exclude_each_other() -> None:
    """Both at once are refused."""
    both = {"LINKWEIR_ROOT_ADDRESS": "https://x.example/", "LINKWEIR_ROOT_PAGE": "x.html"}
    with pytest.raises(SettingsError, match="exclude"):
        from_environment(both)

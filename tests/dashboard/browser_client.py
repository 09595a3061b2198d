"""A real Chromium on the dashboard of a real service; what the browser complains of or asks elsewhere is collected."""

import html
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx
from playwright.sync_api import Browser, Page, Request, sync_playwright

from linkweir.accounts import passwords
from linkweir.clock import now
from linkweir.db import users_table
from tests.conftest import skip_or_fail
from tests.web.running_service import WAIT_SECONDS, RunningService

EMAIL, PASSWORD = "ada@example.com", "correct horse battery"
CHROMIUM_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
PHONE_VIEWPORT, DESKTOP_VIEWPORT = (390, 844), (1280, 800)
FIREFOX_HEADERS = {  # of a release with long support, which does not get old
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
    "Accept-Language": "en",
}


@contextmanager
def launch_chromium() -> Iterator[Browser]:
    """The system's browser, or why its tests skip."""
    where = shutil.which("chromium")
    if where is None:
        skip_or_fail("Chromium is not installed (Debian: chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=where, args=CHROMIUM_FLAGS.split())
        yield browser
        browser.close()


def add_user(service: RunningService, email: str = EMAIL, password: str = PASSWORD) -> None:
    """A user of the service's account."""
    account = service.components.account
    assert account is not None
    with service.components.database.write() as connection:
        users_table.add(connection, account, email, passwords.hash_password(password), now())


def read_form_token(page: str) -> str:
    """The token in a page's forms."""
    return page.partition('name="token" value="')[2].partition('"')[0]


def find_value(page: str, field: str) -> str:
    """The text of a read-only field or text area with this id."""
    match = re.search(rf'<(?:input|textarea) id="{field}"[^>]*?(?:value="([^"]*)">|>([^<]*)</textarea>)', page)
    assert match, field
    return html.unescape(match[1] if match[1] is not None else match[2])


class DashboardClient:
    """Somebody with a plain HTTP client; `entered` has their session."""

    def __init__(self, served: RunningService) -> None:
        self.http = httpx.Client(base_url=f"{served.url}/dashboard", timeout=WAIT_SECONDS)

    @classmethod
    def of(cls, other: "DashboardClient") -> Self:
        """Somebody else at the same door."""
        result = cls.__new__(cls)
        result.http = httpx.Client(base_url=other.http.base_url, timeout=WAIT_SECONDS)
        return result

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.http.close()

    def sign_in(self, email: str = EMAIL, password: str = PASSWORD, **fields: str) -> httpx.Response:
        """Fill in the form and send it."""
        token = read_form_token(self.http.get("/sign-in").text)
        return self.http.post("/sign-in", data={"token": token, "email": email, "password": password, **fields})

    def signed_in_client(self) -> Self:
        """Signed in."""
        assert self.sign_in().status_code == 303
        return self

    def get(self, path: str) -> str:
        """A page that must be there."""
        answer = self.http.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    def post(self, path: str, fields: dict[str, str], **headers: str) -> httpx.Response:
        """A form with the session's token."""
        token = read_form_token(self.get("/settings"))
        return self.http.post(path, data={"token": token, **fields}, headers=headers)


class BrowserSession:
    """One window; `complaints` has what the browser said, `elsewhere` what it asked of other hosts."""

    def __init__(self, browser: Browser, url: str, *, size: tuple[int, int] = DESKTOP_VIEWPORT) -> None:
        self._context = browser.new_context(viewport={"width": size[0], "height": size[1]})
        self.page: Page = self._context.new_page()
        self.url = f"{url}/dashboard"
        self.complaints: list[str] = []
        self.requested_urls: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._record_request)
        self.page.on("requestfailed", self._drop_blocked_request)

    def _record_request(self, request: Request) -> None:
        self.requested_urls.append(request.url)

    def _drop_blocked_request(self, request: Request) -> None:
        """What a policy forbade never left the browser."""
        if request.failure == "csp":
            self.requested_urls.remove(request.url)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._context.close()

    @property
    def external_requests(self) -> list[str]:
        """Requests to anybody but the service."""
        return [url for url in self.requested_urls if urlsplit(url).netloc != urlsplit(self.url).netloc]

    def sign_in(self) -> Self:
        """Through the form."""
        self.page.goto(self.url)
        self.page.fill("#email", EMAIL)
        self.page.fill("#password", PASSWORD)
        self.page.click("main button")
        self.page.wait_for_url(f"{self.url}/")
        return self

    def open_page(self, path: str) -> Page:
        """A page, loaded with what belongs to it."""
        self.page.goto(self.url + path, wait_until="load")
        return self.page

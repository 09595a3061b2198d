"""A real Chromium on the dashboard of a real service; what the browser complains of or asks elsewhere is collected."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Literal, Self
from urllib.parse import urlsplit

import httpx
from playwright.sync_api import Browser, Page, Request, sync_playwright

from linkweir.edge.dashboard import passwords
from linkweir.edge.parts import now
from linkweir.store import users
from tests.conftest import missing
from tests.edge.serving import Served

EMAIL, PASSWORD = "ada@example.com", "correct horse battery"
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
PHONE, DESK = (390, 844), (1280, 800)
FIREFOX = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
    "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
    "Accept-Language": "en",
}
Scheme = Literal["light", "dark"]


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's browser, or why its tests skip."""
    where = shutil.which("chromium")
    if where is None:
        missing("Chromium is not installed (Debian: chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=where, args=FLAGS.split())
        yield browser
        browser.close()


def add_user(served: Served, email: str = EMAIL, password: str = PASSWORD) -> None:
    """A user of the service's account."""
    account = served.service.account
    assert account is not None
    with served.service.store.write() as connection:
        users.add(connection, account, email, passwords.hashed(password), now())


def form_token(page: str) -> str:
    """The token in a page's forms."""
    return page.partition('name="token" value="')[2].partition('"')[0]


class Visitor:
    """Somebody with a plain HTTP client; `entered` has their session."""

    def __init__(self, served: Served) -> None:
        self.client = httpx.Client(base_url=f"{served.url}/dashboard", timeout=20)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()

    def sign_in(self, email: str = EMAIL, password: str = PASSWORD, **fields: str) -> httpx.Response:
        """Fill in the form and send it."""
        token = form_token(self.client.get("/sign-in").text)
        return self.client.post("/sign-in", data={"token": token, "email": email, "password": password, **fields})

    def entered(self) -> Self:
        """Signed in."""
        assert self.sign_in().status_code == 303
        return self

    def get(self, path: str) -> str:
        """A page that must be there."""
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    def post(self, path: str, fields: dict[str, str], **headers: str) -> httpx.Response:
        """A form with the session's token."""
        token = form_token(self.get("/settings"))
        return self.client.post(path, data={"token": token, **fields}, headers=headers)


class Looking:
    """One window; `complaints` has what the browser said, `elsewhere` what it asked of other hosts."""

    def __init__(self, browser: Browser, url: str, *, scheme: Scheme = "light", size: tuple[int, int] = DESK) -> None:
        self._context = browser.new_context(color_scheme=scheme, viewport={"width": size[0], "height": size[1]})
        self.page: Page = self._context.new_page()
        self.url = f"{url}/dashboard"
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._note)
        self.page.on("requestfailed", self._forget)

    def _note(self, request: Request) -> None:
        self.asked.append(request.url)

    def _forget(self, request: Request) -> None:
        """What a policy forbade never left the browser."""
        if request.failure == "csp":
            self.asked.remove(request.url)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._context.close()

    @property
    def elsewhere(self) -> list[str]:
        """Requests to anybody but the service."""
        return [url for url in self.asked if urlsplit(url).netloc != urlsplit(self.url).netloc]

    def sign_in(self) -> Self:
        """Through the form."""
        self.page.goto(self.url)
        self.page.fill("#email", EMAIL)
        self.page.fill("#password", PASSWORD)
        self.page.click("main button")
        self.page.wait_for_url(f"{self.url}/")
        return self

    def go(self, path: str) -> Page:
        """A page, loaded with what belongs to it."""
        self.page.goto(self.url + path, wait_until="load")
        return self.page

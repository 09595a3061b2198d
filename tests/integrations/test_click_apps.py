"""Tests of linkweir.integrations.asgi and wsgi: inside real FastAPI and Flask, they answer as the service does."""

import asyncio
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from socket import create_server
from typing import Any

import httpx
import pytest

from linkweir import KeyFile, KeyRing, Privacy, Tracker, classify_clicks
from linkweir.integrations import asgi, wsgi
from linkweir.tokens import HONEYPOT_INDEX, PIXEL_INDEX
from tests.integrations.wsgi_server import serve_wsgi
from tests.web.running_service import BROWSER_HEADERS, WAIT_SECONDS, RunningService, UvicornThread

fastapi = pytest.importorskip("fastapi")
flask = pytest.importorskip("flask")

BASE_URL = "https://example.com/c/"
LIBRARY_SCRIPT = """
import sys
import linkweir.integrations.asgi, linkweir.integrations.wsgi
roots = {name.partition(".")[0] for name in sys.modules if getattr(sys.modules[name], "__file__", None)}
print(*sorted(roots - set(sys.stdlib_module_names) - {"linkweir", "__main__", "sitecustomize"}))
"""


class Host:
    """FastAPI and Flask on loopback ports, with the application mounted at /c; `clicks` are what both recorded."""

    def __init__(self, stack: ExitStack, keys: KeyFile | KeyRing) -> None:
        from werkzeug.middleware.dispatcher import DispatcherMiddleware

        self.clicks: list[asgi.LinkClick] = []
        api = fastapi.FastAPI()
        api.mount("/c", asgi.ClickApp(keys, self.record))
        listener = create_server(("127.0.0.1", 0))
        stack.enter_context(UvicornThread(api, listener))
        site = flask.Flask("site")
        site.wsgi_app = DispatcherMiddleware(site.wsgi_app, {"/c": wsgi.ClickApp(keys, self.clicks.append)})
        url = stack.enter_context(serve_wsgi(site))
        self.urls = (f"http://127.0.0.1:{listener.getsockname()[1]}/c/", f"{url}/c/")
        self.client = stack.enter_context(httpx.Client(headers=BROWSER_HEADERS, timeout=WAIT_SECONDS))

    async def record(self, click: asgi.LinkClick) -> None:
        """Take a click, as an asynchronous application would."""
        self.clicks.append(click)


@pytest.fixture(scope="module")
def host(service: RunningService) -> Iterator[Host]:
    """Both frameworks with the keys of a running service."""
    with ExitStack() as stack:
        yield Host(stack, KeyFile(service.settings.key_path))


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A running service to compare with."""
    with RunningService(tmp_path_factory.mktemp("service")) as running:
        yield running


def mint(keys: KeyRing, destination: str, index: int = 3, **options: Any) -> str:
    """The token of a link."""
    return Tracker(keys, BASE_URL, **{"message": 4711, **options}).mint(destination, index).removeprefix(BASE_URL)


def describe(response: httpx.Response) -> tuple[int, dict[str, str], bytes]:
    """What a reader's browser sees; servers add a date, their name and what they do with the connection."""
    own = {name: text for name, text in response.headers.items() if name not in ("date", "server", "connection")}
    return response.status_code, own, response.content


def classify(clicks: list[asgi.LinkClick]) -> list[str]:
    """The verdicts of clicks as they were recorded."""
    return [found.verdict.verdict for found in classify_clicks([click.to_record() for click in clicks]) if found]


def test_responses_are_those_of_the_service(service: RunningService, host: Host) -> None:
    """Status, every header and the body agree for valid, repaired, cut, foreign, unsafe and anonymous links, the pixel
    and methods that are not allowed.
    """
    keys = service.components.keyring
    token = mint(keys, "https://example.com/a?x=1&y=ü#z")
    tokens = {
        token: 302,
        mint(keys, "https://bücher.example/ö"): 302,
        mint(keys, "https://example.com/", message=None, campaign="spring", privacy=Privacy.ANONYMOUS): 302,
        mint(keys, "https://example.com/trap", HONEYPOT_INDEX): 302,
        token + ").": 302,
        f"{token[:9]}=%20{token[9:]}": 302,  # Starlette itself answers 404 where a path contains a line end
        mint(keys, "", PIXEL_INDEX): 200,
        token[:-1]: 404,
        token + "/x": 302,
        mint(KeyRing.generate(), "https://example.com/"): 404,
        mint(keys, "javascript:alert(1)//example.com"): 404,
        "robots.txt" * 3: 404,
        "%00" * 9: 404,
    }
    for text, status in tokens.items():
        for method in ("GET", "HEAD", *(("POST", "DELETE") if text == token else ())):
            expected = service.reader.request(method, service.settings.click_path + text)
            assert expected.status_code == (status if method in ("GET", "HEAD") else 405), text
            for url in host.urls:
                assert describe(host.client.request(method, url + text)) == describe(expected), (url, text, method)


def test_a_click_is_recorded_before_the_answer(service: RunningService, host: Host) -> None:
    """With time, message, link, destination and headers; prefetches and HEAD are marked; it can be classified."""
    token = mint(service.components.keyring, "https://example.com/a")
    for url in host.urls:
        host.clicks.clear()
        host.client.get(url + token)
        host.client.get(url + token, headers={"Sec-Purpose": "prefetch;prerender"})
        host.client.head(url + token)
        first, second, third = host.clicks
        assert (first.kind, first.message, first.link, first.destination) == ("click", 4711, 3, "https://example.com/a")
        assert (first.ip, first.user_agent) == ("127.0.0.1", BROWSER_HEADERS["User-Agent"])
        assert [click.prefetch for click in host.clicks] == [False, True, False]
        assert (first.method, second.method, third.method) == ("GET", "GET", "HEAD")
        assert first.headers is not None
        assert first.headers["accept-language"] == BROWSER_HEADERS["Accept-Language"]
        assert classify([first])[0] not in ("prefetch", "machine")
        assert classify(host.clicks)[1:] == ["prefetch", "machine"]


def test_a_click_holds_no_more_than_its_privacy_mode_allows(service: RunningService, host: Host) -> None:
    """Pseudonymous: no address and no headers. Anonymous, or with Sec-GPC or DNT: the campaign and the link only."""
    keys = service.components.keyring
    pseudonymous = mint(keys, "https://example.com/a", privacy=Privacy.PSEUDONYMOUS)
    anonymous = mint(keys, "https://example.com/a", campaign="spring", privacy=Privacy.ANONYMOUS)
    full = mint(keys, "https://example.com/a")
    for url in host.urls:
        host.clicks.clear()
        host.client.get(url + pseudonymous)
        host.client.get(url + anonymous)
        host.client.get(url + full, headers={"DNT": "1"})
        host.client.get(url + full, headers={"Sec-GPC": "1"})
        assert {(click.ip, click.user_agent, click.headers) for click in host.clicks} == {(None, None, None)}
        assert [click.message for click in host.clicks] == [4711, None, None, None]
        assert [click.campaign for click in host.clicks] == [None, "spring", None, None]
        assert [click.destination for click in host.clicks] == ["https://example.com/a", None, None, None]


def test_readers_are_redirected_whatever_fails(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A recorder that raises is logged and the link followed; a key file that is missing gives 503, and then works."""

    def fail(click: asgi.LinkClick) -> None:
        raise OSError(f"disk full for {click.message}")

    keys = KeyFile(tmp_path / "keys.json")
    ring = KeyRing.generate()
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/" + mint(ring, "https://example.com/"), "SERVER_PROTOCOL": "x"}
    statuses: list[str] = []

    def start_response(status: str, headers: object, error: object = None) -> Callable[[bytes], object]:
        del headers, error
        statuses.append(status)
        return lambda data: None

    app = wsgi.ClickApp(keys, fail)
    with caplog.at_level(logging.ERROR, logger="linkweir"):
        for exists in (False, True):
            if exists:
                keys.create(ring)
            list(app(environ, start_response))
    assert statuses == ["503 Service Unavailable", "302 Found"]
    assert "key file" in caplog.text
    assert "disk full for 4711" in caplog.text
    with pytest.raises(TypeError, match="key_ring must be a KeyRing, KeyFile or KeyVariable, not str"):
        asgi.ClickApp("keys.json")  # type: ignore[arg-type]


def test_a_plain_function_records_off_the_event_loop(service: RunningService) -> None:
    """With ASGI it runs in another thread, so that one that blocks holds up nobody else; without any nothing is
    recorded.
    """
    loops: list[bool] = []

    def record(click: asgi.LinkClick) -> None:
        loops.append(asyncio._get_running_loop() is not None)

    token = mint(service.components.keyring, "https://example.com/")
    for on_click in (record, None):
        app = asgi.ClickApp(service.components.keyring, on_click)
        listener = create_server(("127.0.0.1", 0))
        with UvicornThread(app, listener):  # by itself: it answers the server's lifespan, too
            answer = httpx.get(f"http://127.0.0.1:{listener.getsockname()[1]}/{token}", timeout=WAIT_SECONDS)
        assert answer.headers["location"] == "https://example.com/"
    assert loops == [False]


def test_nothing_but_the_library_is_needed() -> None:
    """Both modules load one package beside the library and Python: idna, for the hosts in Location."""
    command = [sys.executable, "-c", LIBRARY_SCRIPT]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()  # noqa: S603 - our own
    assert set(loaded) <= {"idna", "_distutils_hack", "_virtualenv", "__editable___linkweir_finder"}

"""What a request for a tracking link is answered, by the service and by who only uses the library: statuses, headers
and pages. Knows no framework, no key and no database.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from linkweir.translation import DEFAULT_LANGUAGE
from linkweir.web import reader_pages
from linkweir.web.reader_pages import ReaderPage

HeaderList = list[tuple[bytes, bytes]]
REDIRECT_HEADERS: HeaderList = [
    (b"cache-control", b"no-store"),  # a cached redirect is a click that nobody sees
    # neither the token nor the webmail that it was read in is passed on
    (b"referrer-policy", b"no-referrer"),
    (b"x-robots-tag", b"noindex"),
    (b"content-length", b"0"),
]
BODY_HEADERS: HeaderList = [*REDIRECT_HEADERS[:-1], (b"x-content-type-options", b"nosniff")]
PAGE_HEADERS: HeaderList = [
    *BODY_HEADERS,
    (b"content-type", b"text/html; charset=utf-8"),
    (b"content-security-policy", reader_pages.CONTENT_SECURITY_POLICY.encode()),
    (b"vary", b"accept-language"),
]
OPERATOR_PAGE_HEADERS: HeaderList = [
    *BODY_HEADERS,
    (b"content-type", b"text/html; charset=utf-8"),
]  # what it may load, its author has judged
PIXEL_GIF = (  # a GIF of one transparent pixel
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00"
    b",\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
PIXEL_HEADERS: HeaderList = [
    *BODY_HEADERS,
    (b"content-type", b"image/gif"),
    (b"content-length", str(len(PIXEL_GIF)).encode()),
]


class AsgiResponse:
    """A response: a status, headers, and a body that HEAD leaves out. `result` is its name in the metrics;
    `field_lines` are the headers as lines of HTTP/1.
    """

    __slots__ = ("body", "field_lines", "headers", "result", "status")

    def __init__(
        self, result: str, status: int, headers: HeaderList, body: bytes = b"", *, field_lines: bytes | None = None
    ) -> None:
        self.result = result
        self.status = status
        self.headers = headers
        self.body = body
        self.field_lines = _format_field_lines(headers) if field_lines is None else field_lines


def _format_field_lines(headers: HeaderList) -> bytes:
    return b"".join(b"%b: %b\r\n" % field for field in headers)


REDIRECT_FIELD_LINES = _format_field_lines(REDIRECT_HEADERS)


def redirect_response(location: bytes) -> AsgiResponse:
    """Send the reader to a location: printable ASCII."""
    return AsgiResponse(
        "sent",
        302,
        [*REDIRECT_HEADERS, (b"location", location)],
        field_lines=b"%blocation: %b\r\n" % (REDIRECT_FIELD_LINES, location),
    )


def page_response(result: str, page: bytes, status: int, *more: tuple[bytes, bytes]) -> AsgiResponse:
    """Show the reader a page; `result` is its name in the metrics, `more` are further headers."""
    return AsgiResponse(result, status, [*PAGE_HEADERS, (b"content-length", str(len(page)).encode()), *more], page)


class LocalizedPage:
    """The response of a page that is the same for every link, once for each language."""

    def __init__(self, result: str, page: ReaderPage, status: int, *more: tuple[bytes, bytes]) -> None:
        self._result, self._page, self._status, self._more = result, page, status, more
        self._responses: dict[str, AsgiResponse] = {}
        self.in_language(DEFAULT_LANGUAGE)

    def in_language(self, language: str) -> AsgiResponse:
        """Return it in a language, made once."""
        response = self._responses.get(language)
        if response is None:
            page = self._page.render(language)
            response = self._responses[language] = page_response(self._result, page, self._status, *self._more)
        return response

    def respond(self, headers: Iterable[tuple[bytes, bytes]]) -> AsgiResponse:
        """Return it in the language that these headers of a request ask for."""
        return self.in_language(reader_pages.read_language(headers))


UNKNOWN_PAGE = LocalizedPage("unknown", reader_pages.UNKNOWN_PAGE, 404)
UNAVAILABLE_PAGE = LocalizedPage("unavailable", reader_pages.UNAVAILABLE_PAGE, 503, (b"retry-after", b"30"))
BLOCKED_PAGE = LocalizedPage("blocked", reader_pages.BLOCKED_PAGE, 410)
ERASED_PAGE = LocalizedPage("erased", reader_pages.ERASED_PAGE, 410)
NOT_ALLOWED_PAGE = LocalizedPage("not_allowed", reader_pages.NOT_ALLOWED_PAGE, 405, (b"allow", b"GET, HEAD"))
PIXEL_RESPONSE = AsgiResponse("pixel", 200, PIXEL_HEADERS, PIXEL_GIF)


def request_path(scope: Mapping[str, Any]) -> str:
    """The path, without what a mount takes for itself, of an ASGI scope."""
    path: str = scope["path"]
    root: str = scope.get("root_path") or ""
    return path[len(root) :] if root and path.startswith(root) else path

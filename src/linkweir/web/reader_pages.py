"""The short pages that readers of mails may see instead of the destination, in their language. No script runs in them,
and everything from a URL or a mail is escaped.
"""

import html
from collections.abc import Iterable
from typing import NamedTuple

from linkweir.clicks.url_normalization import url_host
from linkweir.translation import gettext, gettext_noop, negotiate_language, translate, use_language

CONTENT_SECURITY_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
PAGE_TEMPLATE = """<!doctype html><html lang="{language}"><meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title><h1>{title}</h1>{text}</html>
"""


class ReaderPage(NamedTuple):
    """A page: its heading and its paragraph in English."""

    title: str
    text: str

    def render(self, language: str) -> bytes:
        """Return the page in a language."""
        with use_language(language):
            title, text = html.escape(translate(self.title)), html.escape(translate(self.text))
        return PAGE_TEMPLATE.format(language=language, title=title, text=f"<p>{text}</p>").encode()


UNKNOWN_PAGE = ReaderPage(
    gettext_noop("Link not found"),
    gettext_noop("This link is incomplete, or it is not known here. Please open it from the original message."),
)
UNAVAILABLE_PAGE = ReaderPage(
    gettext_noop("Please try again"),
    gettext_noop("This link cannot be opened at the moment. Please try again in a minute."),
)
BLOCKED_PAGE = ReaderPage(
    gettext_noop("This link is blocked"),
    gettext_noop("It leads to a page that may try to harm you. If you have entered a password there, change it."),
)
ERASED_PAGE = ReaderPage(
    gettext_noop("Link removed"),
    gettext_noop("The message that this link belongs to has been erased, so the link no longer works."),
)
NOT_ALLOWED_PAGE = ReaderPage(
    gettext_noop("Method not allowed"), gettext_noop("A tracking link can only be opened in a browser.")
)


def confirmation_page(location: str, language: str) -> bytes:
    """Ask the reader whether to go to `location` (a `Location`'s text: printable ASCII)."""
    host, target = html.escape(url_host(location) or ""), html.escape(location)
    with use_language(language):
        title = gettext("Do you want to go there?")
        leads = gettext("This link leads to <b>%(host)s</b>:", host=host)
        go = gettext("Go to %(host)s", host=host)
    text = f'<p>{leads}</p><p>{target}</p><p><a href="{target}" rel="noreferrer noopener">{go}</a></p>'
    return PAGE_TEMPLATE.format(language=language, title=title, text=text).encode()


def read_language(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the language that a request asks for."""
    return negotiate_language(
        next((value for name, value in headers if name == b"accept-language"), b"").decode("latin-1")
    )

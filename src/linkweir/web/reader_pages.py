"""The short pages that readers of mails may see instead of the destination. No script runs in them, and everything from
a URL or a mail is escaped.
"""

import html

from linkweir.clicks.url_normalization import url_host

CONTENT_SECURITY_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
PAGE_TEMPLATE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title><h1>{title}</h1>{text}</html>
"""
UNKNOWN_PAGE = PAGE_TEMPLATE.format(
    title="Link not found",
    text="<p>This link is incomplete, or it is not known here. Please open it from the original message.</p>",
).encode()
UNAVAILABLE_PAGE = PAGE_TEMPLATE.format(
    title="Please try again",
    text="<p>This link cannot be opened at the moment. Please try again in a minute.</p>",
).encode()
BLOCKED_PAGE = PAGE_TEMPLATE.format(
    title="This link is blocked",
    text="<p>It leads to a page that may try to harm you. If you have entered a password there, change it.</p>",
).encode()
ERASED_PAGE = PAGE_TEMPLATE.format(
    title="Link removed",
    text="<p>The message that this link belongs to has been erased, so the link no longer works.</p>",
).encode()
NOT_ALLOWED_PAGE = PAGE_TEMPLATE.format(
    title="Method not allowed", text="<p>A tracking link can only be opened in a browser.</p>"
).encode()


def confirmation_page(location: str) -> bytes:
    """Ask the reader whether to go to `location` (a `Location`'s text: printable ASCII)."""
    host, target = html.escape(url_host(location) or ""), html.escape(location)
    text = (
        f"<p>This link leads to <b>{host}</b>:</p><p>{target}</p>"
        f'<p><a href="{target}" rel="noreferrer noopener">Go to {host}</a></p>'
    )
    return PAGE_TEMPLATE.format(title="Do you want to go there?", text=text).encode()

"""The short pages that readers of mails may see instead of where they wanted to go. Nothing runs in them, and nothing
from a URL or a mail stands in them unescaped.
"""

import html

from linkweir.click.gate import host_of

POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title><h1>{title}</h1>{text}</html>
"""
UNKNOWN = PAGE.format(
    title="Link not found",
    text="<p>This link is not known here. It may have been cut off: please try the one in the original message.</p>",
).encode()
LATER = PAGE.format(
    title="Please try again",
    text="<p>This link cannot be looked up at the moment. Please try again in a minute.</p>",
).encode()
BLOCKED = PAGE.format(
    title="This link was blocked",
    text="<p>It led to a page that may try to harm you. If you have entered a password there, change it.</p>",
).encode()
GONE = PAGE.format(title="Link removed", text="<p>What this link belonged to has been erased.</p>").encode()
NOT_ALLOWED = PAGE.format(title="Not possible", text="<p>A link can only be opened.</p>").encode()


def confirm(location: str) -> bytes:
    """Asks the reader whether they want to go to `location` (a `Location`'s text: printable ASCII)."""
    host, target = html.escape(host_of(location) or ""), html.escape(location)
    text = (
        f"<p>This link leads to <b>{host}</b>:</p><p>{target}</p>"
        f'<p><a href="{target}" rel="noreferrer noopener">Go to {host}</a></p>'
    )
    return PAGE.format(title="Do you want to go there?", text=text).encode()

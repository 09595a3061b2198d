"""`GET /privacy`: what is collected, in plain words, for operators to link to."""

from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from linkweir.edge.parts import Parts, parts_of
from linkweir.report.collected import House, said
from linkweir.store import accounts

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>What is collected</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 1.05rem/1.6 system-ui, sans-serif; max-width: 42rem; margin: 2rem auto; padding: 0 1rem }}
</style>
<main>
<h1>What is collected when you follow a link</h1>
{sections}
</main>
</html>
"""


async def privacy(request: Request) -> Response:
    """The page, from the settings in force at this moment."""
    parts = parts_of(request)
    house = await parts.in_thread(lambda: _house(parts))
    sections = "\n".join(
        f"<h2>{escape(heading)}</h2>\n" + "\n".join(f"<p>{escape(text)}</p>" for text in texts)
        for heading, texts in said(house)
    )
    return HTMLResponse(PAGE.format(sections=sections), headers=HEADERS)


def _house(parts: Parts) -> House:
    with parts.store.read() as connection:
        metadata, content = accounts.longest_retention(connection)
    return House(
        heed_objections=parts.settings.heed_objections,
        shorten=parts.settings.shorten_addresses,
        places=parts.settings.mmdb is not None,
        metadata_days=metadata,
        content_days=content,
    )


ROUTES = [Route("/privacy", privacy, methods=["GET"])]

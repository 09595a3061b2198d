"""`GET /privacy`: what is collected, in plain words, for operators to link to."""

from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from linkweir.privacy.disclosure import DisclosureSettings, disclosure_sections, load_settings
from linkweir.translation import current_language, gettext, negotiate_language, use_language
from linkweir.web.services import AppServices, services_from

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept-Language",
}
PRIVACY_TEMPLATE = """<!doctype html>
<html lang="{language}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{heading}</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 1.05rem/1.6 system-ui, sans-serif; max-width: 42rem; margin: 2rem auto; padding: 0 1rem }}
</style>
<main>
<h1>{heading}</h1>
{sections}
</main>
</html>
"""


async def privacy(request: Request) -> Response:
    """The page, from the settings in force at this moment."""
    parts = services_from(request)
    disclosure_settings = await parts.run_blocking(lambda: _load_disclosure_settings(parts))
    with use_language(negotiate_language(request.headers.get("accept-language", ""))):
        return HTMLResponse(render_privacy(disclosure_settings), headers=HEADERS)


def render_privacy(settings: DisclosureSettings) -> str:
    """Return the page in the language that is set."""
    sections = "\n".join(
        f"<h2>{escape(heading)}</h2>\n" + "\n".join(f"<p>{escape(text)}</p>" for text in texts)
        for heading, texts in disclosure_sections(settings)
    )
    heading = escape(gettext("What is collected when you follow a link"))
    return PRIVACY_TEMPLATE.format(language=current_language().code, heading=heading, sections=sections)


def _load_disclosure_settings(services: AppServices) -> DisclosureSettings:
    with services.database.read() as connection:
        return load_settings(
            connection,
            honors_opt_out=services.settings.heed_objections,
            truncates_ips=services.settings.shorten_addresses,
            has_geoip=services.settings.mmdb is not None,
        )


ROUTES = [Route("/privacy", privacy, methods=["GET"])]

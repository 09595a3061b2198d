"""`GET /`: what this host is, for people and for programs; and what browsers and crawlers ask for beside it.

The operator may replace the page by a file, or redirect to one address that the settings name. A host that serves
tracking links only says nothing about the dashboard and the API.
"""

from functools import cache
from html import escape
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from linkweir.translation import current_language, gettext, negotiate_language, use_language
from linkweir.web.host_access import serves_links_only
from linkweir.web.json_response import JSONResponse
from linkweir.web.services import services_from

HEADERS = {"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex", "X-Content-Type-Options": "nosniff"}
PAGE_HEADERS = {
    **HEADERS,
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Vary": "Accept, Accept-Language",
}
HOME_PAGE = """<!doctype html>
<html lang="{language}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<link rel="icon" href="{root}/favicon.ico">
<style>
:root {{ color-scheme: light dark }}
body {{ font: 1.05rem/1.6 system-ui, sans-serif; max-width: 42rem; margin: 2rem auto; padding: 0 1rem }}
</style>
<main>
<h1>{heading}</h1>
<p>{text}</p>
<p><a href="{root}/privacy">{privacy}</a></p>
{operators}</main>
</html>
"""
OPERATOR_LINKS = """<h2>{senders}</h2>
<ul>
<li>{dashboard}</li>
<li><a href="{root}/docs">{manual}</a></li>
<li><a href="{root}/openapi.json">{api}</a> (OpenAPI)</li>
</ul>
"""
READER_PATHS = {"privacy": "/privacy"}
OPERATOR_PATHS = {"dashboard": "/dashboard/", "documentation": "/docs", "openapi": "/openapi.json"}
ROBOTS = "User-agent: *\nAllow: /$\nAllow: /privacy\nDisallow: /\n"  # a crawler that follows a link would be a click


async def show_home(request: Request) -> Response:
    """Return the page, or for programs its links as JSON; what the operator set instead comes first."""
    services = services_from(request)
    if services.settings.root_address:
        return RedirectResponse(services.settings.root_address, 302, HEADERS)
    if services.operator_pages.root_page is not None:
        return Response(services.operator_pages.root_page, media_type="text/html", headers=HEADERS)
    root: str = request.scope.get("root_path", "")
    links_only = serves_links_only(request.scope, services)
    if prefers_html(request.headers.get("accept", "")):
        with use_language(negotiate_language(request.headers.get("accept-language", ""))):
            page = render_home(escape(root), links_only=links_only)
        return HTMLResponse(page, headers=PAGE_HEADERS)
    paths = READER_PATHS | ({} if links_only else OPERATOR_PATHS)
    body = {"description": "opens links in e-mails", **{name: root + path for name, path in paths.items()}}
    return JSONResponse(body, headers={**HEADERS, "Vary": "Accept"})


def render_home(root: str, *, links_only: bool) -> str:
    """Return the page in the language that is set. `root`: the path of the service, escaped."""
    operators = "" if links_only else _render_operator_links(root)
    return HOME_PAGE.format(
        language=current_language().code,
        root=root,
        title=gettext("Links in e-mails"),
        heading=gettext("This host opens links in e-mails"),
        text=gettext(
            "A link in a mail that leads through this host takes you to the page that the sender chose, and tells the "
            "sender that the link was followed. If you wanted to open such a link and came here instead, the link is "
            "incomplete: open it from the mail again."
        ),
        privacy=gettext("What is collected when you follow a link"),
        operators=operators,
    )


def _render_operator_links(root: str) -> str:
    dashboard = gettext('<a href="%(root)s/dashboard/">Dashboard</a>: campaigns, clicks and settings', root=root)
    return OPERATOR_LINKS.format(
        root=root,
        senders=gettext("For senders"),
        dashboard=dashboard,
        manual=gettext("Manual"),
        api=gettext("Description of the API"),
    )


def prefers_html(accept: str) -> bool:
    """Whether an Accept header (RFC 9110 section 12.5.1) asks for HTML by name and for JSON no more than for that."""
    weights = dict(_parse_media_range(text) for text in accept.lower().split(","))
    html = weights.get("text/html", weights.get("text/*", 0.0))
    return html > 0 and html >= weights.get("application/json", 0.0)


def _parse_media_range(text: str) -> tuple[str, float]:
    name, *parameters = (part.strip() for part in text.split(";"))
    try:
        weight = next((float(item[2:]) for item in parameters if item.startswith("q=")), 1.0)
    except ValueError:
        weight = 0.0
    return name, weight


async def show_robots(_request: Request) -> Response:
    """Return robots.txt: no crawler is to follow links, and there is nothing else to find."""
    return PlainTextResponse(ROBOTS)


async def show_icon(_request: Request) -> Response:
    """Return the icon that browsers ask for."""
    headers = {"Cache-Control": "public, max-age=86400", "X-Content-Type-Options": "nosniff"}
    return Response(_load_icon(), media_type="image/x-icon", headers=headers)


@cache
def _load_icon() -> bytes:
    return (files("linkweir.web") / "favicon.ico").read_bytes()


ROUTES = [
    Route("/", show_home, methods=["GET"]),
    Route("/robots.txt", show_robots, methods=["GET"]),
    Route("/favicon.ico", show_icon, methods=["GET"]),
]

"""Turns a template and values into a page with the headers that keep it safe; knows how times and numbers look.

Every value is escaped by Jinja2; no page holds a script or a style of its own, and none asks another host.
"""

from datetime import UTC, datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from linkweir.clock import rfc3339
from linkweir.dashboard.export_formats import EXPORT_FORMATS
from linkweir.dashboard.static_assets import CONTENT_HASH
from linkweir.stats.estimates import make_estimate
from linkweir.stats.verdict_counts import shown_status

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-src 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",  # with no-referrer, browsers would post our own forms from origin null
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
    "Cross-Origin-Opener-Policy": "same-origin",
}


NO_VALUE = "\N{EN DASH}"


def format_number(value: int) -> str:
    """12345 as 12,345."""
    return f"{value:,}"


def format_percent(part: float, whole: int) -> str:
    """A share in percent; a dash where there is no whole."""
    return f"{part / whole:.1%}" if whole else NO_VALUE


def format_change(now: int, before: int) -> str:
    """How much more or less than before, which was not 0."""
    return "the same as" if now == before else f"{(now - before) / before:+,.0%}".replace("-", "\N{MINUS SIGN}")


@pass_context
def format_datetime(context: Context, at: int | None) -> str:
    """Microseconds since 1970 as people write a time, in the reader's time zone."""
    return _format_time(context, at, "%-d %b %Y, %H:%M:%S")


@pass_context
def format_date(context: Context, at: int | None) -> str:
    """The day of a moment."""
    return _format_time(context, at, "%-d %b %Y")


def _format_time(context: Context, at: int | None, form: str) -> str:
    return NO_VALUE if at is None else datetime.fromtimestamp(at // 1_000_000, context["zone"]).strftime(form)


def iso_time(at: int) -> str:
    """The same moment for the `datetime` attribute."""
    return rfc3339(at, "seconds")


_TEMPLATES = Environment(
    loader=PackageLoader("linkweir.dashboard"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters |= {"number": format_number, "when": format_datetime, "day": format_date, "machine_time": iso_time}
_TEMPLATES.globals |= {
    "share": format_percent,
    "changed": format_change,
    "shown_status": shown_status,
    "estimate": make_estimate,
    "mark": CONTENT_HASH,
    "formats": EXPORT_FORMATS,
}


def dashboard_root(request: Request) -> str:
    """Where the dashboard is, also when the service is mounted in another application."""
    root: str = request.scope.get("root_path", "")
    return root + "/dashboard"


def render_page(request: Request, template: str, code: int = 200, **values: Any) -> Response:
    """A page that needs nobody to be signed in."""
    known = {
        "root": dashboard_root(request),
        "docs": request.scope.get("root_path", "") + "/docs",
        "user": None,
        "token": "",
        "sample": False,
        "here": "",
        "zone": UTC,
        **values,
    }
    return HTMLResponse(_TEMPLATES.get_template(template).render(known), code, headers=HEADERS)


def redirect(request: Request, path: str) -> Response:
    """Send the browser on to another page of ours after a POST."""
    return RedirectResponse(dashboard_root(request) + path, 303, headers=HEADERS)

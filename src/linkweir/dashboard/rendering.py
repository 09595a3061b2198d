"""Renders templates with security headers, and formats times and numbers.

Jinja2 escapes every value; pages contain no inline scripts or styles and load nothing from other hosts.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from linkweir.accounts.host_checks import translate_problem
from linkweir.clock import rfc3339
from linkweir.dashboard.export_formats import EXPORT_FORMATS
from linkweir.dashboard.static_assets import CONTENT_HASH
from linkweir.stats.estimates import Estimate, make_estimate
from linkweir.stats.hits import VERDICT_GROUPS
from linkweir.stats.report_period import PERIOD_CHOICES
from linkweir.stats.verdict_counts import shown_status
from linkweir.translation import (
    LANGUAGES,
    NO_VALUE,
    current_language,
    format_change,
    format_date,
    format_number,
    format_percent,
    gettext_noop,
    translate,
    translate_plural,
)
from linkweir.webhooks.event_kinds import EVENT_KINDS
from linkweir.webhooks.http_client import translate_error

UNKNOWN_VALUE = gettext_noop("unknown")
MIN_BREAKABLE_CHARACTERS = 24  # of an address: shorter ones fit into the least width of their column
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


def format_status(status: str) -> str:
    """Format a message's status. The API says `Received` when the service has accepted a message, which beside mails
    reads as if the recipient had received it.
    """
    return translate(status.replace("Received", "Accepted"))


def format_dimension_value(value: str | None, dimension: str) -> str:
    """Format a value of a dimension: names stay as they are, kinds of devices are words."""
    return translate(value or UNKNOWN_VALUE) if not value or dimension == "device" else value


def break_address(address: str) -> Markup:
    """Let a long address break after its @ and its dots rather than within a word."""
    if len(address) < MIN_BREAKABLE_CHARACTERS:
        return escape(address)
    return Markup("<wbr>").join(re.split("(?<=[@.])", address))


@pass_context
def format_datetime(context: Context, at: int | None) -> str:
    """Format microseconds since 1970 as date and time in the user's time zone."""
    return NO_VALUE if at is None else f"{format_date(moment := _to_zone(context, at))}, {moment:%H:%M:%S}"


@pass_context
def format_day_of(context: Context, at: int | None) -> str:
    """Format microseconds since 1970 as a date in the user's time zone."""
    return NO_VALUE if at is None else format_date(_to_zone(context, at))


def _to_zone(context: Context, at: int) -> datetime:
    return datetime.fromtimestamp(at // 1_000_000, context["zone"])


def estimate_of_message(row: Mapping[Any, Any]) -> Estimate:
    """Return the expected clicks by people of a message's row."""
    return make_estimate(row["expected_clicks"], row["expected_clicks_variance"], row["hit_count"])


def iso_time(at: int) -> str:
    """Format microseconds since 1970 for the `datetime` attribute (RFC 3339)."""
    return rfc3339(at, "seconds")


TEMPLATES = Environment(
    loader=PackageLoader("linkweir.dashboard"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    extensions=["jinja2.ext.i18n"],
)
TEMPLATES.install_gettext_callables(translate, translate_plural, newstyle=True)  # type: ignore[attr-defined]
TEMPLATES.filters |= {"number": format_number, "when": format_datetime, "day": format_day_of, "machine_time": iso_time}
TEMPLATES.filters |= {"status": format_status, "translate": translate, "dimension_value": format_dimension_value}
TEMPLATES.filters |= {
    "break_address": break_address,
    "host_problem": translate_problem,
    "webhook_error": translate_error,
}
TEMPLATES.globals |= {
    "share": format_percent,
    "changed": format_change,
    "shown_status": shown_status,
    "estimate": make_estimate,
    "row_estimate": estimate_of_message,
    "period_choices": PERIOD_CHOICES,
    "mark": CONTENT_HASH,
    "languages": tuple(LANGUAGES.values()),
    "language": current_language,
    "formats": EXPORT_FORMATS,
    "verdict_groups": tuple(VERDICT_GROUPS),
    "event_labels": {kind.name: kind.label for kind in EVENT_KINDS},
}


def dashboard_root(request: Request) -> str:
    """Return the dashboard's root path, including the mount point in another application."""
    root: str = request.scope.get("root_path", "")
    return root + "/dashboard"


def render_page(request: Request, template: str, code: int = 200, **values: Any) -> Response:
    """Render a page that requires no sign-in."""
    known = {
        "root": dashboard_root(request),
        "docs": request.scope.get("root_path", "") + "/docs",
        "user": None,
        "token": "",
        "sample": False,
        "webhook_disabled": False,
        "may": lambda _scope: False,
        "memberships": (),
        "here": "",
        "this_page": _this_page(request),
        "zone": UTC,
        **values,
    }
    return HTMLResponse(TEMPLATES.get_template(template).render(known), code, headers=HEADERS)


def _this_page(request: Request) -> str:
    """Return the path and query of this page behind the root, for the way back to it; the overview for a form."""
    if request.method != "GET":
        return "/"
    path = request.url.path.removeprefix(dashboard_root(request))
    return f"{path}?{request.url.query}" if request.url.query else path


def render_fragment(request: Request, template: str, zone: tzinfo, **values: Any) -> str:
    """Render a part of a page."""
    return TEMPLATES.get_template(template).render(root=dashboard_root(request), zone=zone, **values)


def redirect(request: Request, path: str) -> Response:
    """Redirect to another page of the dashboard after a POST (303)."""
    return RedirectResponse(dashboard_root(request) + path, 303, headers=HEADERS)

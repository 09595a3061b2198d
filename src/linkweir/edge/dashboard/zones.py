"""The time zone that a browser's reader lives in: a cookie of its own, which says nothing about anybody."""

from datetime import timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from linkweir.errors import BadInput
from linkweir.report.periods import zone_named

COOKIE = "linkweir_zone"
KEPT = timedelta(days=365)
UTC = ZoneInfo("UTC")


def zone_of(request: Request) -> ZoneInfo:
    """The zone that this browser was given, or UTC."""
    try:
        return zone_named(request.cookies.get(COOKIE, "UTC").replace("%2F", "/"))
    except BadInput:
        return UTC


@cache
def choices() -> list[str]:
    """Every zone by its name."""
    places = sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/"))
    return ["UTC", *places]


def remember(response: Response, path: str, name: str) -> None:
    """Let the browser keep a zone. Raises HTTPException for what is none."""
    try:
        zone_named(name)
    except BadInput as error:
        raise HTTPException(400, f"{error}. Nothing was changed.") from None
    response.set_cookie(COOKIE, name, max_age=int(KEPT.total_seconds()), path=path, httponly=True, samesite="lax")

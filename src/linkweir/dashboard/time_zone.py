"""The time zone of a browser, in a cookie that identifies nobody."""

from datetime import timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from linkweir.errors import ValidationError
from linkweir.stats.periods import parse_time_zone
from linkweir.translation import gettext

COOKIE_NAME = "linkweir_zone"
COOKIE_AGE = timedelta(days=365)
UTC = ZoneInfo("UTC")


def read_time_zone(request: Request) -> ZoneInfo:
    """Return the zone set in this browser, or UTC."""
    try:
        return parse_time_zone(request.cookies.get(COOKIE_NAME, "UTC").replace("%2F", "/"))
    except ValidationError:
        return UTC


@cache
def time_zone_names() -> list[str]:
    """List the names of all zones."""
    city_names = sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/"))
    return ["UTC", *city_names]


def set_time_zone_cookie(response: Response, path: str, name: str) -> None:
    """Set the zone's cookie. Raises HTTPException for an unknown zone."""
    try:
        parse_time_zone(name)
    except ValidationError as error:
        raise HTTPException(
            400, gettext("%(error)s. Nothing was changed; go back to correct it.", error=error)
        ) from None
    response.set_cookie(
        COOKIE_NAME, name, max_age=int(COOKIE_AGE.total_seconds()), path=path, httponly=True, samesite="lax"
    )

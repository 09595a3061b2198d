"""The language of the pages: what was chosen in this browser, else what the browser asks for, else English.

The choice is a cookie that identifies nobody. A link sets it, not a form with a token: whoever makes somebody else read
another language gains nothing.
"""

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from linkweir.translation import LANGUAGES, negotiate_language

COOKIE_NAME = "linkweir_language"
COOKIE_AGE = timedelta(days=365)


def read_language(request: Request) -> str:
    """Return the code of the language to answer in."""
    chosen = request.cookies.get(COOKIE_NAME, "")
    return chosen if chosen in LANGUAGES else negotiate_language(request.headers.get("accept-language", ""))


def set_language_cookie(response: Response, path: str, code: str) -> None:
    """Set the cookie of a language. Raises KeyError for another one."""
    response.set_cookie(
        COOKIE_NAME,
        LANGUAGES[code].code,
        max_age=int(COOKIE_AGE.total_seconds()),
        path=path,
        httponly=True,
        samesite="lax",
    )

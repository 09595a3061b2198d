"""How every request for a page comes in: who is signed in, is a form really ours, and what an error looks like."""

import functools
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote
from zoneinfo import ZoneInfo

from sqlalchemy import RowMapping
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from linkweir.edge import body
from linkweir.edge.dashboard import proofs, view, zones
from linkweir.edge.parts import Parts, now, parts_of
from linkweir.edge.problems import TABLE
from linkweir.errors import LinkweirError, NotFound, TooMany
from linkweir.store import accounts, dashboard_reads, users

FORM = 2 * 1024 * 1024  # bytes of a form: the check page takes a whole mail
FIELDS = 200
REFUSED = "This form was not made for your session. Go back, load the page again and repeat what you did."


@dataclass(frozen=True, slots=True)
class Call:
    """One request of somebody who is signed in. `fields` are a form's, `secret` is the session's cookie, `zone` is
    what this browser's reader calls the time."""

    request: Request
    parts: Parts
    user: RowMapping
    account: RowMapping
    secret: str
    sample: bool
    zone: ZoneInfo
    fields: dict[str, str]

    def page(self, template: str, code: int = 200, **values: Any) -> Response:
        """A page of this user."""
        known = {"user": self.user, "token": proofs.form_token(self.secret), "sample": self.sample, "zone": self.zone}
        return view.page(self.request, template, code, **known, **values)

    def away(self, path: str) -> Response:
        """On to another page."""
        return view.away(self.request, path)

    def asked(self, name: str, fallback: str = "") -> str:
        """A parameter of the query."""
        return self.request.query_params.get(name, fallback)


Work = Callable[[Call], Response]
Endpoint = Callable[[Request], Awaitable[Response]]


def signed_in(work: Work) -> Endpoint:
    """An endpoint that does `work` in a thread for a user, and sends everybody else to sign in."""

    @functools.wraps(work)
    async def endpoint(request: Request) -> Response:
        return await answered(request, lambda: _enter(request, work))

    return endpoint


async def answered(request: Request, work: Callable[[], Awaitable[Response]]) -> Response:
    """Errors become pages too."""
    try:
        return await work()
    except ClientDisconnect:
        raise
    except HTTPException as error:
        return view.page(request, "error.html", error.status_code, status=error.status_code, text=error.detail)
    except TooMany as error:
        seconds = max(1, math.ceil(error.retry_after))
        text = f"Too many attempts failed. The next one is possible in {seconds} second{'s' if seconds > 1 else ''}."
        response = view.page(request, "error.html", 429, status=429, text=text)
        response.headers["Retry-After"] = str(seconds)
        return response
    except LinkweirError as error:
        status, said, _ = next((TABLE[kind] for kind in type(error).__mro__ if kind in TABLE), (500, "error", {}))
        if status >= 500:
            parts_of(request).log.error("dashboard.failed", kind=type(error).__name__, exc_info=error)
        return view.page(request, "error.html", status, status=status, text=said or str(error))
    except Exception as error:  # a bug: the reader gets a page, the log what happened
        parts_of(request).log.error("request.bug", endpoint="dashboard", exc_info=error)
        return view.page(request, "error.html", 500, status=500, text="Something went wrong here.")


async def form(request: Request) -> dict[str, str]:
    """The fields of a form. Raises HTTPException for what is no form of ours, TooMuch."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise HTTPException(415, "a form was expected")
    with parts_of(request).incoming.hold() as held:
        data = await body.read(request, FORM, held)
    try:
        return dict(parse_qsl(data.decode(), keep_blank_values=True, max_num_fields=FIELDS))
    except ValueError:
        raise HTTPException(400, "this form cannot be read") from None


def check_form(request: Request, fields: dict[str, str], secret: str | None) -> None:
    """Refuse a form that another site made. Raises HTTPException."""
    if secret is None or not proofs.same_origin(request) or not proofs.token_fits(secret, fields.get("token", "")):
        raise HTTPException(403, REFUSED)


async def _enter(request: Request, work: Work) -> Response:
    parts = parts_of(request)
    posted = request.method == "POST"
    fields = await form(request) if posted else {}

    def inside() -> Response:
        secret = proofs.secret_of(request, proofs.SESSION)
        call = _call(request, parts, secret, fields) if secret else None
        if call is None:
            return _to_sign_in(request)
        if posted:
            check_form(request, fields, secret)
        return work(call)

    return await parts.in_thread(inside)


def _call(request: Request, parts: Parts, secret: str, fields: dict[str, str]) -> Call | None:
    with parts.store.read() as connection:
        user = users.of_session(connection, proofs.digest(secret), now())
        account = accounts.get(connection, user["account_id"]) if user else None
        if user is None or account is None:
            return None
        sample = dashboard_reads.has_sample(connection, account["id"])
    return Call(request, parts, user, account, secret, sample, zones.zone_of(request), fields)


def _to_sign_in(request: Request) -> Response:
    path = request.url.path.removeprefix(view.root_of(request)) if request.method == "GET" else "/"
    back = path + (f"?{request.url.query}" if request.url.query and request.method == "GET" else "")
    return view.away(request, f"/sign-in?next={quote(back, safe='/')}" if back != "/" else "/sign-in")


async def unknown(request: Request) -> Response:
    """Under the dashboard's path, but no page."""

    async def none() -> Response:
        raise NotFound("There is no such page.")

    return await answered(request, none)

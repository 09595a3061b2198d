"""Signing in and out, and changing the password."""

import math

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from linkweir.edge.client import address
from linkweir.edge.dashboard import passwords, proofs, view
from linkweir.edge.dashboard.entry import Call, answered, check_form, form, signed_in
from linkweir.edge.parts import Parts, now, parts_of
from linkweir.errors import BadInput, TooMany
from linkweir.store import users

WRONG = "E-mail or password is wrong."  # never which of the two


async def sign_in(request: Request) -> Response:
    """The page to sign in on, and the attempt."""
    return await answered(request, lambda: _try(request) if request.method == "POST" else _ask(request))


async def _ask(request: Request) -> Response:
    return _shown(request, request.query_params.get("next", ""))


def _shown(request: Request, back: str, error: str = "", email: str = "", status: int = 200) -> Response:
    secret = proofs.secret_of(request, proofs.VISITOR) or proofs.new_secret()
    given = {"token": proofs.form_token(secret), "next": _inside(back), "error": error, "email": email}
    response = view.page(request, "sign_in.html", status, **given)
    proofs.set_cookie(response, request, proofs.VISITOR, secret, parts_of(request).settings.trusted_proxies)
    return response


async def _try(request: Request) -> Response:
    parts, fields = parts_of(request), await form(request)
    check_form(request, fields, proofs.secret_of(request, proofs.VISITOR))
    email = fields.get("email", "").strip().lower()[:320]
    where = address(request.scope, parts.settings.trusted_proxies, parts.settings.proxy_header)
    try:
        secret = await parts.in_thread(lambda: _open(parts, where, email, fields.get("password", "")))
    except TooMany as error:
        parts.log.warning("dashboard.sign_in_refused", address=where)
        return _too_many(request, fields.get("next", ""), email, error.retry_after)
    if secret is None:
        parts.log.warning("dashboard.sign_in_failed", address=where)
        return _shown(request, fields.get("next", ""), WRONG, email, 401)
    parts.log.info("dashboard.signed_in", address=where)
    response = view.away(request, _inside(fields.get("next", "")))
    proofs.set_cookie(response, request, proofs.SESSION, secret, parts.settings.trusted_proxies)
    proofs.drop_cookie(response, request, proofs.VISITOR)
    return response


def _too_many(request: Request, back: str, email: str, seconds: float) -> Response:
    """Whether the e-mail is somebody's is not told here either."""
    wait = max(1, math.ceil(seconds))
    text = f"Too many attempts failed. The next one is possible in {wait} second{'s' if wait > 1 else ''}."
    response = _shown(request, back, text, email, 429)
    response.headers["Retry-After"] = str(wait)
    return response


def _open(parts: Parts, where: str | None, email: str, password: str) -> str | None:
    """A new session's cookie, or None when the two do not belong together. Raises TooMany."""
    attempt = parts.attempts.sign_in(where, email)
    with parts.store.read() as connection:
        user = users.by_email(connection, email)
    if not passwords.fits(user["password"] if user else None, password) or user is None:
        return None
    stronger = passwords.hashed(password) if passwords.outdated(user["password"]) else None
    secret, moment = proofs.new_secret(), now()
    with parts.store.write() as connection:
        parts.attempts.succeeded(connection, attempt, user["id"])
        if stronger:
            users.strengthen(connection, user["id"], stronger)
        users.open_session(connection, user["id"], proofs.digest(secret), moment, moment + proofs.LASTS * 1_000_000)
    return secret


def _inside(path: str) -> str:
    """Where to go after signing in: a page of the dashboard and nothing else, whatever a link says."""
    good = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and ".." not in path
    return path if good else "/"


@signed_in
def sign_out(call: Call) -> Response:
    """The session ends here and in the store."""
    with call.parts.store.write() as connection:
        users.close_session(connection, proofs.digest(call.secret))
    response = call.away("/sign-in")
    proofs.drop_cookie(response, call.request, proofs.SESSION)
    return response


@signed_in
def change_password(call: Call) -> Response:
    """A new password: every session of the user ends, and this browser gets a new one."""
    current, new = call.fields.get("current", ""), call.fields.get("new", "")
    try:
        hashed = passwords.hashed(new)
    except BadInput as error:
        raise HTTPException(400, f"The new password {error.reason}; nothing was changed.") from None
    attempt = call.parts.attempts.password(call.user["id"])
    if not passwords.fits(call.user["password"], current):
        raise HTTPException(403, "The current password is wrong; nothing was changed.")
    secret, moment = proofs.new_secret(), now()
    with call.parts.store.write() as connection:
        call.parts.attempts.succeeded(connection, attempt, call.user["id"])
        users.set_password(connection, call.user["id"], hashed, moment)
        users.open_session(
            connection, call.user["id"], proofs.digest(secret), moment, moment + proofs.LASTS * 1_000_000
        )
    call.parts.log.info("dashboard.password_changed")
    response = call.away("/settings?saved=password")
    proofs.set_cookie(response, call.request, proofs.SESSION, secret, call.parts.settings.trusted_proxies)
    return response

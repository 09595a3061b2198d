"""`GET <click path><token>`: open the token, make the fact durable, send the reader on, or show the open pixel."""

import asyncio

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from linkweir.click import fact, follow
from linkweir.edge import client
from linkweir.edge.parts import Parts, now, parts_of
from linkweir.errors import StoreUnavailable
from linkweir.token import PIXEL_INDEX, Opened

HEADERS = {
    "Cache-Control": "no-store",  # a cached redirect is a click that nobody sees
    "Referrer-Policy": "no-referrer",  # neither the token nor the webmail that it was read in is passed on
    "X-Robots-Tag": "noindex",
    "X-Content-Type-Options": "nosniff",
}
PREFETCH = ("sec-purpose", "purpose", "x-purpose", "x-moz")  # what browsers say when nobody looks yet
PIXEL = (  # a GIF of one transparent pixel
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00"
    b",\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title><h1>{title}</h1><p>{text}</p></html>
"""
UNKNOWN = PAGE.format(
    title="Link not found",
    text="This link is not known here. It may have been cut off: please try the one in the original message.",
)
LATER = PAGE.format(
    title="Please try again",
    text="This link cannot be looked up at the moment. Please try again in a minute.",
)


async def redirect(request: Request) -> Response:
    """Follow one tracking link. The answer to a token that does not verify says nothing about why."""
    parts = parts_of(request)
    opened = follow.open_any(parts.ring, request.path_params["token"])
    if opened is None:
        return _page(parts, "unknown", UNKNOWN, 404)
    if opened.index == PIXEL_INDEX:
        return await _pixel(parts, request, opened)
    try:
        if opened.style == "sealed":
            way = follow.to_sealed(opened)
        else:
            way = await parts.in_thread(lambda: follow.to_short(parts.store, opened))
    except StoreUnavailable as error:
        parts.log.error("redirect.store_unavailable", error=str(error))
        return _page(parts, "unavailable", LATER, 503, {"Retry-After": "30"})
    if way is None:
        return _page(parts, "unknown", UNKNOWN, 404)
    await _keep(parts, fact.record(way.opened, way.destination, _visit(parts, request)))
    parts.metrics.redirects.labels("sent").inc()
    return Response(status_code=302, headers={**HEADERS, "Location": way.location})


def _page(parts: Parts, result: str, page: str, status: int, headers: dict[str, str] | None = None) -> Response:
    parts.metrics.redirects.labels(result).inc()
    return HTMLResponse(page, status, headers={**HEADERS, **(headers or {})})


async def _pixel(parts: Parts, request: Request, opened: Opened) -> Response:
    """The open pixel. Whether the message is known is not asked: an image must never look broken."""
    await _keep(parts, fact.record(opened, None, _visit(parts, request)))
    parts.metrics.redirects.labels("pixel").inc()
    return Response(PIXEL, headers=HEADERS, media_type="image/gif")


def _visit(parts: Parts, request: Request) -> fact.Visit:
    said = " ".join(request.headers.get(name, "") for name in PREFETCH).lower()
    return fact.Visit(
        at=now(),
        method=request.method,
        ip=client.address(request, parts.settings.trusted_proxies),
        user_agent=request.headers.get("user-agent"),
        prefetch="prefetch" in said or "prerender" in said or "preview" in said,
        objects=request.headers.get("sec-gpc") == "1" or request.headers.get("dnt") == "1",
    )


async def _keep(parts: Parts, found: fact.Fact | None) -> None:
    """Wait until the fact is durable, but never long: the reader comes first."""
    if found is None:
        return
    promise = asyncio.wrap_future(parts.journal.append(found))
    done, _ = await asyncio.wait({promise}, timeout=parts.settings.click_wait)
    if not done:
        parts.metrics.late.inc()
        parts.log.error("click.late", event_id=str(found.id))


async def lost(request: Request) -> Response:
    """What is under the click path and no link: cut off or mangled on its way to a reader."""
    return _page(parts_of(request), "unknown", UNKNOWN, 404)


def routes(click_path: str) -> list[Route]:
    """The redirect under its path; GET brings HEAD along."""
    found = [Route(f"{click_path}{{token}}", redirect, methods=["GET"])]
    if click_path != "/":  # there, everything else is not ours to answer
        found.append(Route(f"{click_path}{{rest:path}}", lost, methods=["GET"]))
    return found

"""The page of one recipient: the mails to one address and what became of them, export and erasure."""

import itertools
import re

from starlette.responses import Response, StreamingResponse

from linkweir.clock import now
from linkweir.dashboard import neighbour_pages
from linkweir.dashboard.events_page import to_template_values
from linkweir.dashboard.page_request import DashboardRequest
from linkweir.errors import LinkweirError, NotFound, RateLimited
from linkweir.mail import addresses, stored_messages
from linkweir.privacy.erasure import COPY_LABELS
from linkweir.stats import hits
from linkweir.stats.hits import HitFilter
from linkweir.translation import gettext, translate

PAGE_SIZE = 25  # mails on a page
MAX_RECENT = 10  # events on the page


def show_recipient(call: DashboardRequest) -> Response:
    """Show the mails to the address in the query, newest first, and the newest events. Raises NotFound."""
    email, account = _parse_email(call), call.account["id"]
    with call.services.database.read() as connection:
        page = stored_messages.list_messages_to(connection, account, email, neighbour_pages.parse_page(call, PAGE_SIZE))
        found = hits.search_hits(connection, account, HitFilter(person=email.lower()), MAX_RECENT)
    return call.render(
        "recipient.html",
        here="messages",
        email=email,
        rows=page.rows,
        hits=[to_template_values(row) for row in found.rows],
        more=found.older is not None,
        pagination=neighbour_pages.make_neighbour_pages(page),
        done=call.query("done"),
    )


def export_recipient(call: DashboardRequest) -> Response:
    """Give all data about the address as one JSON file, as the API does."""
    email = _parse_email(call)
    pieces = call.services.privacy_requests.export(email, call.account["id"])
    first = next(pieces)
    name = re.sub(r"[^A-Za-z0-9]+", "-", email)[:60].strip("-")
    headers = {
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Content-Disposition": f'attachment; filename="recipient-{name}.json"',
    }
    call.services.log.info("recipient.exported")
    return StreamingResponse(itertools.chain([first], pieces), headers=headers, media_type="application/json")


def confirm_erase(call: DashboardRequest) -> Response:
    """Ask for confirmation."""
    return _render_confirmation(call, _parse_email(call))


def erase_recipient(call: DashboardRequest) -> Response:
    """Erase all data about the address, for good."""
    email = _parse_email(call)
    try:
        done = call.services.privacy_requests.erase(email, now(), call.account["id"])
    except RateLimited as error:
        seconds = max(1, round(error.retry_after))
        return _render_confirmation(
            call,
            email,
            429,
            gettext("Another recipient is being erased. Try again in %(seconds)s seconds.", seconds=seconds),
        )
    call.services.log.info("recipient.erased", messages=done.rows["messages"], overwritten=done.overwritten)
    copies = ", ".join(translate(COPY_LABELS[location]) for location in done.remaining_copies)
    return call.render("erased.html", here="messages", done=done, copies=copies)


def _render_confirmation(call: DashboardRequest, email: str, code: int = 200, error: str = "") -> Response:
    with call.services.database.read() as connection:
        page = stored_messages.list_messages_to(
            connection, call.account["id"], email, neighbour_pages.parse_page(call, PAGE_SIZE)
        )
    return call.render("erase.html", code, here="messages", email=email, known=bool(page.rows), error=error)


def _parse_email(call: DashboardRequest) -> str:
    """Return the address in the query, in its stored form. Raises NotFound."""
    try:
        return addresses.normalize_recipient(call.query("email").strip(), "email")
    except LinkweirError:
        raise NotFound(gettext("The URL names no e-mail address. Choose a recipient under Messages.")) from None

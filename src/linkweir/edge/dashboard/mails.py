"""Messages: the list with its filters, and one message with its links, clicks, deliveries and its mail."""

import uuid
from typing import Any

from sqlalchemy import RowMapping
from starlette.responses import Response

from linkweir.edge.dashboard import drawn, figures, turning
from linkweir.edge.dashboard.entry import Call, signed_in
from linkweir.edge.dashboard.live import shown
from linkweir.edge.dashboard.mail_links import link_rows, mail_page
from linkweir.errors import NotFound
from linkweir.store import browse, clicked, messages
from linkweir.store.pages import Wanted

PAGE = 50
NEWEST = 10  # clicks on the message's own page
FILTERS = ("recipient", "subject", "tag", "status")
STATUSES = ("Received", "Delivered", "Opened", "Clicked", "Deferred", "Bounced", "Failed", "Suppressed")


@signed_in
def list_messages(call: Call) -> Response:
    """The newest messages that fit the filters, a page at a time."""
    given = {name: call.asked(name).strip() for name in FILTERS}
    filters: dict[str, Any] = {"recipient": given["recipient"], "subject": given["subject"]}
    filters["tags"] = [given["tag"]] if given["tag"] else []
    filters["status"] = [given["status"]] if given["status"] else []
    with call.parts.store.read() as connection:
        found = browse.find(connection, call.account["id"], turning.wanted(call, PAGE), filters)
    return call.page(
        "messages.html",
        here="messages",
        rows=found.rows,
        given=given,
        statuses=STATUSES,
        filtered=any(given.values()),
        turning=turning.around(found),
    )


@signed_in
def one_message(call: Call) -> Response:
    """Everything that is known of one message."""
    row = known(call)
    key = row["id"]
    with call.parts.store.read() as connection:
        raw = messages.content(connection, key)
        short = messages.destinations(connection, key)
        attempts = messages.delivery_attempts(connection, key)
        links = clicked.links_of(connection, key)
        hits = clicked.hits_of(connection, call.account["id"], key, Wanted(NEWEST))
    html = drawn.html_of(raw) if raw else None
    followed = [f"{one['position']}\t{one['destination'] or ''}" for one in links]
    return call.page(
        "message.html",
        here="messages",
        row=row,
        attempts=attempts,
        links=link_rows(html, call.parts.ring, figures.of_links(links), followed, short),
        hits=[shown(one) for one in hits.rows],
        more=hits.more_after,
        kept=raw is not None,
        drawable=html is not None,
    )


@signed_in
def message_clicks(call: Call) -> Response:
    """All clicks and opens of one message, a page at a time."""
    row = known(call)
    with call.parts.store.read() as connection:
        page = clicked.hits_of(connection, call.account["id"], row["id"], turning.wanted(call, PAGE))
    return call.page(
        "message_clicks.html",
        here="messages",
        row=row,
        hits=[shown(one) for one in page.rows],
        turning=turning.around(page, "at"),
    )


@signed_in
def message_mail(call: Call) -> Response:
    """The mail of one message with its own counts over its links."""
    key = _key(call)
    with call.parts.store.read() as connection:
        row = messages.get(connection, call.account["id"], key)
        raw = messages.content(connection, key) if row else None
        links = clicked.links_of(connection, key) if row else []
    return mail_page(call, raw, figures.of_links(links))


def known(call: Call) -> RowMapping:
    """The message in the path. Raises NotFound."""
    key = _key(call)
    with call.parts.store.read() as connection:
        row = messages.get(connection, call.account["id"], key)
    if row is None:
        raise NotFound("There is no such message.")
    return row


def _key(call: Call) -> uuid.UUID:
    try:
        return uuid.UUID(call.request.path_params["id"])
    except ValueError:
        raise NotFound("There is no such message.") from None

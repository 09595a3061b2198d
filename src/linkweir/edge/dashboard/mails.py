"""Messages: the list with its filters, and one message with its links, clicks, deliveries and its mail."""

import uuid
from typing import Any

from starlette.responses import Response

from linkweir.edge.dashboard import drawn, figures
from linkweir.edge.dashboard.entry import Call, signed_in
from linkweir.edge.dashboard.live import shown
from linkweir.edge.dashboard.mail_links import link_rows, mail_page
from linkweir.errors import NotFound
from linkweir.store import browse, clicked, dashboard_reads, messages
from linkweir.store.pages import Wanted

PAGE = 50
CLICKS = 100
LATEST = 1 << 62  # microseconds since 1970
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
        found = browse.find(connection, call.account["id"], _wanted(call), filters)
    return call.page(
        "messages.html",
        here="messages",
        rows=found.rows,
        given=given,
        statuses=STATUSES,
        filtered=any(given.values()),
        newer=_place(found.rows[0]) if found.more_before else None,
        older=_place(found.rows[-1]) if found.more_after and found.rows else None,
    )


def _place(row: Any) -> str:
    return f"{row['created_at']}.{row['id'].hex}"


def _wanted(call: Call) -> Wanted:
    for direction in ("after", "before"):
        at, _, key = call.asked(direction).partition(".")
        try:
            place = (int(at), uuid.UUID(key))
        except ValueError:
            continue
        if not 0 <= place[0] < LATEST:
            continue  # no place that we named, and more than the store can compare with
        return Wanted(PAGE, "after" if direction == "after" else "before", place)
    return Wanted(PAGE)


@signed_in
def one_message(call: Call) -> Response:
    """Everything that is known of one message."""
    key = _key(call)
    with call.parts.store.read() as connection:
        row = messages.get(connection, call.account["id"], key)
        if row is None:
            raise NotFound("There is no such message.")
        raw = messages.content(connection, key)
        short = messages.destinations(connection, key)
        attempts = messages.delivery_attempts(connection, key)
        links = clicked.links_of(connection, key)
        hits = dashboard_reads.clicks_of(connection, call.account["id"], key, CLICKS)
    html = drawn.html_of(raw) if raw else None
    followed = [f"{one['position']}\t{one['destination'] or ''}" for one in links]
    return call.page(
        "message.html",
        here="messages",
        row=row,
        attempts=attempts,
        links=link_rows(html, call.parts.ring, figures.of_links(links), followed, short),
        hits=[shown(one) for one in hits],
        limit=CLICKS,
        kept=raw is not None,
        drawable=html is not None,
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


def _key(call: Call) -> uuid.UUID:
    try:
        return uuid.UUID(call.request.path_params["id"])
    except ValueError:
        raise NotFound("There is no such message.") from None

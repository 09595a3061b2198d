"""Messages: the list with its filters, and one message with its links, clicks, deliveries and its mail."""

import uuid
from typing import Any

from sqlalchemy import RowMapping
from starlette.responses import Response

from linkweir.dashboard import heatmap, neighbour_pages
from linkweir.dashboard.link_rows import heatmap_response, link_rows
from linkweir.dashboard.live_page import to_template_values
from linkweir.dashboard.page_request import DashboardRequest, login_required
from linkweir.db import click_lists, message_search, messages_table
from linkweir.errors import NotFound
from linkweir.pagination import PageRequest
from linkweir.stats import verdict_counts

PAGE_SIZE = 50
MAX_RECENT_CLICKS = 10  # clicks on the message's own page
FILTER_FIELDS = ("recipient", "subject", "tag", "status")
STATUSES = ("Received", "Delivered", "Opened", "Clicked", "Deferred", "Bounced", "Failed", "Suppressed")


@login_required
def list_messages(call: DashboardRequest) -> Response:
    """The newest messages that fit the filters, a page at a time."""
    given = {name: call.query(name).strip() for name in FILTER_FIELDS}
    filters: dict[str, Any] = {"recipient": given["recipient"], "subject": given["subject"]}
    filters["tags"] = [given["tag"]] if given["tag"] else []
    filters["shown_status"] = [given["status"]] if given["status"] else []
    with call.services.store.read() as connection:
        found = message_search.search(
            connection, call.account["id"], neighbour_pages.parse_page(call, PAGE_SIZE), filters
        )
    return call.render(
        "messages.html",
        here="messages",
        rows=found.rows,
        given=given,
        statuses=STATUSES,
        filtered=any(given.values()),
        turning=neighbour_pages.make_neighbour_pages(found),
    )


@login_required
def show_message(call: DashboardRequest) -> Response:
    """Everything that is known of one message."""
    row = load_message(call)
    key = row["id"]
    with call.services.store.read() as connection:
        raw = messages_table.get_content(connection, key)
        short = messages_table.get_short_link_destinations(connection, key)
        attempts = messages_table.list_delivery_attempts(connection, key)
        links = click_lists.list_links_of_message(connection, key)
        hits = click_lists.list_hits_of_message(connection, call.account["id"], key, PageRequest(MAX_RECENT_CLICKS))
    html = heatmap.html_body(raw) if raw else None
    followed = [f"{one['position']}\t{one['destination'] or ''}" for one in links]
    return call.render(
        "message.html",
        here="messages",
        row=row,
        attempts=attempts,
        links=link_rows(html, call.services.keyring, verdict_counts.link_clicks_from_links(links), followed, short),
        hits=[to_template_values(one) for one in hits.rows],
        more=hits.more_after,
        kept=raw is not None,
        drawable=html is not None,
    )


@login_required
def list_message_clicks(call: DashboardRequest) -> Response:
    """All clicks and opens of one message, a page at a time."""
    row = load_message(call)
    with call.services.store.read() as connection:
        page = click_lists.list_hits_of_message(
            connection, call.account["id"], row["id"], neighbour_pages.parse_page(call, PAGE_SIZE)
        )
    return call.render(
        "message_clicks.html",
        here="messages",
        row=row,
        hits=[to_template_values(one) for one in page.rows],
        turning=neighbour_pages.make_neighbour_pages(page, "at"),
    )


@login_required
def show_message_mail(call: DashboardRequest) -> Response:
    """The mail of one message with its own counts over its links."""
    key = _parse_id(call)
    with call.services.store.read() as connection:
        row = messages_table.get(connection, call.account["id"], key)
        raw = messages_table.get_content(connection, key) if row else None
        links = click_lists.list_links_of_message(connection, key) if row else []
    return heatmap_response(call, raw, verdict_counts.link_clicks_from_links(links))


def load_message(call: DashboardRequest) -> RowMapping:
    """The message in the path. Raises NotFound."""
    key = _parse_id(call)
    with call.services.store.read() as connection:
        row = messages_table.get(connection, call.account["id"], key)
    if row is None:
        raise NotFound("There is no such message.")
    return row


def _parse_id(call: DashboardRequest) -> uuid.UUID:
    try:
        return uuid.UUID(call.request.path_params["id"])
    except ValueError:
        raise NotFound("There is no such message.") from None

"""Pages of messages: the filtered list, and one message with its links, clicks, delivery attempts and mail."""

from typing import Any

from sqlalchemy import Connection, RowMapping
from starlette.responses import Response

from linkweir.clicks import corrections
from linkweir.dashboard import heatmap, neighbour_pages
from linkweir.dashboard.link_rows import heatmap_response, link_rows
from linkweir.dashboard.live_page import to_template_values
from linkweir.dashboard.page_request import DashboardRequest
from linkweir.mail import stored_messages
from linkweir.pagination import PageRequest
from linkweir.stats import click_rows, verdict_counts

PAGE_SIZE = 50
MAX_RECENT_CLICKS = 10  # clicks shown on a message's page
FILTER_FIELDS = ("recipient", "subject", "tag", "status")
STATUSES = ("Received", "Delivered", "Opened", "Clicked", "Deferred", "Bounced", "Failed", "Suppressed")


def list_messages(call: DashboardRequest) -> Response:
    """Show one page of the messages that match the filters, newest first."""
    given = {name: call.query(name).strip() for name in FILTER_FIELDS}
    filters: dict[str, Any] = {"recipient": given["recipient"], "subject": given["subject"]}
    filters["tags"] = [given["tag"]] if given["tag"] else []
    filters["shown_status"] = [given["status"]] if given["status"] else []
    with call.services.database.read() as connection:
        page = neighbour_pages.parse_page(call, PAGE_SIZE)
        search_page = stored_messages.search_messages(connection, call.account["id"], page, filters)
    return call.render(
        "messages.html",
        here="messages",
        rows=search_page.rows,
        given=given,
        statuses=STATUSES,
        filtered=any(given.values()),
        pagination=neighbour_pages.make_neighbour_pages(search_page),
    )


def show_message(call: DashboardRequest) -> Response:
    """Show one message."""
    with call.services.database.read() as connection:
        row = load_message(call, connection)
        key = row["id"]
        raw = stored_messages.load_mail(connection, key)
        short = stored_messages.load_short_link_destinations(connection, key)
        attempts = stored_messages.list_delivery_attempts(connection, row)
        links = click_rows.list_links_of_message(connection, key)
        hits = click_rows.list_hits_of_message(connection, call.account["id"], key, PageRequest(MAX_RECENT_CLICKS))
        corrected = corrections.find_corrected(connection, call.account["id"], tags=row["tags"], number=row["number"])
    html = heatmap.html_body(raw) if raw else None
    followed = [f"{link['position']}\t{link['destination'] or ''}" for link in links]
    return call.render(
        "message.html",
        here="messages",
        row=row,
        attempts=attempts,
        links=link_rows(html, call.services.keyring, verdict_counts.link_clicks_from_links(links), followed, short),
        hits=[to_template_values(link) for link in hits.rows],
        more=hits.more_after,
        kept=raw is not None,
        drawable=html is not None,
        corrected=corrected,
    )


def list_message_clicks(call: DashboardRequest) -> Response:
    """Show one page of a message's clicks and opens."""
    with call.services.database.read() as connection:
        row = load_message(call, connection)
        page = click_rows.list_hits_of_message(
            connection, call.account["id"], row["id"], neighbour_pages.parse_page(call, PAGE_SIZE)
        )
    return call.render(
        "message_clicks.html",
        here="messages",
        row=row,
        hits=[to_template_values(click_row) for click_row in page.rows],
        pagination=neighbour_pages.make_neighbour_pages(page, "at"),
    )


def show_message_mail(call: DashboardRequest) -> Response:
    """Show the mail of one message with its own counts on its links."""
    with call.services.database.read() as connection:
        key = load_message(call, connection)["id"]
        raw = stored_messages.load_mail(connection, key)
        links = click_rows.list_links_of_message(connection, key)
    return heatmap_response(call, raw, verdict_counts.link_clicks_from_links(links))


def load_message(call: DashboardRequest, connection: Connection) -> RowMapping:
    """Return the message in the path. Raises NotFound."""
    return stored_messages.get_message(connection, call.account["id"], call.request.path_params["id"])

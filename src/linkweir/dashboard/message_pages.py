"""Pages of messages: the filtered list, and one message with its links, clicks, delivery attempts and mail."""

from sqlalchemy import Connection, RowMapping
from starlette.responses import Response

from linkweir.clicks import corrections
from linkweir.dashboard import first_steps, heatmap, neighbour_pages
from linkweir.dashboard.events_page import parse_position, to_template_values
from linkweir.dashboard.link_rows import heatmap_response, link_rows
from linkweir.dashboard.neighbour_pages import NeighbourPages
from linkweir.dashboard.page_request import DashboardRequest
from linkweir.mail import stored_messages
from linkweir.stats import click_rows, hits, verdict_counts
from linkweir.stats.hits import VERDICT_GROUPS, HitFilter

PAGE_SIZE = 50
MAX_RECENT_CLICKS = 10  # clicks shown on a message's page
MAX_PERSONS = 8  # recipients whose address begins with the text
MAX_TEXT = 320  # characters
FILTER_FIELDS = ("q", "tag", "status")
STATUSES = ("Received", "Delivered", "Opened", "Clicked", "Deferred", "Bounced", "Failed", "Suppressed")


def list_messages(call: DashboardRequest) -> Response:
    """Show one page of the messages, newest first; with filters those that match, and the recipients whose address
    begins with the text.
    """
    given = {name: call.query(name).strip()[:MAX_TEXT] for name in FILTER_FIELDS}
    page, account = neighbour_pages.parse_page(call, PAGE_SIZE), call.account["id"]
    filters = {"text": given["q"], "tag": given["tag"], "shown_status": given["status"]}
    persons: list[str] = []
    with call.services.database.read() as connection:
        if any(given.values()):
            found = stored_messages.search_texts(connection, account, PAGE_SIZE, page.position, **filters)
            rows, is_cut = found.rows, found.is_cut
            pagination = NeighbourPages(None, neighbour_pages.encode_position(found.older))
            if given["q"]:
                persons = stored_messages.list_persons_with_prefix(connection, account, given["q"], MAX_PERSONS)
        else:
            listed = stored_messages.search_messages(connection, account, page, {})
            rows, is_cut, pagination = listed.rows, False, neighbour_pages.make_neighbour_pages(listed)
    return call.render(
        "messages.html",
        here="messages",
        rows=rows,
        persons=persons,
        given=given,
        statuses=STATUSES,
        filtered=any(given.values()),
        is_cut=is_cut,
        is_later=page.position is not None,
        searched=stored_messages.MAX_SEARCHED,
        pagination=pagination,
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
        newest = hits.search_hits(connection, call.account["id"], HitFilter(message=key), MAX_RECENT_CLICKS)
        corrected = corrections.find_corrected(connection, call.account["id"], tags=row["tags"], number=row["number"])
    html = heatmap.html_body(raw) if raw else None
    followed = [f"{link['position']}\t{link['destination'] or ''}" for link in links]
    return call.render(
        "message.html",
        here="messages",
        row=row,
        outbox_link=first_steps.find_outbox_link(call, raw),
        attempts=attempts,
        links=link_rows(html, call.services.keyring, verdict_counts.link_clicks_from_links(links), followed, short),
        hits=[to_template_values(hit) for hit in newest.rows],
        more=newest.older is not None,
        kept=raw is not None,
        drawable=html is not None,
        corrected=corrected,
    )


def list_message_clicks(call: DashboardRequest) -> Response:
    """Show one page of a message's clicks and opens: all, or those with a verdict or on one link."""
    verdict = call.query("verdict") if call.query("verdict") in VERDICT_GROUPS else ""
    position = parse_position(call.query("position"))
    cursor = neighbour_pages.parse_page(call, PAGE_SIZE)
    with call.services.database.read() as connection:
        row = load_message(call, connection)
        hit_filter = HitFilter(message=row["id"], verdicts=VERDICT_GROUPS.get(verdict, ()), position=position)
        page = hits.search_hits(connection, call.account["id"], hit_filter, PAGE_SIZE, cursor.position)
    return call.render(
        "message_clicks.html",
        here="messages",
        row=row,
        hits=[to_template_values(click_row) for click_row in page.rows],
        verdict=verdict,
        keep=[] if position is None else [("position", str(position))],
        pagination=NeighbourPages(None, neighbour_pages.encode_position(page.older)),
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

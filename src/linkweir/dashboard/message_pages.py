"""Pages of messages: the filtered list, and one message with its links, clicks, delivery attempts and mail."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, RowMapping
from starlette.responses import Response

from linkweir.clicks import corrections
from linkweir.dashboard import first_steps, heatmap, neighbour_pages
from linkweir.dashboard.events_page import parse_position, to_template_values
from linkweir.dashboard.link_rows import heatmap_response, link_rows
from linkweir.dashboard.neighbour_pages import NeighbourPages
from linkweir.dashboard.page_request import DashboardRequest
from linkweir.dashboard.table_order import ColumnOrder, parse_column_order
from linkweir.mail import stored_messages
from linkweir.stats import click_rows, hits, verdict_counts
from linkweir.stats.hits import VERDICT_GROUPS, HitFilter

PAGE_SIZE = 50
MAX_RECENT_CLICKS = 10  # clicks shown on a message's page
MAX_PERSONS = 8  # recipients whose address begins with the text
MAX_TEXT = 320  # characters
FILTER_FIELDS = ("q", "tag", "status")
NEWEST_FIRST = "-accepted"  # the order that an index has, for any number of messages
STATUSES = ("Received", "Delivered", "Opened", "Clicked", "Deferred", "Bounced", "Failed", "Suppressed")


class ListedMessages(NamedTuple):
    """A page of messages. `is_cut`: older ones were not looked at."""

    rows: Sequence[RowMapping]
    pagination: NeighbourPages
    is_cut: bool


def list_messages(call: DashboardRequest) -> Response:
    """Show one page of the messages, newest first or in the order of a column; with filters those that match, and the
    recipients whose address begins with the text.
    """
    given = {name: call.query(name).strip()[:MAX_TEXT] for name in FILTER_FIELDS}
    order = parse_column_order(call, stored_messages.SORT_COLUMNS, NEWEST_FIRST)
    with call.services.database.read() as connection:
        if order.value == NEWEST_FIRST:
            listed = _list_newest(call, connection, given)
        else:
            listed = _list_sorted(call, connection, order, given)
        persons = (
            stored_messages.list_persons_with_prefix(connection, call.account["id"], given["q"], MAX_PERSONS)
            if given["q"]
            else []
        )
    return call.render(
        "messages.html",
        here="messages",
        rows=listed.rows,
        persons=persons,
        given=given,
        statuses=STATUSES,
        filtered=any(given.values()),
        sort=order,
        is_sorted=order.value != NEWEST_FIRST,
        is_cut=listed.is_cut,
        is_later=bool(call.query("after")),
        searched=stored_messages.MAX_SEARCHED,
        pagination=listed.pagination,
    )


def _list_newest(call: DashboardRequest, connection: Connection, given: Mapping[str, str]) -> ListedMessages:
    page, account = neighbour_pages.parse_page(call, PAGE_SIZE), call.account["id"]
    if not any(given.values()):
        listed = stored_messages.search_messages(connection, account, page, {})
        return ListedMessages(listed.rows, neighbour_pages.make_neighbour_pages(listed), is_cut=False)
    found = stored_messages.search_texts(connection, account, PAGE_SIZE, page.position, **_to_filters(given))
    older = NeighbourPages(None, neighbour_pages.encode_position(found.older))
    return ListedMessages(found.rows, older, is_cut=found.is_cut)


def _list_sorted(
    call: DashboardRequest, connection: Connection, order: ColumnOrder, given: Mapping[str, str]
) -> ListedMessages:
    request = neighbour_pages.parse_sorted_page(call, PAGE_SIZE, order)
    found = stored_messages.search_sorted(connection, call.account["id"], request, **_to_filters(given))
    return ListedMessages(found.rows, neighbour_pages.make_sorted_neighbours(found), is_cut=found.is_cut)


def _to_filters(given: Mapping[str, str]) -> dict[str, str]:
    return {"text": given["q"], "tag": given["tag"], "shown_status": given["status"]}


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

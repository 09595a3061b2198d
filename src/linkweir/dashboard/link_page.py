"""The page of one link: of a campaign by its position, or of a destination in all mails; its counts and its events."""

from starlette.responses import Response

from linkweir.dashboard.events_page import PAGE_SIZE, parse_choice, to_template_values
from linkweir.dashboard.overview_page import trend_chart
from linkweir.dashboard.page_request import DashboardRequest
from linkweir.errors import NotFound
from linkweir.stats import hits, link_statistics
from linkweir.translation import gettext

MAX_RECENT = 10  # events on the page
MAX_DESTINATIONS = 50


def show_link(call: DashboardRequest) -> Response:
    """Show the link that the query names: `tag` and `position`, or `destination`. Raises NotFound."""
    choice, chosen, account = parse_choice(call), call.period, call.account["id"]
    hit_filter = choice.hit_filter
    tag, position, destination = hit_filter.tag, hit_filter.position, hit_filter.destination
    with call.services.database.read() as connection:
        if tag and position is not None:
            link = link_statistics.load_campaign_link(connection, account, tag, position, chosen)
        elif destination and not tag:
            link = link_statistics.load_destination(connection, account, destination, chosen)
        else:
            raise NotFound(gettext("The URL names no link. Choose one on a campaign's page."))
        page = hits.search_hits(connection, account, hit_filter, MAX_RECENT)
    parameters = choice.without("verdict", "kind", "email", "address", "by", "value")
    return call.render(
        "link.html",
        here="campaigns",
        period=chosen,
        tag=tag,
        position=position,
        destination=destination or (link.destinations[0][0] if len(link.destinations) == 1 else ""),
        link=link,
        chart=trend_chart(link.trend),
        keep=parameters,
        destinations=link.destinations[:MAX_DESTINATIONS],
        hits=[to_template_values(row) for row in page.rows],
        more=page.older is not None,
        page_size=PAGE_SIZE,
    )

"""All values of one segment of a campaign."""

from starlette.responses import Response

from linkweir.clock import now
from linkweir.dashboard.page_request import DashboardRequest, login_required
from linkweir.stats import report_period, segments

MAX_VALUES = 500


@login_required
def show_segment(call: DashboardRequest) -> Response:
    """All values of one segment."""
    tag, by = call.query("tag"), call.query("by")
    chosen = report_period.parse_period(call.query("days"), now(), call.zone)
    segments.dimension_title(by)
    with call.services.store.read() as connection:
        found = segments.load_segment(
            connection, chosen.statistics_query(call.account["id"], tag, group=by, limit=MAX_VALUES)
        )
    return call.render(
        "segment.html",
        here="campaigns",
        tag=tag,
        one=found,
        period=chosen,
        choices=report_period.DAY_CHOICES,
        limit=MAX_VALUES,
    )

"""Downloads of the dashboard's tables: single clicks, who clicked, and totals, for the selected period and campaign."""

import re
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from starlette.responses import Response

from linkweir.clock import HOUR_US
from linkweir.dashboard import clickers_page
from linkweir.dashboard.message_pages import load_message
from linkweir.dashboard.page_request import DashboardRequest
from linkweir.errors import NotFound
from linkweir.stats import campaigns, click_rows, click_statistics, segments
from linkweir.stats.click_statistics import COUNT_COLUMNS, RATE_COLUMNS
from linkweir.stats.export import ColumnTypes, ExportRow, parse_format
from linkweir.stats.report_period import ReportPeriod
from linkweir.web.downloads import file_response

MAX_ROWS = 10_000  # rows of totals in one file
ExportTable = tuple[Iterable[ExportRow], ColumnTypes]


def export_table(call: DashboardRequest) -> Response:
    """Stream one of the tables as a file. Raises NotFound, ValidationError, UnsupportedRequest."""
    what, file_format = call.request.path_params["what"], parse_format(call.query("format", "csv"))
    if what not in TABLES:
        raise NotFound("There is no such file.")
    chosen = call.period
    rows, columns = TABLES[what](call, chosen)
    call.services.log.info("dashboard.exported", what=what, format=file_format.name)
    return file_response(rows, columns, file_format, _file_name(what, call.query("tag"), call.query("by")))


def export_message_clicks(call: DashboardRequest) -> Response:
    """Stream every click of one message as a file."""
    file_format = parse_format(call.query("format", "csv"))
    with call.services.database.read() as connection:
        row = load_message(call, connection)
    rows = click_rows.iter_message_clicks(call.services.database, row)
    return file_response(rows, click_rows.CLICK_COLUMNS, file_format, f"clicks-of-{row['id']}")


def _file_name(what: str, *services: str) -> str:
    """Return a file name of portable characters: the subject and the day."""
    words = (re.sub(r"[^A-Za-z0-9]+", "-", part)[:40].strip("-") for part in (what, *services))
    return "-".join([*filter(None, words), datetime.now(UTC).strftime("%Y-%m-%d")])


def _account_id(call: DashboardRequest) -> uuid.UUID:
    account: uuid.UUID = call.account["id"]
    return account


def _click_rows(call: DashboardRequest, chosen: ReportPeriod) -> ExportTable:
    span = (chosen.first * HOUR_US, chosen.last * HOUR_US)
    return click_rows.iter_clicks(
        call.services.database, _account_id(call), *span, tag=call.query("tag") or None
    ), click_rows.CLICK_COLUMNS


def _clicker_rows(call: DashboardRequest, _chosen: ReportPeriod) -> ExportTable:
    click_filter = clickers_page.parse_filter(call)
    rows = click_rows.iter_clickers(
        call.services.database,
        _account_id(call),
        click_filter.tag,
        position=click_filter.position,
        address=click_filter.address,
        between=click_filter.time_range,
    )
    return rows, click_rows.CLICKER_COLUMNS


def _trend_rows(call: DashboardRequest, chosen: ReportPeriod) -> ExportTable:
    with call.services.database.read() as connection:
        rows = click_statistics.query_clicks(
            connection, chosen.statistics_query(_account_id(call), call.query("tag") or None)
        ).rows
    named = [{"from": row["first"] * HOUR_US, "to": row["last"] * HOUR_US, **row} for row in rows]
    return named, {"from": "time", "to": "time", **COUNT_COLUMNS}


def _link_rows(call: DashboardRequest, chosen: ReportPeriod) -> ExportTable:
    rows = _dimension_rows(call, chosen, "link")
    return rows, {"position": "whole", "destination": "text", **COUNT_COLUMNS}


def _segment_rows(call: DashboardRequest, chosen: ReportPeriod) -> ExportTable:
    segments.dimension_title(call.query("by"))
    rows = _dimension_rows(call, chosen, call.query("by"))
    return rows, {"value": "text", **COUNT_COLUMNS, **(RATE_COLUMNS if rows and "sent" in rows[0] else {})}


def _dimension_rows(call: DashboardRequest, chosen: ReportPeriod, dimension: str) -> list[ExportRow]:
    question = chosen.statistics_query(_account_id(call), call.query("tag") or None, group=dimension, limit=MAX_ROWS)
    with call.services.database.read() as connection:
        return list(click_statistics.query_clicks(connection, question).rows)


def _campaign_rows(call: DashboardRequest, chosen: ReportPeriod) -> ExportTable:
    with call.services.database.read() as connection:
        rows, _ = campaigns.list_campaigns(connection, _account_id(call), chosen.first, chosen.last, MAX_ROWS)
    return rows, {"tag": "text", **COUNT_COLUMNS, **RATE_COLUMNS}


TABLES: dict[str, Callable[[DashboardRequest, ReportPeriod], ExportTable]] = {
    "clicks": _click_rows,
    "clickers": _clicker_rows,
    "trend": _trend_rows,
    "links": _link_rows,
    "segment": _segment_rows,
    "campaigns": _campaign_rows,
}

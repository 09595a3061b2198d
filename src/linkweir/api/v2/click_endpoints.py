"""`GET …/messages/{id}/clicks`, `GET …/messages/{id}/links`, `GET …/statistics/clickers`, `GET …/clicks/export`."""

from collections.abc import Sequence

from sqlalchemy import RowMapping
from starlette.responses import Response

from linkweir.accounts import account_lookup
from linkweir.accounts.skip_patterns import compile_skip_pattern
from linkweir.accounts.tracking_preferences import TrackingPreferences
from linkweir.api.endpoint import ApiRequest
from linkweir.api.v2 import cursor_pagination
from linkweir.api.v2.click_response_types import (
    ClickerResource,
    ClickResource,
    MessageLinkList,
    MessageLinkResource,
    VerdictReason,
)
from linkweir.api.v2.message_endpoints import load_message
from linkweir.api.v2.query_parameters import ClickerQuery, ClickExportQuery, PageQuery, to_microseconds
from linkweir.api.v2.response_types import ResourcePage, from_row
from linkweir.clicks.classify import VERDICT_REASONS
from linkweir.clock import DAY_US, now, rfc3339
from linkweir.html import Switches
from linkweir.mail.message_links import tracker_for_message
from linkweir.mail.tracking_policy import switches_from_overrides
from linkweir.stats import click_rows, estimates
from linkweir.stats.export import parse_format
from linkweir.stats.message_link_report import CONTENT_EXPIRED_NOTE, report_links
from linkweir.web.downloads import file_response


def list_clicks(call: ApiRequest) -> ResourcePage[ClickResource]:
    """List the clicks of a message, newest first, with verdicts and reasons."""
    page_request = cursor_pagination.to_page_request(call.parse_query(PageQuery))
    with call.services.database.read() as connection:
        row = load_message(call, connection)
        call.principal.require("messages:read:all", row["sender_domain"])
        clicks = click_rows.list_clicks_of_message(connection, row["id"], page_request)
    return cursor_pagination.to_resource_page(clicks, _to_click_resource, time_column="at")


def _to_click_resource(row: RowMapping) -> ClickResource:
    reasons = [VerdictReason(code, VERDICT_REASONS.get(code, code)) for code in row["reasons"].split()]
    probability = estimates.machine_probability(row)
    return from_row(ClickResource, row, time=rfc3339(row["at"]), machine_probability=probability, reasons=reasons)


def list_links(call: ApiRequest) -> MessageLinkList:
    """List the links of a message: position, destination, outcome and counts."""
    parts = call.services
    defaults = parts.submitter.defaults
    with parts.database.read() as connection:
        row = load_message(call, connection)
        call.principal.require("messages:read:all", row["sender_domain"])
        domain = account_lookup.find_domain(connection, call.account_id, row["sender"])
        levels = [
            account_lookup.account_from_row(call.principal.account).preferences,
            *([domain.preferences] if domain else []),
        ]
        base_url = defaults.base_url_for(domain.tracking_host if domain else None)
        tracker = tracker_for_message(parts.keyring, base_url, row)
        report = report_links(connection, row, tracker, _link_options(row, defaults.switches, levels))
    shown = [from_row(MessageLinkResource, link.to_dict()) for link in report.links]
    note = None if report.complete else CONTENT_EXPIRED_NOTE
    return MessageLinkList(data=shown, complete=report.complete, note=note)


def _link_options(row: RowMapping, operator_defaults: Switches, levels: Sequence[TrackingPreferences]) -> Switches:
    """Return the options that the message was accepted with; if not stored, those of account and domain."""
    if row["switches"] is not None:
        return switches_from_overrides(row["switches"], operator_defaults)
    return Switches(
        opt_out=(*operator_defaults.opt_out, *(name for level in levels for name in level.opt_out)),
        skip=(*operator_defaults.skip, *(compile_skip_pattern(pattern) for level in levels for pattern in level.skip)),
        outlook=operator_defaults.outlook or any(level.outlook for level in levels),
        track_placeholders=True,
    )


def list_clickers(call: ApiRequest) -> Response | ResourcePage[ClickerResource]:
    """List who clicked in a campaign or on one of its links; a page, or everything as a file."""
    query, account = call.parse_query(ClickerQuery), call.account_id
    tag, position, destination = query.tag, query.position, query.destination
    if query.format:
        file_format = parse_format(query.format)
        rows = click_rows.iter_clickers(
            call.services.database, account, tag, position=position, destination=destination
        )
        return file_response(rows, click_rows.CLICKER_COLUMNS, file_format, "clickers")
    page = cursor_pagination.to_page_request(query)
    with call.services.database.read() as connection:
        clickers = click_rows.list_clickers(connection, account, tag, page, position=position, destination=destination)
    return cursor_pagination.to_resource_page(clickers, _to_clicker_resource, time_column="at")


def _to_clicker_resource(row: RowMapping) -> ClickerResource:
    expected = click_rows.expected_clicker_fields(row)
    return from_row(ClickerResource, row, message_id=row["id"], sent_at=rfc3339(row["at"]), **expected)


def export_clicks(call: ApiRequest) -> Response:
    """Export every click of a period as a file."""
    query = call.parse_query(ClickExportQuery)
    file_format = parse_format(query.format)
    to_at, from_at = to_microseconds(query.to_time) or now(), to_microseconds(query.from_time)
    rows = click_rows.iter_clicks(
        call.services.database,
        call.account_id,
        max(0, to_at - 30 * DAY_US) if from_at is None else from_at,
        to_at,
        tag=query.tag,
        domains=call.principal.domains_for("messages:read"),
    )
    return file_response(rows, click_rows.CLICK_COLUMNS, file_format, "clicks")

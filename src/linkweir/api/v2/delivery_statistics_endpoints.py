"""`GET …/statistics/transactional/deliverability`: delivery events by period."""

from datetime import UTC, datetime, timedelta

from linkweir.api.endpoint import ApiRequest
from linkweir.api.v2.query_parameters import DeliverabilityQuery, normalize_domain
from linkweir.api.v2.response_types import DeliverabilityRow, ResourceList
from linkweir.clock import rfc3339
from linkweir.errors import ValidationError
from linkweir.stats import deliverability
from linkweir.stats.estimates import Estimate

FIRST_YEAR, LAST_YEAR = 1970, 9998
EARLIEST = datetime(1, 1, 9, tzinfo=UTC)
COUNT_FIELDS = {
    "reception": "reception_count",
    "delivered": "delivered_count",
    "transient_error": "deferred_count",
    "bounced": "bounced_count",
    "failed": "failed_count",
    "suppressed": "suppressed_count",
    "opened": "opened_count",
    "clicked": "clicked_count",
}


def get_deliverability(call: ApiRequest) -> ResourceList[DeliverabilityRow]:
    """Return one row per period (default: the last seven days by day)."""
    query = call.parse_query(DeliverabilityQuery)
    group = query.group_by
    now = datetime.now(UTC)
    end = query.to_time or now
    start = query.from_time or max(end, EARLIEST) - timedelta(days=7)
    if end.year > LAST_YEAR or start.year < FIRST_YEAR:
        raise ValidationError("from_time", f"and to_time must lie between {FIRST_YEAR} and {LAST_YEAR}")
    if start >= end:
        raise ValidationError("from_time", "must be before to_time")
    domain = normalize_domain(query.sender_domain) if query.sender_domain else None
    call.principal.require("statistics-transactional:read:all", domain)
    spans = deliverability.split_periods(start, end, group)
    recipient_domains = [normalize_domain(recipient_domain) for recipient_domain in query.recipient_domains]
    filters = deliverability.DeliveryFilter(domain, recipient_domains, query.tags)
    with call.services.database.read() as connection:
        rows = deliverability.count_events(connection, call.account_id, spans, filters)
    return ResourceList([_to_row(span, *row) for span, row in zip(spans, rows, strict=True)])


def _to_row(span: tuple[int, int], counts: dict[str, int], clicked: Estimate) -> DeliverabilityRow:
    return DeliverabilityRow(
        from_timestamp=rfc3339(span[0]),
        to_timestamp=rfc3339(span[1]),
        **{COUNT_FIELDS[kind]: count for kind, count in counts.items()},
        expected_clicked=clicked.value,
        expected_clicked_low=clicked.low,
        expected_clicked_high=clicked.high,
    )

"""Campaigns (tags) side by side, and the variants of one campaign with a judgement on what is chance."""

import uuid
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import Connection

from linkweir.db import aggregate_queries
from linkweir.db.aggregate_queries import AggregateRange
from linkweir.stats.click_statistics import counts_for_values, public_counts, send_rates, sums_for_values
from linkweir.stats.estimates import expected_counts
from linkweir.stats.significance import compare_all, make_group

MAX_CAMPAIGNS: Final = 20  # campaigns in one comparison
MAX_VARIANTS: Final = 50  # variants that are compared; more are no test


def compare_campaigns(
    connection: Connection, account: uuid.UUID, tags: list[str], first: int, last: int
) -> list[dict[str, Any]]:
    """Each of these tags with its messages and clicks between two hours."""
    rows = []
    for tag in tags:
        span = AggregateRange(account, f"tag:{tag}", first, last)
        sums = public_counts(aggregate_queries.sum_all(connection, span)._mapping)
        rows.append({"tag": tag, **sums, **send_rates(*aggregate_queries.sum_sent(connection, span), sums)})
    return rows


def list_campaigns(
    connection: Connection, account: uuid.UUID, first: int, last: int, limit: int
) -> tuple[list[dict[str, Any]], bool]:
    """The tags of messages sent between two hours, most messages first, and whether there are more than `limit`."""
    span = AggregateRange(account, "", first, last)
    sent = aggregate_queries.sum_sent_by_value(connection, span, "tag")
    tags_by_size = sorted(sent, key=lambda tag: (-sent[tag][0], tag))
    rows = []
    for tag, sums in counts_for_values(connection, span, "tag", tags_by_size[:limit]).items():
        rows.append({"tag": tag, **sums, **send_rates(*sent[tag], sums)})
    return rows, len(tags_by_size) > limit


def compare_variants(
    connection: Connection, account: uuid.UUID, tag: str, hours: tuple[int, int], baseline: str | None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Each variant of a campaign with its messages and clicks, and how each differs from the baseline: the one named,
    or the first by name.
    """
    span = AggregateRange(account, f"tag:{tag}", *hours)
    sent = aggregate_queries.sum_sent_by_value(connection, span, "variant")
    names = sorted(sent)[:MAX_VARIANTS]
    rows_by_name = sums_for_values(connection, span, "variant", names)
    sums = {name: public_counts(row) for name, row in rows_by_name.items()}
    rows = [{"variant": name, **sums[name], **send_rates(*sent[name], sums[name])} for name in names]
    groups = {name: make_group(name, expected_counts(rows_by_name[name]), sent[name][1]) for name in names}
    base = groups.get(baseline if baseline is not None else names[0]) if names else None
    if base is None:
        return rows, []
    comparisons = compare_all(base, [group for group in groups.values() if group is not base])
    return rows, [asdict(comparison) for comparison in comparisons]

"""Single clicks and opens, found by what is known of them: what lies behind each number.

Numbers of clicks by people are estimates: each click counts with the probability that a person made it. So the hits
behind them are those with a verdict that counts, and behind clicks by machines the others.
"""

import uuid
from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection

from linkweir.db import hit_search
from linkweir.db.aggregate_columns import COUNTED_VERDICTS
from linkweir.pagination import CursorPosition, SearchPage

MAX_SEARCHED: Final = hit_search.MAX_SEARCHED
HitFilter = hit_search.HitFilter
VERDICTS: Final = ("human", "unsure", "machine", "prefetch", "internal")
VERDICT_GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "people": tuple(COUNTED_VERDICTS),
    "machines": ("machine", "prefetch"),
    **{verdict: (verdict,) for verdict in VERDICTS},
}


def search_hits(
    connection: Connection,
    account: uuid.UUID,
    hit_filter: HitFilter,
    limit: int,
    after: CursorPosition | None = None,
    *,
    searched: int = MAX_SEARCHED,
) -> SearchPage:
    """Return a page of the account's clicks and opens that meet all conditions, with their messages, newest first.

    It looks at no more than `searched` hits, and says where the next page goes on.
    """
    return hit_search.search_hits(connection, account, hit_filter, limit, after, searched=searched)

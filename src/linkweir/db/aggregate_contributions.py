"""One statement that selects the contributions of stored clicks to the hourly aggregates, as `AggregateDeltas` computes
them click by click.

    base     the clicks, each with a `key` for where it counts: its message, its campaign, or nothing
    scopes   scopes by key          shares   dimensions and values that all clicks of a key share
    details  base by key, hour, dimension and value; then joined with scopes

Unique clicks are taken from the flags of the clicks (`first`, `firsts`); `aggregate_rebuild` sets these right before.
The expected number of clicked messages is not a sum over clicks: see `expected_clickers`.
"""

import uuid
from typing import Any, Final

from sqlalchemy import (
    CTE,
    ColumnElement,
    Integer,
    Select,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    literal_column,
    select,
    true,
    union,
    union_all,
)

from linkweir.clock import HOUR_US
from linkweir.db.aggregate_columns import VERDICTS
from linkweir.db.click_probabilities import BASIS_POINTS
from linkweir.db.dimensions import ATTRIBUTE_PREFIX, CLICK_DIMENSION_NAMES, MESSAGE_COLUMN_NAMES, UNIQUE_FLAGS
from linkweir.db.portable_sql import each_pair_in, each_text_in, uuid_digits
from linkweir.db.schema import CLICK_COUNTS, BinaryUuid, clicks, messages
from linkweir.tokens.campaign_tags import SANDBOX_TAG

NO_KEY: Final = "-"
CONTRIBUTION_COLUMNS: Final = ("account_id", "scope", "dimension", "value", "hour", *CLICK_COUNTS)
_SUMMED_NAMES: Final = (*VERDICTS, "expected_clicks", "expected_clicks_variance")


def select_contributions(account: uuid.UUID, *where: ColumnElement[bool]) -> Select[Any]:
    """The rows of `rollups` (COLUMNS) that an account's clicks make, of those that meet all conditions; expected
    clickers are 0.
    """
    base = _select_base(account, *where)
    keys = select(base.c.key, base.c.message_id).distinct().cte("keys")
    details = union_all(
        *_select_own_dimensions(base), _select_shared_details(base, _select_shared_dimensions(keys))
    ).cte("details")
    scopes = _select_scopes(keys)
    names = (scopes.c.scope, details.c.dimension, details.c.value, details.c.hour)
    sums = (func.sum(details.c[name]).label(name) if name in details.c else literal(0) for name in CLICK_COUNTS)
    return (
        select(literal(account, BinaryUuid).label("account_id"), *names, *sums)
        .select_from(details.join(scopes, scopes.c.key == details.c.key))
        .where(true())  # SQLite takes ON CONFLICT after a SELECT only when that has a WHERE
        .group_by(*names)
    )


def _select_base(account: uuid.UUID, *where: ColumnElement[bool]) -> CTE:
    key = case(
        (clicks.c.message_id.is_not(None), uuid_digits(clicks.c.message_id)),
        (clicks.c.campaign.is_not(None), "c:" + clicks.c.campaign),
        else_=NO_KEY,
    )
    names = ("position", "destination", *CLICK_DIMENSION_NAMES, "first", "firsts")
    machine = clicks.c.machine_basis_points
    return (
        select(
            key.label("key"),
            clicks.c.message_id,
            (clicks.c.at.op("/")(literal_column(str(HOUR_US)))).label("hour"),
            (clicks.c.privacy == "anonymous").label("anonymous"),
            *(case((clicks.c.verdict == verdict, 1), else_=0).label(verdict) for verdict in VERDICTS),
            (BASIS_POINTS - machine).label("expected_clicks"),
            ((BASIS_POINTS - machine) * machine).label("expected_clicks_variance"),
            *(clicks.c[name] for name in names),
        )
        .where(clicks.c.account_id == account, clicks.c.kind == "click", ~clicks.c.settled, _is_not_sandbox(), *where)
        .cte("base")
    )


def _is_not_sandbox() -> ColumnElement[bool]:
    """Exclude the sandbox: a click without a message must say so itself."""
    return func.coalesce(clicks.c.campaign, "") != SANDBOX_TAG


def _select_own_dimensions(base: CTE) -> list[Select[Any]]:
    position = cast(base.c.position, Text)
    values: dict[str, ColumnElement[Any]] = {
        "link": case((base.c.anonymous, position), else_=position + "\t" + base.c.destination),
        **{name: base.c[name] for name in UNIQUE_FLAGS if name != "link"},
    }
    whole = _select_detail(base, "", literal(""), cast(base.c.first, Integer))
    return [
        whole,
        *(
            _select_detail(base, name, value, base.c.firsts.op("&")(UNIQUE_FLAGS[name]))
            for name, value in values.items()
        ),
    ]


def _select_detail(base: CTE, dimension: str, value: ColumnElement[Any], first: ColumnElement[Any]) -> Select[Any]:
    clickers = func.sum(case((first != 0, 1), else_=0)).label("clickers")
    sums = (*(func.sum(base.c[name]).label(name) for name in _SUMMED_NAMES), clickers)
    return (
        select(base.c.key, base.c.hour, literal(dimension).label("dimension"), value.label("value"), *sums)
        .where(value.is_not(None))
        .group_by(base.c.key, base.c.hour, value)
    )


def _select_shared_details(base: CTE, shared_dimensions: CTE) -> Select[Any]:
    whole = _select_detail(base, "", literal(""), cast(base.c.first, Integer)).subquery()
    sums = (whole.c[name] for name in (*_SUMMED_NAMES, "clickers"))
    return select(
        whole.c.key, whole.c.hour, shared_dimensions.c.dimension, shared_dimensions.c.value, *sums
    ).select_from(whole.join(shared_dimensions, shared_dimensions.c.key == whole.c.key))


def _select_messages(keys: CTE) -> CTE:
    """The messages of the keys; none of the sandbox, which nobody was sent."""
    names = ("tags", "attributes", *MESSAGE_COLUMN_NAMES)
    sent = and_(messages.c.id == keys.c.message_id, messages.c.sandbox_result.is_(None))
    return select(keys.c.key, *(messages.c[name] for name in names)).select_from(keys.join(messages, sent)).cte()


def _select_shared_dimensions(keys: CTE) -> CTE:
    selected = _select_messages(keys)
    tag = each_text_in(selected.c.tags)
    attribute = each_pair_in(selected.c.attributes)
    campaign = func.substr(keys.c.key, 3)

    def rows(dimension: Any, value: ColumnElement[Any]) -> Select[Any]:
        return select(selected.c.key, dimension.label("dimension"), value.label("value"))

    return union(  # and not all: a message may bear the same tag twice
        rows(literal("tag"), tag.c.value).select_from(selected.join(tag, true())),
        *(rows(literal(name), selected.c[name]).where(selected.c[name].is_not(None)) for name in MESSAGE_COLUMN_NAMES),
        rows(ATTRIBUTE_PREFIX + attribute.c.key, attribute.c.value)
        .select_from(selected.join(attribute, true()))
        .where(attribute.c.key.is_not(None)),
        select(keys.c.key, literal("tag"), campaign).where(keys.c.key.like("c:%")),
    ).cte("shares")


def _select_scopes(keys: CTE) -> CTE:
    selected = _select_messages(keys)
    tag = each_text_in(selected.c.tags)
    return union(
        select(selected.c.key, literal("").label("scope")),
        select(selected.c.key, "sender:" + selected.c.sender_domain),
        select(selected.c.key, "tag:" + tag.c.value).select_from(selected.join(tag, true())),
        select(keys.c.key, literal("")).where((keys.c.key == NO_KEY) | keys.c.key.like("c:%")),
        select(keys.c.key, "tag:" + func.substr(keys.c.key, 3)).where(keys.c.key.like("c:%")),
    ).cte("places")

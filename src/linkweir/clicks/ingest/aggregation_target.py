"""Where a click counts because of its message: whose account, within which scopes, along which shared dimensions."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from linkweir.db.dimensions import DimensionValue, iter_message_values
from linkweir.tokens.campaign_tags import SANDBOX_TAG


@dataclass(frozen=True, slots=True)
class AggregationTarget:
    """`scopes` and the dimensions and values that all clicks of a message `share`."""

    account: uuid.UUID
    scopes: tuple[str, ...] = ("",)
    shared_dimensions: tuple[DimensionValue, ...] = ()


def target_for_message(row: Mapping[Any, Any]) -> AggregationTarget | None:
    """The place of clicks on a message; None for one of the sandbox, which nobody was sent."""
    if row["sandbox_result"] is not None:
        return None
    tags = dict.fromkeys(row["tags"])
    scopes = ("", *(f"tag:{tag}" for tag in tags), f"sender:{row['sender_domain']}")
    return AggregationTarget(row["account_id"], scopes, tuple(iter_message_values(row)))


def target_for_campaign(account: uuid.UUID, campaign: str | None) -> AggregationTarget | None:
    """The place of clicks that are tied to no message of this service: anonymous ones, and links minted in bulk; None
    for those of the sandbox.
    """
    if campaign == SANDBOX_TAG:
        return None
    if campaign is None:
        return AggregationTarget(account)
    return AggregationTarget(account, ("", f"tag:{campaign}"), (("tag", campaign),))

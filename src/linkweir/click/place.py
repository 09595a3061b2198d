"""Where a click counts because of its message: whose account, within which scopes, along which shared dimensions."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from linkweir.click.single import Key
from linkweir.store.sums import ATTRIBUTE
from linkweir.token.campaign import SANDBOX


@dataclass(frozen=True, slots=True)
class Place:
    """`scopes` and the dimensions and values that all clicks of a message `share`."""

    account: uuid.UUID
    scopes: tuple[str, ...] = ("",)
    share: tuple[Key, ...] = ()


def of_message(row: Mapping[Any, Any]) -> Place | None:
    """The place of clicks on a message; None for one of the sandbox, which nobody was sent."""
    if row["sandbox_result"] is not None:
        return None
    tags = dict.fromkeys(row["tags"])
    share = [("tag", tag) for tag in tags]
    for dimension in ("sender_domain", "recipient_domain"):
        share.append((dimension, row[dimension]))
    if row["variant"] is not None:
        share.append(("variant", row["variant"]))
    share += [(f"{ATTRIBUTE}{name}", value) for name, value in (row["attributes"] or {}).items()]
    scopes = ("", *(f"tag:{tag}" for tag in tags), f"sender:{row['sender_domain']}")
    return Place(row["account_id"], scopes, tuple(share))


def of_campaign(account: uuid.UUID, campaign: str | None) -> Place | None:
    """The place of clicks that are tied to no message of this service: anonymous ones, and links minted in bulk; None
    for those of the sandbox.
    """
    if campaign == SANDBOX:
        return None
    if campaign is None:
        return Place(account)
    return Place(account, ("", f"tag:{campaign}"), (("tag", campaign),))

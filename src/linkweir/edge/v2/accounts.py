"""`GET` and `PUT /v2/accounts/{id}`: the account, its switches and its policy."""

import uuid
from typing import Any

from sqlalchemy import Connection, RowMapping
from starlette.requests import Request
from starlette.responses import Response

from linkweir.edge import door
from linkweir.edge.door import Call
from linkweir.edge.parts import now
from linkweir.edge.reply import JSON, rfc3339
from linkweir.edge.v2.asked import AccountChange
from linkweir.edge.v2.domains import policy_shown
from linkweir.edge.v2.translate import switches
from linkweir.errors import NotFound
from linkweir.store import accounts, clicks


async def get_account(request: Request) -> Response:
    """The account that the key belongs to."""
    return await door.enter(request, "accounts:read", _read)


async def change_account(request: Request) -> Response:
    """Change what is named and answer with the whole account."""
    return await door.enter(request, "accounts:write", _change)


def _read(call: Call) -> Response:
    with call.parts.store.read() as connection:
        return JSON(_shown(call.who.account, clicks.count_of_account(connection, call.who.account["id"])))


def _change(call: Call) -> Response:
    asked = call.shaped(AccountChange)
    values, key = asked.given(), call.who.account["id"]
    with call.parts.store.write() as connection:  # read here too: another change may have come since the sign-in
        kept = _row(connection, key)["policy"]
        policy = asked.over(kept)
        switches(policy.get("opt_out"), policy.get("skip"), policy.get("outlook"))
        switches(None, policy.get("confirm"), None)  # patterns of the same kind
        if policy != kept:
            values["policy"] = policy
        if values:
            accounts.change(connection, key, values, now())
        changed = _row(connection, key)
        counted = clicks.count_of_account(connection, key)
    call.parts.log.info("account.changed", account=str(key), fields=sorted(values))
    return JSON(_shown(changed, counted))


def _row(connection: Connection, key: uuid.UUID) -> RowMapping:
    row = accounts.get(connection, key)
    if row is None:
        raise NotFound("there is no such account")
    return row


def _shown(row: RowMapping, click_count: int) -> dict[str, Any]:
    return {
        "object": "account",
        "id": str(row["id"]),
        "parent_account_id": None,
        "created_at": rfc3339(row["created_at"]),
        "updated_at": rfc3339(row["updated_at"]),
        "name": row["name"],
        "website": row["website"],
        "about": row["about"],
        "track_opens": row["track_opens"],
        "track_clicks": row["track_clicks"],
        "message_metadata_retention": row["message_metadata_retention"],
        "message_data_retention": row["message_data_retention"],
        **policy_shown(row["policy"]),
        "confirm": row["policy"].get("confirm", []),  # destinations that readers are asked to confirm
        "click_count": click_count,  # our own: of links minted in bulk too, which belong to no message here
    }

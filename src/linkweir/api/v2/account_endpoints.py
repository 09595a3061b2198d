"""`GET` and `PUT /v2/accounts/{id}`: the account, its switches and its policy."""

import uuid
from typing import Any

from sqlalchemy import Connection, RowMapping
from starlette.responses import Response

from linkweir.accounts.resource_changes import AccountUpdate
from linkweir.accounts.skip_patterns import to_link_options
from linkweir.api.endpoint import ApiRequest
from linkweir.api.v2.domain_endpoints import policy_to_json
from linkweir.clock import now, rfc3339
from linkweir.db import accounts_table, clicks_table
from linkweir.errors import NotFound
from linkweir.web.json_response import JSONResponse


def get_account(call: ApiRequest) -> Response:
    """The account that the key belongs to."""
    with call.services.store.read() as connection:
        return JSONResponse(
            _to_json(
                call.principal.account, clicks_table.count_counted_clicks(connection, call.principal.account["id"])
            )
        )


def update_account(call: ApiRequest) -> Response:
    """Change what is named and answer with the whole account."""
    asked = call.decode(AccountUpdate)
    values, key = asked.changed_columns(), call.principal.account["id"]
    with call.services.store.write() as connection:  # read here too: another change may have come since the sign-in
        kept = _load_account(connection, key)["policy"]
        policy = asked.merge_into(kept)
        to_link_options(policy.get("opt_out"), policy.get("skip"), policy.get("outlook"))
        to_link_options(None, policy.get("confirm"), None)  # patterns of the same kind
        if policy != kept:
            values["policy"] = policy
        if values:
            accounts_table.update_row(connection, key, values, now())
        changed = _load_account(connection, key)
        counted = clicks_table.count_counted_clicks(connection, key)
    call.services.log.info("account.changed", account=str(key), fields=sorted(values))
    return JSONResponse(_to_json(changed, counted))


def _load_account(connection: Connection, key: uuid.UUID) -> RowMapping:
    row = accounts_table.get(connection, key)
    if row is None:
        raise NotFound("there is no such account")
    return row


def _to_json(row: RowMapping, click_count: int) -> dict[str, Any]:
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
        **policy_to_json(row["policy"]),
        "confirm": row["policy"].get("confirm", []),  # destinations that readers are asked to confirm
        "click_count": click_count,  # our own: of links minted in bulk too, which belong to no message here
    }

"""`GET` and `PUT /v2/accounts/{id}`: the account and its policy."""

from typing import Any

from sqlalchemy import RowMapping
from starlette.responses import Response

from linkweir.accounts import account_settings
from linkweir.accounts.resource_changes import AccountUpdate
from linkweir.api.endpoint import ApiRequest
from linkweir.api.v2.domain_endpoints import policy_to_json
from linkweir.clock import now, rfc3339
from linkweir.web.json_response import JSONResponse


def get_account(call: ApiRequest) -> Response:
    """The account that the key belongs to."""
    with call.services.store.read() as connection:
        click_count = account_settings.count_clicks(connection, call.account_id)
    return JSONResponse(_to_json(call.principal.account, click_count))


def update_account(call: ApiRequest) -> Response:
    """Change what is named and answer with the whole account."""
    change = call.decode(AccountUpdate)
    with call.services.store.write() as connection:
        row, fields = account_settings.update_account(connection, call.account_id, change, now())
        click_count = account_settings.count_clicks(connection, call.account_id)
    call.services.log.info("account.changed", account=str(call.account_id), fields=fields)
    return JSONResponse(_to_json(row, click_count))


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

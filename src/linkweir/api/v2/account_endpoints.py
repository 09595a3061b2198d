"""`GET` and `PUT /v2/accounts/{id}`: the account and its policy."""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from linkweir.accounts import account_settings
from linkweir.accounts.resource_changes import AccountUpdate
from linkweir.api.endpoint import ApiRequest
from linkweir.api.v2.response_types import AccountResource, from_row, policy_fields
from linkweir.clock import now
from linkweir.stats import click_statistics


def get_account(call: ApiRequest) -> AccountResource:
    """Return the account of the key."""
    with call.services.database.read() as connection:
        counts = _count_clicks(connection, call.account_id)
    return _to_resource(call.principal.account, counts)


def update_account(call: ApiRequest) -> AccountResource:
    """Update the given fields; return the whole account."""
    change = call.decode(AccountUpdate)
    with call.services.database.write() as connection:
        row, fields = account_settings.update_account(connection, call.account_id, change, now())
        counts = _count_clicks(connection, call.account_id)
    call.services.log.info("account.changed", account=str(call.account_id), fields=fields)
    return _to_resource(row, counts)


def _count_clicks(connection: Connection, account: uuid.UUID) -> dict[str, Any]:
    click_count = account_settings.count_clicks(connection, account)
    return {"click_count": click_count, **click_statistics.expected_account_clicks(connection, account)}


def _to_resource(row: Mapping[Any, Any], counts: Mapping[str, Any]) -> AccountResource:
    policy = row["policy"]
    return from_row(AccountResource, row, confirm=policy.get("confirm", []), **counts, **policy_fields(policy))

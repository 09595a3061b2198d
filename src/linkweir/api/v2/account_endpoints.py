"""`GET` and `PUT /v2/accounts/{id}`: the account and its policy."""

from collections.abc import Mapping
from typing import Any

from linkweir.accounts import account_settings
from linkweir.accounts.resource_changes import AccountUpdate
from linkweir.api.endpoint import ApiRequest
from linkweir.api.v2.response_types import AccountResource, from_row, policy_fields
from linkweir.clock import now


def get_account(call: ApiRequest) -> AccountResource:
    """The account that the key belongs to."""
    with call.services.store.read() as connection:
        click_count = account_settings.count_clicks(connection, call.account_id)
    return _to_resource(call.principal.account, click_count)


def update_account(call: ApiRequest) -> AccountResource:
    """Change what is named and answer with the whole account."""
    change = call.decode(AccountUpdate)
    with call.services.store.write() as connection:
        row, fields = account_settings.update_account(connection, call.account_id, change, now())
        click_count = account_settings.count_clicks(connection, call.account_id)
    call.services.log.info("account.changed", account=str(call.account_id), fields=fields)
    return _to_resource(row, click_count)


def _to_resource(row: Mapping[Any, Any], click_count: int) -> AccountResource:
    policy = row["policy"]
    return from_row(
        AccountResource, row, confirm=policy.get("confirm", []), click_count=click_count, **policy_fields(policy)
    )

"""`…/api-keys`: the secret is in the response to the creation only."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, RowMapping

from linkweir.accounts import api_keys
from linkweir.accounts.resource_changes import ApiKeyCreate, ApiKeyUpdate
from linkweir.api.endpoint import ApiRequest
from linkweir.api.v2.query_parameters import PageQuery
from linkweir.api.v2.resource_endpoints import ResourceEndpoints
from linkweir.api.v2.response_types import ApiKeyResource, ApiKeyScope, from_row
from linkweir.clock import now
from linkweir.pagination import PageRequest, RowPage


class ApiKeyEndpoints(ResourceEndpoints):
    """API keys; a new key cannot have more scopes than the key that creates it."""

    name, article, noun = "api-keys", "an", "API key"
    response, secret_field = ApiKeyResource, "secret_key"
    create_request, update_request = ApiKeyCreate, ApiKeyUpdate

    def load_page(self, call: ApiRequest, connection: Connection, query: PageQuery, page: PageRequest) -> RowPage:
        return api_keys.list_api_keys(connection, call.account_id, page)

    def get_row(self, call: ApiRequest, connection: Connection) -> RowMapping:
        return api_keys.get_api_key(connection, call.account_id, self.path_id(call))

    def authorize_create(self, call: ApiRequest) -> None:
        request = call.decode(ApiKeyCreate)
        api_keys.authorize_grant(call.principal, request.scopes, request.ip_allow_list or ())

    def create_row(self, call: ApiRequest, connection: Connection, request: ApiKeyCreate) -> tuple[RowMapping, str]:
        return api_keys.create_api_key(
            connection,
            call.account_id,
            request.label,
            now(),
            scopes=request.scopes,
            ip_allow_list=request.ip_allow_list or (),
        )

    def update_row(self, call: ApiRequest, connection: Connection, change: ApiKeyUpdate) -> RowMapping:
        return api_keys.update_api_key(connection, call.principal, self.path_id(call), change, now())

    def delete_row(self, call: ApiRequest, connection: Connection) -> None:
        api_keys.revoke_api_key(connection, call.account_id, self.path_id(call))

    def to_resource(self, call: ApiRequest, row: Mapping[Any, Any]) -> ApiKeyResource:
        scopes = [
            from_row(ApiKeyScope, row, api_key_id=row["id"], scope=scope, domain_id=None) for scope in row["scopes"]
        ]
        return from_row(ApiKeyResource, row, public_key=row["hint"], scopes=scopes)

"""`…/webhooks`: the secret is in the response to the creation only."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, RowMapping

from linkweir.accounts import webhook_settings
from linkweir.accounts.resource_changes import WebhookCreate, WebhookUpdate
from linkweir.api.endpoint import ApiRequest
from linkweir.api.v2.query_parameters import WebhookQuery
from linkweir.api.v2.resource_endpoints import ResourceEndpoints
from linkweir.api.v2.response_types import WebhookResource, from_row
from linkweir.clock import now
from linkweir.pagination import PageRequest, RowPage
from linkweir.webhooks.event_kinds import EVENT_NAMES, UNSUPPORTED_EVENT_NAMES


class WebhookEndpoints(ResourceEndpoints):
    """Webhooks; a change with `enabled` true resets the failures of a disabled one."""

    name, noun = "webhooks", "webhook"
    response, secret_field = WebhookResource, "secret"
    create_request, update_request = WebhookCreate, WebhookUpdate
    query = WebhookQuery
    scope_suffix = ":all"

    def load_page(self, call: ApiRequest, connection: Connection, query: WebhookQuery, page: PageRequest) -> RowPage:
        subscribed = {kind: getattr(query, f"on_{kind}") for kind in (*EVENT_NAMES, *UNSUPPORTED_EVENT_NAMES)}
        return webhook_settings.list_webhooks(
            connection, call.account_id, page, enabled=query.enabled, subscribed=subscribed
        )

    def get_row(self, call: ApiRequest, connection: Connection) -> RowMapping:
        return webhook_settings.get_webhook(connection, call.account_id, self.path_id(call))

    def create_row(self, call: ApiRequest, connection: Connection, request: WebhookCreate) -> tuple[RowMapping, str]:
        return webhook_settings.create_webhook(connection, call.services.vault, call.account_id, request, now())

    def update_row(self, call: ApiRequest, connection: Connection, change: WebhookUpdate) -> RowMapping:
        return webhook_settings.update_webhook(connection, call.account_id, self.path_id(call), change, now())

    def delete_row(self, call: ApiRequest, connection: Connection) -> None:
        webhook_settings.delete_webhook(connection, call.account_id, self.path_id(call))

    def to_resource(self, call: ApiRequest, row: Mapping[Any, Any]) -> WebhookResource:
        subscriptions = {f"on_{kind}": kind in row["events"] for kind in (*EVENT_NAMES, *UNSUPPORTED_EVENT_NAMES)}
        return from_row(WebhookResource, row, **subscriptions)

"""`…/smtp-credentials`: the password is in the response to the creation only."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, RowMapping

from linkweir.accounts import smtp_credentials
from linkweir.accounts.resource_changes import SmtpCredentialCreate
from linkweir.api.endpoint import ApiRequest
from linkweir.api.v2.query_parameters import PageQuery
from linkweir.api.v2.resource_endpoints import ResourceEndpoints
from linkweir.api.v2.response_types import SmtpCredentialResource, from_row
from linkweir.clock import now
from linkweir.pagination import PageRequest, RowPage


class SmtpCredentialEndpoints(ResourceEndpoints):
    """SMTP credentials; a new one cannot have more sending rights than the key that creates it."""

    name, article, noun = "smtp-credentials", "an", "SMTP credential"
    response, secret_field = SmtpCredentialResource, "password"
    create_request = SmtpCredentialCreate
    scope_suffix = ":all"

    def load_page(self, call: ApiRequest, connection: Connection, query: PageQuery, page: PageRequest) -> RowPage:
        return smtp_credentials.list_smtp_credentials(connection, call.account_id, page)

    def get_row(self, call: ApiRequest, connection: Connection) -> RowMapping:
        return smtp_credentials.get_smtp_credential(connection, call.account_id, self.path_id(call))

    def authorize_create(self, call: ApiRequest) -> None:
        smtp_credentials.authorize_smtp_credential(call.principal, call.decode(SmtpCredentialCreate))

    def create_row(
        self, call: ApiRequest, connection: Connection, request: SmtpCredentialCreate
    ) -> tuple[dict[str, Any], str]:
        return smtp_credentials.create_smtp_credential(connection, call.account_id, request, now())

    def delete_row(self, call: ApiRequest, connection: Connection) -> None:
        smtp_credentials.delete_smtp_credential(connection, call.account_id, self.path_id(call))

    def to_resource(self, call: ApiRequest, row: Mapping[Any, Any]) -> SmtpCredentialResource:
        return from_row(SmtpCredentialResource, row)

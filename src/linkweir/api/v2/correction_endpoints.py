"""`…/corrections`: where the links of sent mails lead from now on. Only what is in force can be deleted; all of it
stays on record.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, RowMapping

from linkweir.accounts import api_keys
from linkweir.api.endpoint import ApiRequest
from linkweir.api.v2.query_parameters import CorrectionQuery
from linkweir.api.v2.resource_endpoints import ResourceEndpoints
from linkweir.api.v2.response_types import CorrectionResource, from_row
from linkweir.clicks import corrections
from linkweir.clicks.corrections import CorrectionCreate
from linkweir.clock import now
from linkweir.mail import stored_messages
from linkweir.pagination import PageRequest, RowPage


class CorrectionEndpoints(ResourceEndpoints):
    """Corrections of links after they were sent."""

    name, noun = "corrections", "correction"
    response, create_request = CorrectionResource, CorrectionCreate
    query = CorrectionQuery
    is_extension = True

    def load_page(self, call: ApiRequest, connection: Connection, query: CorrectionQuery, page: PageRequest) -> RowPage:
        return corrections.list_corrections(connection, call.account_id, page, in_force=query.in_force)

    def get_row(self, call: ApiRequest, connection: Connection) -> RowMapping:
        return corrections.get_correction(connection, call.account_id, self.path_id(call))

    def create_row(
        self, call: ApiRequest, connection: Connection, request: CorrectionCreate
    ) -> tuple[RowMapping, None]:
        settings = call.services.settings
        rules = corrections.make_link_rules(
            call.services.keyring, settings.base_url, settings.skip, call.principal.account
        )
        number = stored_messages.find_number(connection, call.account_id, request.message_id)
        row = corrections.create_correction(
            connection, call.account_id, request, now(), number=number, author=_author(call, connection), rules=rules
        )
        call.services.log.info("correction.created", correction=str(row["id"]))
        return row, None

    def delete_row(self, call: ApiRequest, connection: Connection) -> None:
        key = self.path_id(call)
        corrections.remove_correction(connection, call.account_id, key, _author(call, connection), now())
        call.services.log.info("correction.removed", correction=str(key))

    def to_resource(self, call: ApiRequest, row: Mapping[Any, Any]) -> CorrectionResource:
        return from_row(CorrectionResource, row)


def _author(call: ApiRequest, connection: Connection) -> str:
    key = api_keys.get_api_key(connection, call.account_id, call.principal.key_id)
    return f"API key {key['label']}"

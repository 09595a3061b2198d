"""`…/smtp-credentials`: the password is shown in the answer to its making, and never again."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from linkweir.accounts import smtp_credentials
from linkweir.accounts.resource_changes import SmtpCredentialCreate
from linkweir.api.endpoint import ApiRequest
from linkweir.api.v2.query_parameters import PageQuery
from linkweir.api.v2.resource import DELETED_BODY, created_response, list_page, parse_path_id, to_json_bytes
from linkweir.clock import now, rfc3339
from linkweir.web.json_response import JSONResponse


def list_smtp_credentials(call: ApiRequest) -> Response:
    """Every credential, newest first."""
    return list_page(call, call.parse_query(PageQuery), smtp_credentials.list_smtp_credentials, _to_json)


def authorize_create(call: ApiRequest) -> None:
    """Raises Forbidden for a credential that could send more than the principal."""
    smtp_credentials.authorize_smtp_credential(call.principal, call.decode(SmtpCredentialCreate))


def create_smtp_credential(call: ApiRequest) -> Response:
    """A new username and password, for no more than the key that asks may send itself."""
    request = call.decode(SmtpCredentialCreate)
    with call.services.store.write() as connection:
        row, password = smtp_credentials.create_smtp_credential(connection, call.account_id, request, now())
        data = to_json_bytes({**_to_json(row), "password": password})
        call.idempotency.store_response(connection, 201, data, secret=True)
    return created_response(data)


def get_smtp_credential(call: ApiRequest) -> Response:
    """One credential."""
    with call.services.store.read() as connection:
        key = parse_path_id(call, "SMTP credential")
        row = smtp_credentials.get_smtp_credential(connection, call.account_id, key)
    return JSONResponse(_to_json(row))


def delete_smtp_credential(call: ApiRequest) -> Response:
    """Nobody signs in with it from now on."""
    with call.services.store.write() as connection:
        key = parse_path_id(call, "SMTP credential")
        smtp_credentials.delete_smtp_credential(connection, call.account_id, key)
    return JSONResponse(DELETED_BODY)


def _to_json(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        "object": "credential_smtp",
        "id": str(row["id"]),
        "created_at": rfc3339(row["created_at"]),
        "updated_at": rfc3339(row["updated_at"]),
        "name": row["name"],
        "username": row["username"],
        "sandbox": row["sandbox"],
        "scope": row["scope"],
        "domains": row["domains"],
    }

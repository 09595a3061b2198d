"""`…/smtp-credentials`: the password is shown in the answer to its making, and never again."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import RowMapping
from starlette.responses import Response

from linkweir.accounts.domain_names import parse_domains
from linkweir.accounts.resource_changes import SmtpCredentialCreate
from linkweir.api.endpoint import ApiRequest
from linkweir.api.v2.query_parameters import PageQuery
from linkweir.api.v2.resource import DELETED_BODY, created_response, list_page, parse_path_id, to_json_bytes
from linkweir.clock import now, rfc3339
from linkweir.db import schema, smtp_credentials_table
from linkweir.errors import NotFound
from linkweir.smtp import authenticator
from linkweir.web.json_response import JSONResponse


def list_smtp_credentials(call: ApiRequest) -> Response:
    """Every credential, newest first."""
    return list_page(call, call.parse_query(PageQuery), schema.smtp_credentials, _to_json)


def authorize_create(call: ApiRequest) -> None:
    """Whoever has a credential sends with it, from every address on earth: the key that asks must be able to."""
    asked = call.decode(SmtpCredentialCreate)
    wanted: Sequence[str | None] = parse_domains(asked.scope, asked.domains)
    for domain in wanted or (None,):
        call.principal.require("messages:send:all", domain)
    call.principal.require_networks(())


def create_smtp_credential(call: ApiRequest) -> Response:
    """A new username and password, for no more than the key that asks may send itself."""
    asked = call.decode(SmtpCredentialCreate)
    username, password = authenticator.generate_username(), authenticator.generate_password()
    values = authenticator.make_credential(call.principal.account["id"], asked.name, username, password, now())
    values |= {"sandbox": asked.sandbox, "scope": asked.scope, "domains": parse_domains(asked.scope, asked.domains)}
    with call.services.store.write() as connection:
        smtp_credentials_table.add(connection, values)
        data = to_json_bytes({**_to_json(values), "password": password})
        call.idempotency.store_response(connection, 201, data, secret=True)
    return created_response(data)


def get_smtp_credential(call: ApiRequest) -> Response:
    """One credential."""
    return JSONResponse(_to_json(_load_credential(call)))


def delete_smtp_credential(call: ApiRequest) -> Response:
    """Nobody signs in with it from now on."""
    with call.services.store.write() as connection:
        if not smtp_credentials_table.remove(
            connection, call.principal.account["id"], parse_path_id(call, "SMTP credential")
        ):
            raise NotFound("there is no such SMTP credential")
    return JSONResponse(DELETED_BODY)


def _load_credential(call: ApiRequest) -> RowMapping:
    with call.services.store.read() as connection:
        row = smtp_credentials_table.get(
            connection, call.principal.account["id"], parse_path_id(call, "SMTP credential")
        )
    if row is None:
        raise NotFound("there is no such SMTP credential")
    return row


def _to_json(row: Any) -> dict[str, Any]:
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

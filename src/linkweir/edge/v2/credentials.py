"""`…/smtp-credentials`: the password is shown in the answer to its making, and never again."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import RowMapping
from starlette.requests import Request
from starlette.responses import Response

from linkweir.edge import door
from linkweir.edge.door import Call
from linkweir.edge.parts import now
from linkweir.edge.reply import JSON, rfc3339
from linkweir.edge.smtp import signin
from linkweir.edge.v2.asked import NewSmtpCredential
from linkweir.edge.v2.resource import DELETED, body_of, created, key_in_path, page_of
from linkweir.edge.v2.scoped import domains_of
from linkweir.errors import NotFound
from linkweir.store import smtp_credentials, tables


async def list_credentials(request: Request) -> Response:
    """Every credential, newest first."""
    return await door.enter(request, "smtp-credentials:read:all", _list)


async def create_credential(request: Request) -> Response:
    """A new username and password, for no more than the key that asks may send itself."""
    return await door.enter(request, "smtp-credentials:write:all", _create, permit=_may_create)


async def get_credential(request: Request) -> Response:
    """One credential."""
    return await door.enter(request, "smtp-credentials:read:all", lambda call: JSON(_shown(_row(call))))


async def delete_credential(request: Request) -> Response:
    """Nobody signs in with it from now on."""
    return await door.enter(request, "smtp-credentials:delete:all", _delete)


def _list(call: Call) -> Response:
    return page_of(call, tables.smtp_credentials, _shown)


def _may_create(call: Call) -> None:
    """Whoever has a credential sends with it, from every address on earth: the key that asks must be able to."""
    asked = call.shaped(NewSmtpCredential)
    wanted: Sequence[str | None] = domains_of(asked.scope, asked.domains)
    for domain in wanted or (None,):
        call.who.require("messages:send:all", domain)
    call.who.require_networks(())


def _create(call: Call) -> Response:
    asked = call.shaped(NewSmtpCredential)
    username, password = signin.new_username(), signin.new_password()
    values = signin.credential(call.who.account["id"], asked.name, username, password, now())
    values |= {"sandbox": asked.sandbox, "scope": asked.scope, "domains": domains_of(asked.scope, asked.domains)}
    with call.parts.store.write() as connection:
        smtp_credentials.add(connection, values)
        data = body_of({**_shown(values), "password": password})
        call.once.keep(connection, 201, data, secret=True)
    return created(data)


def _delete(call: Call) -> Response:
    with call.parts.store.write() as connection:
        if not smtp_credentials.remove(connection, call.who.account["id"], key_in_path(call, "SMTP credential")):
            raise NotFound("there is no such SMTP credential")
    return JSON(DELETED)


def _row(call: Call) -> RowMapping:
    with call.parts.store.read() as connection:
        row = smtp_credentials.get(connection, call.who.account["id"], key_in_path(call, "SMTP credential"))
    if row is None:
        raise NotFound("there is no such SMTP credential")
    return row


def _shown(row: Any) -> dict[str, Any]:
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

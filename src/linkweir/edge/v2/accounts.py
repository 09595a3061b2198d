"""`GET` and `PUT /v2/accounts/{id}`: the account and its switches."""

from typing import Any

from sqlalchemy import RowMapping
from starlette.requests import Request
from starlette.responses import Response

from linkweir.edge import auth, body
from linkweir.edge.parts import Parts, now, parts_of
from linkweir.edge.reply import JSON, rfc3339
from linkweir.edge.v2.shapes import AccountChange
from linkweir.errors import NotFound
from linkweir.store import accounts, clicks


async def get_account(request: Request) -> Response:
    """The account that the key belongs to."""
    parts = parts_of(request)
    account = await auth.signed_in(request, parts)
    return await parts.in_thread(lambda: _read(parts, account))


async def change_account(request: Request) -> Response:
    """Change what is named and answer with the whole account."""
    parts = parts_of(request)
    account = await auth.signed_in(request, parts)
    data = await body.read(request, parts.settings.max_body)
    return await parts.in_thread(lambda: _change(parts, account, data))


def _read(parts: Parts, account: RowMapping) -> Response:
    with parts.store.read() as connection:
        return JSON(_shown(account, clicks.count_of_account(connection, account["id"])))


def _change(parts: Parts, account: RowMapping, data: bytes) -> Response:
    values = body.shaped(data, AccountChange).given()
    with parts.store.write() as connection:
        if values:
            accounts.change(connection, account["id"], values, now())
        changed = accounts.get(connection, account["id"])
        counted = clicks.count_of_account(connection, account["id"])
    if changed is None:
        raise NotFound("there is no such account")
    parts.log.info("account.changed", account=str(account["id"]), fields=sorted(values))
    return JSON(_shown(changed, counted))


def _shown(row: RowMapping, click_count: int) -> dict[str, Any]:
    return {
        "object": "account",
        "id": str(row["id"]),
        "created_at": rfc3339(row["created_at"]),
        "updated_at": rfc3339(row["updated_at"]),
        "name": row["name"],
        "website": row["website"],
        "about": row["about"],
        "track_opens": row["track_opens"],
        "track_clicks": row["track_clicks"],
        "message_metadata_retention": row["message_metadata_retention"],
        "message_data_retention": row["message_data_retention"],
        "click_count": click_count,  # our own: of links minted in bulk too, which belong to no message here
    }

"""`…/domains`: where mail is sent from, the host of its tracking links, its policy, and its DKIM key."""

import contextlib
import uuid
from collections.abc import Mapping
from typing import Any

from msgspec import UNSET
from sqlalchemy import Connection, RowMapping, false
from sqlalchemy.exc import IntegrityError
from starlette.requests import Request
from starlette.responses import Response

from linkweir.edge import door
from linkweir.edge.door import Call
from linkweir.edge.hosts import is_name
from linkweir.edge.parts import now
from linkweir.edge.reply import JSON, rfc3339
from linkweir.edge.v2 import dkim
from linkweir.edge.v2.asked import DomainChange, NewDomain
from linkweir.edge.v2.filters import flag
from linkweir.edge.v2.resource import DELETED, body_of, created, page_of
from linkweir.edge.v2.scoped import DOMAIN
from linkweir.edge.v2.translate import switches
from linkweir.errors import BadInput, BadSwitch, Conflict, NotFound
from linkweir.mail.address import ascii_domain
from linkweir.store import domains, tables

TRACKING = ("track_clicks", "track_opens")


async def list_domains(request: Request) -> Response:
    """Every domain, newest first."""
    return await door.enter(request, "domains:read", _list)


async def create_domain(request: Request) -> Response:
    """A domain to send from."""
    return await door.enter(request, "domains:write", _create)


async def get_domain(request: Request) -> Response:
    """One domain, by its name or id."""
    return await door.enter(request, "domains:read", _get)


async def change_domain(request: Request) -> Response:
    """Change what is named."""
    return await door.enter(request, "domains:write", _change)


async def delete_domain(request: Request) -> Response:
    """Forget a domain; links that were made on its host go on working while the host leads here."""
    return await door.enter(request, "domains:delete:any", _delete)


def _list(call: Call) -> Response:
    valid = flag(call.request.query_params, "dns_valid")
    none = [false()] if valid is False else []  # each is shown as valid
    return page_of(call, tables.domains, lambda row: _shown(call, row), none)


def _create(call: Call) -> Response:
    asked = call.shaped(NewDomain)
    name = ascii_domain(asked.domain.removesuffix("."), "domain")
    if not DOMAIN.fullmatch(name):
        raise BadInput("domain", "is not a domain")
    moment, account = now(), call.who.account["id"]
    empty: dict[str, Any] = {"tracking_subdomain": None, "policy": {}, "dkim_selector": None, "dkim_key": None}
    names = {"id": uuid.uuid4(), "account_id": account, "domain": name, "created_at": moment, "updated_at": moment}
    values = names | empty | _values(asked, empty, dkim.wanted_key(call.parts.vault, asked))
    try:
        with call.parts.store.write() as connection:
            domains.add(connection, values)
            _know_host(call, values["tracking_subdomain"], name)
            data = body_of(_shown(call, _row(call, connection, name)))
            call.once.keep(connection, 201, data)
    except IntegrityError:
        raise Conflict("the account has this domain already") from None
    return created(data)


def _change(call: Call) -> Response:
    asked = call.shaped(DomainChange)
    key = dkim.wanted_key(call.parts.vault, asked)
    with call.parts.store.write() as connection:
        row = _row(call, connection)
        values = _values(asked, row, key)
        domains.change(connection, row["id"], values | {"updated_at": now()})
        _know_host(call, values.get("tracking_subdomain"), row["domain"])
        changed = _row(call, connection)
    return JSON(_shown(call, changed))


def _delete(call: Call) -> Response:
    with call.parts.store.write() as connection:
        row = _row(call, connection)
        call.who.require("domains:delete:all", row["domain"])
        domains.remove(connection, row["id"])
    return JSON(DELETED)


def _get(call: Call) -> Response:
    with call.parts.store.read() as connection:
        row = _row(call, connection)
    return JSON(_shown(call, row))


def _row(call: Call, connection: Connection, name: str | None = None) -> RowMapping:
    """The domain of that name, else the one that the path names by its name or id. Raises NotFound."""
    text = name or call.request.path_params["id"].lower()
    row = domains.find(connection, call.who.account["id"], text)
    if row is None:
        with contextlib.suppress(ValueError):
            row = domains.get(connection, call.who.account["id"], uuid.UUID(text))
    if row is None:
        raise NotFound("there is no such domain")
    return row


def _values(asked: DomainChange, kept: Mapping[Any, Any], key: dict[str, Any]) -> dict[str, Any]:
    """The columns to set, from the row as it is. Raises BadInput."""
    policy = asked.over(kept["policy"])
    switches(policy.get("opt_out"), policy.get("skip"), policy.get("outlook"))
    for name in TRACKING:
        value = getattr(asked, name)
        if value is None:
            policy.pop(name, None)
        elif value is not UNSET:
            policy[name] = value
    has_key = {**kept, **key}["dkim_key"] is not None
    values = {"policy": policy, **key}
    values["dkim_selector"] = dkim.wanted_selector(asked, kept["dkim_selector"], has_key=has_key)
    if asked.tracking_subdomain is not UNSET:
        values["tracking_subdomain"] = asked.tracking_subdomain or None
    return values


def _know_host(call: Call, subdomain: str | None, domain: str) -> None:
    """Let the key ring know a host that links live on, so that links there are recognised as ours. Raises BadInput.

    The last step before the commit: what was refused leaves no host behind. A host is never taken away again, for
    mails with links on it have been sent.
    """
    if subdomain:
        try:
            call.parts.add_tracking_host(f"{subdomain}.{domain}")
        except BadSwitch as error:
            raise BadInput("tracking_subdomain", str(error)) from None


def _shown(call: Call, row: RowMapping) -> dict[str, Any]:
    policy = row["policy"]
    return {
        "object": "domain",
        "id": str(row["id"]),
        "created_at": rfc3339(row["created_at"]),
        "updated_at": rfc3339(row["updated_at"]),
        "domain": row["domain"],
        "account_id": str(row["account_id"]),
        "dns_records": _records(call, row),
        "last_dns_check_at": None,
        "dns_valid": True,
        "tracking_subdomain": row["tracking_subdomain"],
        "return_path_subdomain": None,
        "subscription_subdomain": None,
        "media_subdomain": None,
        "dkim_rotation_interval_days": None,
        "dkim_selector": row["dkim_selector"],
        "rotation_ready": False,
        "dsn_recipient": None,
        **{name: policy.get(name) for name in TRACKING},
        **policy_shown(policy),
    }


def policy_shown(policy: dict[str, Any]) -> dict[str, Any]:
    """The wishes that are kept, all of them, None where nothing is wished."""
    names = ("privacy", "link_style", "opt_out", "skip", "outlook", "honeypot", "utm")
    return {name: policy.get(name, [] if name in ("opt_out", "skip") else None) for name in names}


def _records(call: Call, row: RowMapping) -> list[dict[str, Any]]:
    """What belongs into the DNS; nobody here asks it. No CNAME leads to an address: until the base URL names a host
    there is none to show.
    """
    found: list[dict[str, Any]] = []
    if row["tracking_subdomain"] and is_name(call.parts.tracking_host):
        found.append(
            {
                "type": "CNAME",
                "label": "Tracking",
                "host": f"{row['tracking_subdomain']}.{row['domain']}",
                "content": call.parts.tracking_host,
                "required": True,
                "propagated": False,
            }
        )
    return found + dkim.record(call.parts.vault, row)

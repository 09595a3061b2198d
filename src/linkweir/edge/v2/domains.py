"""`…/domains`: where mail is sent from, the host of its tracking links, its policy, and its DKIM key."""

import base64
import uuid
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from msgspec import UNSET
from sqlalchemy import RowMapping
from sqlalchemy.exc import IntegrityError
from starlette.requests import Request
from starlette.responses import Response

from linkweir.edge import door
from linkweir.edge.body import shaped
from linkweir.edge.door import Call
from linkweir.edge.parts import now
from linkweir.edge.reply import JSON, rfc3339
from linkweir.edge.v2 import paging
from linkweir.edge.v2.asked import DomainChange, NewDomain
from linkweir.edge.v2.resource import DELETED, body_of, created
from linkweir.edge.v2.scoped import DOMAIN
from linkweir.edge.v2.translate import switches
from linkweir.errors import BadInput, Conflict, NotFound
from linkweir.store import domains, pages, tables

SELECTOR = "linkweir"
TRACKING = ("track_clicks", "track_opens")


async def list_domains(request: Request) -> Response:
    """Every domain, newest first."""
    return await door.enter(request, "domains:read", _list)


async def create_domain(request: Request) -> Response:
    """A domain to send from."""
    return await door.enter(request, "domains:write", _create)


async def get_domain(request: Request) -> Response:
    """One domain, by its name or id."""
    return await door.enter(request, "domains:read", lambda call: JSON(_shown(call, _row(call))))


async def change_domain(request: Request) -> Response:
    """Change what is named."""
    return await door.enter(request, "domains:write", _change)


async def delete_domain(request: Request) -> Response:
    """Forget a domain; links that were made on its host go on working while the host leads here."""
    return await door.enter(request, "domains:delete:any", _delete)


def _list(call: Call) -> Response:
    table = tables.domains
    with call.parts.store.read() as connection:
        found = pages.page(
            connection, table, paging.wanted(call.request.query_params), [table.c.account_id == call.account]
        )
    return paging.listed(found, lambda row: _shown(call, row))


def _create(call: Call) -> Response:
    asked = shaped(call.data, NewDomain)
    name = asked.domain.lower().rstrip(".")
    if not DOMAIN.fullmatch(name):
        raise BadInput("domain", "is not a domain")
    moment = now()
    values = {
        "id": uuid.uuid4(),
        "account_id": call.who.account["id"],
        "domain": name,
        "tracking_subdomain": None,
        "policy": {},
        "dkim_selector": None,
        "dkim_key": None,
        "created_at": moment,
        "updated_at": moment,
    } | _values(call, asked, {})
    _host(call, values["tracking_subdomain"], name)
    try:
        with call.parts.store.write() as connection:
            domains.add(connection, values)
            row = domains.find(connection, call.who.account["id"], name)
            assert row is not None
            data = body_of(_shown(call, row))
            call.once.keep(connection, 201, data)
    except IntegrityError:
        raise Conflict("the account has this domain already") from None
    return created(data)


def _change(call: Call) -> Response:
    row, asked = _row(call), shaped(call.data, DomainChange)
    values = _values(call, asked, row["policy"])
    _host(call, values.get("tracking_subdomain"), row["domain"])
    with call.parts.store.write() as connection:
        domains.change(connection, row["id"], values | {"updated_at": now()})
    return JSON(_shown(call, _row(call)))


def _delete(call: Call) -> Response:
    row = _row(call)
    call.who.require("domains:delete:all", row["domain"])
    with call.parts.store.write() as connection:
        domains.remove(connection, row["id"])
    return JSON(DELETED)


def _row(call: Call) -> RowMapping:
    text = call.request.path_params["id"].lower()
    with call.parts.store.read() as connection:
        row = domains.find(connection, call.who.account["id"], text)
        if row is None:
            try:
                row = domains.get(connection, call.who.account["id"], uuid.UUID(text))
            except ValueError:
                row = None
    if row is None:
        raise NotFound("there is no such domain")
    return row


def _values(call: Call, asked: DomainChange, policy: dict[str, Any]) -> dict[str, Any]:
    """The columns to set. Raises BadInput."""
    kept = asked.over(policy)
    switches(kept.get("opt_out"), kept.get("skip"), kept.get("outlook"))
    for name in TRACKING:
        value = getattr(asked, name)
        if value is None:
            kept.pop(name, None)
        elif value is not UNSET:
            kept[name] = value
    values: dict[str, Any] = {"policy": kept}
    if asked.tracking_subdomain is not UNSET:
        values["tracking_subdomain"] = asked.tracking_subdomain or None
    if asked.dkim_selector is not UNSET:
        values["dkim_selector"] = _selector(asked.dkim_selector)
    if asked.dkim == "generate":
        values |= {
            "dkim_key": call.parts.vault.seal(_new_key()),
            "dkim_selector": values.get("dkim_selector") or SELECTOR,
        }
    elif asked.dkim == "off":
        values |= {"dkim_key": None}
    elif isinstance(asked.dkim_private_key, str):
        values |= {"dkim_key": call.parts.vault.seal(_checked_key(asked.dkim_private_key))}
        values.setdefault("dkim_selector", SELECTOR)
    return values


def _selector(text: object) -> str | None:
    word = str(text or "").strip().lower()
    if word and not DOMAIN.fullmatch(word + ".x"):
        raise BadInput("dkim_selector", "must be one label of letters, digits and hyphens")
    return word or None


def _new_key() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def _checked_key(text: str) -> bytes:
    try:
        key = serialization.load_pem_private_key(text.encode(), None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < 1024:
        raise BadInput("dkim_private_key", "must be an RSA private key of at least 1024 bits, in PEM")
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def _host(call: Call, subdomain: str | None, domain: str) -> None:
    """The key ring knows every host that links live on, so that links there are recognised as ours."""
    if subdomain:
        call.parts.add_tracking_host(f"{subdomain}.{domain}")


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
    names = ("privacy", "link_style", "opt_out", "skip", "outlook", "utm")
    return {name: policy.get(name, [] if name in ("opt_out", "skip") else None) for name in names}


def _records(call: Call, row: RowMapping) -> list[dict[str, Any]]:
    """What belongs into the DNS; nobody here asks it."""
    found = []
    if row["tracking_subdomain"]:
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
    if row["dkim_key"] is not None and row["dkim_selector"]:
        key = serialization.load_pem_private_key(call.parts.vault.open(row["dkim_key"]), None)
        public = key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        found.append(
            {
                "type": "TXT",
                "label": "DKIM",
                "host": f"{row['dkim_selector']}._domainkey.{row['domain']}",
                "content": "v=DKIM1; k=rsa; p=" + base64.b64encode(public).decode("ascii"),
                "required": False,
                "propagated": False,
            }
        )
    return found

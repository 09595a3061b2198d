"""`…/domains`: where mail is sent from, the host of its tracking links, its policy, and its DKIM key."""

import contextlib
import uuid
from collections.abc import Mapping
from typing import Any

from msgspec import UNSET
from sqlalchemy import Connection, RowMapping, false
from sqlalchemy.exc import IntegrityError
from starlette.responses import Response

from linkweir.accounts import dkim_keys
from linkweir.accounts.domain_names import DOMAIN_PATTERN, is_host_name, to_ascii_domain
from linkweir.accounts.resource_changes import DomainCreate, DomainUpdate
from linkweir.accounts.skip_patterns import to_link_options
from linkweir.api.endpoint import ApiRequest
from linkweir.api.v2.query_parameters import DomainQuery
from linkweir.api.v2.resource import DELETED_BODY, created_response, list_page, to_json_bytes
from linkweir.clock import now, rfc3339
from linkweir.db import domains_table, schema
from linkweir.errors import BadSwitch, Conflict, NotFound, ValidationError
from linkweir.web.json_response import JSONResponse

TRACKING_FIELDS = ("track_clicks", "track_opens")


def list_domains(call: ApiRequest) -> Response:
    """Every domain, newest first."""
    query = call.parse_query(DomainQuery)
    none = [false()] if query.dns_valid is False else []  # each is shown as valid
    return list_page(call, query, schema.domains, lambda row: _to_json(call, row), none)


def create_domain(call: ApiRequest) -> Response:
    """A domain to send from."""
    asked = call.decode(DomainCreate)
    name = to_ascii_domain(asked.domain.removesuffix("."), "domain")
    if not DOMAIN_PATTERN.fullmatch(name):
        raise ValidationError("domain", "is not a domain")
    moment, account = now(), call.principal.account["id"]
    empty: dict[str, Any] = {"tracking_subdomain": None, "policy": {}, "dkim_selector": None, "dkim_key": None}
    names = {"id": uuid.uuid4(), "account_id": account, "domain": name, "created_at": moment, "updated_at": moment}
    values = names | empty | _to_columns(asked, empty, dkim_keys.parse_key(call.services.vault, asked))
    try:
        with call.services.store.write() as connection:
            domains_table.add(connection, values)
            _register_tracking_host(call, values["tracking_subdomain"], name)
            data = to_json_bytes(_to_json(call, _load_domain(call, connection, name)))
            call.idempotency.store_response(connection, 201, data)
    except IntegrityError:
        raise Conflict("the account has this domain already") from None
    return created_response(data)


def update_domain(call: ApiRequest) -> Response:
    """Change what is named."""
    asked = call.decode(DomainUpdate)
    key = dkim_keys.parse_key(call.services.vault, asked)
    with call.services.store.write() as connection:
        row = _load_domain(call, connection)
        values = _to_columns(asked, row, key)
        domains_table.update_row(connection, row["id"], values | {"updated_at": now()})
        _register_tracking_host(call, values.get("tracking_subdomain"), row["domain"])
        changed = _load_domain(call, connection)
    return JSONResponse(_to_json(call, changed))


def delete_domain(call: ApiRequest) -> Response:
    """Forget a domain; links that were made on its host go on working while the host leads here."""
    with call.services.store.write() as connection:
        row = _load_domain(call, connection)
        call.principal.require("domains:delete:all", row["domain"])
        domains_table.remove(connection, row["id"])
    return JSONResponse(DELETED_BODY)


def get_domain(call: ApiRequest) -> Response:
    """One domain, by its name or id."""
    with call.services.store.read() as connection:
        row = _load_domain(call, connection)
    return JSONResponse(_to_json(call, row))


def _load_domain(call: ApiRequest, connection: Connection, name: str | None = None) -> RowMapping:
    """The domain of that name, else the one that the path names by its name or id. Raises NotFound."""
    text = name or call.request.path_params["id"].lower()
    row = domains_table.find(connection, call.principal.account["id"], text)
    if row is None:
        with contextlib.suppress(ValueError):
            row = domains_table.get(connection, call.principal.account["id"], uuid.UUID(text))
    if row is None:
        raise NotFound("there is no such domain")
    return row


def _to_columns(change: DomainUpdate, stored: Mapping[Any, Any], key: dict[str, Any]) -> dict[str, Any]:
    """The columns to set, from the row as it is. Raises BadInput."""
    policy = change.merge_into(stored["policy"])
    to_link_options(policy.get("opt_out"), policy.get("skip"), policy.get("outlook"))
    for name in TRACKING_FIELDS:
        value = getattr(change, name)
        if value is None:
            policy.pop(name, None)
        elif value is not UNSET:
            policy[name] = value
    has_key = {**stored, **key}["dkim_key"] is not None
    values = {"policy": policy, **key}
    values["dkim_selector"] = dkim_keys.parse_selector(change, stored["dkim_selector"], has_key=has_key)
    if change.tracking_subdomain is not UNSET:
        values["tracking_subdomain"] = change.tracking_subdomain or None
    return values


def _register_tracking_host(call: ApiRequest, subdomain: str | None, domain: str) -> None:
    """Let the key ring know a host that links live on, so that links there are recognised as ours. Raises BadInput.

    The last step before the commit: what was refused leaves no host behind. A host is never taken away again, for
    mails with links on it have been sent.
    """
    if subdomain:
        try:
            call.services.add_tracking_host(f"{subdomain}.{domain}")
        except BadSwitch as error:
            raise ValidationError("tracking_subdomain", str(error)) from None


def _to_json(call: ApiRequest, row: RowMapping) -> dict[str, Any]:
    policy = row["policy"]
    return {
        "object": "domain",
        "id": str(row["id"]),
        "created_at": rfc3339(row["created_at"]),
        "updated_at": rfc3339(row["updated_at"]),
        "domain": row["domain"],
        "account_id": str(row["account_id"]),
        "dns_records": _dns_records(call, row),
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
        **{name: policy.get(name) for name in TRACKING_FIELDS},
        **policy_to_json(policy),
    }


def policy_to_json(policy: dict[str, Any]) -> dict[str, Any]:
    """The wishes that are kept, all of them, None where nothing is wished."""
    names = ("privacy", "link_style", "opt_out", "skip", "outlook", "honeypot", "utm")
    return {name: policy.get(name, [] if name in ("opt_out", "skip") else None) for name in names}


def _dns_records(call: ApiRequest, row: RowMapping) -> list[dict[str, Any]]:
    """What belongs into the DNS; nobody here asks it. No CNAME leads to an address: until the base URL names a host
    there is none to show.
    """
    found: list[dict[str, Any]] = []
    if row["tracking_subdomain"] and is_host_name(call.services.tracking_host):
        found.append(
            {
                "type": "CNAME",
                "label": "Tracking",
                "host": f"{row['tracking_subdomain']}.{row['domain']}",
                "content": call.services.tracking_host,
                "required": True,
                "propagated": False,
            }
        )
    return found + dkim_keys.dns_records(call.services.vault, row)

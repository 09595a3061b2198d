"""`…/domains`: where mail is sent from, the host of its tracking links, its policy, and its DKIM key."""

from functools import partial
from typing import Any

from sqlalchemy import RowMapping
from starlette.responses import Response

from linkweir.accounts import dkim_keys, domains
from linkweir.accounts.domain_names import is_host_name
from linkweir.accounts.domains import TRACKING_FIELDS
from linkweir.accounts.resource_changes import DomainCreate, DomainUpdate
from linkweir.api.endpoint import ApiRequest
from linkweir.api.v2.query_parameters import DomainQuery
from linkweir.api.v2.resource import DELETED_BODY, created_response, list_page, to_json_bytes
from linkweir.clock import now, rfc3339
from linkweir.web.json_response import JSONResponse


def list_domains(call: ApiRequest) -> Response:
    """Every domain, newest first."""
    query = call.parse_query(DomainQuery)
    load_page = partial(domains.list_domains, dns_valid=query.dns_valid)
    return list_page(call, query, load_page, lambda row: _to_json(call, row))


def create_domain(call: ApiRequest) -> Response:
    """A domain to send from."""
    request = call.decode(DomainCreate)
    dkim_key = dkim_keys.parse_key(call.services.vault, request)  # before the transaction: making one takes long
    with call.services.store.write() as connection:
        row = domains.create_domain(
            connection,
            call.account_id,
            request,
            now(),
            add_tracking_host=call.services.add_tracking_host,
            dkim_key=dkim_key,
        )
        data = to_json_bytes(_to_json(call, row))
        call.idempotency.store_response(connection, 201, data)
    return created_response(data)


def update_domain(call: ApiRequest) -> Response:
    """Change what is named."""
    change = call.decode(DomainUpdate)
    dkim_key = dkim_keys.parse_key(call.services.vault, change)
    with call.services.store.write() as connection:
        row = domains.update_domain(
            connection,
            call.account_id,
            call.request.path_params["id"],
            change,
            now(),
            add_tracking_host=call.services.add_tracking_host,
            dkim_key=dkim_key,
        )
    return JSONResponse(_to_json(call, row))


def delete_domain(call: ApiRequest) -> Response:
    """Forget a domain; links that were made on its host go on working while the host leads here."""
    with call.services.store.write() as connection:
        row = domains.get_domain(connection, call.account_id, call.request.path_params["id"])
        call.principal.require("domains:delete:all", row["domain"])
        domains.delete_domain(connection, row["id"])
    return JSONResponse(DELETED_BODY)


def get_domain(call: ApiRequest) -> Response:
    """One domain, by its name or id."""
    with call.services.store.read() as connection:
        row = domains.get_domain(connection, call.account_id, call.request.path_params["id"])
    return JSONResponse(_to_json(call, row))


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

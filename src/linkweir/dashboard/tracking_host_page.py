"""The hosts that tracking links live on, one for each domain that mail is sent from."""

import uuid

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import Response

from linkweir.accounts.domain_names import to_ascii_domain
from linkweir.accounts.resource_changes import DomainUpdate
from linkweir.clock import now
from linkweir.dashboard.page_request import DashboardRequest, login_required
from linkweir.db import domains_table
from linkweir.errors import BadSwitch, ValidationError


@login_required
def set_tracking_host(call: DashboardRequest) -> Response:
    """Let links of mail from a domain live on a subdomain of it, or (empty) on the service's own host again. A domain
    that the account does not have yet is made.
    """
    try:
        name = to_ascii_domain(call.form_fields.get("domain", "").strip().removesuffix("."), "domain")
        asked = {"tracking_subdomain": call.form_fields.get("subdomain", "").strip().lower() or None}
        subdomain = msgspec.convert(asked, DomainUpdate).tracking_subdomain
        if "." not in name:
            raise ValidationError("domain", "is not a domain")
        _save(call, name, subdomain if isinstance(subdomain, str) else None)
    except (ValidationError, BadSwitch, msgspec.ValidationError) as error:
        raise HTTPException(400, f"{error}. Nothing was changed.") from None
    call.services.log.info("domain.changed", domain=name)
    return call.redirect("/settings?saved=host")


def _save(call: DashboardRequest, name: str, subdomain: str | None) -> None:
    moment, account = now(), call.account["id"]
    values = {"tracking_subdomain": subdomain, "updated_at": moment}
    with call.services.store.write() as connection:
        row = domains_table.find(connection, account, name)
        if row is not None:
            domains_table.update_row(connection, row["id"], values)
        else:
            names = {"id": uuid.uuid4(), "account_id": account, "domain": name, "created_at": moment}
            domains_table.add(connection, {**names, **values, "policy": {}, "dkim_selector": None, "dkim_key": None})
        if subdomain:  # last, before the commit: what is refused leaves no host behind
            call.services.add_tracking_host(f"{subdomain}.{name}")

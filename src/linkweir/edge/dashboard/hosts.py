"""The hosts that tracking links live on, one for each domain that mail is sent from."""

import uuid

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import Response

from linkweir.edge.dashboard.entry import Call, signed_in
from linkweir.edge.parts import now
from linkweir.edge.v2.asked import DomainChange
from linkweir.errors import BadInput, BadSwitch
from linkweir.mail.address import ascii_domain
from linkweir.store import domains


@signed_in
def set_host(call: Call) -> Response:
    """Let links of mail from a domain live on a subdomain of it, or (empty) on the service's own host again. A domain
    that the account does not have yet is made.
    """
    try:
        name = ascii_domain(call.fields.get("domain", "").strip().removesuffix("."), "domain")
        asked = {"tracking_subdomain": call.fields.get("subdomain", "").strip().lower() or None}
        subdomain = msgspec.convert(asked, DomainChange).tracking_subdomain
        if "." not in name:
            raise BadInput("domain", "is not a domain")
        _keep(call, name, subdomain if isinstance(subdomain, str) else None)
    except (BadInput, BadSwitch, msgspec.ValidationError) as error:
        raise HTTPException(400, f"{error}. Nothing was changed.") from None
    call.parts.log.info("domain.changed", domain=name)
    return call.away("/settings?saved=host")


def _keep(call: Call, name: str, subdomain: str | None) -> None:
    moment, account = now(), call.account["id"]
    values = {"tracking_subdomain": subdomain, "updated_at": moment}
    with call.parts.store.write() as connection:
        row = domains.find(connection, account, name)
        if row is not None:
            domains.change(connection, row["id"], values)
        else:
            names = {"id": uuid.uuid4(), "account_id": account, "domain": name, "created_at": moment}
            domains.add(connection, {**names, **values, "policy": {}, "dkim_selector": None, "dkim_key": None})
        if subdomain:  # last, before the commit: what is refused leaves no host behind
            call.parts.add_tracking_host(f"{subdomain}.{name}")

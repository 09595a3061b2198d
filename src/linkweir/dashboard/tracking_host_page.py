"""The hosts that tracking links are on, one for each domain that mail is sent from."""

from starlette.exceptions import HTTPException
from starlette.responses import Response

from linkweir.accounts import domains
from linkweir.clock import now
from linkweir.dashboard.page_request import DashboardRequest, login_required
from linkweir.errors import ValidationError


@login_required
def set_tracking_host(call: DashboardRequest) -> Response:
    """Put links of mail from a domain on a subdomain of it, or (empty) on the service's own host again."""
    domain = call.form_fields.get("domain", "").strip()
    subdomain = call.form_fields.get("subdomain", "").strip().lower() or None
    try:
        with call.services.store.write() as connection:
            row = domains.set_tracking_host(
                connection,
                call.account["id"],
                domain,
                subdomain,
                now(),
                add_tracking_host=call.services.add_tracking_host,
            )
    except ValidationError as error:
        raise HTTPException(400, f"{error}. Nothing was changed.") from None
    call.services.log.info("domain.changed", domain=row["domain"])
    return call.redirect("/settings?saved=host")

"""What is asked of a webhook, as columns of its row: for the API and for the dashboard, under the same rules."""

import uuid
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import RowMapping

from linkweir.edge.v2.asked import NewWebhook, WebhookChange
from linkweir.edge.v2.scoped import domains_of
from linkweir.errors import BadInput

KINDS = (
    *("reception", "delivered", "transient_error", "failed", "bounced", "suppressed", "opened", "clicked"),
    "click_corrected",  # ours, and off until it is asked for
)
NEVER = ("suppression_created", "dns_error")  # of the contract; nothing here happens that they would tell


def made(asked: NewWebhook, account: uuid.UUID, secret: bytes, moment: int) -> dict[str, Any]:
    """The row of a new webhook; `secret` sealed, `moment` in microseconds since 1970. Raises BadInput."""
    return {
        "id": uuid.uuid4(),
        "account_id": account,
        "name": asked.name,
        "url": checked(asked.url),
        "secret": secret,
        "scope": asked.scope,
        "domains": domains_of(asked.scope, asked.domains),
        "events": [kind for kind in KINDS if getattr(asked, f"on_{kind}")],
        "enabled": asked.enabled,
        "created_at": moment,
        "updated_at": moment,
    }


def changed(asked: WebhookChange, row: RowMapping, moment: int) -> dict[str, Any]:
    """The columns to set; a webhook that is turned on begins anew. Raises BadInput."""
    values: dict[str, Any] = {"updated_at": moment}
    if asked.name is not None:
        values["name"] = asked.name
    if asked.url is not None:
        values["url"] = checked(asked.url)
    scope = asked.scope or row["scope"]
    if asked.scope is not None or asked.domains is not None:
        kept = row["domains"] if scope == "scoped" else None
        values |= {"scope": scope, "domains": domains_of(scope, kept if asked.domains is None else asked.domains)}
    if asked.enabled is not None:
        values["enabled"] = asked.enabled
        if asked.enabled:
            values["errors_since_last_success"] = 0
    wanted = {kind: getattr(asked, f"on_{kind}") for kind in KINDS}
    values["events"] = [kind for kind in KINDS if (kind in row["events"] if wanted[kind] is None else wanted[kind])]
    return values


def checked(url: str) -> str:
    """A URL that a request can be made to; where it leads is looked at when connecting. Raises BadInput."""
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        fits = False
    if not fits or not url.isascii() or not url.isprintable() or " " in url:
        raise BadInput("url", "must be an http or https address without user and password")
    return url

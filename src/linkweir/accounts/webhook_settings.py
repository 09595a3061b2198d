"""What is asked of a webhook, as columns of its row: for the API and for the dashboard, under the same rules."""

import uuid
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import RowMapping

from linkweir.accounts.domain_names import parse_domains
from linkweir.accounts.resource_changes import WebhookCreate, WebhookUpdate
from linkweir.errors import ValidationError
from linkweir.webhooks.event_kinds import EVENT_NAMES


def make_webhook_row(request: WebhookCreate, account: uuid.UUID, secret: bytes, moment: int) -> dict[str, Any]:
    """The row of a new webhook; `secret` sealed, `moment` in microseconds since 1970. Raises BadInput."""
    return {
        "id": uuid.uuid4(),
        "account_id": account,
        "name": request.name,
        "url": validate_url(request.url),
        "secret": secret,
        "scope": request.scope,
        "domains": parse_domains(request.scope, request.domains),
        "events": [kind for kind in EVENT_NAMES if getattr(request, f"on_{kind}")],
        "enabled": request.enabled,
        "created_at": moment,
        "updated_at": moment,
    }


def changed_webhook_columns(request: WebhookUpdate, row: RowMapping, moment: int) -> dict[str, Any]:
    """The columns to set; a webhook that is turned on begins anew. Raises BadInput."""
    values: dict[str, Any] = {"updated_at": moment}
    if request.name is not None:
        values["name"] = request.name
    if request.url is not None:
        values["url"] = validate_url(request.url)
    scope = request.scope or row["scope"]
    if request.scope is not None or request.domains is not None:
        kept = row["domains"] if scope == "scoped" else None
        values |= {
            "scope": scope,
            "domains": parse_domains(scope, kept if request.domains is None else request.domains),
        }
    if request.enabled is not None:
        values["enabled"] = request.enabled
        if request.enabled:
            values["errors_since_last_success"] = 0
    wanted = {kind: getattr(request, f"on_{kind}") for kind in EVENT_NAMES}
    values["events"] = [
        kind for kind in EVENT_NAMES if (kind in row["events"] if wanted[kind] is None else wanted[kind])
    ]
    return values


def validate_url(url: str) -> str:
    """A URL that a request can be made to; where it leads is looked at when connecting. Raises BadInput."""
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        fits = False
    if not fits or not url.isascii() or not url.isprintable() or " " in url:
        raise ValidationError("url", "must be an http or https address without user and password")
    return url

"""Webhooks of an account: creation, changes, and the requests that were made to them."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, Connection, RowMapping
from sqlalchemy.exc import IntegrityError

from linkweir.accounts.domain_names import parse_domains
from linkweir.accounts.resource_changes import WebhookCreate, WebhookUpdate
from linkweir.db import dashboard_queries, keyset_pagination, outbox_table, webhooks_table
from linkweir.db.schema import webhooks
from linkweir.errors import Conflict, NotFound, ValidationError
from linkweir.pagination import PageRequest, RowPage
from linkweir.settings import Network
from linkweir.translation import gettext, translate_filled
from linkweir.vault import Vault
from linkweir.webhooks import sample_event, signing, ssrf_guard
from linkweir.webhooks.event_kinds import EVENT_NAMES
from linkweir.webhooks.sample_event import SampleDelivery
from linkweir.webhooks.webhook_worker import MAX_CONSECUTIVE_FAILURES

MAX_WEBHOOKS = 50  # webhooks of one account: a mail to 100 recipients waits for a request to each for each of them


def create_webhook(
    connection: Connection,
    vault: Vault,
    account: uuid.UUID,
    request: WebhookCreate,
    now: int,
    *,
    webhook: uuid.UUID | None = None,
) -> tuple[RowMapping, str]:
    """Create a webhook with the id `webhook` (None: a new one); return its row and its secret.

    The secret cannot be read again. Raises ValidationError, also when the account has as many as it may have, and
    Conflict when there is a webhook with this id.
    """
    secret, key = signing.new_secret(), webhook or uuid.uuid4()
    if webhooks_table.count(connection, account) >= MAX_WEBHOOKS:
        raise ValidationError(
            "url",
            gettext(
                "cannot be added: the account already has %(most)s webhooks, which is the maximum", most=MAX_WEBHOOKS
            ),
        )
    row = {
        "id": key,
        "account_id": account,
        "name": request.name,
        "url": validate_url(request.url),
        "secret": vault.seal(secret.encode()),
        "scope": request.scope,
        "domains": parse_domains(request.scope, request.domains),
        "events": [kind for kind in EVENT_NAMES if getattr(request, f"on_{kind}")],
        "enabled": request.enabled,
        "verdict_wait_seconds": request.verdict_wait_seconds,
        "created_at": now,
        "updated_at": now,
    }
    try:
        webhooks_table.add(connection, row)
    except IntegrityError:
        raise Conflict("the webhook exists already") from None
    return get_webhook(connection, account, key), secret


def get_webhook(connection: Connection, account: uuid.UUID, webhook: uuid.UUID) -> RowMapping:
    """Return the row of a webhook. Raises NotFound."""
    row = webhooks_table.get(connection, account, webhook)
    if row is None:
        raise NotFound(gettext("there is no such webhook"))
    return row


def list_webhooks(
    connection: Connection,
    account: uuid.UUID,
    page: PageRequest,
    *,
    enabled: bool | None = None,
    subscribed: Mapping[str, bool | None] | None = None,
) -> RowPage:
    """Return a page of the account's webhooks, newest first.

    `enabled` and `subscribed` (by kind of event) limit it to those that are or are not; None: either.
    """
    filters: list[ColumnElement[bool]] = [webhooks.c.account_id == account]
    if enabled is not None:
        filters.append(webhooks.c.enabled.is_(enabled))
    for kind, value in (subscribed or {}).items():
        if value is not None:
            condition = webhooks_table.is_subscribed_to(kind)
            filters.append(condition if value else ~condition)
    return keyset_pagination.load_page(connection, webhooks, page, filters)


def list_webhooks_with_backlog(
    connection: Connection, account: uuid.UUID
) -> tuple[Sequence[RowMapping], Mapping[uuid.UUID, int]]:
    """Return all webhooks of the account, newest first, and how many requests wait for each that has any."""
    rows = dashboard_queries.list_webhooks(connection, account)
    return rows, dashboard_queries.count_waiting_by_webhook(connection, [row["id"] for row in rows])


def update_webhook(
    connection: Connection, account: uuid.UUID, webhook: uuid.UUID, change: WebhookUpdate, now: int
) -> RowMapping:
    """Update a webhook and return its row; `enabled` true resets its failures. Raises NotFound, ValidationError."""
    row = get_webhook(connection, account, webhook)
    webhooks_table.update_row(connection, webhook, _changed_columns(change, row, now))
    return get_webhook(connection, account, webhook)


def _changed_columns(change: WebhookUpdate, row: RowMapping, now: int) -> dict[str, Any]:
    values: dict[str, Any] = {"updated_at": now}
    if change.name is not None:
        values["name"] = change.name
    if change.url is not None:
        values["url"] = validate_url(change.url)
    if change.verdict_wait_seconds is not None:
        values["verdict_wait_seconds"] = change.verdict_wait_seconds
    scope = change.scope or row["scope"]
    if change.scope is not None or change.domains is not None:
        stored = row["domains"] if scope == "scoped" else None
        domains = stored if change.domains is None else change.domains
        values |= {"scope": scope, "domains": parse_domains(scope, domains)}
    if change.enabled is not None:
        values["enabled"] = change.enabled
        if change.enabled:
            values["errors_since_last_success"] = 0
    requested = {kind: getattr(change, f"on_{kind}") for kind in EVENT_NAMES}
    values["events"] = [
        kind for kind in EVENT_NAMES if (kind in row["events"] if requested[kind] is None else requested[kind])
    ]
    return values


def delete_webhook(connection: Connection, account: uuid.UUID, webhook: uuid.UUID) -> None:
    """Delete a webhook and all requests to it. Raises NotFound."""
    webhooks_table.remove(connection, get_webhook(connection, account, webhook)["id"])


def is_disabled_by_failures(webhook: Mapping[Any, Any]) -> bool:
    """Whether the service turned the webhook off itself, since too many requests failed in a row."""
    return not webhook["enabled"] and webhook["errors_since_last_success"] > MAX_CONSECUTIVE_FAILURES


def has_disabled_webhook(connection: Connection, account: uuid.UUID) -> bool:
    """Whether the service turned off any webhook of the account itself."""
    return webhooks_table.has_disabled(connection, account, MAX_CONSECUTIVE_FAILURES)


def send_sample_event(
    vault: Vault, webhook: RowMapping, now: int, *, timeout: float, allowed: tuple[Network, ...]
) -> SampleDelivery:
    """Send a sample event to the webhook and wait for the response, `timeout` seconds at most. Raises VaultError."""
    secret = vault.open(webhook["secret"])
    return sample_event.send_sample_event(webhook, secret, at=now, timeout=timeout, allowed=allowed)


def check_destination(url: str, allowed: tuple[Network, ...]) -> None:
    """Raise ValidationError if the URL leads where webhooks must not go, as far as is known now."""
    reason = ssrf_guard.find_blocked_reason(validate_url(url), allowed)
    if reason:
        raise ValidationError(
            "url", gettext("is refused: %(reason)s", reason=translate_filled(reason, ssrf_guard.REASON_FORMS))
        )


def list_latest_requests(connection: Connection, webhook: uuid.UUID, limit: int) -> Sequence[RowMapping]:
    """Return the newest requests to a webhook, without their bodies."""
    return dashboard_queries.list_latest_requests(connection, webhook, limit)


def redeliver(connection: Connection, webhook: RowMapping, request: uuid.UUID, now: int) -> None:
    """Queue a finished request again, with the same id: the receiver recognises the event.

    Raises Conflict when the webhook is off, or the request is gone or waits already.
    """
    if not webhook["enabled"]:
        raise Conflict(gettext("The webhook is off. Turn it on first: waiting deliveries are then sent."))
    if not outbox_table.retry(connection, webhook["id"], request, now):
        raise Conflict(gettext("This delivery no longer exists, or is already waiting to be sent."))


def validate_url(url: str) -> str:
    """Return the URL if it is an absolute http or https one; the address is checked when connecting (SSRF guard).

    Raises ValidationError.
    """
    try:
        parts = urlsplit(url)
        is_valid = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        is_valid = False
    if not is_valid or not url.isascii() or not url.isprintable() or " " in url:
        raise ValidationError("url", gettext("must be an http or https URL without user and password"))
    return url

"""The metrics of a service's components, which Prometheus reads beside those of its HTTP endpoints."""

from collections.abc import Callable

from sqlalchemy import Connection

from linkweir.clicks.transport.carrier import ClickCarrier
from linkweir.clicks.transport.click_transport import ClickTransport
from linkweir.db import delivery_queue_table, outbox_table
from linkweir.errors import LinkweirError
from linkweir.web.services import AppServices


def register_metrics(services: AppServices) -> None:
    """Register what is read from the components at each request for `/metrics`."""
    clicks, worker, webhooks = services.click_worker, services.delivery_worker, services.webhooks
    supervisor = services.supervisor
    if services.journal is services.local_journal:
        _register_journal_metrics(services)
    if services.click_carrier is not None and services.click_transport is not None:
        _register_transport_metrics(services, services.click_carrier, services.click_transport)
    services.metrics.register_callbacks(
        counters=[
            ("linkweir_clicks_stored", "Clicks brought to the database", lambda: clicks.stored),
            ("linkweir_clicks_repeated", "Clicks that came again and were stored", lambda: clicks.repeated),
            (
                "linkweir_clicks_lost",
                "Clicks for which no disk had room",
                lambda: _count_lost(services),
            ),
            ("linkweir_clicks_set_aside", "Clicks kept in aside.bad", lambda: services.dead_letters.count),
            ("linkweir_click_store_failures", "Failures to store", lambda: clicks.failures),
            ("linkweir_messages_delivered", "Messages delivered", lambda: worker.delivered),
            ("linkweir_delivery_failures", "Attempts that failed", lambda: worker.failed),
            ("linkweir_webhook_successes", "Webhook requests taken", lambda: webhooks.succeeded),
            ("linkweir_webhook_failures", "Attempts at webhooks that failed", lambda: webhooks.failed),
            ("linkweir_store_log_losses", "Times the database's log was removed", lambda: services.database.wal_losses),
            (
                "linkweir_thread_restarts",
                "Threads that ended and were started again",
                lambda: supervisor.restarts,
            ),
            ("linkweir_webhooks_disabled", "Webhooks disabled", lambda: webhooks.disabled),
        ],
        gauges=[
            ("linkweir_queue_messages", "Messages waiting", _query(services, delivery_queue_table.count_waiting)),
            ("linkweir_webhooks_waiting", "Webhook requests waiting", _query(services, outbox_table.count_waiting)),
        ],
    )


def _count_lost(services: AppServices) -> int:
    return services.local_journal.lost + services.metrics.unrecorded_clicks


def _register_journal_metrics(services: AppServices) -> None:
    journal = services.local_journal
    services.metrics.register_callbacks(
        counters=[
            ("linkweir_journal_files_gone", "Files removed or cut while in use", lambda: len(journal.segments.lost)),
            ("linkweir_clicks_journaled", "Clicks made durable in the journal", lambda: journal.durable),
        ],
        gauges=[
            ("linkweir_clicks_waiting", "Clicks in the journal", lambda: journal.unacknowledged),
            ("linkweir_journal_filled", "Share of the journal's files in use", lambda: journal.fill_ratio),
        ],
    )


def _register_transport_metrics(services: AppServices, carrier: ClickCarrier, transport: ClickTransport) -> None:
    services.metrics.register_callbacks(
        counters=[
            ("linkweir_clicks_carried", "Clicks brought to the transport", lambda: carrier.carried),
            ("linkweir_click_carry_failures", "Failures to bring clicks there", lambda: carrier.failures),
        ],
        gauges=[
            ("linkweir_inbox_clicks", "Clicks in the inbox or stream", lambda: _count_waiting(transport)),
        ],
    )


def _count_waiting(transport: ClickTransport) -> float:
    try:
        return transport.count_waiting()
    except LinkweirError:
        return float("nan")


def _query(services: AppServices, count: Callable[[Connection], int]) -> Callable[[], float]:
    """The number that the database has; NaN while it does not answer."""

    def read() -> float:
        try:
            with services.database.read() as connection:
                return count(connection)
        except LinkweirError:
            return float("nan")

    return read

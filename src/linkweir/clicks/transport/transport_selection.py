"""The transport that the settings name."""

from structlog.typing import FilteringBoundLogger

from linkweir.clicks.journal.dead_letters import DeadLetterFile
from linkweir.clicks.transport.click_transport import ClickTransport
from linkweir.clicks.transport.inbox import ClickInbox
from linkweir.db.database import Database
from linkweir.error_hints import explain_missing_package
from linkweir.errors import SettingsError
from linkweir.settings import Settings
from linkweir.vault import Vault

INBOX_LEASE_FACTOR = 4  # times as long as a mail: a batch is one transaction, and holds thousands of clicks


def make_click_transport(
    settings: Settings, database: Database, vault: Vault, log: FilteringBoundLogger, dead_letters: DeadLetterFile
) -> ClickTransport | None:
    """The transport; None where the workers of a machine read its own journal. Connects when it is used. Raises
    SettingsError when a package is missing.
    """
    if settings.click_transport == "local":
        return None
    if settings.click_transport == "postgresql":
        return ClickInbox(database, vault, log, INBOX_LEASE_FACTOR * settings.claim_seconds)
    try:
        from linkweir.clicks.transport.click_stream import ClickStream
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "nats":
            raise
        raise SettingsError(f"LINKWEIR_CLICK_TRANSPORT: {explain_missing_package('nats')}") from None
    return ClickStream(settings, vault, log, dead_letters)

"""Refuses a data folder that lacks what would be made anew without a word, and be worth nothing: a new key ring opens
no link that was sent, a new database knows no message, a new vault key no secret.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from structlog.typing import FilteringBoundLogger

from linkweir.clicks.journal.segment_directory import SUFFIX
from linkweir.db import accounts_table, service_secrets_table
from linkweir.db.database import Database
from linkweir.db.schema_upgrade import create_database, migrate
from linkweir.errors import DataFolderError, VaultError
from linkweir.service_secrets import KeyRingSource, choose_keyring_source, make_vault
from linkweir.settings import Settings
from linkweir.vault import Vault

ACCEPT_LOSS_HINT = "start once with `linkweir serve --accept-loss`"


def check_database(settings: Settings) -> None:
    """Before the database is made or brought up to date. Raises DataFolderError."""
    if settings.database:
        return  # another machine's journal says nothing of it
    used = any(settings.spool_path.glob("*" + SUFFIX))  # before the database, which another start may be making now
    path = settings.sqlite_path
    if used and not (path.exists() and path.stat().st_size):
        raise DataFolderError(
            f"{path}: the database is gone or empty, but a journal of clicks is there, in "
            f"{settings.spool_path}; put it back from a backup, or, to begin with a new one, {ACCEPT_LOSS_HINT}"
        )


def check_keys(source: KeyRingSource, vault: Vault, database: Database, log: FilteringBoundLogger) -> None:
    """With a database that is up to date. Raises DataFolderError, KeyRingError, DatabaseUnavailable, VaultError."""
    with database.read() as connection:
        known = accounts_table.link_key_fingerprints(connection)
        sealed = accounts_table.list_sealed_samples(connection)
        is_sealed_there = bool(service_secrets_table.list_all(connection))
    ring = {key.id: key.fingerprint for key in source.load().keys} if source.exists() else {}
    # a new ring begins with the same ids, so these alone do not tell whether it is the one that links were sent with
    missing = [key for key, fingerprint in known.items() if key not in ring or fingerprint not in (None, ring[key])]
    if missing:
        names = ", ".join(map(str, sorted(missing)))
        gone = "" if ring else "the key ring is gone; "
        if not source.is_shared and is_sealed_there:
            gone = "this machine has another key ring than the database, which LINKWEIR_MASTER_KEY opens; "
        raise DataFolderError(
            f"{source.name}: {gone}links may have been sent with the keys {names}, which it lacks: they would be "
            f"dead; put it back from a backup, or, if they may be, {ACCEPT_LOSS_HINT}"
        )
    if sealed and not vault.has_key():
        raise DataFolderError(
            f"{vault.name}: the vault key is gone, but the database holds secrets that only it opens (of "
            f"webhooks, of DKIM); put it back from a backup, or, to set these anew, {ACCEPT_LOSS_HINT}"
        )
    _check_vault(vault, sealed, log)


def _check_vault(vault: Vault, sealed: Sequence[bytes], log: FilteringBoundLogger) -> None:
    """A file that is no key is refused; one that is not the key of these secrets is reported, before the first webhook
    is due: after `--accept-loss` the secrets of before stay until they are set anew.
    """
    if sealed:
        vault.seal(b"")
    for secret in sealed:
        try:
            vault.open(secret)
        except VaultError as error:
            log.error("vault.foreign_key", reason=str(error))


def accept_loss(settings: Settings) -> None:
    """Make anew what is missing. Raises DataFolderError, KeyRingError, DatabaseUnavailable, VaultError."""
    database = create_database(settings, connections=1)
    try:
        migrate(database)
        ring = choose_keyring_source(settings, database).load_or_create(datetime.now(UTC), [settings.base_url])
        with database.write() as connection:
            accounts_table.delete_other_link_keys(connection, {key.id: key.fingerprint for key in ring.keys})
        make_vault(settings, database).seal(b"")
    finally:
        database.close()

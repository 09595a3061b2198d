"""What a service makes at its first start: the first account, its API key, SMTP credential and dashboard user.

Each secret is returned once, to be printed; the database holds hashes only.
"""

import uuid

from linkweir.accounts import api_keys, passwords, smtp_credentials
from linkweir.accounts.resource_changes import SmtpCredentialCreate
from linkweir.clock import now
from linkweir.db import accounts_table, api_keys_table, smtp_credentials_table, users_table
from linkweir.db.database import Database
from linkweir.errors import LinkweirError
from linkweir.settings import Settings
from linkweir.tokens import KeyRing

FIRST_USER_EMAIL = "admin@localhost"


def ensure_default_account(database: Database, settings: Settings, keyring: KeyRing) -> uuid.UUID:
    """The first account, created when there is none; it owns the keys of the ring that no other account owns."""
    with database.write() as connection:
        account = accounts_table.get_default_account(connection)
        if account is None:
            account = uuid.uuid4()
            accounts_table.create(connection, account, "Linkweir", now())
        accounts_table.claim_link_keys(connection, {key.id: key.fingerprint for key in keyring.keys}, account)
        if settings.api_key:
            digest = api_keys.key_digest(settings.api_key)
            if api_keys_table.get_by_digest(connection, digest) is None:
                accounts_table.add_api_key(connection, account, label="settings", digest=digest, now=now(), hint="")
    return account


def create_api_key(database: Database, label: str, *, only_first: bool = False, replace: bool = False) -> str | None:
    """A new API key of the first account; None when `only_first` and it has one. `replace` deletes those of the label.

    Raises LinkweirError before the first start.
    """
    with database.write() as connection:
        account = accounts_table.get_default_account(connection)
        if account is None:
            raise LinkweirError("the service has not been started")
        if only_first and accounts_table.count_api_keys(connection, account):
            return None
        if replace:
            api_keys_table.delete_by_label(connection, account, label)
        return api_keys.create_api_key(connection, account, label, now())[1]


def create_smtp_credential(database: Database) -> tuple[str, str] | None:
    """Username and password of the first account's first SMTP credential; None when it has one."""
    with database.write() as connection:
        account = accounts_table.get_default_account(connection)
        if account is None or smtp_credentials_table.count(connection, account):
            return None
        request = SmtpCredentialCreate(name="first", scope="global")
        row, password = smtp_credentials.create_smtp_credential(connection, account, request, now())
    return row["username"], password


def create_user(database: Database) -> tuple[str, str] | None:
    """E-mail address and password of the first account's first dashboard user; None when it has one."""
    with database.read() as connection:
        account = accounts_table.get_default_account(connection)
        if account is None or users_table.count(connection, account):
            return None
    password = passwords.generate_password()
    hashed = passwords.hash_password(password)
    with database.write() as connection:
        users_table.add(connection, account, FIRST_USER_EMAIL, hashed, now())
    return FIRST_USER_EMAIL, password

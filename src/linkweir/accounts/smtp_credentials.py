"""SMTP credentials: creation and authentication.

A password is random: its SHA-256 is all that is stored and compared.
"""

import hashlib
import hmac
import secrets
import string
import uuid
from typing import Any

from sqlalchemy import Connection, RowMapping

from linkweir.accounts.api_keys import ApiPrincipal
from linkweir.accounts.domain_names import parse_domains
from linkweir.accounts.resource_changes import SmtpCredentialCreate
from linkweir.db import keyset_pagination, smtp_credentials_table
from linkweir.db.database import Database
from linkweir.db.schema import smtp_credentials
from linkweir.errors import NotFound
from linkweir.pagination import PageRequest, RowPage
from linkweir.translation import gettext

PASSWORD_ALPHABET = string.ascii_letters + string.digits


def generate_username() -> str:
    """Generate a username."""
    return "linkweir-" + secrets.token_hex(8)


def generate_smtp_password() -> str:
    """Generate a password: 40 random characters, 238 bits."""
    return "".join(secrets.choice(PASSWORD_ALPHABET) for _ in range(40))


def password_digest(password: str) -> bytes:
    """Return what is stored of a password."""
    return hashlib.sha256(password.encode()).digest()


def authorize_smtp_credential(principal: ApiPrincipal, request: SmtpCredentialCreate) -> None:
    """Raises Forbidden unless the principal may send what the credential sends, from everywhere; ValidationError."""
    domains: list[str | None] = [*parse_domains(request.scope, request.domains)]
    for domain in domains or [None]:
        principal.require("messages:send:all", domain)
    principal.require_networks(())


def create_smtp_credential(
    connection: Connection, account: uuid.UUID, request: SmtpCredentialCreate, now: int
) -> tuple[dict[str, Any], str]:
    """Create a credential; return its row and the password, which cannot be read again. Raises ValidationError."""
    password = generate_smtp_password()
    row = {
        "id": uuid.uuid4(),
        "account_id": account,
        "name": request.name,
        "username": generate_username(),
        "digest": password_digest(password),
        "sandbox": request.sandbox,
        "scope": request.scope,
        "domains": parse_domains(request.scope, request.domains),
        "created_at": now,
        "updated_at": now,
    }
    smtp_credentials_table.add(connection, row)
    return row, password


def get_smtp_credential(connection: Connection, account: uuid.UUID, credential: uuid.UUID) -> RowMapping:
    """Return the row of a credential. Raises NotFound."""
    row = smtp_credentials_table.get(connection, account, credential)
    if row is None:
        raise NotFound(gettext("there is no such SMTP credential"))
    return row


def list_smtp_credentials(connection: Connection, account: uuid.UUID, page: PageRequest) -> RowPage:
    """Return a page of the account's credentials, newest first."""
    return keyset_pagination.load_page(connection, smtp_credentials, page, [smtp_credentials.c.account_id == account])


def delete_smtp_credential(connection: Connection, account: uuid.UUID, credential: uuid.UUID) -> None:
    """Delete a credential. Raises NotFound."""
    if not smtp_credentials_table.remove(connection, account, credential):
        raise NotFound(gettext("there is no such SMTP credential"))


def authenticate_smtp_credential(database: Database, username: str, password: str) -> RowMapping | None:
    """Return the row of the credential, or None when username or password is wrong. Raises DatabaseUnavailable."""
    with database.read() as connection:
        row = smtp_credentials_table.get_by_username(connection, username)
    stored = row["digest"] if row is not None else bytes(32)
    return row if hmac.compare_digest(password_digest(password), stored) else None


def sending_domains(credential: RowMapping) -> list[str] | None:
    """Return the domains that the credential may send from; None: all."""
    domains: list[str] = credential["domains"]
    return domains if credential["scope"] == "scoped" else None

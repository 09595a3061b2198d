"""Users of the dashboard: accounts of people, their passwords and their sessions.

Passwords are hashed outside transactions: that takes long enough to hold up other writers.
"""

import hashlib
import secrets
import uuid
from collections.abc import Sequence

from sqlalchemy import Connection, RowMapping
from sqlalchemy.exc import IntegrityError

from linkweir.accounts import account_settings, passwords
from linkweir.accounts.roles import Role, parse_role
from linkweir.accounts.sign_in_limiter import SignInLimiter, user_key
from linkweir.db import accounts_table, sign_in_limits_table, users_table
from linkweir.db.database import Database
from linkweir.errors import Conflict, Forbidden, NotFound, ValidationError
from linkweir.translation import gettext

MAX_EMAIL_CHARACTERS = 320
SESSION_SECONDS = 12 * 3600  # seconds of a session: a working day


def parse_email(text: str) -> str:
    """Return the address that a user signs in with, in lower case. Raises ValidationError."""
    email = text.strip().lower()
    name, at, domain = email.rpartition("@")
    is_address = name and at and domain and email.isprintable() and " " not in email
    if not is_address or len(email) > MAX_EMAIL_CHARACTERS:
        raise ValidationError("email", gettext("%(text)r is not an e-mail address", text=text))
    return email


def create_user(
    database: Database, account: uuid.UUID | None, email: str, password: str, now: int, *, role: Role = "owner"
) -> uuid.UUID:
    """Create a user of an account (None: of the oldest) and return the id.

    Raises ValidationError, NotFound, LinkweirError without any account, and Conflict when the address is taken.
    """
    email, stored = parse_email(email), passwords.hash_password(password)
    try:
        with database.write() as connection:
            owner = account or account_settings.require_default_account(connection)
            account_settings.get_account(connection, owner)
            return users_table.add(connection, owner, email, stored, now, role=role)
    except IntegrityError:
        raise Conflict(gettext("the user %(email)s exists already", email=email)) from None


def list_users(connection: Connection) -> Sequence[RowMapping]:
    """Return all users, oldest first."""
    return users_table.list_all(connection)


def list_members(connection: Connection, account: uuid.UUID) -> Sequence[RowMapping]:
    """Return the users of an account with their roles, oldest first."""
    return users_table.list_members(connection, account)


def list_memberships(connection: Connection, user: uuid.UUID) -> Sequence[RowMapping]:
    """Return the accounts of a user with their names and the user's role, the first one first."""
    return users_table.list_memberships(connection, user)


def get_role(connection: Connection, user: uuid.UUID, account: uuid.UUID) -> Role | None:
    """Return the user's role in an account, None if they do not belong to it."""
    rows = users_table.list_memberships(connection, user)
    return next((parse_role(row["role"]) for row in rows if row["account_id"] == account), None)


def get_member(connection: Connection, account: uuid.UUID, user: uuid.UUID) -> RowMapping:
    """Return the row of a user of this account, with `role`. Raises NotFound."""
    for row in users_table.list_members(connection, account):
        if row["id"] == user:
            return row
    raise NotFound(gettext("There is no such user in this account."))


def add_to_account(connection: Connection, user: uuid.UUID, account: uuid.UUID, role: Role, now: int) -> None:
    """Let an existing user belong to one more account. Raises Conflict when they do already."""
    if get_role(connection, user, account) is not None:
        raise Conflict(gettext("the user belongs to this account already"))
    users_table.add_membership(connection, user, account, role, now)


def set_role(connection: Connection, account: uuid.UUID, user: uuid.UUID, role: Role) -> None:
    """Give a user of the account another role, from the next request on. Raises NotFound, and Conflict for the last
    owner.
    """
    member = get_member(connection, account, user)
    if role != "owner":
        _require_other_owner(connection, account, member)
    users_table.set_role(connection, user, account, role)


def remove_member(connection: Connection, account: uuid.UUID, user: uuid.UUID) -> None:
    """Let a user leave the account; one who belongs to no other is deleted. Raises NotFound, and Conflict for the last
    owner.
    """
    _require_other_owner(connection, account, get_member(connection, account, user))
    users_table.remove_membership(connection, user, account)


def _require_other_owner(connection: Connection, account: uuid.UUID, member: RowMapping) -> None:
    owners = [row["id"] for row in users_table.list_members(connection, account) if row["role"] == "owner"]
    if owners == [member["id"]]:
        raise Conflict(gettext("%(email)s is the only owner: make somebody else an owner first", email=member["email"]))


def get_user(connection: Connection, email: str) -> RowMapping:
    """Return the row of the user with this address. Raises ValidationError, NotFound."""
    row = users_table.get_by_email(connection, parse_email(email))
    if row is None:
        raise NotFound(f"there is no user {parse_email(email)}")
    return row


def set_password(database: Database, email: str, password: str, now: int) -> None:
    """Set a user's password, end their sessions, and forget failed attempts to sign in.

    Raises ValidationError, NotFound.
    """
    hashed = passwords.hash_password(password)
    with database.write() as connection:
        row = get_user(connection, email)
        users_table.set_password(connection, row["id"], hashed, now)
        sign_in_limits_table.reset(connection, user_key(row["email"]))


def is_last_user(connection: Connection, user: RowMapping) -> bool:
    """Return whether the user is the only one of any of their accounts."""
    rows = users_table.list_memberships(connection, user["id"])
    return any(users_table.count(connection, row["account_id"]) == 1 for row in rows)


def delete_user(connection: Connection, user: RowMapping) -> None:
    """Delete a user; their sessions end."""
    users_table.remove(connection, user["id"])


def sign_in(
    database: Database, limiter: SignInLimiter, *, address: str | None, email: str, password: str, now: int
) -> str | None:
    """Open a session and return its secret, or None when e-mail or password is wrong; `address` is the client's.

    Takes as long for an address that nobody has. Raises RateLimited, DatabaseUnavailable.
    """
    attempt = limiter.begin_sign_in(address, email)
    with database.read() as connection:
        user = users_table.get_by_email(connection, email)
    if not passwords.verify_password(user["password"] if user else None, password) or user is None:
        return None
    stronger = passwords.hash_password(password) if passwords.needs_rehash(user["password"]) else None
    with database.write() as connection:
        limiter.record_success(connection, attempt, user["id"])
        if stronger:
            users_table.rehash_password(connection, user["id"], stronger)
        return _open_first_session(connection, user["id"], now)


def change_password(
    database: Database, limiter: SignInLimiter, user: RowMapping, *, current: str, new: str, now: int
) -> str:
    """Change the password of a signed-in user, end all their sessions and return the secret of a new one.

    Raises ValidationError for a new password that is too short or too long, Forbidden when `current` is wrong,
    RateLimited, DatabaseUnavailable.
    """
    hashed = passwords.hash_password(new)
    attempt = limiter.begin_password_change(user["id"])
    if not passwords.verify_password(user["password"], current):
        raise Forbidden("", gettext("The current password is wrong"))
    with database.write() as connection:
        limiter.record_success(connection, attempt, user["id"])
        users_table.set_password(connection, user["id"], hashed, now)
        return open_session(connection, user["id"], user["account_id"], now)


def _open_first_session(connection: Connection, user: uuid.UUID, now: int) -> str | None:
    """Open a session in the user's first account; None for one who belongs to none."""
    rows = users_table.list_memberships(connection, user)
    return open_session(connection, user, rows[0]["account_id"], now) if rows else None


def open_session(connection: Connection, user: uuid.UUID, account: uuid.UUID, now: int) -> str:
    """Open a session of a user in one of their accounts and return its secret."""
    secret = generate_session_secret()
    expires_at = now + SESSION_SECONDS * 1_000_000
    users_table.open_session(connection, user, account, session_digest(secret), now, expires_at=expires_at)
    return secret


def switch_account(connection: Connection, secret: str, user: uuid.UUID, account: uuid.UUID) -> None:
    """Let a session look at another account of its user. Raises NotFound."""
    if get_role(connection, user, account) is None:
        raise NotFound(gettext("There is no such account."))
    users_table.set_session_account(connection, session_digest(secret), account)


def load_session(connection: Connection, secret: str, now: int) -> tuple[RowMapping, RowMapping] | None:
    """Return the rows of the user, with their `role`, and of the account that a session belongs to, while it lasts."""
    user = users_table.get_by_session(connection, session_digest(secret), now)
    account = accounts_table.get(connection, user["account_id"]) if user else None
    return (user, account) if user and account else None


def sign_out(connection: Connection, secret: str) -> None:
    """End a session."""
    users_table.close_session(connection, session_digest(secret))


def generate_session_secret() -> str:
    """Generate the value of a cookie: 256 random bits."""
    return secrets.token_urlsafe(32)


def session_digest(secret: str) -> bytes:
    """Return what is stored of a session: whoever reads the database cannot take one over."""
    return hashlib.sha256(secret.encode()).digest()

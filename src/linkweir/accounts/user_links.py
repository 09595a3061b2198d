"""Links that a person may use once: an invitation to an account, or a reset of a forgotten password.

Whoever has such a link can use it, so it expires, and the database keeps only its digest.
"""

import hashlib
import secrets
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping
from sqlalchemy.exc import IntegrityError

from linkweir.accounts import passwords, roles, users
from linkweir.accounts.sign_in_limiter import SignInLimiter, user_key
from linkweir.clock import SECOND_US
from linkweir.db import accounts_table, sign_in_limits_table, user_links_table, users_table
from linkweir.db.database import Database
from linkweir.errors import Conflict, Forbidden, NotFound, ValidationError
from linkweir.translation import gettext

INVITATION_SECONDS = 7 * 86_400
RESET_HOURS = 2
RESET_SECONDS = RESET_HOURS * 3600
MAX_INVITATIONS = 100  # that an account may have open: each may be a mail to a stranger
LINK_GONE = "This link has expired or was used already. Ask for a new one."


def create_invitation(connection: Connection, account: uuid.UUID, email: str, role: str, now: int) -> str:
    """Invite somebody to the account and return the link's secret; earlier invitations of the address end.

    Raises ValidationError, and Conflict when the address belongs to a user of the account.
    """
    email, role = users.parse_email(email), roles.parse_role(role)
    user = users_table.get_by_email(connection, email)
    if user is not None and users.get_role(connection, user["id"], account) is not None:
        raise Conflict(gettext("%(email)s belongs to this account already", email=email))
    user_links_table.remove_invitations(connection, account, email)
    if len(user_links_table.list_invitations(connection, account, now)) >= MAX_INVITATIONS:
        raise ValidationError(
            "email", gettext("is one invitation too many: %(most)s may be open", most=MAX_INVITATIONS)
        )
    return _add_link(connection, INVITATION_SECONDS, now, email=email, account_id=account, role=role)


def list_invitations(connection: Connection, account: uuid.UUID, now: int) -> Sequence[RowMapping]:
    """Return the open invitations to an account, newest first."""
    return user_links_table.list_invitations(connection, account, now)


def revoke_invitation(connection: Connection, account: uuid.UUID, link: uuid.UUID) -> None:
    """Take an invitation back. Raises NotFound."""
    if not user_links_table.remove_invitation(connection, account, link):
        raise NotFound(gettext("There is no such invitation."))


def take_invitations(connection: Connection, email: str, now: int) -> Sequence[RowMapping]:
    """Return the open invitations of an address, which end with this: whoever calls it has checked whose it is."""
    return user_links_table.take_invitations(connection, email, now)


def create_password_reset(connection: Connection, user: RowMapping, now: int) -> str:
    """Return the secret of a link with which the user sets a new password; earlier ones end."""
    user_links_table.remove_resets(connection, user["id"])
    return _add_link(connection, RESET_SECONDS, now, email=user["email"], user_id=user["id"])


def _add_link(connection: Connection, seconds: int, now: int, **values: Any) -> str:
    secret = secrets.token_urlsafe(32)
    known = {"digest": _digest(secret), "id": uuid.uuid4(), "created_at": now, "expires_at": now + seconds * SECOND_US}
    user_links_table.add(connection, {**known, **values})
    return secret


def load_link(connection: Connection, secret: str, now: int) -> tuple[RowMapping, RowMapping | None, bool]:
    """Return a link that can be used, the account that it invites to (None: it resets a password), and whether its
    address has a user. Raises NotFound.
    """
    link = user_links_table.get(connection, _digest(secret), now)
    if link is None:
        raise NotFound(LINK_GONE)
    account = accounts_table.get(connection, link["account_id"]) if link["account_id"] else None
    return link, account, users_table.get_by_email(connection, link["email"]) is not None


def accept_invitation(
    database: Database, limiter: SignInLimiter, secret: str, *, address: str | None, password: str, now: int
) -> str:
    """Join the account of an invitation, as a new user with this password or as the one who has the address and this
    password, and return the secret of a session there.

    Raises NotFound, ValidationError, Forbidden for a wrong password, RateLimited, DatabaseUnavailable.
    """
    with database.read() as connection:
        link, account, is_known = load_link(connection, secret, now)
        user = users_table.get_by_email(connection, link["email"])
    if account is None:
        raise NotFound(LINK_GONE)
    if not is_known:
        hashed = passwords.hash_password(password)
    else:
        attempt = limiter.begin_sign_in(address, link["email"])
        if user is None or not passwords.verify_password(user["password"], password):
            raise Forbidden("", gettext("The password is wrong"))
    with database.write() as connection:
        if not user_links_table.remove(connection, link["digest"]):
            raise NotFound(LINK_GONE)
        try:
            if user is None:
                member = users_table.add(connection, account["id"], link["email"], hashed, now, role=link["role"])
            else:
                member = user["id"]
                limiter.record_success(connection, attempt, member)
                users_table.add_membership(connection, member, account["id"], link["role"], now)
        except IntegrityError:
            raise Conflict(gettext("You belong to this account already. Sign in.")) from None
        return users.open_session(connection, member, account["id"], now)


def reset_password(database: Database, secret: str, password: str, now: int) -> None:
    """Set a new password with a reset link; sessions of the user and further reset links end.

    Raises NotFound, ValidationError, DatabaseUnavailable.
    """
    with database.read() as connection:
        link, _, _ = load_link(connection, secret, now)
    if link["user_id"] is None:
        raise NotFound(LINK_GONE)
    hashed = passwords.hash_password(password)
    with database.write() as connection:
        if not user_links_table.remove(connection, link["digest"]):
            raise NotFound(LINK_GONE)
        user_links_table.remove_resets(connection, link["user_id"])
        users_table.set_password(connection, link["user_id"], hashed, now)
        sign_in_limits_table.reset(connection, user_key(link["email"]))


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()

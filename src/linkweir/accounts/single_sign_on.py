"""Users who sign in by a provider's word: which role its claims give, and the session of who may come in.

Users are known by their verified address. Without roles by claim, only those who were invited or created may sign in.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from linkweir.accounts import account_settings, passwords, user_links, users
from linkweir.accounts.roles import ROLES, Role
from linkweir.db import users_table
from linkweir.db.database import Database
from linkweir.errors import Conflict, Forbidden, SingleSignOnError, ValidationError

NO_ACCESS = "You may not sign in here. Ask an owner of the account, or whoever manages your sign-in."


@dataclass(frozen=True, slots=True)
class RoleMapping:
    """Which values of a claim give which role. `claim`: its name, or a path with dots into nested ones; empty: roles
    are managed here.
    """

    claim: str
    values: Mapping[Role, tuple[str, ...]]

    def choose_role(self, claims: Mapping[str, Any]) -> Role | None:
        """Return the highest role that the claims give; None if roles are managed here. Raises Forbidden."""
        if not self.claim:
            return None
        found = _find_claim(claims, self.claim)
        given = {found} if isinstance(found, str) else {item for item in found or () if isinstance(item, str)}
        for role in ROLES:
            if given.intersection(self.values.get(role, ())):
                return role
        raise Forbidden("", NO_ACCESS)


def _find_claim(claims: Mapping[str, Any], name: str) -> str | list[Any] | None:
    found: Any = claims.get(name)
    if found is None:
        found = claims
        for part in name.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    return found if isinstance(found, str | list) else None


def require_verified_email(claims: Mapping[str, Any]) -> str:
    """Return the address in the claims, in lower case. Raises SingleSignOnError unless the provider verified it."""
    if claims.get("email_verified") is not True or not isinstance(claims.get("email"), str):
        raise SingleSignOnError("the provider did not verify an e-mail address")
    try:
        return users.parse_email(claims["email"])
    except ValidationError:
        raise SingleSignOnError("the provider's e-mail address is none") from None


def sign_in(database: Database, email: str, role: Role | None, account: uuid.UUID | None, now: int) -> tuple[str, bool]:
    """Open a session and return its secret, and whether the user has the role. Open invitations of the address are
    accepted. With a `role` the user is created where there is none, and gets that role in the account (None: the
    oldest); the only owner stays one.

    Raises Forbidden for who is unknown, NotFound, DatabaseUnavailable.
    """
    unknown = passwords.hash_password(passwords.generate_password())  # nobody knows it: there is no other way in
    with database.write() as connection:
        for invitation in user_links.take_invitations(connection, email, now):
            _join(connection, invitation["account_id"], email, role=invitation["role"], password=unknown, now=now)
        if role is None:
            user = users_table.get_by_email(connection, email)
            memberships = users_table.list_memberships(connection, user["id"]) if user else ()
            if user is None or not memberships:
                raise Forbidden("", NO_ACCESS)
            return users.open_session(connection, user["id"], memberships[0]["account_id"], now), True
        owner = account or account_settings.require_default_account(connection)
        account_settings.get_account(connection, owner)
        member = _join(connection, owner, email, role=role, password=unknown, now=now)
        is_applied = _apply_role(connection, owner, member, role)
        return users.open_session(connection, member, owner, now), is_applied


def _join(connection: Connection, account: uuid.UUID, email: str, *, role: Role, password: str, now: int) -> uuid.UUID:
    """Let the address be a user of the account, with this role and hashed password if it is new; return the user."""
    user = users_table.get_by_email(connection, email)
    if user is None:
        return users_table.add(connection, account, email, password, now, role=role)
    member: uuid.UUID = user["id"]
    if users.get_role(connection, member, account) is None:
        users.add_to_account(connection, member, account, role, now)
        # whoever made this user before chose the password, and need not be who the provider says
        users_table.set_password(connection, member, password, now)
    return member


def _apply_role(connection: Connection, account: uuid.UUID, user: uuid.UUID, role: Role) -> bool:
    try:
        users.set_role(connection, account, user, role)
    except Conflict:
        return False
    return True

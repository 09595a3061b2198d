"""Users who sign in by a provider's word: which role its claims give, and the session of who may come in.

Users are known by issuer and subject, which a provider never gives to anybody else. Who signs in for the first time is
matched by the verified address, once: an address that has a new holder at the provider does not carry the user along.
Without roles by claim, only those who were invited or created may sign in.
"""

import contextlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, RowMapping
from sqlalchemy.exc import IntegrityError

from linkweir.accounts import account_settings, passwords, user_links, users
from linkweir.accounts.roles import ROLES, Role
from linkweir.db import user_identities_table, user_links_table, users_table
from linkweir.db.database import Database
from linkweir.errors import Conflict, Forbidden, SingleSignOnError, ValidationError

NO_ACCESS = "You may not sign in here. Ask an owner of the account, or whoever manages your sign-in."
ADDRESS_TAKEN = (
    "Your address belongs to a user here who was somebody else at the provider. "
    "Ask an owner of the account to remove that user and to invite you, or whoever runs this service."
)
MAX_SUBJECT_CHARACTERS = 255  # OpenID Connect Core 1.0 section 2
ATTEMPTS = 2  # of one sign-in: the first may meet another one of the same person


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


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is to a provider. `email`: in lower case, None where the provider verified none, for `reason`."""

    issuer: str
    subject: str
    email: str | None
    reason: str = ""

    def require_email(self) -> str:
        """Return the verified address. Raises SingleSignOnError."""
        if self.email is None:
            raise SingleSignOnError(self.reason)
        return self.email


class SignInResult(NamedTuple):
    """The secret of a session, whether the user has the role, and whether the user's address could not follow that at
    the provider, since another user has it.
    """

    secret: str
    is_role_applied: bool = True
    is_address_taken: bool = False


def parse_identity(issuer: str, claims: Mapping[str, Any]) -> Identity:
    """Return who the claims are about. Raises SingleSignOnError for a subject that is none."""
    subject, email = claims.get("sub"), claims.get("email")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT_CHARACTERS or not subject.isprintable():
        raise SingleSignOnError("the provider gave no usable subject")
    if claims.get("email_verified") is not True or not isinstance(email, str):
        return Identity(issuer, subject, None, "the provider did not verify an e-mail address")
    try:
        return Identity(issuer, subject, users.parse_email(email))
    except ValidationError:
        return Identity(issuer, subject, None, "the provider's e-mail address is none")


def sign_in(
    database: Database, identity: Identity, role: Role | None, account: uuid.UUID | None, now: int
) -> SignInResult:
    """Open a session. Open invitations of the verified address are accepted. With a `role` the user is created where
    there is none, and gets that role in the account (None: the oldest); the only owner stays one.

    Raises Forbidden for who is unknown, SingleSignOnError for who is new without a verified address, NotFound,
    DatabaseUnavailable.
    """
    unknown = passwords.hash_password(passwords.generate_password())  # nobody knows it: there is no other way in
    for _ in range(ATTEMPTS - 1):
        with contextlib.suppress(IntegrityError), database.write() as connection:
            return _sign_in(connection, identity, role, account, password=unknown, now=now)
    with database.write() as connection:
        return _sign_in(connection, identity, role, account, password=unknown, now=now)


def _sign_in(
    connection: Connection,
    identity: Identity,
    role: Role | None,
    account: uuid.UUID | None,
    *,
    password: str,
    now: int,
) -> SignInResult:
    known = user_identities_table.find_user(connection, identity.issuer, identity.subject)
    is_taken = known is not None and not _follow_address(connection, known, identity.email, now)
    user: uuid.UUID | None = known["id"] if known else _match_address(connection, identity)
    for invitation in user_links.take_invitations(connection, identity.email, now) if identity.email else ():
        to, role_there = invitation["account_id"], invitation["role"]
        user = _join(connection, to, user, identity, role=role_there, password=password, now=now)
    is_applied = True
    if role is None:
        memberships = users_table.list_memberships(connection, user) if user else ()
        if user is None or not memberships:
            raise Forbidden("", NO_ACCESS)
        shown = memberships[0]["account_id"]
    else:
        shown = account or account_settings.require_default_account(connection)
        account_settings.get_account(connection, shown)
        user = _join(connection, shown, user, identity, role=role, password=password, now=now)
        is_applied = _apply_role(connection, shown, user, role)
    if known is None:
        user_identities_table.add(connection, user, identity.issuer, identity.subject, now)
    return SignInResult(users.open_session(connection, user, shown, now), is_applied, is_taken)


def _match_address(connection: Connection, identity: Identity) -> uuid.UUID | None:
    """Return the user who has the verified address, if there is one. Raises SingleSignOnError, and Forbidden where that
    is somebody else at the provider.
    """
    found = users_table.get_by_email(connection, identity.require_email())
    if found is None:
        return None
    if user_identities_table.has_subject(connection, found["id"], identity.issuer):
        raise Forbidden("", ADDRESS_TAKEN)
    user: uuid.UUID = found["id"]
    return user


def _follow_address(connection: Connection, user: RowMapping, email: str | None, now: int) -> bool:
    """Let the user have the address that the provider has verified by now; False when another user has it. The old one
    may be somebody else's, who must not reset the password.
    """
    if email is None or email == user["email"]:
        return True
    if users_table.get_by_email(connection, email) is not None:
        return False
    users_table.set_email(connection, user["id"], email, now)
    user_links_table.remove_resets(connection, user["id"])
    return True


def _join(
    connection: Connection,
    account: uuid.UUID,
    user: uuid.UUID | None,
    identity: Identity,
    *,
    role: Role,
    password: str,
    now: int,
) -> uuid.UUID:
    """Let a user (None: a new one) belong to the account, with this role and hashed password where they did not; return
    the user.
    """
    if user is None:
        return users_table.add(connection, account, identity.require_email(), password, now, role=role)
    if users.get_role(connection, user, account) is None:
        users.add_to_account(connection, user, account, role, now)
        # whoever made this user before chose the password, and need not be who the provider says
        users_table.set_password(connection, user, password, now)
    return user


def _apply_role(connection: Connection, account: uuid.UUID, user: uuid.UUID, role: Role) -> bool:
    try:
        users.set_role(connection, account, user, role)
    except Conflict:
        return False
    return True


def unlink(connection: Connection, user: uuid.UUID) -> int:
    """Forget who the user is to any provider, so that the next one who has the address is; return how many there were.
    Sessions end.
    """
    users_table.close_sessions(connection, user)
    return user_identities_table.remove_all(connection, user)

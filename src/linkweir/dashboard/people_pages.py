"""The users of an account: roles, invitations, password resets and removal; for owners only."""

import uuid

from sqlalchemy import RowMapping
from starlette.responses import Response

from linkweir.accounts import roles, user_links, users
from linkweir.clock import now
from linkweir.dashboard import user_link_delivery
from linkweir.dashboard.form_errors import explain_error
from linkweir.dashboard.page_request import DashboardRequest, require_passwords
from linkweir.errors import Conflict, NotFound, ValidationError
from linkweir.translation import gettext, gettext_noop

FLASH_MESSAGES = {
    "role": gettext_noop("The role was changed."),
    "removed": gettext_noop("The user was removed from this account."),
    "revoked": gettext_noop("The invitation was revoked: its link no longer works."),
}


def list_people(call: DashboardRequest) -> Response:
    """Show the users of the account and the open invitations."""
    return _render(call)


def invite(call: DashboardRequest) -> Response:
    """Create an invitation and show its link."""
    email, role = call.form_fields.get("email", "").strip(), call.form_fields.get("role", "")
    try:
        with call.services.database.write() as connection:
            secret = user_links.create_invitation(connection, call.account["id"], email, role, now())
    except (ValidationError, Conflict) as error:
        return _render(
            call, email=email, role=role, error=gettext("%(error)s. Nobody was invited.", error=explain_error(error))
        )
    url = user_link_delivery.request_link_url(call, secret)
    call.services.log.info("user.invited", role=role)
    return _render_link(call, gettext("Invitation"), email, url, user_link_delivery.mail_invitation(call, email, url))


def revoke_invitation(call: DashboardRequest) -> Response:
    """Take an invitation back."""
    with call.services.database.write() as connection:
        user_links.revoke_invitation(connection, call.account["id"], _path_id(call))
    return call.redirect("/people?done=revoked")


def set_role(call: DashboardRequest) -> Response:
    """Give a user another role."""
    user = _path_id(call)
    try:
        role = roles.parse_role(call.form_fields.get("role", ""))
        with call.services.database.write() as connection:
            users.set_role(connection, call.account["id"], user, role)
    except (ValidationError, Conflict) as error:
        return _render(call, problem=gettext("%(error)s. Nothing was changed.", error=explain_error(error)))
    call.services.log.info("user.role_changed", user=str(user), role=role)
    return call.redirect("/people?done=role")


def create_password_reset(call: DashboardRequest) -> Response:
    """Create a link with which a user sets a new password, and show it."""
    require_passwords(call.services.settings)
    row = _load_member(call)
    with call.services.database.write() as connection:
        if len(users.list_memberships(connection, row["id"])) > 1:  # the link would open their other accounts, too
            raise Conflict(
                gettext("this user belongs to other accounts, too, and resets the password on the sign-in page")
            )
        secret = user_links.create_password_reset(connection, row, now())
    url = user_link_delivery.request_link_url(call, secret)
    call.services.log.info("user.reset_link_created", user=str(row["id"]))
    is_mailed = user_link_delivery.mail_password_reset(call.services.settings, row["email"], url)
    return _render_link(call, gettext("Password reset"), row["email"], url, is_mailed)


def confirm_remove(call: DashboardRequest) -> Response:
    """Ask for confirmation."""
    row = _load_member(call)
    effect = gettext("%(email)s is signed out of this account and can no longer see or change it.", email=row["email"])
    return call.render(
        "confirm.html",
        here="people",
        question=gettext("Remove %(email)s?", email=row["email"]),
        effect=effect,
        verb=gettext("Remove"),
        back="/people",
        back_name=gettext("People"),
    )


def remove(call: DashboardRequest) -> Response:
    """Let a user leave the account."""
    user = _path_id(call)
    try:
        with call.services.database.write() as connection:
            users.remove_member(connection, call.account["id"], user)
    except Conflict as error:
        return _render(call, problem=gettext("%(error)s. Nobody was removed.", error=explain_error(error)))
    call.services.log.info("user.removed", user=str(user))
    return call.redirect("/people?done=removed")


def _render(
    call: DashboardRequest, *, email: str = "", role: str = "viewer", error: str = "", problem: str = ""
) -> Response:
    with call.services.database.read() as connection:
        members = users.list_members(connection, call.account["id"])
        invitations = user_links.list_invitations(connection, call.account["id"], now())
    return call.render(
        "people.html",
        400 if error or problem else 200,
        here="people",
        members=members,
        invitations=invitations,
        roles=roles.DESCRIPTIONS,
        email=email,
        role=role,
        error=error,
        problem=problem,
        said=FLASH_MESSAGES.get(call.query("done"), ""),
    )


def _render_link(call: DashboardRequest, title: str, email: str, url: str, is_mailed: bool) -> Response:
    known = {"title": title, "email": email, "url": url, "is_mailed": is_mailed}
    return call.render("user_link_created.html", 201, here="people", **known)


def _load_member(call: DashboardRequest) -> RowMapping:
    with call.services.database.read() as connection:
        return users.get_member(connection, call.account["id"], _path_id(call))


def _path_id(call: DashboardRequest) -> uuid.UUID:
    try:
        return uuid.UUID(call.request.path_params["id"])
    except ValueError:
        raise NotFound(gettext("There is no such user in this account.")) from None

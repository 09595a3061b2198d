"""Forms to create, change and revoke API keys and SMTP credentials. A secret is shown only once."""

import uuid

import msgspec
from sqlalchemy import RowMapping
from starlette.responses import Response

from linkweir.accounts import api_keys, smtp_credentials
from linkweir.accounts.resource_changes import ApiKeyCreate, ApiKeyUpdate, SmtpCredentialCreate
from linkweir.clock import now
from linkweir.dashboard import key_access, send_page
from linkweir.dashboard.form_errors import explain_error
from linkweir.dashboard.page_request import DashboardRequest
from linkweir.dashboard.send_page import FormState
from linkweir.errors import NotFound, ValidationError
from linkweir.translation import gettext


def create_key(call: DashboardRequest) -> Response:
    """Create an API key, and show it with examples that use it."""
    values = key_access.parse_form(call.form_fields)
    try:
        scopes, networks = key_access.scopes_from_form(values), values["networks"].split()
        request = msgspec.convert(
            {"label": values["label"], "scopes": scopes, "ip_allow_list": networks or None}, ApiKeyCreate
        )
        with call.services.database.write() as connection:
            row, secret = api_keys.create_api_key(
                connection,
                call.account["id"],
                request.label,
                now(),
                scopes=None if values["access"] == "all" else request.scopes,
                ip_allow_list=request.ip_allow_list or (),
            )
    except (ValidationError, msgspec.ValidationError) as error:
        return send_page.render_send(
            call, key=FormState(values, gettext("%(error)s. No key was created.", error=explain_error(error)))
        )
    call.services.log.info("api_key.created", key=str(row["id"]))
    examples = send_page.make_examples(call, secret)
    return call.render("key_created.html", 201, here="send", name=row["label"], secret=secret, examples=examples)


def show_key_form(call: DashboardRequest) -> Response:
    """Show the form for an existing key."""
    row = _load_key(call)
    return _render_key_form(call, row, FormState(key_access.to_form(row)))


def update_key(call: DashboardRequest) -> Response:
    """Change the label of a key, what it may do, and from where."""
    row, values = _load_key(call), key_access.parse_form(call.form_fields)
    is_same = key_access.choice_of(row["scopes"]) == values["access"] != "custom"
    try:
        change = msgspec.convert(
            {
                "label": values["label"],
                "scopes": None if is_same else key_access.scopes_from_form(values),
                "ip_allow_list": values["networks"].split(),
            },
            ApiKeyUpdate,
        )
        with call.services.database.write() as connection:
            api_keys.update_api_key(connection, api_keys.owner_principal(call.account), row["id"], change, now())
    except (ValidationError, msgspec.ValidationError) as error:
        return _render_key_form(
            call, row, FormState(values, gettext("%(error)s. Nothing was changed.", error=explain_error(error)))
        )
    call.services.log.info("api_key.changed", key=str(row["id"]))
    return call.redirect("/send?done=key")


def _render_key_form(call: DashboardRequest, row: RowMapping, form: FormState) -> Response:
    status = 400 if form.error else 200
    return call.render("key_form.html", status, here="send", row=row, key=form, access_choices=key_access.CHOICES)


def confirm_revoke_key(call: DashboardRequest) -> Response:
    """Ask for confirmation."""
    row = _load_key(call)
    question = gettext("Revoke “%(label)s”?", label=row["label"])
    return _render_confirmation(call, question, gettext("Programs that send this key are refused."), gettext("Revoke"))


def revoke_key(call: DashboardRequest) -> Response:
    """Delete an API key."""
    row = _load_key(call)
    with call.services.database.write() as connection:
        api_keys.revoke_api_key(connection, call.account["id"], row["id"])
    call.services.log.info("api_key.revoked", key=str(row["id"]))
    return call.redirect("/send?done=revoked")


def create_credential(call: DashboardRequest) -> Response:
    """Create an SMTP credential, and show its username and password."""
    values = {name: call.form_fields.get(name, "").strip() for name in ("name", "domains", "sandbox")}
    names = values["domains"].split()
    try:
        request = msgspec.convert(
            {
                "name": values["name"],
                "scope": "scoped" if names else "global",
                "domains": names or None,
                "sandbox": values["sandbox"] == "on",
            },
            SmtpCredentialCreate,
        )
        with call.services.database.write() as connection:
            row, password = smtp_credentials.create_smtp_credential(connection, call.account["id"], request, now())
    except (ValidationError, msgspec.ValidationError) as error:
        return send_page.render_send(
            call, credential=FormState(values, gettext("%(error)s. Nothing was created.", error=explain_error(error)))
        )
    call.services.log.info("smtp_credential.created", credential=str(row["id"]))
    smtp = send_page.smtp_address(call)
    return call.render("credential_created.html", 201, here="send", row=row, password=password, smtp=smtp)


def confirm_delete_credential(call: DashboardRequest) -> Response:
    """Ask for confirmation."""
    row = _load_credential(call)
    question = gettext("Delete “%(name)s”?", name=row["name"])
    effect = gettext("Mail programs that sign in as %(username)s are refused.", username=row["username"])
    return _render_confirmation(call, question, effect, gettext("Delete"))


def delete_credential(call: DashboardRequest) -> Response:
    """Delete an SMTP credential."""
    row = _load_credential(call)
    with call.services.database.write() as connection:
        smtp_credentials.delete_smtp_credential(connection, call.account["id"], row["id"])
    call.services.log.info("smtp_credential.deleted", credential=str(row["id"]))
    return call.redirect("/send?done=deleted")


def _render_confirmation(call: DashboardRequest, question: str, effect: str, verb: str) -> Response:
    return call.render(
        "confirm.html",
        here="send",
        question=question,
        effect=effect,
        verb=verb,
        back="/send",
        back_name=gettext("Send"),
    )


def _load_key(call: DashboardRequest) -> RowMapping:
    with call.services.database.read() as connection:
        return api_keys.get_api_key(
            connection, call.account["id"], _path_id(call, gettext("There is no such API key."))
        )


def _load_credential(call: DashboardRequest) -> RowMapping:
    with call.services.database.read() as connection:
        return smtp_credentials.get_smtp_credential(
            connection, call.account["id"], _path_id(call, gettext("There is no such SMTP credential."))
        )


def _path_id(call: DashboardRequest, missing: str) -> uuid.UUID:
    try:
        return uuid.UUID(call.request.path_params["id"])
    except ValueError:
        raise NotFound(missing) from None

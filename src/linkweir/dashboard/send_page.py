"""The page "Send": where and with what mail is sent, and a test mail to the user."""

from dataclasses import dataclass, replace

from sqlalchemy import RowMapping
from starlette.requests import Request
from starlette.responses import Response

from linkweir.accounts import account_lookup, api_keys, domains, smtp_credentials
from linkweir.dashboard import key_access, session_cookies
from linkweir.dashboard.form_errors import explain_error
from linkweir.dashboard.page_request import DashboardRequest
from linkweir.errors import ValidationError
from linkweir.mail.message_types import Mailbox, MailRecipient, RecipientResult, Submission
from linkweir.pagination import PageRequest
from linkweir.settings import WILDCARD_ADDRESSES, Settings
from linkweir.translation import gettext, gettext_noop
from linkweir.web import send_examples

MAX_CREDENTIALS = 100  # SMTP credentials listed
KEY_PLACEHOLDER = "YOUR_API_KEY"
TEST_TAG = "test mail"
TEST_HTML = (
    gettext_noop("<p>This is a test mail of Linkweir.</p>"),
    gettext_noop(
        '<p><a href="%(link)s">Follow this link</a>, and your click appears in the dashboard within seconds.</p>'
    ),
)
FLASH_MESSAGES = {
    "key": gettext_noop("Saved."),
    "revoked": gettext_noop("The API key was revoked. Requests with it are refused from now on."),
    "deleted": gettext_noop("The SMTP credential was deleted. Mail with it is refused from now on."),
}


@dataclass(frozen=True, slots=True)
class FormState:
    """What a form of the page shows again: the values typed in, and what is wrong with them."""

    values: dict[str, str]
    error: str = ""


@dataclass(frozen=True, slots=True)
class SmtpAddress:
    """Where SMTP clients connect: host, and the ports with STARTTLS and with implicit TLS, None where off."""

    host: str
    starttls_port: int | None
    tls_port: int | None


def show_send(call: DashboardRequest) -> Response:
    """Show how to send, the account's API keys and its SMTP credentials."""
    return render_send(call)


def send_test_mail(call: DashboardRequest) -> Response:
    """Send a mail with one tracked link, and lead to its page."""
    values = {name: call.form_fields.get(name, "").strip() for name in ("from", "to")}
    parts, moment = call.services, call.services.database.now()
    link = f"{service_url(call.request, parts.settings)}/docs"
    submission = Submission(
        sender=Mailbox(values["from"]),
        recipients=(MailRecipient(Mailbox(values["to"])),),
        subject=gettext("Test mail"),
        html="".join(f"{gettext(text, link=link)}\n" for text in TEST_HTML),
        tags=(TEST_TAG,),
    )
    account = account_lookup.account_from_row(call.account)
    submission = replace(submission, preferences=replace(submission.preferences, track_clicks=True))
    try:
        _, results = parts.submitter.submit(
            parts.keyring,
            account,
            submission,
            moment,
            make_reply=lambda _connection, results: _require_accepted(results),
        )
    except ValidationError as error:
        return render_send(
            call, test=FormState(values, gettext("%(error)s. Nothing was sent.", error=explain_error(error)))
        )
    parts.delivery_worker.wake()
    parts.metrics.accepted_messages.inc(1)
    message_id = results[0].message_id or ""
    return call.redirect(f"/messages/{message_id.strip('<>').partition('@')[0]}")


def _require_accepted(results: list[RecipientResult]) -> bytes:
    """Raise ValidationError for a recipient that cannot have the mail."""
    (result,) = results
    if result.error is not None:
        raise ValidationError("to", result.error)
    return b""


def render_send(
    call: DashboardRequest,
    *,
    test: FormState | None = None,
    key: FormState | None = None,
    credential: FormState | None = None,
) -> Response:
    """Show the page; a form that was refused with what was typed, and with status 400."""
    with call.services.database.read() as connection:
        account = call.account["id"]
        keys = api_keys.list_all_api_keys(connection, account)
        credentials = smtp_credentials.list_smtp_credentials(connection, account, PageRequest(MAX_CREDENTIALS)).rows
        sender_domains = domains.list_domains(connection, account, PageRequest(1)).rows
    wrong = any(form is not None and form.error for form in (test, key, credential))
    return call.render(
        "send.html",
        400 if wrong else 200,
        here="send",
        account=call.account,
        url=service_url(call.request, call.services.settings),
        smtp=smtp_address(call),
        examples=make_examples(call, KEY_PLACEHOLDER),
        keys=[(row, key_access.describe(row["scopes"])) for row in keys],
        credentials=credentials,
        access_choices=key_access.CHOICES,
        test=test or FormState({"from": _default_sender(call.user, sender_domains), "to": call.user["email"]}),
        key=key or FormState(key_access.EMPTY_FORM),
        credential=credential or FormState({"name": "", "domains": "", "sandbox": ""}),
        said=FLASH_MESSAGES.get(call.query("done"), ""),
    )


def _default_sender(user: RowMapping, sender_domains: list[RowMapping]) -> str:
    return f"test@{sender_domains[0]['domain']}" if sender_domains else str(user["email"])


def make_examples(call: DashboardRequest, key: str) -> list[tuple[str, str, str]]:
    """Return the examples of sending with this key: id, title and text of each."""
    url, account = service_url(call.request, call.services.settings), str(call.account["id"])
    return [
        ("curl", "curl", send_examples.format_curl_send(url, account, key)),
        ("python", "Python", send_examples.format_python_send(url, account, key)),
    ]


def service_url(request: Request, settings: Settings) -> str:
    """Return the service's URL as this browser reaches it, without a slash at the end."""
    scheme = "https" if session_cookies.is_https(request, settings.trusted_proxies) else "http"
    return str(request.base_url.replace(scheme=scheme)).rstrip("/")


def smtp_address(call: DashboardRequest) -> SmtpAddress | None:
    """Return where this service takes mail over SMTP, None where it does not."""
    settings = call.services.settings
    ports = {"submission": settings.smtp_port, "submissions": settings.smtps_port}
    ports |= {server.service: server.address[1] for server in call.services.smtp_servers}  # where 0 was set
    if ports["submission"] is None and ports["submissions"] is None:
        return None
    host = settings.smtp_host
    if host in WILDCARD_ADDRESSES:
        host = call.request.url.hostname or host
    return SmtpAddress(host, ports["submission"], ports["submissions"])

"""The first steps of a new account, shown on the overview until they are done."""

from dataclasses import dataclass

from sqlalchemy import Connection

from linkweir.clock import SECOND_US, now
from linkweir.dashboard import heatmap
from linkweir.dashboard.page_request import DashboardRequest
from linkweir.mail import stored_messages, user_notices
from linkweir.pagination import PageRequest
from linkweir.stats import setup_progress
from linkweir.stats.setup_progress import SetupProgress
from linkweir.translation import gettext

MAX_AGE_US = 14 * 86_400 * SECOND_US  # of an account that is in use, and is reminded of what is left


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what to do, why or how, the name and path of the page for it, and whether it is done; `url`: a link to
    follow instead.
    """

    title: str
    hint: str
    action: str
    path: str
    is_done: bool
    url: str = ""


@dataclass(frozen=True, slots=True)
class FirstSteps:
    """The steps in their order; `is_open`: nothing was sent or followed yet, so they come first on the page."""

    steps: tuple[Step, ...]
    is_open: bool

    @property
    def done(self) -> int:
        """How many are done."""
        return sum(step.is_done for step in self.steps)


def load_first_steps(call: DashboardRequest, connection: Connection) -> FirstSteps | None:
    """Return the steps; None when all are done, when an old account is in use, and for users who may not take them."""
    if not call.may("accounts:write"):
        return None
    moment = now()
    progress = setup_progress.load_setup_progress(connection, call.account["id"], moment)
    if progress.is_complete or (progress.is_in_use and moment - call.account["created_at"] > MAX_AGE_US):
        return None
    return FirstSteps(_list_steps(call, connection, progress), not progress.is_in_use)


def _list_steps(call: DashboardRequest, connection: Connection, progress: SetupProgress) -> tuple[Step, ...]:
    steps = [
        Step(
            gettext("Send a first mail"),
            gettext("Send a test mail to yourself, or use the API or SMTP; the page has examples filled in."),
            gettext("Send"),
            "/send#test",
            progress.has_mail,
        ),
        _make_click_step(call, connection, progress),
        Step(
            gettext("Set up your domain"),
            gettext("Links of your mails can then use a host of your own, and mails can be signed (DKIM)."),
            gettext("Settings"),
            "/settings#domain",
            progress.has_domain,
        ),
    ]
    if call.may("api-keys:write"):
        hint = gettext("The first start printed one; create others for each program that sends.")
        steps.insert(0, Step(gettext("Create an API key"), hint, gettext("Keys"), "/send#keys", progress.has_key))
    if call.may("people:write"):
        hint = gettext("Others see the same numbers, as owner, editor or viewer.")
        steps.append(Step(gettext("Invite a colleague"), hint, gettext("People"), "/people", progress.has_colleague))
    return tuple(steps)


def _make_click_step(call: DashboardRequest, connection: Connection, progress: SetupProgress) -> Step:
    soon = gettext("Scanners come in the first minute after delivery, so a click then may be taken for a machine's.")
    hint = gettext("Your click appears here within seconds.") + f" {soon}"
    title = gettext("Follow a link in it")
    if progress.has_click or not progress.has_mail:
        return Step(title, hint, gettext("Messages") if progress.has_mail else "", "/messages", progress.has_click)
    if user_notices.has_relay(call.services.settings):
        return Step(
            title, gettext("Open the mail in your mail program.") + f" {hint}", gettext("Messages"), "/messages", False
        )
    newest = stored_messages.search_messages(connection, call.account["id"], PageRequest(1), {}).rows
    url = find_outbox_link(call, stored_messages.load_mail(connection, newest[0]["id"]) if newest else None)
    outbox = gettext("Mails are stored in the outbox until LINKWEIR_TRANSPORT names a relay, so here is the link.")
    return Step(title, f"{outbox} {hint}", gettext("Follow the link"), "/messages", False, url)


def find_outbox_link(call: DashboardRequest, raw: bytes | None) -> str:
    """Return the first tracking link of a mail that reaches nobody, for want of a relay; nothing if there is none."""
    html = heatmap.html_body(raw) if raw and not user_notices.has_relay(call.services.settings) else None
    links = heatmap.heatmap_links(html, call.services.keyring) if html else []
    return next((link.link.destination or "" for link in links if link.position is not None), "")

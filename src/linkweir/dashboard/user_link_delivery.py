"""How links for users reach them: by a URL that is shown, and by a mail that carries it.

They are built from the configured base URL, never from the request: whoever chose the Host header would get the secret.
"""

from linkweir.accounts.user_links import INVITATION_SECONDS, RESET_SECONDS
from linkweir.dashboard import rendering
from linkweir.dashboard.page_request import DashboardRequest
from linkweir.mail import user_notices
from linkweir.settings import Settings
from linkweir.translation import gettext


def link_url(root: str, settings: Settings, secret: str) -> str:
    """Return the URL of a link."""
    return f"{user_notices.dashboard_url(settings, root)}/link/{secret}"


def mail_invitation(call: DashboardRequest, email: str, url: str) -> bool:
    """Mail an invitation, where a relay is set; return whether it left."""
    settings = call.services.settings
    if not user_notices.has_relay(settings):
        return False
    text = gettext(
        "%(author)s invites you to the account “%(account)s” of Linkweir.\n\n"
        "To join, open this link within %(days)s days:\n%(url)s\n\n"
        "If you do not know what this is about, ignore this mail.\n",
        author=call.user["email"],
        account=call.account["name"],
        days=INVITATION_SECONDS // 86_400,
        url=url,
    )
    return user_notices.send_notice(settings, email, gettext("Invitation to Linkweir"), text)


def mail_password_reset(settings: Settings, email: str, url: str) -> bool:
    """Mail a link that sets a new password, where a relay is set; return whether it left."""
    if not user_notices.has_relay(settings):
        return False
    text = gettext(
        "To set a new password for %(email)s, open this link within %(hours)s hours:\n%(url)s\n\n"
        "If you did not ask for this, ignore this mail: the password stays.\n",
        email=email,
        hours=RESET_SECONDS // 3600,
        url=url,
    )
    return user_notices.send_notice(settings, email, gettext("Reset your Linkweir password"), text)


def request_link_url(call: DashboardRequest, secret: str) -> str:
    """Return the URL of a link made on this page."""
    return link_url(rendering.dashboard_root(call.request), call.services.settings, secret)

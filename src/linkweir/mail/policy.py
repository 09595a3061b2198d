"""Settings after overrides: recipient over message over account; the strictest privacy always wins."""

from dataclasses import dataclass

from linkweir.mail.model import Account, LinkStyle, Recipient, Submission
from linkweir.token import Privacy


@dataclass(frozen=True, slots=True)
class Policy:
    """What to do with the links of one message."""

    track_clicks: bool
    privacy: Privacy
    link_style: LinkStyle


def decide(account: Account, submission: Submission, recipient: Recipient, default_style: LinkStyle) -> Policy:
    """The policy for one recipient.

    Privacy NONE means that links are not replaced. An anonymous link is always sealed: a short one would
    need a row that ties it to its message, which is what anonymity rules out.
    """
    wishes = (recipient.track_clicks, submission.track_clicks, account.track_clicks)
    track = next(wish for wish in wishes if wish is not None)
    privacy = Privacy.strictest(submission.privacy, recipient.privacy)
    style = submission.link_style or default_style
    return Policy(
        track_clicks=track and privacy is not Privacy.NONE,
        privacy=privacy,
        link_style="sealed" if privacy is Privacy.ANONYMOUS else style,
    )

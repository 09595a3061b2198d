"""Tests of linkweir.mail.policy."""

import uuid

import pytest

from linkweir.mail.model import Account, Mailbox, Recipient, Submission
from linkweir.mail.policy import decide
from linkweir.token import Privacy

SENDER = Mailbox("a@example.com")


@pytest.mark.parametrize(
    ("account", "message", "recipient", "tracked"),
    [
        (False, None, None, False),
        (True, None, None, True),
        (False, True, None, True),
        (True, False, None, False),
        (True, False, True, True),
        (False, True, False, False),
    ],
)
def test_the_recipient_wins_over_the_message_over_the_account(
    account: bool, message: bool | None, recipient: bool | None, tracked: bool
) -> None:
    """The nearest wish that was expressed decides."""
    submission = Submission(sender=SENDER, recipients=(), subject="", track_clicks=message)
    policy = decide(Account(uuid.uuid4(), account, 1), submission, Recipient(SENDER, track_clicks=recipient), "sealed")
    assert policy.track_clicks is tracked


@pytest.mark.parametrize(
    ("message", "recipient", "expected"),
    [
        (Privacy.FULL, Privacy.ANONYMOUS, Privacy.ANONYMOUS),
        (Privacy.ANONYMOUS, Privacy.FULL, Privacy.ANONYMOUS),
        (Privacy.PSEUDONYMOUS, Privacy.FULL, Privacy.PSEUDONYMOUS),
    ],
)
def test_the_strictest_privacy_wins(message: Privacy, recipient: Privacy, expected: Privacy) -> None:
    """Nobody can be made less private by somebody else's setting."""
    submission = Submission(sender=SENDER, recipients=(), subject="", privacy=message)
    policy = decide(Account(uuid.uuid4(), True, 1), submission, Recipient(SENDER, privacy=recipient), "short")
    assert policy.privacy is expected
    assert policy.link_style == ("sealed" if expected is Privacy.ANONYMOUS else "short")


def test_no_privacy_to_give_means_no_tracking() -> None:
    """In mode `none` links are not replaced, whatever the switches say."""
    submission = Submission(sender=SENDER, recipients=(), subject="", track_clicks=True, privacy=Privacy.NONE)
    assert not decide(Account(uuid.uuid4(), True, 1), submission, Recipient(SENDER), "sealed").track_clicks

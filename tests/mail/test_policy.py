"""Tests of linkweir.mail.policy."""

import pytest

from linkweir.html import Switches
from linkweir.mail.model import LinkStyle, Wishes
from linkweir.mail.policy import Policy, decide
from linkweir.token import Privacy

ON = Wishes(track_clicks=True)


def policy_of(*levels: Wishes, style: LinkStyle = "sealed") -> Policy:
    """The policy of an operator without wishes."""
    return decide(*levels, switches=Switches(), default_style=style)


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
    levels = [Wishes(track_clicks=wish) for wish in (recipient, message, account)]
    policy = policy_of(*levels)
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
    policy = policy_of(Wishes(privacy=recipient), Wishes(privacy=message), ON, style="short")
    assert policy.privacy is expected
    assert policy.link_style == ("sealed" if expected is Privacy.ANONYMOUS else "short")


def test_no_privacy_to_give_means_no_tracking() -> None:
    """In mode `none` links are not replaced, whatever the switches say."""
    assert not policy_of(Wishes(track_clicks=True, privacy=Privacy.NONE), ON).track_clicks

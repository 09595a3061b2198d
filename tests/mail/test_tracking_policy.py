"""Tests of linkweir.mail.tracking_policy."""

import pytest

from linkweir.accounts.tracking_preferences import LinkStyle, TrackingPreferences
from linkweir.html import Switches
from linkweir.mail.tracking_policy import TrackingPolicy, resolve_policy
from linkweir.tokens import Privacy

TRACKING_ON = TrackingPreferences(track_clicks=True)


def make_operator_policy(*levels: TrackingPreferences, style: LinkStyle = "sealed") -> TrackingPolicy:
    """The policy of an operator without wishes."""
    return resolve_policy(*levels, switches=Switches(), default_style=style)


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
    levels = [TrackingPreferences(track_clicks=wish) for wish in (recipient, message, account)]
    policy = make_operator_policy(*levels)
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
    policy = make_operator_policy(
        TrackingPreferences(privacy=recipient), TrackingPreferences(privacy=message), TRACKING_ON, style="short"
    )
    assert policy.privacy is expected
    assert policy.link_style == ("sealed" if expected is Privacy.ANONYMOUS else "short")


def test_no_privacy_to_give_means_no_tracking() -> None:
    """In mode `none` links are not replaced, whatever the switches say."""
    assert not make_operator_policy(
        TrackingPreferences(track_clicks=True, privacy=Privacy.NONE), TRACKING_ON
    ).track_clicks

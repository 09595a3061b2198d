"""Tests of linkweir.privacy.disclosure: the words follow the settings."""

from dataclasses import replace
from typing import Any

import pytest

from linkweir.clicks.click_event import RecordingPolicy, make_event
from linkweir.clicks.enrichment import Enrichment
from linkweir.privacy.disclosure import DisclosureSettings, disclosure_sections
from linkweir.tokens import Privacy, Tracker, open_token
from tests.tokens.keyring_factory import BASE_URL, RING

OPERATOR_DEFAULTS = DisclosureSettings(
    honors_opt_out=True, truncates_ips=False, has_geoip=False, metadata_retention_days=30, content_retention_days=1
)
GEOIP_DEFAULTS = replace(OPERATOR_DEFAULTS, has_geoip=True)


def disclosure_text(**settings: bool | int) -> str:
    """The whole page as one text."""
    house = replace(OPERATOR_DEFAULTS, **settings)  # type: ignore[arg-type]
    return " ".join(text for _, texts in disclosure_sections(house) for text in texts)


def test_each_setting_has_its_text() -> None:
    """What is turned on is said, what is turned off is not."""
    assert "This is honoured" in disclosure_text()
    assert "are not honoured here" in disclosure_text(honors_opt_out=False)
    assert "This is honoured" not in disclosure_text(honors_opt_out=False)
    assert "without its last part" in disclosure_text(truncates_ips=True)
    assert "without its last part" not in disclosure_text()
    assert "the country and region" in disclosure_text(has_geoip=True)
    assert "the country and" not in disclosure_text()


def test_days_are_those_of_the_accounts() -> None:
    """Retention is named as the accounts have it; content of no days is kept until delivery."""
    assert "for at most 7 days" in disclosure_text(metadata_retention_days=7)
    assert "the content of a mail for 1 day" in disclosure_text()
    assert "only until it is delivered" in disclosure_text(content_retention_days=0)


@pytest.mark.parametrize(
    ("mode", "full", "pseudonymous", "anonymous"),
    [
        ("the mail and its recipient", True, True, False),
        ("its destination", True, True, False),
        ("your IP address", True, False, False),
        ("the country", True, True, True),
        ("the kind of device", True, True, True),
        ("the system", True, False, False),
    ],
)
def test_each_mode_lists_what_an_event_holds(mode: str, full: bool, pseudonymous: bool, anonymous: bool) -> None:
    """What the page says is noted in a mode is what the redirect records in it, and what it leaves out is not there."""
    pages = {
        text.partition(":")[0]: text.partition(";")[0]
        for text in dict(disclosure_sections(GEOIP_DEFAULTS))["What is recorded"]
    }
    told = (mode in pages["Full mode"], mode in pages["Pseudonymous mode"], mode in pages["Anonymous mode"])
    assert told == (full, pseudonymous, anonymous)
    fields = {
        "the mail and its recipient": "number",
        "its destination": "destination",
        "your IP address": "ip",
        "the country": "country",
        "the kind of device": "device",
        "the system": "user_agent",  # from which it is derived later
    }
    known = Enrichment("Firefox", "Linux", "desktop", "DE", "Berlin", "a cloud", ("agent-bot",))
    result = []
    for privacy in (Privacy.FULL, Privacy.PSEUDONYMOUS, Privacy.ANONYMOUS):
        tracker = Tracker(RING, BASE_URL, message=7, campaign="spring", privacy=privacy)
        opened = open_token(RING, tracker.mint("https://example.com/", 0).rpartition("/")[2])
        fact = make_event(
            opened,
            "https://example.com/",
            at=1,
            method="GET",
            ip="192.0.2.1",
            user_agent="Firefox",
            policy=RecordingPolicy(lambda *_: known),
        )
        assert fact is not None
        row: dict[str, Any] = fact.to_dict()
        if privacy is Privacy.FULL:  # what follows from address and user agent later
            row |= {"country": known.country, "device": known.device}
        result.append(row[fields[mode]] is not None)
    assert tuple(result) == (full, pseudonymous, anonymous)


def test_classification_is_disclosed_for_all_modes() -> None:
    """Network, kind of program, prefetching and missing headers are noted also where nobody may be told apart, and the
    page says so.
    """
    (hints,) = (
        text
        for text in dict(disclosure_sections(OPERATOR_DEFAULTS))["What is recorded"]
        if text.startswith("In all three")
    )
    for word in ("network", "program", "fetched before", "missing"):
        assert word in hints
